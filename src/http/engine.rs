//! What the HTTP floor asks of the house below it, in one narrow trait.
//!
//! `app` implements it over the real writer and store; the tests of this floor implement it with a
//! few lines, so that a full disk or a query that never ends needs neither a disk nor a wait.

use crate::detect::{Ledger, Report};
use crate::event::{EventBatch, Micros};
use crate::ingest::{
    Budget as Room, Decoder, Kind, Mappings, Outcome, Permit, Protocol, Push, Refused, Rejects, Summary,
};
use crate::query::{Answer, Budget, QueryError, Request};
use crate::store::{Coverage, JoinFigures, StoreError};
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;

/// A future that can be kept beside others.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Bytes to events, for one body.
pub trait Decode: Send {
    /// Takes bytes in and says how many it used: fewer than given when a batch is ready.
    fn feed(&mut self, piece: &[u8]) -> usize;
    /// Says that the body is complete. `false` when a batch is ready: take it and call again.
    fn finish(&mut self) -> bool;
    /// Whether a batch is full.
    fn batch_ready(&self) -> bool;
    /// The events decoded so far, full batch or not.
    fn take_batch(&mut self) -> EventBatch;
    /// Bytes of memory held: the batch so far and the value that is not complete yet.
    fn buffered_bytes(&self) -> usize;
    /// What was refused so far.
    fn rejects(&mut self) -> &mut Rejects;
    /// What became of a body of a protocol besides its events, once it is finished.
    fn summary(&mut self) -> Summary {
        Summary::default()
    }
}

impl Decode for Decoder {
    fn feed(&mut self, piece: &[u8]) -> usize {
        self.feed(piece)
    }

    fn finish(&mut self) -> bool {
        self.finish()
    }

    fn batch_ready(&self) -> bool {
        self.batch_ready()
    }

    fn take_batch(&mut self) -> EventBatch {
        self.take_batch()
    }

    fn buffered_bytes(&self) -> usize {
        self.buffered_bytes()
    }

    fn rejects(&mut self) -> &mut Rejects {
        self.rejects()
    }
}

impl Decode for Push {
    fn feed(&mut self, piece: &[u8]) -> usize {
        self.feed(piece)
    }

    fn finish(&mut self) -> bool {
        self.finish()
    }

    fn batch_ready(&self) -> bool {
        self.batch_ready()
    }

    fn take_batch(&mut self) -> EventBatch {
        self.take_batch()
    }

    fn buffered_bytes(&self) -> usize {
        self.buffered_bytes()
    }

    fn rejects(&mut self) -> &mut Rejects {
        self.rejects()
    }

    fn summary(&mut self) -> Summary {
        self.summary()
    }
}

/// Figures about the store, for `/v1/status` and `/metrics`.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Rows stored.
    pub rows: u64,
    /// Bytes of the data file.
    pub file_bytes: u64,
    /// Commits since the start.
    pub commits: u64,
    /// Time of the newest event.
    pub newest: Option<Micros>,
    /// Why nothing can be written now, if so.
    pub unwritable: Option<String>,
    /// What each log source has brought.
    pub coverage: Coverage,
    /// Halves of events that wait, and what became of others.
    pub joins: JoinFigures,
    /// Everything else that the store says about itself, shown in `/v1/status` as it is.
    pub details: Value,
    /// What the analysis says about itself, shown in `/v1/status` as it is.
    pub analysis: Value,
}

/// What became of a body of account records.
#[derive(Clone, Debug, Default)]
pub struct AccountsNoted {
    /// Accounts that had no record.
    pub new: u64,
    /// Accounts whose record says something else now.
    pub changed: u64,
    /// Accounts whose record said so already.
    pub same: u64,
    /// What was not taken.
    pub rejects: Rejects,
}

/// The house below.
pub trait Engine: Send + Sync + 'static {
    /// A decoder for one body of records, or of a protocol, perhaps of a source that the request names.
    fn decoder(&self, protocol: Option<Protocol>, source: Option<Kind>) -> Box<dyn Decode>;

    /// Sources of logs that are not built in.
    fn sources(&self) -> Mappings {
        Mappings::default()
    }

    /// The bytes that all requests together may hold between socket and disk.
    fn room(&self) -> &Room;

    /// Notes what was refused before it came to the store, for the figures of its source.
    fn note_refused(&self, _refused: &[Refused]) {}

    /// Queues a batch; done when it is synced to disk. The permit goes back when the batch has left
    /// memory.
    fn submit(&self, batch: EventBatch, permit: Permit) -> Pending<Result<Outcome, StoreError>>;

    /// Answers a question. Blocks; called where blocking is fine.
    fn query(&self, request: &Request, budget: &Budget) -> Result<Answer, QueryError>;

    /// What the analysis knows as of its last closing; cheap.
    fn ledger(&self) -> Arc<Ledger>;

    /// Closes every day that begins before an instant (all there are, if none is given) and says what the
    /// last closing did. Blocks; called where blocking is fine.
    fn analyze(&self, until: Option<Micros>) -> Result<Report, StoreError>;

    /// The sealed evidence of a cluster, as one document.
    fn evidence(&self, id: &str) -> Result<Value, QueryError>;

    /// Notes that accounts were banned, now or at an instant; says how many were not known to be. Blocks.
    fn ban(&self, accounts: Vec<String>, at: Option<Micros>) -> Result<usize, StoreError>;

    /// Notes that a model came out, now or at an instant. Blocks.
    fn release(&self, model: String, at: Option<Micros>) -> Result<(), StoreError>;

    /// Takes a body of account records in; what could be read is on disk then. Blocks.
    fn note_accounts(&self, body: &[u8]) -> Result<AccountsNoted, StoreError>;

    /// Figures about the store; cheap.
    fn status(&self) -> Result<Status, StoreError>;
}
