//! Links between aspect keys in a window: which subjects an address was seen with, and the other way.
//!
//! Whole days come from their relations, the rest from rows; both give the same.

use super::gather::{Gathered, pack};
use super::pivot::accounts_of;
use super::scan::Scan;
use super::{Budget, QueryError};
use crate::event::Aspect;
use crate::store::{Part, Plan, Snapshot};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Links from keys of one aspect to keys of another.
pub(super) struct Linked {
    /// `key << 32 | other`, sorted, each once.
    pub(super) pairs: Vec<u64>,
    /// Keys that were given up because on one day alone more than the bound of accounts had them, with
    /// that day's number of accounts. They have no pairs.
    pub(super) over: BTreeMap<u32, u64>,
}

/// Everything of one aspect that keys of another were seen with in a window. A key whose subjects on one
/// day are more than `accounts_max` accounts is given up at once: a popular client has tens of thousands.
pub(super) fn linked(
    snapshot: &Snapshot,
    plan: &Plan,
    (aspect, to): (Aspect, Aspect),
    keys: &RoaringBitmap,
    accounts_max: u64,
    budget: &Budget,
) -> Result<Linked, QueryError> {
    let mut gathered = Gathered::default();
    let mut over: BTreeMap<u32, u64> = BTreeMap::new();
    for run in &plan.runs {
        budget.check()?;
        let mut large: Vec<(u32, Vec<u32>)> = Vec::new();
        snapshot.links(run, (aspect, to), keys, &mut |key, links| {
            if over.contains_key(&key) {
                return;
            }
            if links.len() as u64 > accounts_max {
                large.push((key, links.collect()));
            } else {
                gathered.pairs.extend(links.map(|other| pack(key, other)));
            }
        })?;
        for (key, subjects) in large {
            // Many subjects may be few accounts with many keys each: only accounts make a hub.
            let accounts = accounts_of(snapshot, &subjects.iter().copied().collect(), budget)?.len();
            if accounts > accounts_max {
                over.insert(key, accounts);
            } else {
                gathered.pairs.extend(subjects.into_iter().map(|other| pack(key, other)));
            }
        }
        gathered.settle()?;
    }
    let wanted: RoaringBitmap = keys - over.keys().copied().collect::<RoaringBitmap>();
    for part in &plan.parts {
        budget.check()?;
        linked_rows(plan, part, (aspect, to), &wanted, &mut gathered.pairs)?;
        gathered.settle()?;
    }
    let mut pairs = gathered.finish()?;
    pairs.retain(|pair| over.is_empty() || !over.contains_key(&((pair >> 32) as u32)));
    Ok(Linked { pairs, over })
}

/// One part's contribution to [`linked`].
fn linked_rows(
    plan: &Plan,
    part: &Part,
    (aspect, to): (Aspect, Aspect),
    keys: &RoaringBitmap,
    pairs: &mut Vec<u64>,
) -> Result<(), QueryError> {
    let rows = part.rows_with(aspect, keys)?;
    let mut scan = Scan::of(part);
    scan.expect(rows.len());
    for row in rows {
        if plan.keeps(part.first_row() + u64::from(row), scan.ts(row)?) {
            pairs.push(pack(scan.key(aspect, row)?, scan.key(to, row)?));
        }
    }
    Ok(())
}
