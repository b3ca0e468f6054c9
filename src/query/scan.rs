//! Access to what a question asks of many rows or many names, without reading value by value what is
//! wanted whole, and without keeping the catalog from its writer.

use super::{Budget, QueryError};
use crate::event::{Aspect, Dim, Micros, Number};
use crate::store::{Catalog, Part, PartReader, Snapshot};
use roaring::RoaringBitmap;
use std::collections::BTreeSet;

/// A column is read whole when more than one row in this many is asked for.
const WHOLE_SHARE: u64 = 16;

/// Ordinals resolved under one read lock of the catalog, well under a millisecond. Ingest waits for the
/// lock, and must not wait for a whole query.
const LOCKED_ORDINALS_MAX: usize = 4_096;

/// The columns of one part, each read whole or value by value, whichever is cheaper.
pub(super) struct Scan {
    pub(super) reader: PartReader,
    rows: u32,
    is_whole: bool,
    ts: Option<Vec<Micros>>,
    keys: [Option<Vec<u32>>; 4],
    numbers: [Option<Vec<u32>>; Number::COUNT],
}

impl Scan {
    pub(super) fn of(part: &Part) -> Self {
        let keys = [const { None }; 4];
        let numbers = [const { None }; Number::COUNT];
        Self { reader: part.reader(), rows: part.len(), is_whole: false, ts: None, keys, numbers }
    }

    /// Says how many rows will be asked for.
    pub(super) fn expect(&mut self, rows: u64) {
        self.is_whole = rows > u64::from(self.rows) / WHOLE_SHARE;
    }

    /// Event time of a row.
    pub(super) fn ts(&mut self, row: u32) -> Result<Micros, QueryError> {
        if self.is_whole && self.ts.is_none() {
            self.ts = Some(self.reader.all_ts()?);
        }
        match &self.ts {
            Some(all) => Ok(all.get(row as usize).copied().unwrap_or_default()),
            None => Ok(self.reader.ts(row)?),
        }
    }

    /// A row's key of an aspect.
    pub(super) fn key(&mut self, aspect: Aspect, row: u32) -> Result<u32, QueryError> {
        if self.is_whole {
            return Ok(self.whole_keys(aspect)?.get(row as usize).copied().unwrap_or_default());
        }
        match self.keys.get(aspect.index()) {
            Some(Some(all)) => Ok(all.get(row as usize).copied().unwrap_or_default()),
            _ => Ok(self.reader.key(aspect, row)?),
        }
    }

    /// A number of a row, 0 for missing.
    pub(super) fn number(&mut self, number: Number, row: u32) -> Result<u32, QueryError> {
        let Some(slot) = self.numbers.get_mut(number.index()).filter(|_| self.is_whole) else {
            return Ok(self.reader.number(number, row)?.unwrap_or_default());
        };
        if slot.is_none() {
            *slot = Some(self.reader.all_numbers(number)?);
        }
        Ok(slot.as_ref().and_then(|all| all.get(row as usize)).copied().unwrap_or_default())
    }

    fn whole_keys(&mut self, aspect: Aspect) -> Result<&[u32], QueryError> {
        let Some(slot) = self.keys.get_mut(aspect.index()) else { return Ok(&[]) };
        if slot.is_none() {
            *slot = Some(self.reader.all_keys(aspect)?);
        }
        Ok(slot.as_deref().unwrap_or_default())
    }
}

/// What the catalog says of each of many ordinals, in their order, with the lock given back in between.
pub(super) fn through_catalog<O, T>(
    snapshot: &Snapshot,
    ordinals: impl IntoIterator<Item = O>,
    budget: &Budget,
    mut ask: impl FnMut(&Catalog, O) -> Option<T>,
) -> Result<Vec<T>, QueryError> {
    let mut ordinals = ordinals.into_iter();
    let mut told = Vec::new();
    loop {
        budget.check()?;
        let catalog = snapshot.catalog();
        let mut left = LOCKED_ORDINALS_MAX;
        for ordinal in ordinals.by_ref().take(LOCKED_ORDINALS_MAX) {
            left -= 1;
            told.extend(ask(&catalog, ordinal));
        }
        if left > 0 {
            return Ok(told);
        }
    }
}

/// The names of a dimension that aspect keys carry.
pub(super) fn names_in(
    snapshot: &Snapshot,
    dim: Dim,
    keys: &RoaringBitmap,
    budget: &Budget,
) -> Result<RoaringBitmap, QueryError> {
    let mut names = through_catalog(snapshot, keys, budget, |catalog, key| catalog.name_of(dim, key))?;
    names.sort_unstable();
    Ok(names.into_iter().collect())
}

/// A value, and what is known of it.
pub(super) type Valued<T> = (Box<[u8]>, T);

/// Each of some names as its value.
pub(super) fn valued<T>(
    snapshot: &Snapshot,
    dim: Dim,
    names: impl IntoIterator<Item = (u32, T)>,
    budget: &Budget,
) -> Result<Vec<Valued<T>>, QueryError> {
    through_catalog(snapshot, names, budget, |catalog, (name, beside)| {
        Some((Box::from(catalog.value(dim, name)), beside))
    })
}

/// The first values of some names, in order of value.
pub(super) fn first_values(
    snapshot: &Snapshot,
    dim: Dim,
    names: &RoaringBitmap,
    limit: usize,
    budget: &Budget,
) -> Result<BTreeSet<Box<[u8]>>, QueryError> {
    let mut first: BTreeSet<Box<[u8]>> = BTreeSet::new();
    through_catalog(snapshot, names, budget, |catalog, name| {
        let value = catalog.value(dim, name);
        if first.len() < limit || first.last().is_some_and(|last| value < &**last) {
            first.insert(value.into());
        }
        if first.len() > limit {
            first.pop_last();
        }
        None::<()>
    })?;
    Ok(first)
}
