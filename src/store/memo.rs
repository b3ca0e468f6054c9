//! What the appender remembers of aspect keys: their bytes and ordinals, without a lock and with few
//! waits for memory, for nearly every event carries keys that were seen before.
//!
//! Only a shortcut: the catalog decides, and forgetting everything costs nothing but time.

use crate::limits::{MEMO_BYTES_MAX, MEMO_KEYS_MAX};
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Where a key lies, and its ordinal.
#[derive(Clone, Copy)]
struct Slot {
    at: u32,
    ordinal: u32,
}

/// Aspect keys by their bytes, for one aspect.
pub(super) struct Memo {
    seed: u64,
    /// Length (u16, little-endian) and bytes of each key.
    bytes: Vec<u8>,
    slots: HashTable<Slot>,
}

fn key_at(bytes: &[u8], at: u32) -> &[u8] {
    let rest = bytes.get(at as usize..).unwrap_or_default();
    match rest.split_first_chunk::<2>() {
        Some((len, rest)) => rest.get(..usize::from(u16::from_le_bytes(*len))).unwrap_or_default(),
        None => &[],
    }
}

impl Memo {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, bytes: Vec::new(), slots: HashTable::new() }
    }

    /// Hash of a key, for [`Self::find`] and [`Self::insert`].
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, self.seed)
    }

    /// The ordinal of a key, if it is remembered.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.slots.find(hash, |slot| key_at(&self.bytes, slot.at) == key).map(|slot| slot.ordinal)
    }

    /// Remembers a key that is not remembered yet.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], ordinal: u32) {
        // Keys of the longest values would overflow the length: they are looked up in the catalog each time.
        let Ok(len) = u16::try_from(key.len()) else { return };
        if self.slots.len() >= MEMO_KEYS_MAX || self.bytes.len() >= MEMO_BYTES_MAX {
            self.bytes.clear();
            self.slots.clear();
        }
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(key);
        let (bytes, seed) = (&self.bytes, self.seed);
        self.slots.insert_unique(hash, Slot { at, ordinal }, |slot| {
            xxh3_64_with_seed(key_at(bytes, slot.at), seed)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_right_and_what_is_forgotten_is_only_forgotten() {
        let mut memo = Memo::new(3);
        let key = |n: u32| format!("key-{n}").into_bytes();
        for n in 0..10_000 {
            let key = key(n);
            let hash = memo.hash(&key);
            assert_eq!(memo.find(hash, &key), None);
            memo.insert(hash, &key, n);
        }
        for n in (0..10_000).step_by(7) {
            assert_eq!(memo.find(memo.hash(&key(n)), &key(n)), Some(n));
        }
        let long = vec![b'x'; 70_000];
        memo.insert(memo.hash(&long), &long, 1);
        assert_eq!(memo.find(memo.hash(&long), &long), None);
    }
}
