//! A sorted block: a page that maps ascending u32 keys to byte strings, with binary search in place.
//!
//! Postings and days both are sequences of such blocks. Layout: count u16, first key u32, key width u8,
//! end width u8, keys (difference to the first key, packed), ends of the payloads (packed), payloads.

use super::bits;
use super::error::StoreError;
use super::sum;
use crate::limits::PAGE_BYTES;

const HEADER_BYTES: usize = 8;

/// Cuts a sorted sequence of entries into blocks of at most a page.
#[derive(Default)]
pub(super) struct Builder {
    keys: Vec<u32>,
    ends: Vec<u32>,
    payload: Vec<u8>,
    done: Vec<(u32, Vec<u8>)>,
}

impl Builder {
    /// Adds an entry; keys must ascend. An entry larger than a page gets a block of its own.
    pub(super) fn push(&mut self, key: u32, payload: &[u8]) {
        if !self.keys.is_empty() && self.bytes_with(key, payload.len()) > PAGE_BYTES {
            self.flush();
        }
        self.keys.push(key);
        self.payload.extend_from_slice(payload);
        self.ends.push(self.payload.len() as u32);
    }

    fn bytes_with(&self, key: u32, more: usize) -> usize {
        let first = self.keys.first().copied().unwrap_or(key);
        let (count, payload) = (self.keys.len() + 1, self.payload.len() + more);
        let key_width = bits::width_of(u64::from(key - first));
        let end_width = bits::width_of(payload as u64);
        sum::SUM_BYTES
            + HEADER_BYTES
            + bits::packed_bytes(count, key_width)
            + bits::packed_bytes(count, end_width)
            + payload
    }

    fn flush(&mut self) {
        let (Some(&first), Some(&last)) = (self.keys.first(), self.keys.last()) else {
            return;
        };
        let key_width = bits::width_of(u64::from(last - first));
        let end_width = bits::width_of(self.payload.len() as u64);
        let mut value = sum::start(PAGE_BYTES);
        value.extend_from_slice(&(self.keys.len() as u16).to_le_bytes());
        value.extend_from_slice(&first.to_le_bytes());
        value.extend_from_slice(&[key_width, end_width]);
        bits::pack(self.keys.iter().map(|key| u64::from(key - first)), key_width, &mut value);
        bits::pack(self.ends.iter().map(|end| u64::from(*end)), end_width, &mut value);
        value.append(&mut self.payload);
        sum::seal(&mut value);
        self.done.push((first, value));
        self.keys.clear();
        self.ends.clear();
    }

    /// The blocks, each with its first key.
    pub(super) fn finish(mut self) -> Vec<(u32, Vec<u8>)> {
        self.flush();
        self.done
    }
}

/// A block as read.
#[derive(Clone, Copy)]
pub(super) struct Block<'a> {
    count: usize,
    first: u32,
    key_width: u8,
    end_width: u8,
    keys: &'a [u8],
    ends: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Block<'a> {
    /// Checks a stored value and reads its header.
    pub(super) fn open(value: &'a [u8], place: impl Fn() -> String) -> Result<Self, StoreError> {
        let content = sum::open(value, &place)?;
        Self::parse(content).ok_or_else(|| StoreError::corrupt(place(), "a block with a wrong header"))
    }

    fn parse(mut rest: &'a [u8]) -> Option<Self> {
        let count = usize::from(u16::from_le_bytes(bits::take(&mut rest, 2)?.try_into().ok()?));
        let first = bits::take_u32(&mut rest)?;
        let widths = bits::take(&mut rest, 2)?;
        let (key_width, end_width) = (*widths.first()?, *widths.get(1)?);
        if key_width > 32 || end_width > 32 {
            return None;
        }
        let keys = bits::take(&mut rest, bits::packed_bytes(count, key_width))?;
        let ends = bits::take(&mut rest, bits::packed_bytes(count, end_width))?;
        Some(Self { count, first, key_width, end_width, keys, ends, payload: rest })
    }

    /// Entries in the block.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn key(&self, index: usize) -> Option<u32> {
        let difference = bits::get(self.keys, index, self.key_width)? as u32;
        self.first.checked_add(difference)
    }

    /// All keys in order.
    pub(super) fn keys(&self) -> Vec<u32> {
        let mut keys = Vec::with_capacity(self.count);
        let push = |difference| keys.push(self.first.wrapping_add(difference as u32));
        // The header was checked against the length when the block was opened.
        let _whole = bits::unpack(self.keys, self.count, self.key_width, push);
        keys
    }

    /// The payload at an index; `None` past the end.
    pub(super) fn payload(&self, index: usize) -> Option<&'a [u8]> {
        if index >= self.count {
            return None;
        }
        let start = match index.checked_sub(1) {
            Some(before) => bits::get(self.ends, before, self.end_width)?,
            None => 0,
        };
        let end = bits::get(self.ends, index, self.end_width)?;
        self.payload.get(start as usize..end as usize)
    }

    /// Index of a key.
    pub(super) fn find(&self, key: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.key(middle).is_some_and(|at| at < key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < self.count && self.key(low) == Some(key)).then_some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn every_entry_is_found_again(
            entries in prop::collection::btree_map(any::<u32>(), prop::collection::vec(any::<u8>(), 0..600), 0..200),
        ) {
            let mut builder = Builder::default();
            for (key, payload) in &entries {
                builder.push(*key, payload);
            }
            let blocks = builder.finish();
            let fences: Vec<u32> = blocks.iter().map(|(first, _)| *first).collect();
            for (key, payload) in &entries {
                let index = fences.partition_point(|first| first <= key) - 1;
                let block = Block::open(&blocks[index].1, String::new).expect("whole");
                prop_assert_eq!(block.find(*key).and_then(|index| block.payload(index)), Some(&payload[..]));
            }
            let mut all = Vec::new();
            for (_, value) in &blocks {
                prop_assert!(value.len() <= PAGE_BYTES);
                let block = Block::open(value, String::new).expect("whole");
                let payload = |index: usize| block.payload(index).expect("whole").to_vec();
                all.extend(block.keys().into_iter().enumerate().map(|(index, key)| (key, payload(index))));
            }
            prop_assert_eq!(all, entries.into_iter().collect::<Vec<_>>());
        }
    }
}
