//! Every table of the file. Reading this tells the whole database; `FORMAT.md` has the bytes.

use redb::TableDefinition;

/// A key of fixed width, big-endian numbers one after the other, so that bytes sort as numbers do.
pub(super) type Key<const WIDTH: usize> = [u8; WIDTH];

/// Maps a name to a record: format version, seed, counters. The first thing read on open.
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");

/// Maps the first row of a commit to its rows and new names, until their segment is sealed.
pub(super) const JOURNAL: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("journal");

/// Maps a segment to its header: rows, times, days, where its columns and postings lie.
pub(super) const SEGMENTS: TableDefinition<'static, u32, &[u8]> = TableDefinition::new("segments");

/// Maps (segment u32, page u32) to a page of its columns.
pub(super) const COLUMNS: TableDefinition<'static, Key<8>, &[u8]> = TableDefinition::new("columns");

/// Maps (segment u32, aspect u8, first aspect key u32) to a block: aspect key -> rows.
pub(super) const POSTINGS: TableDefinition<'static, Key<9>, &[u8]> = TableDefinition::new("postings");

/// Maps (dimension u8, first name u32) to a block of names in order of their ordinals.
pub(super) const NAMES: TableDefinition<'static, Key<5>, &[u8]> = TableDefinition::new("names");

/// Maps (aspect u8, first aspect key u32) to a block of aspect keys as name ordinals.
pub(super) const ASPECTS: TableDefinition<'static, Key<5>, &[u8]> = TableDefinition::new("aspects");

/// Maps (day i32 with its sign bit flipped, run u32) to the header of a run of the day's relations.
pub(super) const RUNS: TableDefinition<'static, Key<8>, &[u8]> = TableDefinition::new("runs");

/// Maps (day, run, aspect u8, first aspect key u32) to a block: aspect key -> counters and relations.
pub(super) const DAYS: TableDefinition<'static, Key<13>, &[u8]> = TableDefinition::new("days");

/// Maps (shelf u8, number i32 with its sign bit flipped, chunk u32) to a chunk of a record that a floor
/// above keeps: what the analysis knows.
pub(super) const KEPT: TableDefinition<'static, Key<9>, &[u8]> = TableDefinition::new("kept");

/// Maps the name of a log source to its record: events, fields that they have, what was refused.
pub(super) const SOURCES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("sources");

/// Maps the name of an account to what the operator said of it.
pub(super) const ACCOUNTS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("accounts");

/// Maps a running number, in order of arrival, to a half of an event that waits for the other half.
pub(super) const HALVES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("halves");

/// Key of a chunk of a kept record.
pub(super) fn kept_key(shelf: u8, number: i32, chunk: u32) -> Key<9> {
    let mut key = [0; 9];
    key[0] = shelf;
    key[1..5].copy_from_slice(&day_bytes(number));
    key[5..].copy_from_slice(&chunk.to_be_bytes());
    key
}

/// All chunks of a kept record.
pub(super) fn kept_range(shelf: u8, number: i32) -> std::ops::RangeInclusive<Key<9>> {
    kept_key(shelf, number, 0)..=kept_key(shelf, number, u32::MAX)
}

/// All records of a shelf.
pub(super) fn kept_shelf(shelf: u8) -> std::ops::RangeInclusive<Key<9>> {
    kept_key(shelf, i32::MIN, 0)..=kept_key(shelf, i32::MAX, u32::MAX)
}

/// The number in the key of a chunk.
pub(super) fn kept_number(key: Key<9>) -> i32 {
    let [_, a, b, c, d, ..] = key;
    (u32::from_be_bytes([a, b, c, d]) ^ 0x8000_0000) as i32
}

/// Key of a page of columns.
pub(super) fn column_key(segment: u32, page: u32) -> Key<8> {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&segment.to_be_bytes());
    key[4..].copy_from_slice(&page.to_be_bytes());
    key
}

/// Key of a block of postings.
pub(super) fn posting_key(segment: u32, aspect: u8, first: u32) -> Key<9> {
    let mut key = [0; 9];
    key[..4].copy_from_slice(&segment.to_be_bytes());
    key[4] = aspect;
    key[5..].copy_from_slice(&first.to_be_bytes());
    key
}

/// Key of a block of names or aspect keys.
pub(super) fn name_key(number: u8, first: u32) -> Key<5> {
    let mut key = [0; 5];
    key[0] = number;
    key[1..].copy_from_slice(&first.to_be_bytes());
    key
}

/// Key of a run's header.
pub(super) fn run_key(day: i32, run: u32) -> Key<8> {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&day_bytes(day));
    key[4..].copy_from_slice(&run.to_be_bytes());
    key
}

/// Key of a block of a run.
pub(super) fn day_key(day: i32, run: u32, aspect: u8, first: u32) -> Key<13> {
    let mut key = [0; 13];
    key[..8].copy_from_slice(&run_key(day, run));
    key[8] = aspect;
    key[9..].copy_from_slice(&first.to_be_bytes());
    key
}

/// Day and run of a run's key.
pub(super) fn run_of_key(key: Key<8>) -> (i32, u32) {
    let (day, run) = key.split_at(4);
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap_or_default());
    ((number(day) ^ 0x8000_0000) as i32, number(run))
}

/// Days before 1970 sort before those after it.
fn day_bytes(day: i32) -> [u8; 4] {
    ((day as u32) ^ 0x8000_0000).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_numbers_do() {
        assert!(run_key(-1, 5) < run_key(0, 0));
        assert!(day_key(7, 0, 1, 9) < day_key(7, 0, 2, 0));
        assert!(posting_key(1, 3, u32::MAX) < posting_key(2, 0, 0));
        assert_eq!(run_of_key(run_key(-3, 8)), (-3, 8));
    }
}
