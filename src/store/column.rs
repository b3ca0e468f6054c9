//! Columns of numbers: frames of 256 rows with random access, each number kept as the difference to the
//! smallest of its frame in as few bits as the frame needs; and the directory that finds frames.
//!
//! Text is in `text.rs`. Bytes are in `FORMAT.md`.

use super::bits;
use super::codec::{Decode, Encode};
use super::error::StoreError;
use super::page::{Pages, Source};
use std::borrow::Cow;

/// Rows of a frame.
pub(super) const FRAME_ROWS: usize = 256;

/// Directory entry of a frame of numbers: smallest value u64, width u8, position u32.
const NUMBER_ENTRY_BYTES: usize = 13;

/// Where a column's directory entries lie. Those of one frame of all columns lie together, so that who reads
/// a row finds them on one page.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(super) struct Entries {
    /// Position of the entry of the first frame.
    at: u32,
    /// Bytes from the entry of one frame to that of the next.
    stride: u32,
}

impl Entries {
    pub(super) fn read(
        self,
        source: &mut impl Source,
        frame: usize,
        len: usize,
    ) -> Result<Cow<'_, [u8]>, StoreError> {
        source.read(self.at + frame as u32 * self.stride, len)
    }
}

/// The directory being gathered: the entries of each column, frame by frame.
#[derive(Default)]
pub(super) struct Directory {
    columns: Vec<(usize, Vec<u8>)>,
}

impl Directory {
    /// Adds a column's entries, one for each frame, as many as the other columns have; gives its number.
    pub(super) fn add(&mut self, entry_bytes: usize, entries: Vec<u8>) -> usize {
        self.columns.push((entry_bytes, entries));
        self.columns.len() - 1
    }

    /// Writes all entries; gives where those of each column lie, by its number.
    pub(super) fn place(self, pages: &mut Pages) -> Vec<Entries> {
        let stride: usize = self.columns.iter().map(|(entry_bytes, _)| entry_bytes).sum();
        let mut columns: Vec<_> =
            self.columns.iter().map(|(bytes, entries)| entries.chunks(*bytes)).collect();
        let mut rows = Vec::new();
        while columns.iter_mut().filter_map(|entries| entries.next().map(|entry| rows.extend(entry))).count()
            > 0
        {}
        let mut at = if rows.is_empty() { 0 } else { pages.place(&rows) };
        let mut place = |(bytes, _): &(usize, Vec<u8>)| {
            let entries = Entries { at, stride: stride as u32 };
            at += *bytes as u32;
            entries
        };
        self.columns.iter().map(&mut place).collect()
    }
}

/// A column of numbers: without `E` yet placed, its number in the directory.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(super) enum Numbers<E = Entries> {
    /// Every row has this value.
    Constant(u64),
    /// Where its frames are found.
    Frames(E),
}

impl Numbers<usize> {
    /// The column, once the directory is placed.
    pub(super) fn placed(self, entries: &[Entries]) -> Numbers {
        match self {
            Self::Constant(value) => Numbers::Constant(value),
            Self::Frames(number) => {
                entries.get(number).map_or(Numbers::Constant(0), |at| Numbers::Frames(*at))
            }
        }
    }
}

/// Writes a column of numbers.
pub(super) fn put_numbers(values: &[u64], pages: &mut Pages, directory: &mut Directory) -> Numbers<usize> {
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|value| *value == first) {
        return Numbers::Constant(first);
    }
    let mut entries = Vec::new();
    let mut packed = Vec::new();
    for frame in values.chunks(FRAME_ROWS) {
        let least = frame.iter().copied().min().unwrap_or_default();
        let width = frame.iter().map(|value| bits::width_of(value - least)).max().unwrap_or_default();
        packed.clear();
        bits::pack(frame.iter().map(|value| value - least), width, &mut packed);
        let position = if packed.is_empty() { 0 } else { pages.place(&packed) };
        entries.extend_from_slice(&least.to_le_bytes());
        entries.push(width);
        entries.extend_from_slice(&position.to_le_bytes());
    }
    Numbers::Frames(directory.add(NUMBER_ENTRY_BYTES, entries))
}

/// Least value, width and position of a frame.
fn number_frame(
    source: &mut impl Source,
    entries: Entries,
    frame: usize,
) -> Result<(u64, u8, u32), StoreError> {
    let entry = entries.read(source, frame, NUMBER_ENTRY_BYTES)?;
    let parsed = entry.split_first_chunk::<8>().and_then(|(least, rest)| {
        let (&width, position) = rest.split_first()?;
        let position = u32::from_le_bytes(position.try_into().ok()?);
        (width <= 64).then_some((u64::from_le_bytes(*least), width, position))
    });
    parsed.ok_or_else(|| StoreError::corrupt(source.place(), "a wrong frame of numbers"))
}

/// The number at a row.
pub(super) fn number(source: &mut impl Source, column: Numbers, row: usize) -> Result<u64, StoreError> {
    let entries = match column {
        Numbers::Constant(value) => return Ok(value),
        Numbers::Frames(entries) => entries,
    };
    let (least, width, position) = number_frame(source, entries, row / FRAME_ROWS)?;
    if width == 0 {
        return Ok(least);
    }
    let bit = row % FRAME_ROWS * usize::from(width);
    let needed = (bit % 8 + usize::from(width)).div_ceil(8);
    let bytes = source.read(position + (bit / 8) as u32, needed)?;
    let mut window = [0_u8; 16];
    window.iter_mut().zip(bytes.iter()).for_each(|(to, from)| *to = *from);
    let mask = if width >= 64 { u64::MAX } else { (1 << width) - 1 };
    Ok(least.wrapping_add((u128::from_le_bytes(window) >> (bit % 8)) as u64 & mask))
}

/// All numbers of a column of `rows` rows, in order.
pub(super) fn numbers(
    source: &mut impl Source,
    column: Numbers,
    rows: usize,
) -> Result<Vec<u64>, StoreError> {
    let entries = match column {
        Numbers::Constant(value) => return Ok(vec![value; rows]),
        Numbers::Frames(entries) => entries,
    };
    let mut values = Vec::with_capacity(rows);
    for frame in 0..rows.div_ceil(FRAME_ROWS) {
        let count = (rows - frame * FRAME_ROWS).min(FRAME_ROWS);
        let (least, width, position) = number_frame(source, entries, frame)?;
        let bytes = source.read(position, bits::packed_bytes(count, width))?;
        let whole = bits::unpack(&bytes, count, width, |value| values.push(least.wrapping_add(value)));
        drop(bytes);
        whole.ok_or_else(|| StoreError::corrupt(source.place(), "a frame of numbers ends early"))?;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::super::page::Flat;
    use super::super::sum::SUM_BYTES;
    use super::*;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec(any::<u64>(), 1..700), cut in 0_u8..64) {
            let values: Vec<u64> = values.iter().map(|v| v >> cut).collect();
            let mut pages = Pages::unbounded();
            let mut directory = Directory::default();
            let others: Vec<u64> = (0..values.len() as u64).collect();
            let other = put_numbers(&others, &mut pages, &mut directory);
            let column = put_numbers(&values, &mut pages, &mut directory);
            let entries = directory.place(&mut pages);
            let (column, other) = (column.placed(&entries), other.placed(&entries));
            let pages = pages.finish();
            let mut source = Flat(pages.first().map_or(&[][..], |page| &page[SUM_BYTES..]));
            prop_assert_eq!(&numbers(&mut source, other, values.len()).expect("whole"), &others);
            prop_assert_eq!(&numbers(&mut source, column, values.len()).expect("whole"), &values);
            for (row, value) in values.iter().enumerate() {
                prop_assert_eq!(number(&mut source, column, row).expect("whole"), *value);
            }
        }
    }
}
