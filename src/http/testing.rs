//! What the tests of this floor share: bodies that come when and how a test wants, and an engine
//! that does what a test says.

use crate::detect::{Ledger, Report};
use crate::event::{Draft, EventBatch, Micros};
use crate::http::engine::{AccountsNoted, Decode, Engine, Pending, Status};
use crate::ingest::{Budget as Room, Kind, Outcome, Permit, Protocol, Reject, Rejects};
use crate::limits::INFLIGHT_WAIT;
use crate::query::{Answer, Budget, QueryError, Request, Table};
use crate::store::{JoinFigures, StoreError};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Sleep, sleep};

/// A body made of given pieces.
pub(crate) struct PiecesBody {
    pieces: VecDeque<Bytes>,
    silent: bool,
    pause: Option<Duration>,
    sleeping: Option<Pin<Box<Sleep>>>,
}

impl PiecesBody {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self { pieces: pieces.into_iter().collect(), silent: false, pause: None, sleeping: None }
    }

    /// Never ends.
    pub(crate) fn then_silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Pauses before each piece.
    pub(crate) fn every(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }
}

impl Body for PiecesBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = self.pause {
            let sleeping = self.sleeping.get_or_insert_with(|| Box::pin(sleep(pause)));
            std::task::ready!(sleeping.as_mut().poll(context));
            self.sleeping = None;
        }
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.silent => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// What the fake engine does with batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Disk {
    #[default]
    Works,
    Full,
    Broken,
    /// Commits only after `FakeEngine::commit`.
    Waits,
}

/// An engine whose events are lines: the line `bad` is refused by the decoder, `odd` by the store,
/// and a line seen before is a duplicate.
pub(crate) struct FakeEngine {
    pub(crate) room: Room,
    pub(crate) disk: Mutex<Disk>,
    pub(crate) stored: Arc<Mutex<Vec<String>>>,
    pub(crate) commits: Arc<Semaphore>,
    pub(crate) submitted: Arc<AtomicUsize>,
    pub(crate) batch_events_max: usize,
    pub(crate) query_started: Arc<Notify>,
    pub(crate) query_cancelled: Arc<Notify>,
    pub(crate) unwritable: AtomicBool,
}

impl FakeEngine {
    pub(crate) fn new() -> Self {
        Self {
            room: Room::new(64 << 20, INFLIGHT_WAIT),
            disk: Mutex::default(),
            stored: Arc::default(),
            commits: Arc::new(Semaphore::new(0)),
            submitted: Arc::default(),
            batch_events_max: 3,
            query_started: Arc::default(),
            query_cancelled: Arc::default(),
            unwritable: AtomicBool::new(false),
        }
    }

    pub(crate) fn with_disk(self, disk: Disk) -> Self {
        *self.disk.lock().expect("lock") = disk;
        self
    }

    pub(crate) fn stored(&self) -> Vec<String> {
        self.stored.lock().expect("lock").clone()
    }
}

impl Engine for FakeEngine {
    fn decoder(&self, _: Option<Protocol>, _source: Option<Kind>) -> Box<dyn Decode> {
        Box::new(LineDecoder { events_max: self.batch_events_max, ..LineDecoder::default() })
    }

    fn room(&self) -> &Room {
        &self.room
    }

    fn submit(&self, batch: EventBatch, permit: Permit) -> Pending<Result<Outcome, StoreError>> {
        let disk = *self.disk.lock().expect("lock");
        let (stored, commits) = (Arc::clone(&self.stored), Arc::clone(&self.commits));
        let submitted = Arc::clone(&self.submitted);
        Box::pin(async move {
            submitted.fetch_add(1, Ordering::Relaxed);
            match disk {
                Disk::Full => return Err(StoreError::DiskFull),
                Disk::Broken => return Err(StoreError::Io("sector 7".into())),
                Disk::Waits => commits.acquire().await.expect("open").forget(),
                Disk::Works => {}
            }
            let mut outcome = Outcome::default();
            let mut stored = stored.lock().expect("lock");
            for event in batch.iter() {
                let line =
                    String::from_utf8_lossy(event.aspect_key(crate::event::Aspect::Subject)).into_owned();
                if line.contains("odd") {
                    let reason = "it is odd".to_owned();
                    outcome.rejected.push(Reject { line: event.line(), field: None, reason });
                } else if stored.contains(&line) {
                    outcome.duplicates += 1;
                } else {
                    stored.push(line);
                    outcome.accepted += 1;
                }
            }
            drop(permit);
            Ok(outcome)
        })
    }

    fn query(&self, request: &Request, budget: &Budget) -> Result<Answer, QueryError> {
        let account = match request {
            Request::Account { account, .. } => account.clone(),
            Request::Search { expression, .. } => expression.clone(),
            other => format!("{other:?}"),
        };
        match account.as_str() {
            "nobody" => return Err(QueryError::NotFound { what: "account", name: account }),
            "panics" => panic!("a fault in a query"),
            "endless" => {
                self.query_started.notify_one();
                loop {
                    if let Err(stopped) = budget.check() {
                        self.query_cancelled.notify_one();
                        return Err(stopped);
                    }
                    std::thread::yield_now();
                }
            }
            _ => {}
        }
        let table = Table::new(vec!["account"], vec![vec![account.clone().into()]]);
        Ok(Answer { document: serde_json::json!({ "account": account }), table, next: Some("c1".into()) })
    }

    fn ledger(&self) -> Arc<Ledger> {
        Arc::default()
    }

    fn analyze(&self, _until: Option<Micros>) -> Result<Report, StoreError> {
        Ok(Report::default())
    }

    fn evidence(&self, id: &str) -> Result<serde_json::Value, QueryError> {
        Err(QueryError::NotFound { what: "cluster", name: id.to_owned() })
    }

    fn ban(&self, accounts: Vec<String>, _at: Option<Micros>) -> Result<usize, StoreError> {
        Ok(accounts.len())
    }

    fn release(&self, _model: String, _at: Option<Micros>) -> Result<(), StoreError> {
        Ok(())
    }

    fn note_accounts(&self, body: &[u8]) -> Result<AccountsNoted, StoreError> {
        let new = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
        match *self.disk.lock().expect("lock") {
            Disk::Full => Err(StoreError::DiskFull),
            _ => Ok(AccountsNoted { new, ..AccountsNoted::default() }),
        }
    }

    fn status(&self) -> Result<Status, StoreError> {
        let unwritable = self.unwritable.load(Ordering::Relaxed).then(|| "the disk is full".to_owned());
        let rows = self.stored.lock().expect("lock").len() as u64;
        let details = serde_json::json!({ "segments": 0 });
        let (newest, analysis) = (Some(1_500_000), serde_json::json!({ "closed": null }));
        let coverage = Status::default().coverage;
        let joins = JoinFigures::default();
        let (file_bytes, commits) = (4_096, 7);
        Ok(Status { rows, file_bytes, commits, newest, unwritable, coverage, joins, details, analysis })
    }
}

/// Lines to events.
#[derive(Default)]
struct LineDecoder {
    partial: Vec<u8>,
    batch: EventBatch,
    line: u64,
    rejects: Rejects,
    events_max: usize,
}

impl LineDecoder {
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        self.line += 1;
        if line == b"bad" {
            let reason = "it is bad".to_owned();
            self.rejects.push(Reject { line: self.line, field: Some("ts"), reason });
        } else if !line.is_empty() {
            let mut draft = Draft { line: self.line, ..Draft::default() };
            draft.dims[0] = &line;
            self.batch.push(&draft);
        }
    }
}

impl Decode for LineDecoder {
    fn feed(&mut self, piece: &[u8]) -> usize {
        for (at, byte) in piece.iter().enumerate() {
            if self.batch_ready() {
                return at;
            }
            if *byte == b'\n' { self.end_line() } else { self.partial.push(*byte) }
        }
        piece.len()
    }

    fn finish(&mut self) -> bool {
        if !self.partial.is_empty() {
            self.end_line();
        }
        true
    }

    fn batch_ready(&self) -> bool {
        self.batch.len() >= self.events_max
    }

    fn take_batch(&mut self) -> EventBatch {
        std::mem::take(&mut self.batch)
    }

    fn buffered_bytes(&self) -> usize {
        self.partial.len() + self.batch.bytes()
    }

    fn rejects(&mut self) -> &mut Rejects {
        &mut self.rejects
    }
}
