//! What can go wrong on this floor, split by what the caller can do about it.

use std::io;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space left. Reads go on; a later write may succeed.
    #[error("the disk is full: free some space, ingest goes on by itself")]
    DiskFull,
    /// The disk failed in another way. Writing has stopped for good, because what reached the disk is unknown.
    #[error("the disk failed and writing has stopped: {0}")]
    Io(String),
    /// A stored value does not match its checksum or its format. Never shown as an empty answer.
    #[error("damaged data in {place}: {reason}")]
    Corrupt {
        /// Table and key.
        place: String,
        /// What did not match.
        reason: String,
    },
    /// The data folder cannot be opened; the text says why and how to mend it.
    #[error("{0}")]
    Open(String),
}

impl StoreError {
    pub(crate) fn corrupt(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), reason: reason.into() }
    }
}

/// Whether an I/O error means that space has run out (a quota or a size limit counts as that).
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(io) if is_full(&io) => Self::DiskFull,
            redb::Error::Corrupted(reason) => Self::corrupt("the database file", reason),
            other => Self::Io(other.to_string()),
        }
    }
}

impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        redb::Error::from(error).into()
    }
}

impl From<redb::TableError> for StoreError {
    fn from(error: redb::TableError) -> Self {
        redb::Error::from(error).into()
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> Self {
        redb::Error::from(error).into()
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> Self {
        redb::Error::from(error).into()
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::DiskFull } else { Self::Io(error.to_string()) }
    }
}
