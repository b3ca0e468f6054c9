//! Bodies to the server: one after the other, again when it asks for that.

use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::ingest::progress::Progress;
use crate::cli::ingest::resume::Mark;
use crate::cli::ingest::source::{Body, Source};
use crate::http::client::{Client, ClientError, Response};
use crate::limits::{LINE_BYTES_MAX, SEND_ERRORS_SHOWN_MAX, SEND_TRIES_MAX, SEND_WAIT_MAX};
use serde_json::Value;
use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, SyncSender};
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
    /// Whether the server has taken anything yet: one that has will come back.
    proven: Cell<bool>,
}

impl<'a> Sender<'a> {
    pub(super) fn new(server: &'a Server, progress: &'a Progress) -> Self {
        Self { server, progress, proven: Cell::new(false) }
    }

    /// Sends all of it as one body. Not tried again: what was read is gone.
    pub(super) fn send_whole(&self, source: Source) -> Result<Tally, CliError> {
        let mut client = self.server.client()?;
        let response = client.post_stream("/v1/events", None, source.into_reader())?;
        tally(&response, |value| format!("value {value}")).ok_or_else(|| CliError::refused(&response))
    }

    /// Sends the lines that are left, a body when the one before it is taken: what is analysed by the log's own time
    /// has to arrive in its order. `on_ack` hears of each.
    pub(super) fn send_lines(
        &self,
        source: &mut Source,
        mut on_ack: impl FnMut(&Ack),
    ) -> Result<(), CliError> {
        // The next bodies are read while one is on its way.
        let (jobs, queue) = mpsc::sync_channel(1);
        std::thread::scope(|scope| {
            scope.spawn(move || read(source, &jobs));
            let mut client = self.server.client()?;
            // After an error the reader ends, since nobody takes its bodies.
            for body in queue {
                let body = body.map_err(|reason| CliError::Input { path: PathBuf::new(), reason })?;
                on_ack(&self.post(&mut client, &body)?);
            }
            Ok(())
        })
    }

    fn post(&self, client: &mut Client, body: &Body) -> Result<Ack, CliError> {
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
                        self.proven.set(true);
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
            #[expect(
                clippy::disallowed_methods,
                reason = "the server says how long, and nothing else tells"
            )]
            std::thread::sleep(wait);
            tries += 1;
        }
    }

    fn may_come_back(&self, error: &ClientError) -> bool {
        let of_connection = matches!(
            error,
            ClientError::NobodyThere { .. } | ClientError::Connect { .. } | ClientError::Broken { .. }
        );
        of_connection && self.proven.get()
    }
}

/// Reads bodies until the end, an error, or until nobody takes them.
fn read(source: &mut Source, jobs: &SyncSender<io::Result<Body>>) {
    while let Some(body) = source.next_body().transpose() {
        let is_last = body.is_err();
        if jobs.send(body).is_err() || is_last {
            return;
        }
    }
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
