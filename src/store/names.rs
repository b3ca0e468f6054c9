//! The catalog on disk: blocks of names and of aspect keys, in order of their ordinals.
//!
//! New names travel in the journal record of the commit that brought them ([`Delta`]) and move into
//! blocks when a segment is sealed. Ordinals are never stored: they are the position.

use super::bits;
use super::catalog::Catalog;
use super::error::StoreError;
use super::sum;
use crate::event::{Aspect, Dim};
use crate::limits::PAGE_BYTES;

/// How many names and aspect keys there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) names: [u32; 17],
    pub(super) keys: [u32; 4],
}

impl Extent {
    /// What a catalog holds now.
    pub(super) fn of(catalog: &Catalog) -> Self {
        Self {
            names: Dim::ALL.map(|dim| catalog.names(dim)),
            keys: Aspect::ALL.map(|aspect| catalog.keys(aspect)),
        }
    }
}

/// Whether a dimension's names are stored; those of networks follow from the addresses.
fn is_stored(dim: Dim) -> bool {
    !matches!(dim, Dim::Net | Dim::Site)
}

/// Appends one name.
fn put_name(catalog: &Catalog, dim: Dim, name: u32, out: &mut Vec<u8>) {
    let value = catalog.value(dim, name);
    bits::put_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Appends one aspect key: each name plus one, 0 for missing.
fn put_tuple(catalog: &Catalog, aspect: Aspect, key: u32, out: &mut Vec<u8>) {
    for name in catalog.tuple(aspect, key) {
        bits::put_varint(u64::from(name.wrapping_add(1)), out);
    }
}

/// Takes one name off the front and enters it.
fn take_name(catalog: &mut Catalog, dim: Dim, bytes: &mut &[u8]) -> Option<()> {
    let len = bits::take_varint(bytes)? as usize;
    let value = bits::take(bytes, len)?;
    catalog.intern_name(dim, value).ok().map(|_| ())
}

/// Takes one aspect key off the front and enters it.
fn take_tuple(catalog: &mut Catalog, aspect: Aspect, bytes: &mut &[u8]) -> Option<()> {
    let mut tuple = [0_u32; 6];
    let tuple = tuple.get_mut(..aspect.dims().len())?;
    for name in tuple.iter_mut() {
        *name = (bits::take_varint(bytes)? as u32).wrapping_sub(1);
    }
    catalog.intern_tuple(aspect, tuple).ok().map(|_| ())
}

/// Names and keys from one extent to another as a part of a journal record.
pub(super) fn put_delta(catalog: &Catalog, from: &Extent, to: &Extent, out: &mut Vec<u8>) {
    for dim in Dim::ALL.into_iter().filter(|dim| is_stored(*dim)) {
        let (start, end) = (from.names[dim.index()], to.names[dim.index()]);
        bits::put_varint(u64::from(start), out);
        bits::put_varint(u64::from(end - start), out);
        (start..end).for_each(|name| put_name(catalog, dim, name, out));
    }
    for aspect in Aspect::ALL {
        let (start, end) = (from.keys[aspect.index()], to.keys[aspect.index()]);
        bits::put_varint(u64::from(start), out);
        bits::put_varint(u64::from(end - start), out);
        (start..end).for_each(|key| put_tuple(catalog, aspect, key, out));
    }
}

/// Enters a journal record's names and keys. What a seal has stored already comes again and is the same.
pub(super) fn apply_delta(catalog: &mut Catalog, mut bytes: &[u8]) -> Option<()> {
    for dim in Dim::ALL.into_iter().filter(|dim| is_stored(*dim)) {
        let start = bits::take_varint(&mut bytes)? as u32;
        let count = bits::take_varint(&mut bytes)?;
        if start > catalog.names(dim) {
            return None;
        }
        (0..count).try_for_each(|_| take_name(catalog, dim, &mut bytes))?;
    }
    for aspect in Aspect::ALL {
        let start = bits::take_varint(&mut bytes)? as u32;
        let count = bits::take_varint(&mut bytes)?;
        if start > catalog.keys(aspect) {
            return None;
        }
        (0..count).try_for_each(|_| take_tuple(catalog, aspect, &mut bytes))?;
    }
    bytes.is_empty().then_some(())
}

/// A block to store: number of the dimension or aspect, first ordinal, value.
pub(super) type StoredBlock = (u8, u32, Vec<u8>);

/// Blocks of the names from one extent to another.
pub(super) fn name_blocks(catalog: &Catalog, from: &Extent, to: &Extent) -> Vec<StoredBlock> {
    let mut blocks = Vec::new();
    for dim in Dim::ALL.into_iter().filter(|dim| is_stored(*dim)) {
        let range = from.names[dim.index()]..to.names[dim.index()];
        cut(dim as u8, range, &mut blocks, |name, out| put_name(catalog, dim, name, out));
    }
    blocks
}

/// Blocks of the aspect keys from one extent to another.
pub(super) fn key_blocks(catalog: &Catalog, from: &Extent, to: &Extent) -> Vec<StoredBlock> {
    let mut blocks = Vec::new();
    for aspect in Aspect::ALL {
        let range = from.keys[aspect.index()]..to.keys[aspect.index()];
        cut(aspect as u8, range, &mut blocks, |key, out| put_tuple(catalog, aspect, key, out));
    }
    blocks
}

/// Cuts a range of ordinals into blocks of at most a page.
fn cut(
    number: u8,
    range: std::ops::Range<u32>,
    blocks: &mut Vec<StoredBlock>,
    mut put: impl FnMut(u32, &mut Vec<u8>),
) {
    let mut current: Option<(u32, Vec<u8>)> = None;
    let mut piece = Vec::new();
    let mut close = |current: Option<(u32, Vec<u8>)>| {
        if let Some((first, mut value)) = current {
            sum::seal(&mut value);
            blocks.push((number, first, value));
        }
    };
    for ordinal in range {
        piece.clear();
        put(ordinal, &mut piece);
        if current.as_ref().is_some_and(|(_, value)| value.len() + piece.len() > PAGE_BYTES) {
            close(current.take());
        }
        current.get_or_insert_with(|| (ordinal, sum::start(0))).1.extend_from_slice(&piece);
    }
    close(current);
}

/// Enters a stored block, which must start where the catalog ends.
pub(super) fn apply_block(
    catalog: &mut Catalog,
    number: u8,
    first: u32,
    value: &[u8],
    is_names: bool,
) -> Result<(), StoreError> {
    let table = if is_names { "names" } else { "aspects" };
    let place = || format!("{table}, block {number}/{first}");
    let mut content = sum::open(value, place)?;
    let entered = (|| {
        let dim = Dim::ALL.get(usize::from(number)).copied();
        let aspect = Aspect::ALL.get(usize::from(number)).copied();
        let present = if is_names { catalog.names(dim?) } else { catalog.keys(aspect?) };
        if present != first {
            return None;
        }
        while !content.is_empty() {
            if is_names {
                take_name(catalog, dim?, &mut content)?;
            } else {
                take_tuple(catalog, aspect?, &mut content)?;
            }
        }
        Some(())
    })();
    entered.ok_or_else(|| StoreError::corrupt(place(), "names out of order or cut short"))
}
