//! The house without a server: logs read into a store and analysed in this process, for what is verified,
//! drilled or replayed beside a running server.

use crate::clock::{Clock, FixedClock, SystemClock};
use crate::detect::{Analysis, Due};
use crate::event::{Aspect, Dim, Join, Micros, Window};
use crate::ingest::{Context, Decoder, Rejects};
use crate::store::{Appender, Founding, Snapshot, Store, StoreError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Makes the secrets of databases that live no longer than the process.
pub(super) const SEED: u64 = 0x0ff1_1e5e;

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
    pub(super) fn open_as(folder: &Path, founding: &Founding) -> Result<Self, StoreError> {
        let (store, mut appender) = Store::open_as(folder, founding)?;
        // Both halves of an event may lie in a log, in any order: they wait until its end, by a clock that stands.
        appender.joining(Join::On, Arc::new(FixedClock::default()));
        Ok(Self { decoder: Decoder::new(context(&store)), store, appender })
    }

    /// Lets a decoder that is made with the database's context read what is taken from here on.
    pub(super) fn begin_log(&mut self, new: impl FnOnce(Context) -> Decoder) {
        self.decoder = new(context(&self.store));
    }

    /// Says that a log has ended. Gives what of it was not taken.
    pub(super) fn end_log(&mut self) -> Result<Rejects, StoreError> {
        while !self.decoder.finish() {
            self.appender.append(&[self.decoder.take_batch()])?;
        }
        self.appender.append(&[self.decoder.take_batch()])?;
        Ok(std::mem::take(self.decoder.rejects()))
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

    /// Says that all logs have ended.
    pub fn end(&mut self) -> Result<(), StoreError> {
        self.end_log()?;
        self.appender.release_events()?;
        self.appender.settle(true)
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

fn context(store: &Store) -> Context {
    Context::new(store.seed(), SystemClock.now(), *store.privacy())
}
