//! An exact dictionary: byte strings to dense ordinals and back, append-only, in memory.
//!
//! A hash only chooses where to look; the bytes decide. Hashes are keyed with the database's seed, so
//! that names chosen by an adversary do not pile up in one place.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Byte strings by ordinal.
pub(super) struct Dictionary {
    seed: u64,
    bytes: Vec<u8>,
    ends: Vec<u64>,
    slots: HashTable<u32>,
}

impl Dictionary {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, bytes: Vec::new(), ends: Vec::new(), slots: HashTable::new() }
    }

    pub(super) fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// Bytes of memory, roughly.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 8 + self.slots.capacity() * 5
    }

    /// The value of an ordinal, empty past the end.
    pub(super) fn value(&self, ordinal: u32) -> &[u8] {
        value_of(&self.bytes, &self.ends, ordinal)
    }

    /// The ordinal of a value.
    pub(super) fn find(&self, value: &[u8]) -> Option<u32> {
        let hash = xxh3_64_with_seed(value, self.seed);
        self.slots.find(hash, |ordinal| self.value(*ordinal) == value).copied()
    }

    /// The ordinal of a value, new if need be, and whether it is.
    pub(super) fn intern(&mut self, value: &[u8]) -> (u32, bool) {
        let hash = xxh3_64_with_seed(value, self.seed);
        if let Some(ordinal) = self.slots.find(hash, |ordinal| self.value(*ordinal) == value) {
            return (*ordinal, false);
        }
        let ordinal = self.len();
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u64);
        let (bytes, ends, seed) = (&self.bytes, &self.ends, self.seed);
        self.slots
            .insert_unique(hash, ordinal, |other| xxh3_64_with_seed(value_of(bytes, ends, *other), seed));
        (ordinal, true)
    }
}

fn value_of<'a>(bytes: &'a [u8], ends: &[u64], ordinal: u32) -> &'a [u8] {
    let at = ordinal as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
    let end = ends.get(at).copied().unwrap_or(start);
    bytes.get(start as usize..end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn ordinals_are_dense_and_exact() {
        let mut dictionary = Dictionary::new(7);
        let mut model: HashMap<Vec<u8>, u32> = HashMap::new();
        for n in 0..20_000_u32 {
            let name = format!("name-{}", n.wrapping_mul(2_654_435_761) % 5_000).into_bytes();
            let expected = model.len() as u32;
            let known = *model.entry(name.clone()).or_insert(expected);
            assert_eq!(dictionary.intern(&name), (known, known == expected));
        }
        for (name, ordinal) in &model {
            assert_eq!(dictionary.find(name), Some(*ordinal));
            assert_eq!(dictionary.value(*ordinal), &name[..]);
        }
        assert_eq!(dictionary.find(b"never"), None);
        assert_eq!(dictionary.value(1 << 30), b"");
    }
}
