//! What the HTTP floor asks of the house below it, in one narrow trait.
//!
//! `app` implements it over the real writer and store; the tests of this floor implement it with a
//! few lines, so that a full disk or a query that never ends needs neither a disk nor a wait.

use crate::event::{EventBatch, Micros};
use crate::query::{Answer, Budget, QueryError, Request};
use crate::store::StoreError;
use serde::Serialize;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A future that can be kept beside others.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One value of a body that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// Which value of the body, counted from 1.
    pub line: u64,
    /// The field that is wrong, if it is one field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is wrong and how to mend it.
    pub reason: String,
}

/// What became of one batch.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Events stored and synced to disk.
    pub accepted: u64,
    /// Events that were there already.
    pub duplicates: u64,
    /// Events that the store refused.
    pub rejected: Vec<Reject>,
}

/// Bytes to events, for one body.
pub trait Decode: Send {
    /// Takes bytes in and says how many it used: fewer than given when a batch is ready.
    fn feed(&mut self, piece: &[u8]) -> usize;
    /// Says that the body is complete.
    fn finish(&mut self);
    /// Whether a batch is full.
    fn batch_ready(&self) -> bool;
    /// The events decoded so far, full batch or not.
    fn take_batch(&mut self) -> EventBatch;
    /// Bytes of memory held: the batch so far and the value that is not complete yet.
    fn buffered_bytes(&self) -> usize;
    /// How many values were refused, and the first of them.
    fn take_rejects(&mut self) -> (u64, Vec<Reject>);
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
    /// Everything else that the store says about itself, shown in `/v1/status` as it is.
    pub details: Value,
}

/// The house below.
pub trait Engine: Send + Sync + 'static {
    /// A decoder for one body.
    fn decoder(&self) -> Box<dyn Decode>;

    /// The bytes that all requests together may hold (`INFLIGHT_BYTES_MAX`), one permit a byte.
    fn room(&self) -> &Arc<Semaphore>;

    /// Queues a batch when first polled; done when it is synced to disk. The permit goes back when
    /// the batch has left memory.
    fn submit(
        &self,
        batch: EventBatch,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Pending<Result<Outcome, StoreError>>;

    /// Answers a question. Blocks; called where blocking is fine.
    fn query(&self, request: &Request, budget: &Budget) -> Result<Answer, QueryError>;

    /// Figures about the store; cheap.
    fn status(&self) -> Result<Status, StoreError>;
}
