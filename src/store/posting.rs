//! Postings: which rows of a segment carry an aspect key. One segment is one roaring container, so a
//! posting is either the sorted rows or the bitmap of 65,536 bits, whichever is smaller.

use super::error::StoreError;
use roaring::RoaringBitmap;

/// Bytes of a bitmap of all rows of a segment.
const BITMAP_BYTES: usize = 8_192;

/// Appends the payload of sorted rows.
pub(super) fn put(rows: &[u16], out: &mut Vec<u8>) {
    if rows.len() * 2 < BITMAP_BYTES {
        out.extend(rows.iter().flat_map(|row| row.to_le_bytes()));
        return;
    }
    let start = out.len();
    out.resize(start + BITMAP_BYTES, 0);
    for row in rows {
        if let Some(byte) = out.get_mut(start + usize::from(*row) / 8) {
            *byte |= 1 << (row % 8);
        }
    }
}

/// Adds the rows of a payload to a list (not sorted across payloads) or a set.
pub(super) struct Rows {
    list: Vec<u16>,
    bitmap: RoaringBitmap,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), bitmap: RoaringBitmap::new() }
    }

    /// Adds a payload.
    pub(super) fn add(&mut self, payload: &[u8], place: impl FnOnce() -> String) -> Result<(), StoreError> {
        if payload.len() == BITMAP_BYTES {
            self.bitmap |= RoaringBitmap::from_lsb0_bytes(0, payload);
        } else if payload.len() < BITMAP_BYTES && payload.len().is_multiple_of(2) {
            self.list.extend(payload.chunks_exact(2).map(|row| u16::from_le_bytes([row[0], row[1]])));
        } else {
            return Err(StoreError::corrupt(place(), "a posting of impossible length"));
        }
        Ok(())
    }

    /// All rows added.
    pub(super) fn finish(mut self) -> RoaringBitmap {
        self.list.sort_unstable();
        self.list.dedup();
        let listed: RoaringBitmap = self.list.into_iter().map(u32::from).collect();
        if self.bitmap.is_empty() { listed } else { self.bitmap | listed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn rows_come_back(rows in prop::collection::btree_set(proptest::num::u16::ANY, 0..6_000)) {
            let sorted: Vec<u16> = rows.iter().copied().collect();
            let mut payload = Vec::new();
            put(&sorted, &mut payload);
            prop_assert!(payload.len() <= BITMAP_BYTES);
            let mut read = Rows::new();
            read.add(&payload, String::new).expect("whole");
            prop_assert_eq!(read.finish().iter().collect::<Vec<_>>(), sorted.iter().map(|r| u32::from(*r)).collect::<Vec<_>>());
        }
    }
}
