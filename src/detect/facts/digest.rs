//! A digest of a day's events that does not depend on the order in which they arrived.
//!
//! Each event is digested with BLAKE3 over its time, the digests of what it says of subject, origin, client
//! and route (the values themselves, not their ordinals), and its numbers; the digests, as four little-endian
//! u64, are added up lane by lane. One changed byte of one event changes the sum, but for what is kept as a hash keyed
//! with the database's secret, of which only the kind counts. It shows that two parties
//! look at the same events; it is no signature.

use crate::event::{Aspect, Dim};
use crate::store::Snapshot;

/// Digests of aspect keys, by key in ascending order.
pub(super) struct Keys {
    keys: Vec<u32>,
    digests: Vec<[u8; 16]>,
}

impl Keys {
    pub(super) fn of(snapshot: &Snapshot, aspect: Aspect, keys: Vec<u32>) -> Self {
        let mut digests = Vec::with_capacity(keys.len());
        // The lock is taken for a few thousand keys at a time, so that new names can come in between.
        for some in keys.chunks(4_096) {
            let catalog = snapshot.catalog();
            digests.extend(some.iter().map(|key| {
                let mut hasher = blake3::Hasher::new();
                for dim in aspect.dims() {
                    let value: &[u8] =
                        catalog.name_of(*dim, *key).map_or(&[], |name| catalog.value(*dim, name));
                    let value = without_keyed(value);
                    hasher.update(&(value.len() as u64).to_le_bytes());
                    hasher.update(value);
                }
                let mut digest = [0; 16];
                digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
                digest
            }));
        }
        Self { keys, digests }
    }

    pub(super) fn get(&self, key: u32) -> [u8; 16] {
        let at = self.keys.binary_search(&key).ok();
        at.and_then(|at| self.digests.get(at)).copied().unwrap_or_default()
    }
}

/// A value up to the first hash in it that is keyed with the database's secret: whoever computes the digest again
/// from the log has another secret, or none.
fn without_keyed(value: &[u8]) -> &[u8] {
    const TAGS: [&[u8]; 3] = [b"key:", b"card:", b"mail:"];
    const HASH_DIGITS: usize = 24;
    for at in memchr::memchr_iter(b':', value) {
        let (before, after) = value.split_at(at + 1);
        let hash = after.get(..HASH_DIGITS).unwrap_or_default();
        if TAGS.iter().any(|tag| before.ends_with(tag))
            && hash.len() == HASH_DIGITS
            && hash.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return before;
        }
    }
    value
}

/// A sum of digests.
#[derive(Default)]
pub(super) struct Sum(pub(super) [u64; 4]);

impl Sum {
    /// Adds an event.
    pub(super) fn add(&mut self, micros: i64, aspects: [[u8; 16]; 4], numbers: &[u32]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&micros.to_le_bytes());
        hasher.update(aspects.as_flattened());
        for number in numbers {
            hasher.update(&number.to_le_bytes());
        }
        let digest = hasher.finalize();
        for (lane, bytes) in self.0.iter_mut().zip(digest.as_bytes().chunks_exact(8)) {
            *lane = lane.wrapping_add(u64::from_le_bytes(bytes.try_into().unwrap_or_default()));
        }
    }
}

/// The digest as text.
#[must_use]
pub(crate) fn hex(sum: [u64; 4]) -> String {
    use std::fmt::Write as _;
    sum.iter().flat_map(|lane| lane.to_le_bytes()).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

const _: () = assert!(Dim::ALL.len() == 17, "a new dimension changes every digest: give it a new version");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_keyed_with_a_secret_is_no_part_of_a_digest() {
        for (value, kept) in [
            ("key:0123456789abcdef01234567", "key:"),
            ("pay-card:0123456789abcdef01234567 two", "pay-card:"),
            ("key:rotate-me", "key:rotate-me"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
        ] {
            assert_eq!(without_keyed(value.as_bytes()), kept.as_bytes(), "{value}");
        }
    }
}
