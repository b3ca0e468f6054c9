//! The same events in each protocol, side by side in one run: `cargo bench --bench protocols`.
//!
//! Decoding alone is measured by the processor time of its thread, which other programs do not disturb; with
//! `--serve` the same bodies go over HTTP to a server, a new one each, and its processor time is reported.

#![expect(clippy::print_stdout, reason = "a program whose output is its result")]

mod bodies;
#[expect(dead_code, reason = "shared with other benches, which use the rest")]
#[path = "../rig/mod.rs"]
mod rig;
#[expect(dead_code, reason = "shared with other benches, which use the rest")]
#[path = "../rig/usage.rs"]
mod usage;
#[expect(dead_code, reason = "shared with other benches, which use the rest")]
#[path = "../world/mod.rs"]
mod world;

use bodies::{Body, FORMS, Form};
use cahoots::ingest::{Context, Decoder, Push};
use cahoots::privacy::{Privacy, Pseudonyms};
use clap::Parser;
use rig::Failure;
use rig::http::Client;
use rig::server::Server;
use rustix::time::{ClockId, clock_gettime};
use std::path::PathBuf;
use std::time::Instant;
use world::{SEED, World};

/// Bodies that a form decodes before it is the next one's turn.
const GROUP_BODIES: usize = 10;

/// Measure every decoder with the same events
#[derive(Debug, Parser)]
struct Options {
    /// Events to send in each form
    #[arg(long, default_value_t = 200_000)]
    events: u64,
    /// Events of one body
    #[arg(long, default_value_t = 1_000)]
    body: usize,
    /// Times that each form is decoded; the best one counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only the forms in whose name this is
    #[arg(long, default_value = "")]
    only: String,
    /// Send the bodies to a server too
    #[arg(long)]
    serve: bool,
    /// Folder for its data; it has to be new
    #[arg(long, default_value = "target/bench-data/protocols")]
    data: PathBuf,
    /// The program to start, instead of the one built with this
    #[arg(long)]
    program: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let mut world = World::new(options.events, SEED);
    let mut lines = Vec::new();
    while world.write_line(&mut lines) {}
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    println!("{} events, {} a body, best of {} rounds", lines.len(), options.body, options.rounds);
    println!("{:<22} {:>8} {:>12} {:>8} {:>8}", "form", "bytes", "decoded/s", "of native", "MB/s");
    let mut native = None;
    for (form, sum) in FORMS.iter().zip(decode_all(&options, &lines)?) {
        if sum.bytes == 0 {
            continue;
        }
        let rate = lines.len() as f64 / sum.seconds;
        let native = *native.get_or_insert(rate);
        let (each, megabytes) = (sum.bytes / lines.len(), sum.bytes as f64 / 1e6 / sum.seconds);
        println!("{:<22} {each:>8} {rate:>12.0} {:>9.2} {megabytes:>8.0}", form.name, rate / native);
    }
    if options.serve {
        serve(&options, &lines)?;
    }
    Ok(())
}

/// What the bodies of a form came to.
#[derive(Clone, Copy, Default)]
struct Sum {
    bytes: usize,
    seconds: f64,
}

/// Decodes every form. They take turns, a group of bodies each, so that whatever slows the machine for a while slows
/// them all, and so that a form of many bytes need not be in memory as a whole.
fn decode_all(options: &Options, lines: &[&[u8]]) -> Result<[Sum; FORMS.len()], Failure> {
    let mut sums = [Sum::default(); FORMS.len()];
    for group in lines.chunks(options.body * GROUP_BODIES) {
        for (form, sum) in
            FORMS.into_iter().zip(&mut sums).filter(|(form, _)| form.name.contains(&options.only))
        {
            let bodies: Vec<Body> = group
                .chunks(options.body)
                .map(|lines| bodies::body(form, lines))
                .collect::<Result<_, _>>()?;
            let mut best = f64::MAX;
            for _ in 0..options.rounds {
                let before = thread_seconds();
                let events: usize = bodies.iter().map(|body| decode(form, body)).sum();
                best = best.min(thread_seconds() - before);
                if events != group.len() {
                    return Err(format!("{}: {events} of {} events", form.name, group.len()).into());
                }
            }
            sum.bytes += bodies.iter().map(|body| body.bytes.len()).sum::<usize>();
            sum.seconds += best;
        }
    }
    Ok(sums)
}

/// Decodes a body and drops its events.
fn decode(form: Form, body: &Body) -> usize {
    let privacy = Privacy::new([1; 32], Pseudonyms::NONE);
    let context = Context::new(1, i64::MAX / 4, privacy);
    let mut events = 0;
    if let Some(protocol) = form.protocol {
        let mut push = Push::new(protocol, context, None);
        push.feed(&body.bytes);
        while !push.finish() {
            events += push.take_batch().len();
        }
        return events + push.take_batch().len();
    }
    let mut decoder = Decoder::new(context);
    let mut rest = body.bytes.as_slice();
    while !rest.is_empty() {
        let used = decoder.feed(rest);
        rest = &rest[used..];
        if decoder.batch_ready() {
            events += decoder.take_batch().len();
        }
    }
    while !decoder.finish() {
        events += decoder.take_batch().len();
    }
    events + decoder.take_batch().len()
}

/// Processor seconds of this thread.
fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Sends every form to a server of its own. Every event is of one hour, so that no day closes and what is measured
/// is taking events in, and nothing of the detection.
fn serve(options: &Options, lines: &[&[u8]]) -> Result<(), Failure> {
    println!("\n{:<22} {:>12} {:>14} {:>8}", "form, over HTTP", "stored/s", "server us each", "of native");
    let program = rig::server::program(options.program.clone());
    let lines: Vec<Vec<u8>> =
        lines.iter().enumerate().map(|(at, line)| within_an_hour(line, at)).collect::<Result<_, _>>()?;
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let mut native = None;
    for form in FORMS.into_iter().filter(|form| form.name.contains(&options.only)) {
        let server = Server::start(&program, &options.data.join(form.name))?;
        let (wall, used) = send(options, form, &lines, &server)?;
        server.stop()?;
        std::fs::remove_dir_all(options.data.join(form.name))?;
        let each = used * 1e6 / lines.len() as f64;
        let native = *native.get_or_insert(each);
        let rate = lines.len() as f64 / wall;
        println!("{:<22} {rate:>12.0} {each:>14.2} {:>8.2}", form.name, native / each);
    }
    Ok(())
}

/// Sends all lines in a form. Returns the seconds that passed while it sent, and the processor seconds of the server.
fn send(options: &Options, form: Form, lines: &[&[u8]], server: &Server) -> Result<(f64, f64), Failure> {
    server.wait_until_ready()?;
    let mut client = Client::connect(&server.url)?;
    let mut wall = 0.0;
    let before = usage::processor_seconds(server.child.id())?;
    for lines in lines.chunks(options.body) {
        let body = bodies::body(form, lines)?;
        let began = Instant::now();
        let reply = client.post(form.path, &body.bytes)?;
        wall += began.elapsed().as_secs_f64();
        if !(200..300).contains(&reply.status) {
            return Err(format!("{}: {}", form.name, String::from_utf8_lossy(&reply.body)).into());
        }
    }
    let used = usage::processor_seconds(server.child.id())? - before;
    let status = client.get("/v1/status")?.json()?;
    if status["events"].as_u64() != Some(lines.len() as u64) {
        return Err(format!("{}: {} events are stored", form.name, status["events"]).into());
    }
    Ok((wall, used))
}

/// First moment of the events that are sent, 2026-03-01.
const FIRST_MICROS: u64 = 1_772_323_200_000_000;

/// A line with a time of its own within an hour.
fn within_an_hour(line: &[u8], at: usize) -> Result<Vec<u8>, Failure> {
    let mut event: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line)?;
    event.insert("ts".to_owned(), (FIRST_MICROS + (at as u64 * 1_000) % 3_600_000_000).into());
    Ok(serde_json::to_vec(&event)?)
}
