//! Segments: 65,536 rows that will not change, as columns and postings.

use super::block::Builder;
use super::codec::{self, Decode, Encode};
use super::error::StoreError;
use super::page::Pages;
use super::posting;
use super::rows::{self, Layout, Rows};
use super::tables::{self, COLUMNS, JOURNAL, POSTINGS, SEGMENTS};
use crate::event::{Aspect, Day};
use crate::limits::SEGMENT_ROWS;
use std::collections::BTreeMap;

/// What is known of a segment without reading it. All headers are kept in memory.
#[derive(Clone, Debug, Encode, Decode)]
pub(super) struct Header {
    pub(super) layout: Layout,
    /// Rows of each event-time day.
    pub(super) days: Vec<(i32, u32)>,
    /// First aspect keys of the posting blocks, for each aspect.
    pub(super) fences: [Vec<u32>; 4],
}

/// A segment ready to be stored.
pub(super) struct Sealed {
    pub(super) number: u32,
    pub(super) header: Header,
    pub(super) pages: Vec<Vec<u8>>,
    /// Aspect, first key, block.
    pub(super) postings: Vec<(u8, u32, Vec<u8>)>,
}

impl Sealed {
    /// Stores the segment and removes its journal records.
    pub(super) fn write(&self, transaction: &redb::WriteTransaction) -> Result<(), StoreError> {
        let mut columns = transaction.open_table(COLUMNS)?;
        for (page, value) in self.pages.iter().enumerate() {
            columns.insert(tables::column_key(self.number, page as u32), value.as_slice())?;
        }
        let mut postings = transaction.open_table(POSTINGS)?;
        for (aspect, first, value) in &self.postings {
            postings.insert(tables::posting_key(self.number, *aspect, *first), value.as_slice())?;
        }
        transaction.open_table(SEGMENTS)?.insert(self.number, codec::encode(&self.header)?.as_slice())?;
        let first = u64::from(self.number) * SEGMENT_ROWS as u64;
        transaction.open_table(JOURNAL)?.retain_in(first..first + SEGMENT_ROWS as u64, |_, _| false)?;
        Ok(())
    }
}

/// Rows by event-time day, in order of days.
pub(super) fn count_days(pieces: &[&Rows]) -> Vec<(i32, u32)> {
    let mut days: BTreeMap<i32, u32> = BTreeMap::new();
    for ts in pieces.iter().flat_map(|rows| &rows.ts) {
        *days.entry(Day::of(*ts).0).or_default() += 1;
    }
    days.into_iter().collect()
}

/// Makes a segment of pieces that follow each other.
pub(super) fn seal(number: u32, pieces: &[&Rows]) -> Result<Sealed, StoreError> {
    let mut pages = Pages::bounded();
    let layout = rows::put(pieces, &mut pages)?;
    let mut postings = Vec::new();
    let fences = Aspect::ALL.map(|aspect| {
        let blocks = posting_blocks(aspect, pieces);
        let fences = blocks.iter().map(|(first, _)| *first).collect();
        postings.extend(blocks.into_iter().map(|(first, value)| (aspect as u8, first, value)));
        fences
    });
    let header = Header { layout, days: count_days(pieces), fences };
    Ok(Sealed { number, header, pages: pages.finish(), postings })
}

/// Blocks of an aspect's postings: rows sorted by key, then cut.
fn posting_blocks(aspect: Aspect, pieces: &[&Rows]) -> Vec<(u32, Vec<u8>)> {
    let keys = pieces.iter().flat_map(|rows| rows.keys.get(aspect.index()).into_iter().flatten());
    let mut pairs: Vec<u64> = keys.enumerate().map(|(row, key)| u64::from(*key) << 16 | row as u64).collect();
    pairs.sort_unstable();
    let mut builder = Builder::default();
    let (mut rows, mut payload) = (Vec::new(), Vec::new());
    for group in pairs.chunk_by(|a, b| a >> 16 == b >> 16) {
        rows.clear();
        rows.extend(group.iter().map(|pair| *pair as u16));
        payload.clear();
        posting::put(&rows, &mut payload);
        builder.push(group.first().map_or(0, |pair| (pair >> 16) as u32), &payload);
    }
    builder.finish()
}
