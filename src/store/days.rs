//! A day's relations: for each subject, origin and client of a day its counters and with whom it was
//! seen, written once in key order when the day has passed.
//!
//! A *run* covers the rows of one event-time day that arrived between two points in the order of
//! arrival. Most days have one; events that come late make another. What no run covers yet is read
//! from the segments (`read.rs`).

use super::bits;
use super::block::Builder;
use super::codec::{self, Decode, Encode};
use super::error::StoreError;
use super::tables::{self, DAYS, RUNS};
use crate::event::{Aspect, Day, Micros};

/// Sums over events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// How many.
    pub events: u64,
    /// Tokens read by models.
    pub input_tokens: u64,
    /// Tokens written by models.
    pub output_tokens: u64,
    /// Earliest event time, `i64::MAX` for none.
    pub first: Micros,
    /// Latest event time, `i64::MIN` for none.
    pub last: Micros,
}

impl Default for Counters {
    fn default() -> Self {
        Self { events: 0, input_tokens: 0, output_tokens: 0, first: Micros::MAX, last: Micros::MIN }
    }
}

impl Counters {
    /// Adds one event.
    pub fn add(&mut self, ts: Micros, input_tokens: u64, output_tokens: u64) {
        self.merge(&Self { events: 1, input_tokens, output_tokens, first: ts, last: ts });
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// What a run knows of one aspect key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayEntry {
    /// Sums over its events.
    pub counters: Counters,
    /// Keys it was seen with, by aspect, ascending. A subject has origins, clients and routes; an origin
    /// has subjects and clients; a client has subjects and origins.
    pub links: [Vec<u32>; 4],
}

/// Aspects that have entries.
pub(super) const ENTRY_ASPECTS: [Aspect; 3] = [Aspect::Subject, Aspect::Origin, Aspect::Client];

/// The aspects that an entry links to.
fn linked(aspect: Aspect) -> &'static [Aspect] {
    match aspect {
        Aspect::Subject => &[Aspect::Origin, Aspect::Client, Aspect::Route],
        Aspect::Origin => &[Aspect::Subject, Aspect::Client],
        Aspect::Client => &[Aspect::Subject, Aspect::Origin],
        Aspect::Route => &[],
    }
}

/// Header of a run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct RunHeader {
    pub(super) day: i32,
    pub(super) run: u32,
    /// Rows that arrived before this one are covered, by this run or an earlier one of the day.
    pub(super) until_row: u64,
    pub(super) events: u64,
    /// First keys of the blocks, by aspect.
    pub(super) fences: [Vec<u32>; 3],
}

/// A run ready to be stored.
pub(super) struct Run {
    pub(super) header: RunHeader,
    /// Aspect, first key, block.
    pub(super) blocks: Vec<(u8, u32, Vec<u8>)>,
}

impl Run {
    /// Stores the run.
    pub(super) fn write(&self, transaction: &redb::WriteTransaction) -> Result<(), StoreError> {
        let RunHeader { day, run, .. } = self.header;
        let mut days = transaction.open_table(DAYS)?;
        for (aspect, first, value) in &self.blocks {
            days.insert(tables::day_key(day, run, *aspect, *first), value.as_slice())?;
        }
        let header = codec::encode(&self.header)?;
        transaction.open_table(RUNS)?.insert(tables::run_key(day, run), header.as_slice())?;
        Ok(())
    }
}

/// The rows of a run, column by column.
#[derive(Default)]
pub(super) struct RunRows {
    pub(super) ts: Vec<Micros>,
    pub(super) keys: [Vec<u32>; 4],
    pub(super) input_tokens: Vec<u32>,
    pub(super) output_tokens: Vec<u32>,
}

/// Sorts and writes a run.
pub(super) fn build(day: Day, run: u32, until_row: u64, rows: &RunRows) -> Run {
    let mut blocks = Vec::new();
    let fences = ENTRY_ASPECTS.map(|aspect| {
        let built = entries(aspect, day, rows);
        let fences = built.iter().map(|(first, _)| *first).collect();
        blocks.extend(built.into_iter().map(|(first, value)| (aspect as u8, first, value)));
        fences
    });
    let header = RunHeader { day: day.0, run, until_row, events: rows.ts.len() as u64, fences };
    Run { header, blocks }
}

fn column(rows: &RunRows, aspect: Aspect) -> &[u32] {
    rows.keys.get(aspect.index()).map_or(&[], Vec::as_slice)
}

/// Blocks of an aspect's entries.
fn entries(aspect: Aspect, day: Day, rows: &RunRows) -> Vec<(u32, Vec<u8>)> {
    let keys = column(rows, aspect).iter().enumerate();
    let mut order: Vec<u64> = keys.map(|(row, key)| u64::from(*key) << 32 | row as u64).collect();
    order.sort_unstable();
    let mut builder = Builder::default();
    let (mut payload, mut links) = (Vec::new(), Vec::new());
    for group in order.chunk_by(|a, b| a >> 32 == b >> 32) {
        let members = || group.iter().map(|pair| *pair as u32 as usize);
        payload.clear();
        put_counters(&sum(rows, members()), day, &mut payload);
        for other in linked(aspect) {
            links.clear();
            links.extend(members().filter_map(|row| column(rows, *other).get(row)));
            links.sort_unstable();
            links.dedup();
            put_links(&links, &mut payload);
        }
        builder.push(group.first().map_or(0, |pair| (pair >> 32) as u32), &payload);
    }
    builder.finish()
}

fn sum(rows: &RunRows, members: impl Iterator<Item = usize>) -> Counters {
    let mut counters = Counters::default();
    let at = |column: &[u32], row: usize| column.get(row).map_or(0, |value| u64::from(*value));
    for row in members {
        let ts = rows.ts.get(row).copied().unwrap_or_default();
        counters.add(ts, at(&rows.input_tokens, row), at(&rows.output_tokens, row));
    }
    counters
}

/// Times are kept from the start of the day: in milliseconds if that is exact (lowest bit 0), else in
/// microseconds (lowest bit 1).
fn put_time(since: Micros, out: &mut Vec<u8>) {
    let since = since.max(0) as u64;
    bits::put_varint(if since.is_multiple_of(1_000) { (since / 1_000) << 1 } else { since << 1 | 1 }, out);
}

fn take_time(bytes: &mut &[u8]) -> Option<Micros> {
    let value = bits::take_varint(bytes)?;
    let since = if value & 1 == 0 { (value >> 1).checked_mul(1_000)? } else { value >> 1 };
    Micros::try_from(since).ok()
}

fn put_counters(counters: &Counters, day: Day, out: &mut Vec<u8>) {
    bits::put_varint(counters.events, out);
    bits::put_varint(counters.input_tokens, out);
    bits::put_varint(counters.output_tokens, out);
    put_time(counters.first - day.start(), out);
    put_time(counters.last - counters.first, out);
}

fn put_links(links: &[u32], out: &mut Vec<u8>) {
    bits::put_varint(links.len() as u64, out);
    let mut before = 0;
    for link in links {
        bits::put_varint(u64::from(link - before), out);
        before = *link;
    }
}

/// Reads the counters off the front of an entry's payload.
pub(super) fn take_counters(day: Day, bytes: &mut &[u8]) -> Option<Counters> {
    let (events, input_tokens) = (bits::take_varint(bytes)?, bits::take_varint(bytes)?);
    let output_tokens = bits::take_varint(bytes)?;
    let first = day.start().checked_add(take_time(bytes)?)?;
    let last = first.checked_add(take_time(bytes)?)?;
    Some(Counters { events, input_tokens, output_tokens, first, last })
}

/// The keys of one aspect that an entry links to, read one by one.
pub struct Links<'a> {
    bytes: &'a [u8],
    left: usize,
    before: u32,
}

impl Links<'_> {
    /// How many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an entry has at least one link of each kind")]
    pub fn len(&self) -> usize {
        self.left
    }
}

impl Iterator for Links<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        // The checksum has vouched for the bytes: a link that does not read ends the list.
        self.before = self.before.checked_add(bits::take_varint(&mut self.bytes)? as u32)?;
        Some(self.before)
    }
}

/// The links to one aspect of an entry's payload.
pub(super) fn links(aspect: Aspect, to: Aspect, day: Day, mut bytes: &[u8]) -> Option<Links<'_>> {
    take_counters(day, &mut bytes)?;
    for other in linked(aspect) {
        let left = bits::take_varint(&mut bytes)? as usize;
        if *other == to {
            return Some(Links { bytes, left, before: 0 });
        }
        for _ in 0..left {
            bits::take_varint(&mut bytes)?;
        }
    }
    None
}

/// Reads an entry's payload.
pub(super) fn parse(aspect: Aspect, day: Day, mut bytes: &[u8]) -> Option<DayEntry> {
    let mut entry = DayEntry { counters: take_counters(day, &mut bytes)?, ..DayEntry::default() };
    for other in linked(aspect) {
        let count = bits::take_varint(&mut bytes)? as usize;
        // A link takes a byte at least: a claimed count beyond that is damage, not a reason to allocate.
        let mut links = Vec::with_capacity(count.min(bytes.len()));
        let mut before = 0_u32;
        for _ in 0..count {
            before = before.checked_add(bits::take_varint(&mut bytes)? as u32)?;
            links.push(before);
        }
        *entry.links.get_mut(other.index())? = links;
    }
    bytes.is_empty().then_some(entry)
}

/// For errors.
pub(super) fn place(header: &RunHeader) -> String {
    format!("relations of day {}, run {}", header.day, header.run)
}

pub(super) fn wrong_entry(header: &RunHeader) -> StoreError {
    StoreError::corrupt(place(header), "a wrong entry")
}

#[cfg(test)]
mod tests {
    use super::super::block::Block;
    use super::*;
    use crate::event::MICROS_A_DAY;

    #[test]
    fn a_run_says_who_was_seen_with_what() {
        let day = Day(3);
        let at = |second: i64| 3 * MICROS_A_DAY + second * 1_000_000;
        let rows = RunRows {
            ts: vec![at(5), at(1), at(9) + 7],
            keys: [vec![4, 4, 9], vec![70, 60, 70], vec![1, 1, 1], vec![0, 2, 0]],
            input_tokens: vec![10, 20, 30],
            output_tokens: vec![1, 2, 3],
        };
        let run = build(day, 0, 65_536, &rows);
        let block_of =
            |aspect: Aspect| run.blocks.iter().find(|(number, ..)| *number == aspect as u8).expect("a block");
        let read = |aspect: Aspect, key: u32| {
            let block = Block::open(&block_of(aspect).2, String::new).expect("whole");
            block
                .find(key)
                .and_then(|index| block.payload(index))
                .map(|payload| parse(aspect, day, payload).expect("whole"))
        };
        let four = read(Aspect::Subject, 4).expect("subject 4");
        assert_eq!(
            four.counters,
            Counters { events: 2, input_tokens: 30, output_tokens: 3, first: at(1), last: at(5) }
        );
        assert_eq!(four.links, [vec![], vec![60, 70], vec![1], vec![0, 2]]);
        let seventy = read(Aspect::Origin, 70).expect("origin 70");
        assert_eq!(seventy.links, [vec![4, 9], vec![], vec![1], vec![]]);
        assert_eq!(seventy.counters.last, at(9) + 7);
        assert_eq!(read(Aspect::Origin, 61), None);
        assert_eq!(run.header.events, 3);
    }
}
