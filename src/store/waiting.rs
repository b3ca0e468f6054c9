//! The waiting room: halves of events, in memory and in the table `halves`, the same in both after each commit.
//!
//! An edge record stays for its whole time, met or not, because one request may be several events; an event
//! leaves when it meets its edge record or its time is up. What a commit changed is noted until the commit is
//! on disk, and taken back if it is not.

use super::codec;
use super::error::StoreError;
use super::half::{Half, Says};
use super::tables::{HALVES, META};
use crate::event::{EventBatch, Micros};
use crate::limits::{JOIN_BYTES_MAX, JOIN_EDGES_MAX, JOIN_HALVES_MAX, JOIN_WAIT};
use redb::{ReadableTable, WriteTransaction};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the book's record in the meta table.
const BOOK: &str = "join";

/// What became of halves, since the database was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, codec::Encode, codec::Decode)]
pub struct JoinBook {
    /// When the newest edge record came, by the wall clock.
    pub last_edge: Option<Micros>,
    /// Events that met an edge record.
    pub met: u64,
    /// Events that waited in vain and were stored as they were.
    pub unmet_events: u64,
    /// Edge records whose event never came.
    pub unmet_edges: u64,
    /// Halves that went before their time, for want of room.
    pub early: u64,
}

/// Figures about halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinFigures {
    /// Events that wait for an edge record.
    pub waiting_events: u64,
    /// Edge records that wait for an event, and have met none.
    pub waiting_edges: u64,
    /// What became of others.
    pub book: JoinBook,
}

/// How to take a change back.
enum Undo {
    Add(u64),
    Remove(u64, Box<Half>),
    Meet(u64),
}

/// Halves that wait.
pub(super) struct Waiting {
    /// By number, which is the order of arrival.
    halves: BTreeMap<u64, Half>,
    /// Key, whether it is an edge record's, number.
    keys: BTreeSet<(u128, bool, u64)>,
    /// Whether it is an edge record's, identity.
    identities: BTreeSet<(bool, u64)>,
    bytes: usize,
    events: u64,
    unmet_edges: u64,
    next: u64,
    pub(super) book: JoinBook,
    changes: Vec<Undo>,
    /// Next number and book as of the last commit.
    kept: (u64, JoinBook),
    /// The last write failed, and what of it reached the file is unknown.
    unsure: bool,
    /// Halves, and their bytes, for which there is room.
    pub(super) room: (usize, usize),
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            halves: BTreeMap::new(),
            keys: BTreeSet::new(),
            identities: BTreeSet::new(),
            bytes: 0,
            events: 0,
            unmet_edges: 0,
            next: 0,
            book: JoinBook::default(),
            changes: Vec::new(),
            kept: (0, JoinBook::default()),
            unsure: false,
            room: (JOIN_HALVES_MAX, JOIN_BYTES_MAX),
        }
    }
}

impl Waiting {
    /// What the file holds.
    pub(super) fn load(transaction: &redb::ReadTransaction) -> Result<Self, StoreError> {
        let mut waiting = Self::default();
        for entry in transaction.open_table(HALVES)?.iter()? {
            let (number, value) = entry?;
            let number = number.value();
            let half = codec::decode(value.value(), || format!("half {number}"))?;
            waiting.put(number, half);
            waiting.next = number + 1;
        }
        if let Some(value) = transaction.open_table(META)?.get(BOOK)? {
            waiting.book = codec::decode(value.value(), || "the record of joined events".to_owned())?;
        }
        waiting.kept = (waiting.next, waiting.book);
        Ok(waiting)
    }

    /// Writes one line a half, for a reader.
    pub(super) fn dump(&self, out: &mut dyn std::io::Write) -> Result<(), StoreError> {
        for (number, half) in &self.halves {
            let (side, arrived) = (if half.edge { "edge" } else { "event" }, half.arrived);
            writeln!(out, "half {number} {side} met={} arrived={arrived} ts={}", half.met, half.ts)?;
        }
        Ok(())
    }

    pub(super) fn figures(&self) -> JoinFigures {
        JoinFigures { waiting_events: self.events, waiting_edges: self.unmet_edges, book: self.book }
    }

    /// Whether a half waits already.
    pub(super) fn knows(&self, edge: bool, identity: u64) -> bool {
        self.identities.contains(&(edge, identity))
    }

    /// Lets a half wait.
    pub(super) fn add(&mut self, half: Half) -> u64 {
        let number = self.next;
        self.next += 1;
        self.put(number, half);
        self.changes.push(Undo::Add(number));
        number
    }

    /// Takes a half out.
    pub(super) fn remove(&mut self, number: u64) -> Option<Half> {
        let half = self.take(number)?;
        self.changes.push(Undo::Remove(number, Box::new(half.clone())));
        Some(half)
    }

    /// Adds an event to a batch if its edge record is here; false if not.
    pub(super) fn meet(&mut self, event: &Half, line: u64, batch: &mut EventBatch) -> bool {
        let Some(numbers) = self.edges_of(&event.keys) else { return false };
        {
            let says: Vec<Says<'_>> =
                numbers.iter().filter_map(|number| self.halves.get(number)).map(Half::says).collect();
            let Some(together) = Says::together(&says) else { return false };
            event.push(Some(&together), line, batch);
        }
        for number in numbers {
            if let Some(edge) = self.halves.get_mut(&number).filter(|edge| !edge.met) {
                edge.met = true;
                self.unmet_edges -= 1;
                self.changes.push(Undo::Meet(number));
            }
        }
        self.book.met += 1;
        true
    }

    /// The edge records of the first key that has any, and whose clients are one.
    fn edges_of(&self, keys: &[u128]) -> Option<Vec<u64>> {
        keys.iter().find_map(|key| {
            let numbers: Vec<u64> = self.of_key(*key, true).take(JOIN_EDGES_MAX + 1).collect();
            let says: Vec<Says<'_>> =
                numbers.iter().filter_map(|number| self.halves.get(number)).map(Half::says).collect();
            let fits = (1..=JOIN_EDGES_MAX).contains(&numbers.len()) && Says::together(&says).is_some();
            fits.then_some(numbers)
        })
    }

    fn of_key(&self, key: u128, edge: bool) -> impl Iterator<Item = u64> {
        self.keys.range((key, edge, 0)..=(key, edge, u64::MAX)).map(|(_, _, number)| *number)
    }

    /// Events for which an edge record is the first of one of its keys. Those that wait though there was one
    /// before could not be joined by it, and a second one tells no more.
    pub(super) fn events_for(&self, edge: u64) -> Vec<u64> {
        let keys = self.halves.get(&edge).map(|half| half.keys.as_slice()).unwrap_or_default();
        let fresh = keys.iter().filter(|key| self.of_key(**key, true).all(|number| number == edge));
        let events: BTreeSet<u64> = fresh.flat_map(|key| self.of_key(*key, false)).collect();
        events.into_iter().collect()
    }

    pub(super) fn half(&self, number: u64) -> Option<&Half> {
        self.halves.get(&number)
    }

    /// The oldest half whose time is up.
    pub(super) fn due(&self, now: Micros) -> Option<u64> {
        let (number, half) = self.halves.first_key_value()?;
        (half.arrived.saturating_add(JOIN_WAIT) <= now).then_some(*number)
    }

    /// The oldest half, if there are more than can wait.
    pub(super) fn too_many(&self) -> Option<u64> {
        let full = self.halves.len() > self.room.0 || self.bytes > self.room.1;
        self.halves.first_key_value().filter(|_| full).map(|(number, _)| *number)
    }

    /// Some events that wait, the oldest first.
    pub(super) fn events(&self, max: usize) -> Vec<u64> {
        let events = self.halves.iter().filter(|(_, half)| !half.edge);
        events.take(max).map(|(number, _)| *number).collect()
    }

    fn put(&mut self, number: u64, half: Half) {
        self.keys.extend(half.keys.iter().map(|key| (*key, half.edge, number)));
        self.identities.insert((half.edge, half.identity));
        self.bytes += half.bytes();
        self.events += u64::from(!half.edge);
        self.unmet_edges += u64::from(half.edge && !half.met);
        self.halves.insert(number, half);
    }

    fn take(&mut self, number: u64) -> Option<Half> {
        let half = self.halves.remove(&number)?;
        for key in &half.keys {
            self.keys.remove(&(*key, half.edge, number));
        }
        self.identities.remove(&(half.edge, half.identity));
        self.bytes = self.bytes.saturating_sub(half.bytes());
        self.events -= u64::from(!half.edge);
        self.unmet_edges -= u64::from(half.edge && !half.met);
        Some(half)
    }

    /// Whether there is anything to write.
    pub(super) fn is_changed(&self) -> bool {
        !self.changes.is_empty() || self.kept.1 != self.book
    }

    /// Writes what has changed.
    pub(super) fn write(&self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        if !self.is_changed() && !self.unsure {
            return Ok(());
        }
        let mut table = transaction.open_table(HALVES)?;
        let mut numbers: BTreeSet<u64> = BTreeSet::new();
        if self.unsure {
            table.retain(|_, _| false)?;
            numbers.extend(self.halves.keys());
        }
        numbers.extend(self.changes.iter().map(|change| match change {
            Undo::Add(number) | Undo::Remove(number, _) | Undo::Meet(number) => *number,
        }));
        for number in numbers {
            match self.halves.get(&number) {
                Some(half) => drop(table.insert(number, codec::encode(half)?.as_slice())?),
                None => drop(table.remove(number)?),
            }
        }
        transaction.open_table(META)?.insert(BOOK, codec::encode(&self.book)?.as_slice())?;
        Ok(())
    }

    /// Forgets how to take changes back: they are on disk.
    pub(super) fn commit(&mut self) {
        self.changes.clear();
        self.kept = (self.next, self.book);
        self.unsure = false;
    }

    /// Takes back everything since the last commit.
    pub(super) fn undo(&mut self) {
        for change in std::mem::take(&mut self.changes).into_iter().rev() {
            match change {
                Undo::Add(number) => drop(self.take(number)),
                Undo::Remove(number, half) => self.put(number, *half),
                Undo::Meet(number) => {
                    if let Some(edge) = self.halves.get_mut(&number) {
                        edge.met = false;
                        self.unmet_edges += 1;
                    }
                }
            }
        }
        (self.next, self.book) = self.kept;
        // A commit that failed may yet have reached the disk.
        self.unsure = true;
    }
}
