//! What appender, worker and queries share: the database handle, the catalog, the current view, health.
//!
//! redb's handle dies with the first failed write, though reads go on. When space has come back the
//! database is reopened here, in the process, as soon as no snapshot is open.

use super::catalog::Catalog;
use super::coverage::Tracked;
use super::error::StoreError;
use super::file;
use super::read::{Disk, Snapshot};
use super::view::View;
use super::waiting::JoinFigures;
use crate::limits::DISK_FLOOR_BYTES;
use crate::privacy::Privacy;
use redb::Database;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Whether the store can write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Good,
    /// A write failed for want of space. It is tried again when there is some.
    Full,
    /// A write failed otherwise. What reached the disk is unknown, so nothing more is written.
    Failed(String),
}

/// Counted since the process started.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) accepted: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) commits: AtomicU64,
}

/// Shared state of one open store.
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) seed: u64,
    pub(super) privacy: Privacy,
    database: RwLock<Option<Arc<Database>>>,
    pub(super) catalog: Arc<RwLock<Catalog>>,
    view: RwLock<Arc<View>>,
    health: Mutex<Health>,
    pub(super) counts: Counts,
    pub(super) coverage: Mutex<Tracked>,
    joins: Mutex<JoinFigures>,
}

impl Shared {
    pub(super) fn new(
        folder: PathBuf,
        (seed, privacy): (u64, Privacy),
        database: Database,
        catalog: Catalog,
        view: View,
        coverage: Tracked,
    ) -> Self {
        Self {
            folder,
            seed,
            privacy,
            database: RwLock::new(Some(Arc::new(database))),
            catalog: Arc::new(RwLock::new(catalog)),
            view: RwLock::new(Arc::new(view)),
            health: Mutex::new(Health::Good),
            counts: Counts::default(),
            coverage: Mutex::new(coverage),
            joins: Mutex::default(),
        }
    }

    pub(super) fn database(&self) -> Result<Arc<Database>, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.as_ref().map(Arc::clone).ok_or(StoreError::DiskFull)
    }

    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn publish(&self, view: Arc<View>) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }

    /// Figures about halves as of the last commit.
    pub(super) fn joins(&self) -> JoinFigures {
        *self.joins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish_joins(&self, figures: JoinFigures) {
        *self.joins.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        // The view first: what it lists is in every transaction that begins after it.
        let view = self.view();
        self.snapshot_of(view)
    }

    pub(super) fn snapshot_of(&self, view: Arc<View>) -> Result<Snapshot, StoreError> {
        let disk = Arc::new(Disk::open(self.database()?)?);
        Ok(Snapshot { view, disk, catalog: Arc::clone(&self.catalog), privacy: self.privacy })
    }

    pub(super) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_health(&self, health: Health) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Remembers a failed write.
    pub(super) fn write_failed(&self, error: &StoreError) {
        match error {
            StoreError::DiskFull => self.set_health(Health::Full),
            other => self.set_health(Health::Failed(other.to_string())),
        }
    }

    /// Whether a write may be tried; reopens the database if the last one ran out of space.
    pub(super) fn ready_to_write(&self) -> Result<(), StoreError> {
        if let Health::Failed(reason) = self.health() {
            return Err(StoreError::Io(reason));
        }
        if free_bytes(&self.folder)? < DISK_FLOOR_BYTES {
            return Err(StoreError::DiskFull);
        }
        if self.health() == Health::Full {
            self.reopen()?;
        }
        Ok(())
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut slot = self.database.write().unwrap_or_else(PoisonError::into_inner);
        match slot.take().map(Arc::try_unwrap) {
            // The file stays locked until its last user is gone: close it before it is opened again. A
            // snapshot is a user; while one is open this fails, and the next write tries again.
            Some(Ok(database)) => drop(database),
            Some(Err(in_use)) => {
                *slot = Some(in_use);
                return Err(StoreError::DiskFull);
            }
            None => {}
        }
        match file::open_database(&self.folder) {
            Ok(database) => {
                *slot = Some(Arc::new(database));
                self.set_health(Health::Good);
                tracing::info!("space has come back: the database is open for writing again");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the database cannot be opened again yet");
                Err(StoreError::DiskFull)
            }
        }
    }

    /// Writes down how many rows there are, beside the database: one that was repaired to an older
    /// state, or to nothing, is noticed on open.
    pub(super) fn note_high_water(&self, rows: u64) {
        let path = file::high_water_path(&self.folder);
        if let Err(error) = std::fs::write(&path, format!("{rows}\n")) {
            tracing::warn!(%error, "the high-water mark could not be written");
        }
    }

    /// Accepted, duplicates, commits.
    pub(super) fn counted(&self) -> [u64; 3] {
        let counts = &self.counts;
        [&counts.accepted, &counts.duplicates, &counts.commits].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Bytes that may still be written to the folder's disk.
pub(super) fn free_bytes(folder: &Path) -> Result<u64, StoreError> {
    let stats = rustix::fs::statvfs(folder).map_err(|error| StoreError::Io(error.to_string()))?;
    Ok(stats.f_bavail.saturating_mul(stats.f_frsize))
}
