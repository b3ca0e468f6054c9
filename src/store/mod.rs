//! Floor 2: the store. The only user of redb.
//!
//! Rows get numbers in order of arrival and live first in the journal, then in segments of 65,536;
//! `FORMAT.md` has the bytes and says why they survive a crash. In memory are the catalog of names
//! (`catalog.rs`), the current view (`view.rs`) and the identities of the last days (`dedup.rs`).
//!
//! Reading goes through a [`Snapshot`], writing through the one [`Appender`]. Left out on purpose:
//! what a query means (`query`), what a line means (`ingest`).

mod accounts;
mod append;
mod bits;
mod block;
mod catalog;
mod check;
mod codec;
mod column;
mod coverage;
mod days;
mod dedup;
mod dictionary;
mod dump;
mod error;
mod file;
mod half;
mod identities;
mod join;
mod journal;
mod kept;
mod lay;
mod memo;
mod names;
mod open;
mod page;
mod posting;
mod read;
mod reader;
mod rows;
mod segment;
mod shared;
mod sum;
mod tables;
mod text;
mod upgrade;
mod version;
mod view;
mod waiting;
mod work;

#[cfg(test)]
mod join_tests;
#[cfg(test)]
mod tests;

pub use accounts::{AccountRecord, Noted};
pub use append::{Appended, Appender};
pub use catalog::Catalog;
pub use check::{CheckReport, check};
pub use codec::{Decode, Encode};
pub use coverage::{Coverage, Covered, Reason, edge_source};
pub use days::{Counters, DayEntry, Links};
pub use dump::dump;
pub use error::StoreError;
pub use file::DATABASE;
pub use kept::{Keep, Shelf};
pub use read::{CatalogGuard, Part, Plan, RunKey, Snapshot};
pub use reader::PartReader;
pub use shared::Health;
pub use version::Founding;
pub use waiting::{JoinBook, JoinFigures};

use crate::event::Micros;
use crate::privacy::Privacy;
use shared::Shared;
use std::path::Path;
use std::sync::Arc;

/// An open database, for reading.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// What a store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Events in the database.
    pub rows: u64,
    /// Sealed segments.
    pub segments: u64,
    /// Runs of day relations.
    pub runs: u64,
    /// Latest event time.
    pub newest: Option<Micros>,
    /// Accounts, addresses, fingerprints seen.
    pub entities: [u32; 3],
    /// Length of the database file in bytes.
    pub file_bytes: u64,
    /// Bytes free on its disk.
    pub free_bytes: u64,
    /// Bytes of memory of the catalog, roughly.
    pub catalog_bytes: u64,
    /// Events accepted since the process started.
    pub accepted: u64,
    /// Duplicates since the process started.
    pub duplicates: u64,
    /// Commits since the process started.
    pub commits: u64,
    /// Halves of events that wait, and what became of others.
    pub joins: JoinFigures,
    /// Whether it can write.
    pub health: Health,
}

/// How the database of a folder that no server has open changes what comes in.
pub fn privacy_of(folder: &Path) -> Result<Privacy, StoreError> {
    if !file::database_path(folder).try_exists()? {
        return Err(StoreError::Open(format!("there is no database in {}", folder.display())));
    }
    let (store, appender) = Store::open(folder, 0)?;
    drop(appender);
    Ok(*store.privacy())
}

impl Store {
    /// Opens or creates the database of a folder. A new one takes its secrets from the seed: for tests, and
    /// for databases that exist or live no longer than the process.
    pub fn open(folder: &Path, seed: u64) -> Result<(Self, Appender), StoreError> {
        open::open(folder, &Founding::of_seed(seed))
    }

    /// The same with what a new database is made with, and an old one is asked for.
    pub fn open_as(folder: &Path, founding: &Founding) -> Result<(Self, Appender), StoreError> {
        open::open(folder, founding)
    }

    /// A consistent view of now.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.shared.snapshot()
    }

    /// How what comes in is changed before it is kept.
    #[must_use]
    pub fn privacy(&self) -> &Privacy {
        &self.shared.privacy
    }

    /// The secret that keys the hashes of identities.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.shared.seed
    }

    /// What there is.
    pub fn status(&self) -> Status {
        use crate::event::Dim;
        let view = self.shared.view();
        let catalog = self.shared.catalog.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let [accepted, duplicates, commits] = self.shared.counted();
        let path = file::database_path(&self.shared.folder);
        let free_bytes = shared::free_bytes(&self.shared.folder).unwrap_or(0);
        let health = match self.shared.health() {
            Health::Good if free_bytes < crate::limits::DISK_FLOOR_BYTES => Health::Full,
            health => health,
        };
        Status {
            rows: view.rows,
            segments: view.segments.len() as u64,
            runs: view.runs.values().map(|runs| runs.len() as u64).sum(),
            newest: view.newest,
            entities: [Dim::Account, Dim::Ip, Dim::Fingerprint].map(|dim| catalog.names(dim)),
            file_bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
            free_bytes,
            catalog_bytes: catalog.memory() as u64,
            accepted,
            duplicates,
            commits,
            joins: self.shared.joins(),
            health,
        }
    }
}
