//! Bodies to the server: several at once, again when it asks for that, acknowledged in order.

use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::ingest::progress::Progress;
use crate::cli::ingest::resume::Mark;
use crate::cli::ingest::source::{Body, Source};
use crate::http::client::{Client, ClientError, Response};
use crate::limits::{LINE_BYTES_MAX, SEND_CONNECTIONS, SEND_ERRORS_SHOWN_MAX, SEND_TRIES_MAX, SEND_WAIT_MAX};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What became of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    /// Edge records, which are halves of events.
    pub(super) halves: u64,
    /// Place and reason of the first that were rejected.
    pub(super) errors: Vec<(String, String)>,
}

impl Tally {
    /// Adds what became of a part of a file.
    pub(super) fn add(&mut self, part: &Self, file: &str) {
        self.accepted += part.accepted;
        self.duplicates += part.duplicates;
        self.rejected += part.rejected;
        self.halves += part.halves;
        let room = SEND_ERRORS_SHOWN_MAX.saturating_sub(self.errors.len());
        let errors = part.errors.iter().take(room);
        self.errors.extend(errors.map(|(place, reason)| (format!("{file}:{place}"), reason.clone())));
    }

    /// Events that got an answer.
    pub(super) fn events(&self) -> u64 {
        self.accepted + self.duplicates + self.rejected + self.halves
    }
}

/// Everything up to here is acknowledged.
pub(super) struct Ack {
    /// What became of the events since the last one.
    pub(super) tally: Tally,
    /// How far it is.
    pub(super) mark: Mark,
}

/// Sends one file.
pub(super) struct Sender<'a> {
    server: &'a Server,
    progress: &'a Progress,
    stop: Stop,
    /// Whether the server has taken anything yet: one that has will come back.
    proven: AtomicBool,
}

/// Wakes whoever waits when there is nothing left to wait for.
#[derive(Default)]
struct Stop {
    told: Mutex<bool>,
    bell: Condvar,
}

impl Stop {
    fn tell(&self) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
    }

    /// Waits, and says whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.bell.wait_timeout_while(told, time, |told| !*told);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A body, numbered, and what became of it.
type Done = (u64, Result<Ack, CliError>);

impl<'a> Sender<'a> {
    pub(super) fn new(server: &'a Server, progress: &'a Progress) -> Self {
        Self { server, progress, stop: Stop::default(), proven: AtomicBool::new(false) }
    }

    /// Sends all of it as one body. Not tried again: what was read is gone.
    pub(super) fn send_whole(&self, source: Source) -> Result<Tally, CliError> {
        let mut client = self.server.client()?;
        let response = client.post_stream("/v1/events", None, source.into_reader())?;
        tally(&response, |value| format!("value {value}")).ok_or_else(|| CliError::refused(&response))
    }

    /// Sends the lines that are left. `on_ack` hears of them in their order.
    pub(super) fn send_lines(
        &self,
        source: &mut Source,
        mut on_ack: impl FnMut(&Ack),
    ) -> Result<(), CliError> {
        let (jobs, queue) = mpsc::sync_channel(1);
        let queue = Mutex::new(queue);
        let (done, results) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..SEND_CONNECTIONS {
                let (queue, done) = (&queue, done.clone());
                scope.spawn(move || self.work(queue, &done));
            }
            scope.spawn(move || self.read(source, &jobs, &done));
            let outcome = in_order(&results, &mut on_ack);
            // The others end at their next body; the reader ends when nobody takes its bodies.
            self.stop.tell();
            drop(results);
            outcome
        })
    }

    fn work(&self, queue: &Mutex<Receiver<(u64, Body)>>, done: &mpsc::Sender<Done>) {
        let mut client = None;
        loop {
            let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((number, body)) = job else { return };
            let sent = self.post(&mut client, &body);
            // With nobody left to tell, the bodies are taken off the queue so that the reader ends.
            drop(done.send((number, sent)));
        }
    }

    fn read(&self, source: &mut Source, jobs: &SyncSender<(u64, Body)>, done: &mpsc::Sender<Done>) {
        for number in 0.. {
            if !self.stop.wait(Duration::ZERO) {
                return;
            }
            match source.next_body() {
                Ok(Some(body)) => {
                    if jobs.send((number, body)).is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(reason) => {
                    let failed = CliError::Input { path: PathBuf::new(), reason };
                    drop(done.send((number, Err(failed))));
                    return;
                }
            }
        }
    }

    fn post(&self, client: &mut Option<Client>, body: &Body) -> Result<Ack, CliError> {
        if !self.stop.wait(Duration::ZERO) {
            return Err(CliError::Failed("stopped".into()));
        }
        let client = match client {
            Some(client) => client,
            None => client.insert(self.server.client()?),
        };
        let mut tally = self.post_again(client, body)?;
        for line in &body.skipped {
            tally.rejected += 1;
            tally.errors.push((line.to_string(), format!("the line is longer than {LINE_BYTES_MAX} bytes")));
        }
        Ok(Ack { tally, mark: body.mark })
    }

    /// Sends until the server has taken it, has refused it for good, or was asked too often.
    fn post_again(&self, client: &mut Client, body: &Body) -> Result<Tally, CliError> {
        let mut tries = 1;
        loop {
            let sent = client.post("/v1/events", "application/x-ndjson", body.bytes.clone());
            let (error, wait) = match sent {
                Ok(response) => match tally(&response, |value| body.line_of(value).to_string()) {
                    Some(tally) => {
                        self.proven.store(true, Ordering::Relaxed);
                        return Ok(tally);
                    }
                    None => (CliError::refused(&response), retry_after(&response, tries)),
                },
                Err(error) => {
                    let wait = self.may_come_back(&error).then(|| backoff(tries));
                    (error.into(), wait)
                }
            };
            let Some(wait) = wait.filter(|_| tries < SEND_TRIES_MAX) else { return Err(error) };
            self.progress.note(&format!("{error}; asking again in {} s", wait.as_secs()));
            if !self.stop.wait(wait) {
                return Err(error);
            }
            tries += 1;
        }
    }

    fn may_come_back(&self, error: &ClientError) -> bool {
        let of_connection = matches!(
            error,
            ClientError::NobodyThere { .. } | ClientError::Connect { .. } | ClientError::Broken { .. }
        );
        of_connection && self.proven.load(Ordering::Relaxed)
    }
}

/// Hands results on in the order of their numbers; the first failure in that order ends it.
fn in_order(results: &Receiver<Done>, on_ack: &mut impl FnMut(&Ack)) -> Result<(), CliError> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, result) in results {
        early.insert(number, result);
        while let Some(result) = early.remove(&next) {
            on_ack(&result?);
            next += 1;
        }
    }
    Ok(())
}

/// The server's tally, if the answer has one; `place` names the place of a value of the body.
fn tally(response: &Response, place: impl Fn(u64) -> String) -> Option<Tally> {
    // 400 with a tally means that not one line was good, which is an outcome like others.
    if !response.status.is_success() && response.status.as_u16() != 400 {
        return None;
    }
    let answer: Value = serde_json::from_slice(&response.body).ok()?;
    let number = |name: &str| answer.get(name).and_then(Value::as_u64);
    let errors = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = errors.iter().take(SEND_ERRORS_SHOWN_MAX).map(|error| {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let field = text("field").map(|field| format!("{field}: ")).unwrap_or_default();
        let line = error.get("line").and_then(Value::as_u64).unwrap_or_default();
        (place(line), format!("{field}{}", text("reason").unwrap_or("rejected")))
    });
    Some(Tally {
        accepted: number("accepted")?,
        duplicates: number("duplicates")?,
        rejected: number("rejected")?,
        halves: number("halves").unwrap_or(0),
        errors: named.collect(),
    })
}

/// How long to wait before the next try; `None` when there is no use in one.
fn retry_after(response: &Response, tries: u32) -> Option<Duration> {
    if !matches!(response.status.as_u16(), 429 | 503 | 507) {
        return None;
    }
    let header = response.headers.get("retry-after").and_then(|value| value.to_str().ok());
    let asked = header.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    Some(asked.unwrap_or_else(|| backoff(tries)).min(SEND_WAIT_MAX))
}

fn backoff(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.saturating_sub(1).min(6)).min(SEND_WAIT_MAX)
}
