//! Floor 2: the only user of redb. (Being written.)

use crate::event::{Aspect, Day, Dim, EventBatch, Micros, Number, Text, Window};
use roaring::RoaringBitmap;

/// What went wrong underneath.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space left. Reads go on; writes may be tried again later.
    #[error("the disk is full")]
    DiskFull,
    /// Writing stopped for good after an I/O error.
    #[error("the disk failed: {0}")]
    Io(String),
    /// A stored value does not match its checksum or its format.
    #[error("damaged data in {place}: {reason}")]
    Corrupt { place: String, reason: String },
    /// Could not be opened; the text says what to do.
    #[error("{0}")]
    Open(String),
}

/// A consistent view.
pub struct Snapshot {}
