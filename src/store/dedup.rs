//! Which events were seen already: keyed 60-bit identities of the last days, in memory.
//!
//! The keyed hash makes a false duplicate a matter of chance (for 30 million events in the window,
//! about one in three thousand that any single one is lost), not of an adversary's choice. Nothing of
//! this is stored: request ids and accounts in the segments give it back when a database is opened.

use crate::event::Day;
use crate::limits::DEDUP_DAYS;
use hashbrown::HashTable;
use std::collections::VecDeque;

/// Low bits of an entry that hold its day, modulo 16.
const DAY_BITS: u64 = 0xf;

/// Shards, so that growing one does not copy all.
const SHARDS: usize = 64;

/// Identities of days before the window that are kept loaded, for someone who sends an old log again.
const OLD_IDENTITIES_MAX: usize = 6_000_000;

/// Identities of events within the window, and of a few loaded days before it.
pub(super) struct Seen {
    shards: Vec<HashTable<u64>>,
    newest: Option<Day>,
    old: VecDeque<(Day, HashTable<u64>)>,
    /// Added since the last commit, to be taken back if it fails.
    pending: Vec<(Day, u64)>,
}

/// The hash of an entry must not depend on the bits that hold the day.
fn spread(identity: u64) -> u64 {
    (identity & !DAY_BITS).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn same(identity: u64) -> impl Fn(&u64) -> bool {
    move |entry| entry & !DAY_BITS == identity & !DAY_BITS
}

/// Adds an identity; false if it is there.
fn insert(table: &mut HashTable<u64>, day: Day, identity: u64) -> bool {
    if table.find(spread(identity), same(identity)).is_some() {
        return false;
    }
    let entry = identity & !DAY_BITS | day.0.rem_euclid(16) as u64;
    table.insert_unique(spread(identity), entry, |entry| spread(*entry));
    true
}

fn remove(table: &mut HashTable<u64>, identity: u64) {
    if let Ok(entry) = table.find_entry(spread(identity), same(identity)) {
        let _removed = entry.remove();
    }
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| HashTable::new()).collect(),
            newest: None,
            old: VecDeque::new(),
            pending: Vec::new(),
        }
    }

    /// First day of the window.
    pub(super) fn window_start(&self) -> Option<Day> {
        self.newest.map(|newest| Day(newest.0 - DEDUP_DAYS))
    }

    /// Whether a day lies before the window and its identities have to be loaded first.
    pub(super) fn wants(&self, day: Day) -> bool {
        self.window_start().is_some_and(|start| day < start) && !self.old.iter().any(|(old, _)| *old == day)
    }

    /// Loads the identities of a day before the window; the one loaded longest ago makes room.
    pub(super) fn load_old(&mut self, day: Day, identities: &[u64]) {
        let mut table = HashTable::with_capacity(identities.len());
        for identity in identities {
            insert(&mut table, day, *identity);
        }
        self.old.push_back((day, table));
        let loaded =
            |old: &VecDeque<(Day, HashTable<u64>)>| old.iter().map(|(_, table)| table.len()).sum::<usize>();
        while self.old.len() > 1 && loaded(&self.old) > OLD_IDENTITIES_MAX {
            self.old.pop_front();
        }
    }

    /// Adds an event; false if it was there. Taken back by [`Self::undo`] until [`Self::commit`].
    pub(super) fn insert(&mut self, day: Day, identity: u64) -> bool {
        if self.newest.is_none_or(|newest| day > newest) {
            self.advance(day);
        }
        let fresh = self.table(day, identity).is_some_and(|table| insert(table, day, identity));
        if fresh {
            self.pending.push((day, identity));
        }
        fresh
    }

    fn table(&mut self, day: Day, identity: u64) -> Option<&mut HashTable<u64>> {
        if self.window_start().is_some_and(|start| day < start) {
            return self.old.iter_mut().find(|(old, _)| *old == day).map(|(_, table)| table);
        }
        self.shards.get_mut((identity >> 58) as usize % SHARDS)
    }

    /// Moves the window and forgets what left it.
    fn advance(&mut self, newest: Day) {
        let jump = self.newest.map_or(0, |before| i64::from(newest.0) - i64::from(before.0));
        self.newest = Some(newest);
        for shard in &mut self.shards {
            // After a longer jump the day modulo 16 says nothing, and nothing is left in the window.
            if jump > i64::from(DEDUP_DAYS) {
                *shard = HashTable::new();
            }
            let before = shard.len();
            shard.retain(|entry| {
                let age = (i64::from(newest.0) - (*entry & DAY_BITS) as i64).rem_euclid(16);
                age <= i64::from(DEDUP_DAYS)
            });
            if shard.len() * 4 < before {
                shard.shrink_to_fit(|entry| spread(*entry));
            }
        }
    }

    /// Forgets an event that was added since the last commit: it was refused, and may be sent again.
    pub(super) fn forget(&mut self, day: Day, identity: u64) {
        if let Some(table) = self.table(day, identity) {
            remove(table, identity);
        }
    }

    /// Keeps what was added since the last commit.
    pub(super) fn commit(&mut self) {
        self.pending.clear();
    }

    /// Forgets what was added since the last commit: it did not reach the disk, and will be sent again.
    pub(super) fn undo(&mut self) {
        for (day, identity) in std::mem::take(&mut self.pending) {
            if let Some(table) = self.table(day, identity) {
                remove(table, identity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())
    }

    #[test]
    fn an_event_counts_once_within_the_window() {
        let mut seen = Seen::new();
        assert!(seen.insert(Day(100), id(1)));
        assert!(!seen.insert(Day(100), id(1)));
        assert!(seen.insert(Day(107), id(2)));
        assert!(!seen.insert(Day(107), id(1)), "seven days later it is still known");
        assert!(seen.insert(Day(108), id(3)));
        assert!(seen.insert(Day(108), id(1)), "eight days later it is forgotten");
        assert!(!seen.insert(Day(108), id(2)));
    }

    #[test]
    fn what_did_not_reach_the_disk_is_not_a_duplicate_when_sent_again() {
        let mut seen = Seen::new();
        assert!(seen.insert(Day(5), id(1)));
        seen.commit();
        assert!(seen.insert(Day(5), id(2)));
        seen.undo();
        assert!(!seen.insert(Day(5), id(1)));
        assert!(seen.insert(Day(5), id(2)));
    }

    #[test]
    fn a_day_before_the_window_is_checked_once_loaded() {
        let mut seen = Seen::new();
        assert!(seen.insert(Day(100), id(1)));
        assert!(seen.wants(Day(50)) && !seen.wants(Day(95)));
        seen.load_old(Day(50), &[id(7)]);
        assert!(!seen.wants(Day(50)));
        assert!(!seen.insert(Day(50), id(7)));
        assert!(seen.insert(Day(50), id(8)));
        assert!(!seen.insert(Day(50), id(8)));
    }

    #[test]
    fn a_large_jump_of_the_newest_day_empties_the_window() {
        let mut seen = Seen::new();
        assert!(seen.insert(Day(100), id(1)));
        // 16 days later the day's number modulo 16 is the same again.
        assert!(seen.insert(Day(116), id(1)));
    }
}
