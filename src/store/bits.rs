//! Numbers as bits: fixed-width packing for random access, varints for the rest.
//!
//! Readers return `None` rather than trust a length, because the bytes may be damaged.

/// Bits needed for a value; 0 for 0.
pub(super) fn width_of(value: u64) -> u8 {
    (64 - value.leading_zeros()) as u8
}

/// Bytes that `count` values of `width` bits take.
pub(super) fn packed_bytes(count: usize, width: u8) -> usize {
    (count * usize::from(width)).div_ceil(8)
}

/// Appends values, each in `width` bits, lowest bits first.
pub(super) fn pack(values: impl Iterator<Item = u64>, width: u8, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let mut pending: u128 = 0;
    let mut filled = 0_u32;
    for value in values {
        pending |= u128::from(value) << filled;
        filled += u32::from(width);
        if filled >= 64 {
            out.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= 64;
            filled -= 64;
        }
    }
    let rest = pending.to_le_bytes();
    out.extend(rest.iter().take(filled.div_ceil(8) as usize));
}

/// The value at `index` of packed bytes.
pub(super) fn get(bytes: &[u8], index: usize, width: u8) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let bit = index * usize::from(width);
    let from = bytes.get(bit / 8..)?;
    let mut window = [0_u8; 16];
    let needed = (bit % 8 + usize::from(width)).div_ceil(8);
    window.get_mut(..needed)?.copy_from_slice(from.get(..needed)?);
    Some((u128::from_le_bytes(window) >> (bit % 8)) as u64 & mask(width))
}

/// Calls `each` with the first `count` packed values in order; `None` when the bytes end before.
pub(super) fn unpack(bytes: &[u8], count: usize, width: u8, mut each: impl FnMut(u64)) -> Option<()> {
    if width == 0 {
        (0..count).for_each(|_| each(0));
        return Some(());
    }
    let bytes = bytes.get(..packed_bytes(count, width))?;
    let mut words = bytes.chunks(8);
    let (mut pending, mut filled) = (0_u128, 0_u32);
    for _ in 0..count {
        if filled < u32::from(width) {
            let chunk = words.next()?;
            let mut word = [0; 8];
            word.get_mut(..chunk.len())?.copy_from_slice(chunk);
            pending |= u128::from(u64::from_le_bytes(word)) << filled;
            filled += 64;
        }
        each(pending as u64 & mask(width));
        pending >>= width;
        filled -= u32::from(width);
    }
    Some(())
}

fn mask(width: u8) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

/// Appends a number in 7-bit groups, lowest first.
pub(super) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a varint off the front.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Takes `len` bytes off the front.
pub(super) fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

/// Takes a little-endian u32 off the front.
pub(super) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (taken, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    proptest! {
        #[test]
        fn packed_values_come_back(values in prop::collection::vec(any::<u64>(), 0..300), cut in 0_u8..64) {
            let values: Vec<u64> = values.iter().map(|v| v >> cut).collect();
            let width = values.iter().copied().map(width_of).max().unwrap_or(0);
            let mut bytes = Vec::new();
            pack(values.iter().copied(), width, &mut bytes);
            prop_assert_eq!(bytes.len(), packed_bytes(values.len(), width));
            for (index, value) in values.iter().enumerate() {
                prop_assert_eq!(get(&bytes, index, width), Some(*value));
            }
            let mut all = Vec::new();
            prop_assert!(unpack(&bytes, values.len(), width, |v| all.push(v)).is_some());
            prop_assert_eq!(all, values);
        }

        #[test]
        fn varints_come_back_and_short_ones_are_noticed(value in any::<u64>()) {
            let mut bytes = Vec::new();
            put_varint(value, &mut bytes);
            prop_assert_eq!(take_varint(&mut &bytes[..]), Some(value));
            prop_assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }
}
