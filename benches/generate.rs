//! Writes a made-up request log: `cargo bench --bench generate -- --events N [--out FILE] [--planted FILE]`.
//!
//! What is in it is said in `world`; this is the command line, the output and the rate.

#![expect(clippy::print_stderr, reason = "a program that tells its rate beside its output")]

mod world;

use clap::Parser;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;
use world::{LINE_BYTES_MAX, SEED, World};

/// Bytes collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Write a made-up request log as NDJSON
#[derive(Debug, Parser)]
struct Options {
    /// Number of events
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// File to write; standard output when missing or `-`
    #[arg(long)]
    out: Option<PathBuf>,
    /// Also write the names of the planted accounts to this file
    #[arg(long)]
    planted: Option<PathBuf>,
    /// Another world
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let mut world = World::new(options.events, options.seed);
    if let Some(path) = &options.planted {
        std::fs::write(path, world.planted_names())?;
    }
    let mut out: Box<dyn Write> = match &options.out {
        Some(path) if path.as_os_str() != "-" => Box::new(std::fs::File::create(path)?),
        _ => Box::new(std::io::stdout().lock()),
    };
    let started = Instant::now();
    let mut buffer = Vec::with_capacity(WRITE_BYTES + LINE_BYTES_MAX);
    let mut bytes = 0;
    while world.write_line(&mut buffer) {
        if buffer.len() >= WRITE_BYTES {
            bytes += buffer.len();
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)?;
    out.flush()?;
    bytes += buffer.len();
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "{} events, {:.1} bytes a line, {:.2} s, {:.2} M lines/s",
        options.events,
        bytes as f64 / options.events as f64,
        seconds,
        options.events as f64 / seconds / 1e6
    );
    Ok(())
}
