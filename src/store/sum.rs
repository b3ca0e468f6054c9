//! Checksummed values: 8 bytes of xxh3-64, little-endian, then the content.
//!
//! redb checks its pages only when asked to walk the whole file, so each value that we read proves
//! itself. A mismatch is an error that names the place, never an empty result.

use super::error::StoreError;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of the checksum in front of a value.
pub(super) const SUM_BYTES: usize = 8;

/// Puts the checksum of what follows into the first eight bytes of `value`, which the caller left free.
pub(super) fn seal(value: &mut [u8]) {
    if let Some((sum, content)) = value.split_first_chunk_mut::<SUM_BYTES>() {
        *sum = xxh3_64(content).to_le_bytes();
    }
}

/// A value with room for its checksum, to be filled and given to [`seal`].
pub(super) fn start(capacity: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(capacity + SUM_BYTES);
    value.resize(SUM_BYTES, 0);
    value
}

/// The content of a sealed value; `place` names table and key for the error.
pub(super) fn open(value: &[u8], place: impl FnOnce() -> String) -> Result<&[u8], StoreError> {
    match value.split_first_chunk::<SUM_BYTES>() {
        Some((sum, content)) if xxh3_64(content).to_le_bytes() == *sum => Ok(content),
        Some(_) => Err(StoreError::corrupt(place(), "the checksum does not match")),
        None => Err(StoreError::corrupt(place(), "the value is too short")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flipped_bit_is_noticed() {
        let mut value = start(3);
        value.extend_from_slice(b"abc");
        seal(&mut value);
        assert_eq!(open(&value, String::new).expect("whole"), b"abc");
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&damaged, String::new).is_err(), "bit {bit}");
        }
    }
}
