//! Journal records: what one commit added, so that it survives until its segment is sealed.
//!
//! A record is one page without end: layout, new names, columns. It is checked as a whole.

use super::bits;
use super::catalog::Catalog;
use super::error::StoreError;
use super::names::{self, Extent};
use super::page::{Flat, Pages};
use super::rows::{self, Layout, Rows};
use super::sum;

/// The bytes of a record: rows, and the names that came since the record before.
pub(super) fn encode(
    rows: &Rows,
    catalog: &Catalog,
    from: &Extent,
    to: &Extent,
) -> Result<Vec<u8>, StoreError> {
    let mut pages = Pages::unbounded();
    let layout = rows::put(&[rows], &mut pages)?;
    let columns = pages.finish();
    let columns = columns.first().and_then(|page| page.get(sum::SUM_BYTES..)).unwrap_or_default();
    let layout = super::codec::encode(&layout)?;
    let mut value = sum::start(layout.len() + columns.len() + 64);
    bits::put_varint(layout.len() as u64, &mut value);
    value.extend_from_slice(&layout);
    bits::put_varint(columns.len() as u64, &mut value);
    value.extend_from_slice(columns);
    names::put_delta(catalog, from, to, &mut value);
    sum::seal(&mut value);
    Ok(value)
}

/// The rows of a record, after its names are entered into the catalog.
pub(super) fn decode(value: &[u8], first_row: u64, catalog: &mut Catalog) -> Result<Rows, StoreError> {
    let place = || format!("journal record {first_row}");
    let mut rest = sum::open(value, place)?;
    let wrong = |reason: &str| StoreError::corrupt(place(), reason);
    let mut take = |what: &str| {
        let len = bits::take_varint(&mut rest).ok_or_else(|| wrong(what))? as usize;
        bits::take(&mut rest, len).ok_or_else(|| wrong(what))
    };
    let layout: Layout = super::codec::decode(take("no layout")?, place)?;
    let columns = take("no columns")?;
    names::apply_delta(catalog, rest).ok_or_else(|| wrong("names out of order or cut short"))?;
    layout.read(&mut Flat(columns))
}
