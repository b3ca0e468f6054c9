//! `cahoots demo`: a made-up day through the real server, three questions, and their answers.
//!
//! Nothing is taken short: the server listens on a port, events go in over HTTP and are acknowledged
//! after fsync, questions are asked over HTTP. What is known of the made-up day decides whether the
//! answers are right, and with that the exit code.

mod network;
mod questions;
mod world;

use crate::app::{self, AppError, Options};
use crate::cli::ask::fetch;
use crate::cli::error::CliError;
use crate::cli::serve::{log_to_stderr, told_to_stop};
use crate::cli::target::Target;
use crate::clock::{Clock, SystemClock};
use crate::event::Day;
use crate::http::client::Client;
use crate::limits::SEND_LINES_MAX;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;
use world::World;

const EXAMPLES: &str = "\
Examples:
  cahoots demo
  cahoots demo --once
  cahoots demo --data ./demo --listen 127.0.0.1:7070

Exit code 0 when every answer is what the made-up day has in it, else 1.";

/// A small provider's day through the real server, and three questions answered
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {
    /// End after the answers instead of serving on.
    #[arg(long)]
    once: bool,

    /// Folder of the data file; a scratch folder that is removed at the end, unless you say.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// Where to listen; a free port on loopback, unless you say.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

impl Demo {
    /// Shows it.
    pub(crate) fn run(self) -> Result<(), CliError> {
        log_to_stderr("warn");
        let scratch = tempfile::Builder::new().prefix("cahoots-demo-").tempdir();
        let scratch = scratch.map_err(|error| CliError::Failed(format!("no scratch folder: {error}")))?;
        let data = self.data.clone().unwrap_or_else(|| scratch.path().to_owned());
        let day = Day(Day::of(SystemClock.now()).0 - 1);
        say(&format!("making up one day of a small provider, {}", day_name(day)))?;
        let world = world::make(day);
        say(&format!("  {} accounts, {} requests\n", world.accounts, world.lines.len()))?;
        let options = Options::new(data, self.listen);
        let server = Server::start(options)?;
        let shown = show(&server, &world, day, scratch.path());
        let keep_on = shown.is_ok() && !self.once;
        if keep_on {
            say("\nstill serving; Ctrl-C ends it and removes the scratch folder")?;
        }
        let ended = server.end(keep_on);
        shown.and(ended)
    }
}

/// What is to be seen between start and end.
fn show(server: &Server, world: &World, day: Day, scratch: &Path) -> Result<(), CliError> {
    let url = format!("http://{}", server.address);
    say(&format!("the server listens on {url}, its data is in {}\n", server.data.display()))?;
    let mut client = Client::new(&url, None)?;
    // The older days first: a day closes with the first event of a later one.
    let log = scratch.join("log.ndjson");
    let days = network::make(day)?;
    network::send(&mut client, &days, &log)?;
    send(&mut client, world, &log)?;
    questions::ask(&mut client, world)?;
    network::find(&mut client, &days, &log, scratch)?;
    say(&format!("\ntry it yourself:\n{}", questions::curl_lines(&url, world)))
}

/// The server on its own thread.
struct Server {
    address: SocketAddr,
    data: PathBuf,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), AppError>>,
}

impl Server {
    fn start(options: Options) -> Result<Self, CliError> {
        let data = options.data.clone();
        let (stop, told) = oneshot::channel::<()>();
        let (ready, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let told = async {
                tokio::select! {
                    _ = told => {}
                    () = told_to_stop() => {}
                }
            };
            app::serve(&options, told, |address| {
                // Nobody waits for it any more if the start was given up.
                let _ = ready.send(address);
            })
        });
        match address.recv() {
            Ok(address) => Ok(Self { address, data, stop, thread }),
            // It ended before it was ready, and says why.
            Err(_) => {
                Err(joined(thread).err().unwrap_or_else(|| CliError::Failed("the server stopped".into())))
            }
        }
    }

    /// Waits for Ctrl-C, or ends it at once.
    fn end(self, keep_on: bool) -> Result<(), CliError> {
        if !keep_on {
            // A server that has ended already hears nothing.
            let _ = self.stop.send(());
            return joined(self.thread);
        }
        let ended = joined(self.thread);
        drop(self.stop);
        ended
    }
}

fn joined(thread: JoinHandle<Result<(), AppError>>) -> Result<(), CliError> {
    let ended = thread.join().map_err(|_| CliError::Failed("the server broke down".into()))?;
    Ok(ended?)
}

/// Sends the day in several bodies and tells of each.
fn send(client: &mut Client, world: &World, log: &Path) -> Result<(), CliError> {
    say("sending them over HTTP; each body is acknowledged after fsync")?;
    let (started, mut sent) = (Instant::now(), 0);
    let mut copy = File::options().append(true).open(log).map_err(CliError::Output)?;
    for part in world.lines.chunks(SEND_LINES_MAX) {
        let began = Instant::now();
        copy.write_all(part.concat().as_bytes()).map_err(CliError::Output)?;
        let response = client.post("/v1/events", "application/x-ndjson", part.concat())?;
        if !response.status.is_success() {
            return Err(CliError::refused(&response));
        }
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
        let taken = number("accepted") + number("duplicates");
        if taken != part.len() as u64 {
            return Err(CliError::Failed(format!("of {} events only {taken} were taken", part.len())));
        }
        sent += taken;
        let took = began.elapsed();
        let rate = taken as f64 / took.as_secs_f64();
        say(&format!("  {sent:>6} on disk; this body took {:>3} ms, {rate:.0} events/s", took.as_millis()))?;
    }
    let status = fetch(client, &Target::new("/v1/status").with("format", Some("json")), None)?;
    let status: Value = serde_json::from_slice(&status.body).unwrap_or_default();
    let bytes = status.get("file_bytes").and_then(Value::as_u64).unwrap_or_default();
    say(&format!("  all in {} ms; the data file has {} KiB\n", started.elapsed().as_millis(), bytes >> 10))
}

/// One line, or several, to stdout.
fn say(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(CliError::Output)
}

fn day_name(day: Day) -> String {
    let noon = jiff::Timestamp::from_microsecond(day.start());
    noon.map_or_else(|_| format!("{day:?}"), |start| start.to_string().chars().take(10).collect())
}
