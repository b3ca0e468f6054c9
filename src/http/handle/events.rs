//! `POST|PUT /v1/events`: a body to batches, batches to the writer, and one answer when all of them
//! are synced.
//!
//! Memory is bounded twice: a request asks for room before it decodes a piece, and has at most
//! `BATCHES_INFLIGHT_MAX` batches waiting for their commit. While it waits for anything it takes in
//! what was committed meanwhile, because the room for it comes back only then. When room is short it
//! sends the batch that it has, full or not: two requests that each hold half of the room would
//! otherwise wait for each other.

use crate::http::body::{BodyLimits, Pieces, discard};
use crate::http::engine::{Decode, Engine, Pending};
use crate::http::error::Problem;
use crate::http::handle::Reply;
use crate::http::metrics::Metrics;
use crate::ingest::{Kind, Outcome, Permit, Reject, Summary};
use crate::limits::{BATCHES_INFLIGHT_MAX, ERRORS_LISTED_MAX};
use crate::store::StoreError;
use bytes::Bytes;
use hyper::body::Body;
use hyper::header::EXPECT;
use hyper::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::task::Poll;

/// Takes a body in.
pub(crate) async fn receive<B: Body<Data = Bytes> + Unpin>(
    engine: &dyn Engine,
    metrics: &Metrics,
    body: B,
    headers: &HeaderMap,
    source: Option<Kind>,
) -> Result<Reply, Problem> {
    let decoder = engine.decoder(None, source);
    let taken = take_in(engine, metrics, body, headers, decoder, BodyLimits::default()).await?;
    taken.tally.reply(taken.failure)
}

/// What came of a body.
pub(crate) struct Taken {
    pub(crate) tally: Tally,
    pub(crate) summary: Summary,
    /// The first thing that went wrong, other than with single records.
    pub(crate) failure: Option<Problem>,
}

/// Takes a body in through a decoder.
pub(crate) async fn take_in<B: Body<Data = Bytes> + Unpin>(
    engine: &dyn Engine,
    metrics: &Metrics,
    body: B,
    headers: &HeaderMap,
    decoder: Box<dyn Decode>,
    limits: BodyLimits,
) -> Result<Taken, Problem> {
    let mut pieces = open(body, headers, limits).await?;
    let mut intake =
        Intake { engine, metrics, decoder, share: None, waiting: VecDeque::new(), tally: Tally::default() };
    let failure = intake.run(&mut pieces).await;
    let (tally, summary) = (intake.tally(), intake.decoder.summary());
    metrics.rejected.fetch_add(tally.rejected, Ordering::Relaxed);
    if failure.is_some() {
        pieces.discard().await;
    }
    Ok(Taken { tally, summary, failure })
}

/// What became of a body so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    pub(crate) rejected: u64,
    /// Edge records taken, which are no events.
    pub(crate) halves: u64,
    pub(crate) errors: Vec<Reject>,
    /// Lines that the store refused.
    pub(crate) refused: Vec<u64>,
}

impl Tally {
    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("accepted".into(), self.accepted.into());
        members.insert("duplicates".into(), self.duplicates.into());
        members.insert("rejected".into(), self.rejected.into());
        // Nothing new for those who send whole events.
        if self.halves > 0 {
            members.insert("halves".into(), self.halves.into());
        }
        // Numbers and text always become JSON.
        members.insert("errors".into(), serde_json::to_value(&self.errors).unwrap_or_default());
        members
    }

    /// Whether anything was taken, now or before.
    pub(crate) fn took_any(&self) -> bool {
        self.accepted + self.duplicates + self.halves > 0
    }

    pub(crate) fn reply(&self, failure: Option<Problem>) -> Result<Reply, Problem> {
        let nothing = self.rejected > 0 && !self.took_any();
        let failure = failure.or_else(|| {
            let detail = "not one event could be taken; errors says why, line by line";
            nothing.then(|| Problem::new(StatusCode::BAD_REQUEST, "nothing-accepted", detail))
        });
        if let Some(mut problem) = failure {
            problem.members.extend(self.members());
            return Err(problem);
        }
        Ok(Reply::ok("application/json", format!("{}\n", Value::from(self.members()))))
    }
}

/// A body on its way in.
struct Intake<'e> {
    engine: &'e dyn Engine,
    metrics: &'e Metrics,
    decoder: Box<dyn Decode>,
    /// Room held for what is being decoded.
    share: Option<Permit>,
    /// Batches that wait for their commit, oldest first.
    waiting: VecDeque<Pending<Result<Outcome, StoreError>>>,
    tally: Tally,
}

impl Intake<'_> {
    /// Reads the body and waits until all of it is on disk. Gives the first thing that went wrong.
    async fn run<B: Body<Data = Bytes> + Unpin>(&mut self, pieces: &mut Pieces<B>) -> Option<Problem> {
        let mut failure = self.read(pieces).await.err();
        while failure.is_none() && !self.decoder.finish() {
            failure = self.send().await.err();
        }
        // Events before the place where a body breaks off are whole, so they are kept: whoever sends
        // the body again sends duplicates of them. After a failure of the disk there is no use.
        if failure.as_ref().is_none_or(|problem| problem.status.is_client_error())
            && let Err(problem) = self.send().await
        {
            failure.get_or_insert(problem);
        }
        while !self.waiting.is_empty() {
            let outcome = settle(&mut self.waiting).await;
            if let Err(problem) = self.count(outcome) {
                failure.get_or_insert(problem);
            }
        }
        failure
    }

    async fn read<B: Body<Data = Bytes> + Unpin>(&mut self, pieces: &mut Pieces<B>) -> Result<(), Problem> {
        loop {
            let more = loop {
                tokio::select! {
                    biased;
                    more = pieces.advance() => break more?,
                    outcome = settle(&mut self.waiting), if !self.waiting.is_empty() => self.count(outcome)?,
                }
            };
            if !more {
                return Ok(());
            }
            self.take(pieces.piece(), pieces.held_bytes()).await?;
            tokio::task::yield_now().await;
        }
    }

    async fn take(&mut self, piece: &[u8], held_bytes: usize) -> Result<(), Problem> {
        let mut rest = piece;
        while !rest.is_empty() {
            // A row takes about as much as its line again.
            self.make_room(held_bytes + 2 * rest.len()).await?;
            let used = self.decoder.feed(rest);
            rest = rest.get(used..).unwrap_or_default();
            if self.decoder.batch_ready() {
                self.send().await?;
            } else if used == 0 {
                return Err(Problem::internal("the decoder took nothing and had no batch".to_owned()));
            }
        }
        Ok(())
    }

    /// Holds room for what is decoded and `extra` bytes.
    async fn make_room(&mut self, extra: usize) -> Result<(), Problem> {
        let mut missing = self.missing_bytes(extra);
        if missing > self.engine.room().bytes_left() {
            self.send().await?;
            missing = self.missing_bytes(extra);
        }
        if missing > 0 {
            let permit = self.wait_for_room(missing).await?;
            self.hold(permit);
        }
        Ok(())
    }

    async fn wait_for_room(&mut self, bytes: usize) -> Result<Permit, Problem> {
        let engine = self.engine;
        let mut turn = std::pin::pin!(engine.room().acquire(bytes));
        loop {
            tokio::select! {
                biased;
                permit = &mut turn => return permit.map_err(|_| Problem::busy()),
                outcome = settle(&mut self.waiting), if !self.waiting.is_empty() => self.count(outcome)?,
            }
        }
    }

    fn missing_bytes(&self, extra: usize) -> usize {
        let have = self.share.as_ref().map_or(0, Permit::bytes);
        (self.decoder.buffered_bytes() + extra).saturating_sub(have)
    }

    fn hold(&mut self, permit: Permit) {
        match &mut self.share {
            Some(share) => share.merge(permit),
            None => self.share = Some(permit),
        }
    }

    /// Hands what is decoded to the writer, together with the room that it takes.
    async fn send(&mut self) -> Result<(), Problem> {
        let batch = self.decoder.take_batch();
        if batch.is_empty() {
            return Ok(());
        }
        let mut failure = Ok(());
        while self.waiting.len() >= BATCHES_INFLIGHT_MAX {
            let outcome = settle(&mut self.waiting).await;
            failure = failure.and(self.count(outcome));
        }
        failure?;
        let permit = match self.share.take() {
            Some(permit) => permit,
            // What the end of the body completed: the room for it went with the batch before.
            None => self.wait_for_room(batch.bytes()).await?,
        };
        let mut pending = self.engine.submit(batch, permit);
        match poll_fn(|context| Poll::Ready(pending.as_mut().poll(context))).await {
            Poll::Ready(outcome) => self.count(outcome),
            Poll::Pending => {
                self.waiting.push_back(pending);
                Ok(())
            }
        }
    }

    fn count(&mut self, outcome: Result<Outcome, StoreError>) -> Result<(), Problem> {
        let outcome = outcome?;
        self.metrics.accepted.fetch_add(outcome.accepted, Ordering::Relaxed);
        self.metrics.duplicates.fetch_add(outcome.duplicates, Ordering::Relaxed);
        self.tally.accepted += outcome.accepted;
        self.tally.duplicates += outcome.duplicates;
        self.tally.halves += outcome.halves;
        self.tally.rejected += outcome.rejected.len() as u64;
        self.tally.refused.extend(outcome.rejected.iter().map(|reject| reject.line));
        let room = ERRORS_LISTED_MAX.saturating_sub(self.tally.errors.len());
        self.tally.errors.extend(outcome.rejected.into_iter().take(room));
        Ok(())
    }

    /// The whole tally, with what the decoder refused.
    fn tally(&mut self) -> Tally {
        let rejects = std::mem::take(self.decoder.rejects());
        self.engine.note_refused(&rejects.refused);
        let mut tally = std::mem::take(&mut self.tally);
        tally.rejected += rejects.count;
        tally.errors.extend(rejects.first);
        tally.errors.sort_by_key(|error| error.line);
        tally.errors.truncate(ERRORS_LISTED_MAX);
        tally
    }
}

/// Waits for the oldest batch. Dropped half-way, it leaves the batch where it is.
async fn settle(waiting: &mut VecDeque<Pending<Result<Outcome, StoreError>>>) -> Result<Outcome, StoreError> {
    let Some(oldest) = waiting.front_mut() else { return Ok(Outcome::default()) };
    let outcome = oldest.as_mut().await;
    waiting.pop_front();
    outcome
}

/// A reader of a body, unless the headers show that it cannot be taken.
pub(crate) async fn open<B: Body<Data = Bytes> + Unpin>(
    body: B,
    headers: &HeaderMap,
    limits: BodyLimits,
) -> Result<Pieces<B>, Problem> {
    match Pieces::new(body, headers, limits) {
        Ok(pieces) => Ok(pieces),
        Err((mut body, error)) => {
            if !headers.contains_key(EXPECT) {
                discard(&mut body).await;
            }
            Err(error.into())
        }
    }
}

/// Reads a small text body, such as a search expression.
pub(crate) async fn read_text<B: Body<Data = Bytes> + Unpin>(
    body: B,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Result<String, Problem> {
    let limits = BodyLimits { sent_bytes_max: bytes_max as u64, decoded_bytes_max: bytes_max as u64 };
    let too_large = |problem: Problem| match problem.code {
        "body-too-large" => Problem { detail: format!("this body has at most {bytes_max} bytes"), ..problem },
        _ => problem,
    };
    let mut pieces = open(body, headers, limits).await.map_err(too_large)?;
    let mut bytes = Vec::new();
    loop {
        match pieces.advance().await {
            Ok(true) => bytes.extend_from_slice(pieces.piece()),
            Ok(false) => break,
            Err(error) => {
                pieces.discard().await;
                return Err(too_large(error.into()));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "wrong-body", "the body is not UTF-8: send it as plain text")
    })
}
