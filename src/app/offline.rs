//! The house without a server: logs read into a store and analysed in this process, for what is verified,
//! drilled or replayed beside a running server.

use crate::clock::{Clock, FixedClock, SystemClock};
use crate::detect::{Analysis, Difference, Due, VerifyError, verify};
use crate::event::{Aspect, Dim, Join, Micros, Window};
use crate::ingest::{Context, Decoder};
use crate::store::{Appender, Founding, Snapshot, Store, StoreError, privacy_of};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// Bytes read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Makes the secrets of databases that live no longer than the process.
const SEED: u64 = 0x0ff1_1e5e;

/// Why something could not be done offline.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document is none, or was changed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// A store that is filled from logs.
pub struct Offline {
    store: Store,
    appender: Appender,
    decoder: Decoder,
}

impl Offline {
    /// Opens or creates the database of a folder.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_as(folder, &Founding::of_seed(SEED))
    }

    /// The same with what a new database is made with.
    fn open_as(folder: &Path, founding: &Founding) -> Result<Self, StoreError> {
        let (store, mut appender) = Store::open_as(folder, founding)?;
        // Both halves of an event may lie in a log, in any order: they wait until its end, by a clock that stands.
        appender.joining(Join::On, Arc::new(FixedClock::default()));
        let context = Context::new(store.seed(), SystemClock.now(), *store.privacy());
        Ok(Self { store, appender, decoder: Decoder::new(context) })
    }

    /// A name of an account as it is kept.
    #[must_use]
    pub fn kept_account(&self, account: &str) -> String {
        self.store.privacy().kept(Dim::Account, account).into_owned()
    }

    /// Takes lines in.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let used = self.decoder.feed(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
            if self.decoder.batch_ready() {
                self.appender.append(&[self.decoder.take_batch()])?;
            }
        }
        Ok(())
    }

    /// Says that a log has ended.
    pub fn end(&mut self) -> Result<(), StoreError> {
        while !self.decoder.finish() {
            self.appender.append(&[self.decoder.take_batch()])?;
        }
        self.appender.append(&[self.decoder.take_batch()])?;
        self.appender.release_events()?;
        self.appender.settle(true)
    }

    /// Takes a whole file in.
    pub fn take_file(&mut self, path: &Path) -> Result<(), OfflineError> {
        let mut file = File::open(path)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            self.take(piece.get(..read).unwrap_or_default())?;
        }
        Ok(self.end()?)
    }

    /// What there is.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.store.snapshot()
    }

    /// The client that most accounts use: fingerprint and user agent.
    pub fn most_used(&self) -> Result<(String, String), StoreError> {
        let snapshot = self.store.snapshot()?;
        let mut most: BTreeMap<u32, u64> = BTreeMap::new();
        // The newest hundred thousand events say enough of what is popular.
        let from = snapshot.rows().saturating_sub(100_000);
        for part in snapshot.parts(Window::ALL).into_iter().filter(|part| part.first_row() >= from) {
            for key in part.reader().all_keys(Aspect::Client)? {
                *most.entry(key).or_default() += 1;
            }
        }
        let popular = most.into_iter().max_by_key(|(key, events)| (*events, *key)).map_or(0, |(key, _)| key);
        let catalog = snapshot.catalog();
        let value = |dim| {
            let name = catalog.name_of(dim, popular);
            name.map(|name| String::from_utf8_lossy(catalog.value(dim, name)).into_owned())
                .unwrap_or_default()
        };
        Ok((value(Dim::Fingerprint), value(Dim::UserAgent)))
    }

    /// Analyses every day from the first, forgetting what was known; calls `each` after each day.
    pub fn analyze(&self, mut each: impl FnMut(&Analysis)) -> Result<Analysis, StoreError> {
        let mut analysis = Analysis::default();
        let rows = self.store.snapshot()?.rows();
        while let Some(due) = analysis.due(&self.store.snapshot()?, Some(Micros::MAX))? {
            // What was planted came after everything else, and belongs to its days all the same.
            let due = Due { rows, ..due };
            analysis.step(&self.store, due)?;
            if due.hour.is_none() {
                each(&analysis);
            }
        }
        Ok(analysis)
    }
}

/// Verifies a sealed document against data: the folder of a database that no server has open, or a log. What
/// stands for keys, cards and pseudonyms is hashed with a database's secret: that of the folder `key_of`.
pub fn verify_against(
    document: &Value,
    data: &Path,
    key_of: Option<&Path>,
) -> Result<(Vec<Difference>, usize), OfflineError> {
    if data.is_dir() {
        let offline = Offline::open(data)?;
        return Ok(verify(document, &offline.snapshot()?)?);
    }
    let scratch = tempfile::Builder::new().prefix("cahoots-verify-").tempdir()?;
    let mut founding = Founding::of_seed(SEED);
    if let Some(folder) = key_of {
        let privacy = privacy_of(folder)?;
        (founding.key, founding.pseudonyms) = (privacy.key(), Some(privacy.pseudonyms()));
    }
    let mut offline = Offline::open_as(scratch.path(), &founding)?;
    offline.take_file(data)?;
    Ok(verify(document, &offline.snapshot()?)?)
}
