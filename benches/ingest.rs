//! Sends a log to a server over HTTP and reports rate, disk, memory and processor time:
//! `cargo bench --bench ingest -- --file FILE`, with a log made by the bench `generate`.
//!
//! Each connection sends a body, waits for the answer and sends the next, as shippers do. The client
//! is kept thin, and its processor time is reported apart from the server's.

#![expect(clippy::print_stdout, reason = "a program whose output is its result")]

#[path = "rig/halves.rs"]
mod halves;
mod rig;
#[path = "rig/usage.rs"]
mod usage;

use clap::Parser;
use rig::Failure;
use rig::http::Client;
use rig::lines::Pieces;
use rig::server::Server;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events whose rate is reported apart, at the start and at the end.
const EDGE_EVENTS: u64 = 1_000_000;

/// The figures as they are printed for people; the line of JSON has them all too.
const READING_ORDER: [&str; 20] = [
    "events",
    "wall_s",
    "events_a_second",
    "first_million_a_second",
    "last_million_a_second",
    "answer_p50_ms",
    "answer_p99_ms",
    "answer_max_ms",
    "client_cpu_s",
    "server_cpu_s",
    "server_rss_bytes",
    "server_rss_peak_bytes",
    "disk_bytes_live",
    "disk_bytes_stopped",
    "disk_bytes_an_event_live",
    "disk_bytes_an_event_stopped",
    "file_bytes_live",
    "file_bytes_stopped",
    "restart_after_kill_s",
    "stop_s",
];

/// Send a log to a server and measure
#[derive(Clone, Debug, Parser)]
struct Options {
    /// NDJSON to send
    #[arg(long)]
    file: PathBuf,
    /// A server that runs already; otherwise one is started
    #[arg(long)]
    url: Option<String>,
    /// Folder of the server that is started; it has to be new
    #[arg(long, default_value = "target/bench-data/ingest")]
    data: PathBuf,
    /// The program to start, instead of the one built with this
    #[arg(long)]
    program: Option<PathBuf>,
    /// Connections that send at once
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// Lines of one body
    #[arg(long, default_value_t = 8_192)]
    lines: usize,
    /// After the load, kill the server and time its restart
    #[arg(long)]
    restart_check: bool,
    /// Load it again under pseudonyms, and once more cut into halves that are joined
    #[arg(long)]
    variants: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// An acknowledged body.
#[derive(Clone, Copy, Debug)]
struct Ack {
    at: Duration,
    lines: u64,
    waited: Duration,
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let mut report = match &options.url {
        Some(url) => load(&options, url, None)?,
        None => measure_own(&options)?,
    };
    print_text(&report);
    report["file"] = json!(options.file);
    report["connections"] = json!(options.connections);
    report["lines_a_body"] = json!(options.lines);
    println!("{report}");
    if options.variants {
        variants(&options)?;
    }
    Ok(())
}

/// The same log with what costs more: a new server each.
fn variants(options: &Options) -> Result<(), Failure> {
    let cut = options.data.with_extension("halves.ndjson");
    halves::write(&options.file, &cut)?;
    let variants: [(&str, &Path, &[&str]); 3] = [
        ("plain", &options.file, &[]),
        ("pseudonyms", &options.file, &["--pseudonymize=account,ip"]),
        ("halves", &cut, &["--join=on"]),
    ];
    println!("\n{:<12} {:>12} {:>16}", "variant", "events/s", "server us each");
    for (name, file, settings) in variants {
        let options =
            Options { file: file.to_owned(), data: options.data.with_extension(name), ..options.clone() };
        let server =
            Server::start_with(&rig::server::program(options.program.clone()), &options.data, settings)?;
        let report = load(&options, &server.url, Some(server.child.id()))?;
        let events = Client::connect(&server.url)?.get("/v1/status")?.json()?["events"].as_f64();
        let (events, wall) = (events.ok_or("no events")?, report["wall_s"].as_f64().ok_or("no time")?);
        let processor = report["server_cpu_s"].as_f64().ok_or("no processor time")?;
        println!("{name:<12} {:>12.0} {:>16.2}", events / wall, processor * 1e6 / events);
        server.stop()?;
        std::fs::remove_dir_all(&options.data)?;
    }
    std::fs::remove_file(cut)?;
    Ok(())
}

/// Starts a server, loads it, stops it, and looks at what it left.
fn measure_own(options: &Options) -> Result<Value, Failure> {
    if std::fs::read_dir(&options.data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(format!("{} is not empty: give a new folder", options.data.display()).into());
    }
    let program = rig::server::program(options.program.clone());
    let mut server = Server::start(&program, &options.data)?;
    let mut report = load(options, &server.url, Some(server.child.id()))?;
    disk(&mut report, "live", &options.data)?;
    if options.restart_check {
        server = restart(server, &program, options, &mut report)?;
    }
    let stopping = Instant::now();
    server.stop()?;
    report["stop_s"] = json!(stopping.elapsed().as_secs_f64());
    disk(&mut report, "stopped", &options.data)?;
    Ok(report)
}

/// Sends the whole file and reports on it.
fn load(options: &Options, url: &str, pid: Option<u32>) -> Result<Value, Failure> {
    let client_before = usage::processor_seconds(std::process::id())?;
    let server_before = pid.map_or(Ok(0.0), usage::processor_seconds)?;
    let pieces = Mutex::new(Pieces::open(&options.file, options.lines)?);
    let started = Instant::now();
    let mut acks: Vec<Ack> = std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..options.connections).map(|_| scope.spawn(|| send(url, &pieces, started))).collect();
        let mut acks = Vec::new();
        for sender in senders {
            acks.extend(sender.join().map_err(|_| "a sender panicked")??);
        }
        Ok::<_, Failure>(acks)
    })?;
    acks.sort_by_key(|ack| ack.at);
    let mut report = rates(&acks)?;
    report["client_cpu_s"] = json!(usage::processor_seconds(std::process::id())? - client_before);
    if let Some(pid) = pid {
        report["server_cpu_s"] = json!(usage::processor_seconds(pid)? - server_before);
        let (resident, peak) = usage::memory(pid)?;
        report["server_rss_bytes"] = json!(resident);
        report["server_rss_peak_bytes"] = json!(peak);
    }
    Ok(report)
}

/// One connection: takes pieces of the file until there are none.
fn send(url: &str, pieces: &Mutex<Pieces>, started: Instant) -> Result<Vec<Ack>, Failure> {
    let mut client = Client::connect(url)?;
    let (mut acks, mut piece) = (Vec::new(), Vec::new());
    loop {
        let lines = pieces.lock().unwrap_or_else(PoisonError::into_inner).next(&mut piece)? as u64;
        if lines == 0 {
            return Ok(acks);
        }
        let sent = Instant::now();
        let answer = client.post("/v1/events", &piece)?.json()?;
        let taken = ["accepted", "halves"].iter().filter_map(|name| answer[name].as_u64()).sum::<u64>();
        if taken != lines {
            return Err(format!("{lines} lines were sent, and the answer is {answer}").into());
        }
        acks.push(Ack { at: started.elapsed(), lines, waited: sent.elapsed() });
    }
}

/// Events a second, of all and of the first and last million.
fn rates(acks: &[Ack]) -> Result<Value, Failure> {
    let events: u64 = acks.iter().map(|ack| ack.lines).sum();
    let wall = acks.last().ok_or("the file is empty")?.at;
    let mut at_events = Vec::new();
    let mut sum = 0;
    for ack in acks {
        sum += ack.lines;
        at_events.push((sum, ack.at));
    }
    let rate = |from: (u64, Duration), to: (u64, Duration)| {
        (to.0 - from.0) as f64 / to.1.saturating_sub(from.1).as_secs_f64()
    };
    let edge = EDGE_EVENTS.min(events);
    let first = at_events.iter().find(|at| at.0 >= edge).copied().ok_or("no answers")?;
    let before_last = at_events.iter().rev().find(|at| at.0 <= events - edge).copied();
    let mut waits: Vec<Duration> = acks.iter().map(|ack| ack.waited).collect();
    waits.sort_unstable();
    let wait_ms = |percent: usize| waits[(waits.len() * percent).div_ceil(100) - 1].as_secs_f64() * 1e3;
    Ok(json!({
        "events": events,
        "wall_s": wall.as_secs_f64(),
        "events_a_second": events as f64 / wall.as_secs_f64(),
        "first_million_a_second": rate((0, Duration::ZERO), first),
        "last_million_a_second": rate(before_last.unwrap_or_default(), (events, wall)),
        "answer_p50_ms": wait_ms(50),
        "answer_p99_ms": wait_ms(99),
        "answer_max_ms": wait_ms(100),
    }))
}

/// Kills the server, starts it again, and checks that nothing is lost.
fn restart(server: Server, program: &Path, options: &Options, report: &mut Value) -> Result<Server, Failure> {
    let rows = |url: &str| -> Result<Value, Failure> {
        Ok(Client::connect(url)?.get("/v1/status")?.json()?["events"].clone())
    };
    let before = rows(&server.url)?;
    drop(server);
    let started = Instant::now();
    let server = Server::start(program, &options.data)?;
    server.wait_until_ready()?;
    report["restart_after_kill_s"] = json!(started.elapsed().as_secs_f64());
    let after = rows(&server.url)?;
    if before != after || before.as_u64().is_none() {
        return Err(format!("{before} events before the kill and {after} after it").into());
    }
    Ok(server)
}

fn disk(report: &mut Value, when: &str, folder: &Path) -> Result<(), Failure> {
    let (allocated, length) = usage::folder_bytes(folder)?;
    let events = report["events"].as_f64().unwrap_or(f64::NAN);
    report[format!("disk_bytes_{when}")] = json!(allocated);
    report[format!("file_bytes_{when}")] = json!(length);
    report[format!("disk_bytes_an_event_{when}")] = json!(allocated as f64 / events);
    Ok(())
}

/// The report as aligned lines in the order in which one reads them, megabytes where it says bytes.
fn print_text(report: &Value) {
    for name in READING_ORDER {
        let Some(number) = report[name].as_f64() else { continue };
        if name.contains("_bytes") && !name.contains("an_event") {
            println!("{name:<30} {:>12.1} MB", number / 1e6);
        } else if number.fract() == 0.0 || number >= 1_000.0 {
            println!("{name:<30} {number:>12.0}");
        } else {
            println!("{name:<30} {number:>12.3}");
        }
    }
}
