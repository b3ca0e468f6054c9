//! Times questions against a loaded server: `cargo bench --bench queries -- --file FILE --data FOLDER`,
//! where the file is the log that was loaded; parameters are drawn from it.
//!
//! One question after the other over one kept connection; with `--with-ingest` another connection
//! sends a second log meanwhile. How long answers took, not whether they are right: that is
//! checked against other databases in `peers`.

#![expect(clippy::print_stdout, reason = "a program whose output is its result")]

mod questions;
mod rig;

use clap::Parser;
use questions::{Asker, Question, ask};
use rig::Failure;
use rig::http::Client;
use rig::lines::Pieces;
use rig::server::Server;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Lines of a body sent meanwhile.
const PIECE_LINES: usize = 8_192;

/// Time questions against a loaded server
#[derive(Debug, Parser)]
struct Options {
    /// The log that was loaded
    #[arg(long)]
    file: PathBuf,
    /// A server that runs already
    #[arg(long, conflicts_with = "data")]
    url: Option<String>,
    /// Folder of a loaded database, to start a server on
    #[arg(long, default_value = "target/bench-data/ingest")]
    data: PathBuf,
    /// The program to start, instead of the one built with this
    #[arg(long)]
    program: Option<PathBuf>,
    /// Times that each question is asked, with other parameters each time
    #[arg(long, default_value_t = 200)]
    samples: usize,
    /// Accounts of an attribute past which it links nobody
    #[arg(long, default_value_t = 200)]
    hub_max: u32,
    /// Rows of an answer at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Other parameters
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Only questions whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// A second log, sent while questions are asked
    #[arg(long)]
    with_ingest: Option<PathBuf>,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let server = match options.url {
        Some(_) => None,
        None => Some(Server::start(&rig::server::program(options.program.clone()), &options.data)?),
    };
    let url = options.url.clone().or_else(|| server.as_ref().map(|server| server.url.clone()));
    let url = url.unwrap_or_default();
    if let Some(server) = &server {
        server.wait_until_ready()?;
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result<(), Failure> {
        let sender = options.with_ingest.as_deref().map(|file| scope.spawn(|| send_until(file, &url, &done)));
        let asked = ask_all(&options, &url);
        done.store(true, Ordering::Relaxed);
        if let Some(sender) = sender {
            let rate = sender.join().map_err(|_| "the sender panicked")??;
            println!("{}", json!({ "ingest_events_a_second": rate }));
        }
        asked
    })?;
    server.map_or(Ok(()), Server::stop)
}

/// Asks every question and prints a line for each.
fn ask_all(options: &Options, url: &str) -> Result<(), Failure> {
    let mut asker = Asker::new(&options.file, options.seed, options.hub_max, options.limit)?;
    let mut client = Client::connect(url)?;
    println!("{:<18}{:>8}{:>12}{:>12}{:>12}", "question", "asked", "p50 ms", "p99 ms", "max ms");
    let mut reports = Vec::new();
    for question in Question::ALL {
        if options.only.as_deref().is_some_and(|part| !question.name().contains(part)) {
            continue;
        }
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..question.samples(options.samples) {
            let (path, body) = asker.draw(question)?;
            let started = Instant::now();
            let reply = ask(&mut client, &path, body.as_deref())?;
            times.push(started.elapsed());
            if reply.status != 200 {
                return Err(
                    format!("{path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body)).into()
                );
            }
            bytes += reply.body.len();
        }
        reports.push(report(question, times, bytes));
    }
    println!("{}", json!({ "questions": reports, "limit": options.limit, "hub_max": options.hub_max }));
    Ok(())
}

/// Prints one question's times and gives them as JSON.
fn report(question: Question, mut times: Vec<Duration>, bytes: usize) -> Value {
    times.sort_unstable();
    // The nearest rank, rounded up: of three times the 99th percentile is the longest, not the middle.
    let ms = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1].as_secs_f64() * 1e3;
    let (p50, p99, max) = (ms(50), ms(99), ms(100));
    println!("{:<18}{:>8}{p50:>12.3}{p99:>12.3}{max:>12.3}", question.name(), times.len());
    json!({
        "question": question.name(),
        "asked": times.len(),
        "p50_ms": p50,
        "p99_ms": p99,
        "max_ms": max,
        "answer_bytes": bytes / times.len(),
    })
}

/// Sends a log until told to stop; its rate.
fn send_until(file: &Path, url: &str, done: &AtomicBool) -> Result<f64, Failure> {
    let mut client = Client::connect(url)?;
    let mut pieces = Pieces::open(file, PIECE_LINES)?;
    let (mut piece, mut events) = (Vec::new(), 0);
    let started = Instant::now();
    while !done.load(Ordering::Relaxed) {
        let lines = pieces.next(&mut piece)?;
        if lines == 0 {
            return Err("the second log ended before the questions did: give a longer one".into());
        }
        let answer = client.post("/v1/events", &piece)?.json()?;
        // Duplicates cost less than events that are kept, so their rate would flatter.
        if answer["accepted"] != json!(lines) {
            return Err(format!(
                "the second log has to be new: {lines} lines were sent, the answer is {answer}"
            )
            .into());
        }
        events += lines;
    }
    Ok(events as f64 / started.elapsed().as_secs_f64())
}
