//! What each log source has brought: events, which fields they carry, what was refused and why.
//!
//! Kept in the file, and written in the same transaction as the events that it counts, so that after any
//! crash the figures are those of the events that are there. What was refused belongs to no commit: it goes
//! with the next one, or within a second when there is none, and up to that it is lost in a crash.

use super::codec::{self, Decode, Encode};
use super::error::StoreError;
use super::tables::SOURCES;
use super::{Store, shared::Shared};
use crate::event::{Event, Micros, PRESENCE};
use crate::limits::{COVERED_REASONS_MAX, COVERED_SOURCES_MAX};
use redb::{Database, ReadableDatabase, ReadableTable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

/// The name under which sources past the bound are counted.
pub(super) const OTHERS: &str = "others";

/// What stands for reasons past theirs.
const OTHER_REASONS: &str = "other reasons";

/// What stands behind the name of a source where its edge records are counted, which are halves of events and none by
/// themselves. No source has such a name.
const EDGE: &str = "/edge";

/// Figures by name of the source.
pub type Coverage = BTreeMap<String, Covered>;

/// The figures of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Covered {
    /// Events that are stored, or edge records that were taken.
    pub events: u64,
    /// Time of the newest one.
    pub newest: Option<Micros>,
    /// Events with each field of `PRESENCE`.
    pub with: Vec<u64>,
    /// Records that were refused.
    pub refused: u64,
    /// Why, the most common reasons of the first ones.
    pub reasons: Vec<Reason>,
}

/// Why records were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Reason {
    /// The field that is wrong; empty when it is none.
    pub field: String,
    /// What is wrong, without the values.
    pub reason: String,
    /// How often.
    pub count: u64,
}

/// Figures in memory, and the sources whose records on disk are older.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    figures: Coverage,
    dirty: BTreeSet<String>,
}

impl Covered {
    /// Adds what others counted.
    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.newest = self.newest.max(other.newest);
        self.with.resize(PRESENCE.len().max(self.with.len()), 0);
        for (sum, more) in self.with.iter_mut().zip(&other.with) {
            *sum += more;
        }
        for reason in &other.reasons {
            self.refuse(&reason.field, &reason.reason, reason.count);
        }
    }

    /// Counts records with the same fields.
    fn count(&mut self, run: &[Event<'_>], presence: u32) {
        let records = run.len() as u64;
        self.events += records;
        self.newest = self.newest.max(run.iter().map(|event| event.ts()).max());
        self.with.resize(PRESENCE.len().max(self.with.len()), 0);
        for (bit, with) in self.with.iter_mut().enumerate() {
            *with += records * u64::from(presence >> bit & 1);
        }
    }

    fn refuse(&mut self, field: &str, reason: &str, count: u64) {
        self.refused += count;
        let known = self.reasons.iter().position(|known| known.field == field && known.reason == reason);
        let (field, reason) = match known {
            None if self.reasons.len() + 1 >= COVERED_REASONS_MAX => ("", OTHER_REASONS),
            _ => (field, reason),
        };
        match self.reasons.iter_mut().find(|known| known.field == field && known.reason == reason) {
            Some(known) => known.count += count,
            None => self.reasons.push(Reason { field: field.to_owned(), reason: reason.to_owned(), count }),
        }
    }
}

/// The figures of a source, of all others together past the bound.
fn of<'c>(coverage: &'c mut Coverage, name: &str) -> (&'c mut Covered, String) {
    let is_room = coverage.contains_key(name) || coverage.len() + 1 < COVERED_SOURCES_MAX;
    let name = if is_room { name } else { OTHERS };
    (coverage.entry(name.to_owned()).or_default(), name.to_owned())
}

/// Counts events that are to be stored.
pub(super) fn count(coverage: &mut Coverage, events: &[Event<'_>]) {
    // Events of one source with the same fields follow each other.
    for run in events.chunk_by(|a, b| a.presence() == b.presence() && a.source() == b.source()) {
        if let Some(first) = run.first() {
            of(coverage, first.source()).0.count(run, first.presence());
        }
    }
}

/// Counts an edge record that is to wait for its event.
pub(super) fn count_edge(coverage: &mut Coverage, edge: Event<'_>) {
    of(coverage, &format!("{}{EDGE}", edge.source())).0.count(&[edge], edge.presence());
}

/// The source whose edge records are counted under a name. `None` where events are.
#[must_use]
pub fn edge_source(name: &str) -> Option<&str> {
    name.strip_suffix(EDGE)
}

/// Counts an event that cannot be stored.
pub(super) fn refuse(coverage: &mut Coverage, source: &str, field: &str, reason: &str) {
    of(coverage, source).0.refuse(field, reason, 1);
}

/// Reads what is on disk.
pub(super) fn load(database: &Database) -> Result<Tracked, StoreError> {
    let transaction = database.begin_read()?;
    let mut figures = Coverage::new();
    for entry in transaction.open_table(SOURCES)?.iter()? {
        let (name, value) = entry?;
        let name = name.value().to_owned();
        let covered = codec::decode(value.value(), || format!("figures of source {name}"))?;
        figures.insert(name, covered);
    }
    Ok(Tracked { figures, dirty: BTreeSet::new() })
}

/// Writes what a commit adds, and the sources whose records were behind.
pub(super) fn write(
    shared: &Shared,
    transaction: &redb::WriteTransaction,
    added: &Coverage,
    behind: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let records = {
        let mut figures = shared.tracked().figures.clone();
        let mut names = behind.clone();
        for (name, more) in added {
            let (covered, name) = of(&mut figures, name);
            covered.add(more);
            names.insert(name);
        }
        figures.retain(|name, _| names.contains(name));
        figures
    };
    let mut table = transaction.open_table(SOURCES)?;
    for (name, covered) in &records {
        table.insert(name.as_str(), codec::encode(covered)?.as_slice())?;
    }
    Ok(())
}

/// Whether there are records on disk that are behind.
pub(super) fn is_behind(shared: &Shared) -> bool {
    !shared.tracked().dirty.is_empty()
}

/// The sources whose records on disk are behind, to be written now.
pub(super) fn take_behind(shared: &Shared) -> BTreeSet<String> {
    std::mem::take(&mut shared.tracked().dirty)
}

/// Notes what became of a commit that wrote figures.
pub(super) fn settle(shared: &Shared, is_written: bool, added: &Coverage, behind: BTreeSet<String>) {
    let mut tracked = shared.tracked();
    if !is_written {
        tracked.dirty.extend(behind);
        return;
    }
    for (name, more) in added {
        of(&mut tracked.figures, name).0.add(more);
    }
}

impl Shared {
    fn tracked(&self) -> MutexGuard<'_, Tracked> {
        self.coverage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// What each log source has brought.
    pub fn coverage(&self) -> Coverage {
        self.shared.tracked().figures.clone()
    }

    /// Notes records that were refused before they came here: source, field or an empty text, why, how many.
    pub fn note_refused<'r>(&self, refused: impl Iterator<Item = (&'r str, &'r str, &'r str, u64)>) {
        let mut tracked = self.shared.tracked();
        let Tracked { figures, dirty } = &mut *tracked;
        for (source, field, reason, count) in refused {
            let (covered, name) = of(figures, source);
            covered.refuse(field, reason, count);
            dirty.insert(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Dim, Draft, EventBatch};
    use crate::limits::COVERED_REASONS_MAX;

    fn batch(source: &'static str, accounts: &[&str], ip: &[u8]) -> EventBatch {
        let mut batch = EventBatch::default();
        for (account, number) in accounts.iter().zip(1_u64..) {
            let mut draft = Draft { ts: 1_000_000 * number as i64, source, ..Draft::default() };
            draft.dims[Dim::Account.index()] = account.as_bytes();
            draft.dims[Dim::Ip.index()] = ip;
            draft.identity = (account.len() as u64 * 100 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            batch.push(&draft);
        }
        batch
    }

    fn with(covered: &Covered, field: &str) -> u64 {
        let bit = PRESENCE.iter().position(|name| *name == field).expect(field);
        covered.with[bit]
    }

    #[test]
    fn figures_are_those_of_the_events_that_are_there_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("folder");
        let first = {
            let (store, mut appender) = Store::open(folder.path(), 1).expect("opens");
            let batches = [batch("caddy", &["a", "b"], &[7; 16]), batch("litellm", &["ccc"], b"")];
            appender.append(&batches).expect("stored");
            // The same again is there already and counts no more.
            appender.append(&batches).expect("stored");
            store.note_refused([("caddy", "ts", "ts is missing", 3)].into_iter());
            appender.settle(true).expect("written");
            store.coverage()
        };
        let (store, _appender) = Store::open(folder.path(), 1).expect("opens");
        assert_eq!(store.coverage(), first);
        let (caddy, litellm) = (&first["caddy"], &first["litellm"]);
        assert_eq!((caddy.events, caddy.newest, with(caddy, "ip")), (2, Some(2_000_000), 2));
        assert_eq!((litellm.events, with(litellm, "ip"), litellm.refused), (1, 0, 0));
        let reason = Reason { field: "ts".into(), reason: "ts is missing".into(), count: 3 };
        assert_eq!((caddy.refused, &caddy.reasons), (3, &vec![reason]));
    }

    #[test]
    fn sources_and_reasons_without_end_are_counted_together() {
        let folder = tempfile::tempdir().expect("folder");
        let (store, _appender) = Store::open(folder.path(), 1).expect("opens");
        let names: Vec<String> = (0..500).map(|number| format!("{number}")).collect();
        store.note_refused(names.iter().map(|name| (name.as_str(), "", "why", 1)));
        store.note_refused(names.iter().map(|reason| ("0", "", reason.as_str(), 1)));
        let coverage = store.coverage();
        assert_eq!(coverage.len(), COVERED_SOURCES_MAX);
        assert_eq!(coverage.values().map(|covered| covered.refused).sum::<u64>(), 1_000);
        assert_eq!(coverage["0"].reasons.len(), COVERED_REASONS_MAX);
        assert_eq!(coverage["0"].reasons.iter().map(|reason| reason.count).sum::<u64>(), 501);
    }
}
