//! The shared primitive of the read path: from aspect keys to what they were seen with in a window,
//! and from accounts to the attributes that they share.
//!
//! Whole days come from their relations, the rest from rows; both give the same figures.

use super::{Budget, QueryError};
use crate::event::{Aspect, Dim, Number};
use crate::store::{Counters, Plan, Snapshot};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};

/// What one aspect key was seen with.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) counters: Counters,
    /// Keys of other aspects, by aspect.
    pub(super) links: [RoaringBitmap; 4],
}

/// Everything that keys of one aspect were seen with. Keys that were not seen in the window are absent.
pub(super) fn seen(
    snapshot: &Snapshot,
    plan: &Plan,
    aspect: Aspect,
    keys: &RoaringBitmap,
    budget: &Budget,
) -> Result<BTreeMap<u32, Seen>, QueryError> {
    let mut all: BTreeMap<u32, Seen> = BTreeMap::new();
    for run in &plan.runs {
        budget.check()?;
        snapshot.entries(run, aspect, keys, &mut |key, entry| {
            let seen = all.entry(key).or_default();
            seen.counters.merge(&entry.counters);
            for (to, from) in seen.links.iter_mut().zip(entry.links) {
                to.extend(from);
            }
        })?;
    }
    for part in &plan.parts {
        budget.check()?;
        let rows = part.rows_with(aspect, keys)?;
        let mut reader = part.reader();
        for row in rows {
            let ts = reader.ts(row)?;
            if !plan.keeps(part.first_row() + u64::from(row), ts) {
                continue;
            }
            let tokens = |number: Option<u32>| u64::from(number.unwrap_or(0));
            let input = tokens(reader.number(Number::InputTokens, row)?);
            let output = tokens(reader.number(Number::OutputTokens, row)?);
            let seen = all.entry(reader.key(aspect, row)?).or_default();
            seen.counters.add(ts, input, output);
            for (other, link) in Aspect::ALL.into_iter().zip(&mut seen.links) {
                if is_linked(aspect, other) {
                    link.insert(reader.key(other, row)?);
                }
            }
        }
    }
    Ok(all)
}

/// The links that days keep: the rows of a window must not say more than its days.
fn is_linked(aspect: Aspect, other: Aspect) -> bool {
    aspect != other && (aspect == Aspect::Subject || other != Aspect::Route)
}

/// The aspect keys of an account.
pub(super) fn subjects_of(snapshot: &Snapshot, account: &str) -> Result<RoaringBitmap, QueryError> {
    let catalog = snapshot.catalog();
    let name = catalog.find(Dim::Account, account.as_bytes());
    let name = name.ok_or_else(|| QueryError::NotFound { what: "account", name: account.to_owned() })?;
    Ok(catalog.keys_with(Dim::Account, name))
}

/// One thing that accounts share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) dim: Dim,
    pub(super) name: u32,
    /// All accounts that had it in the window, ascending.
    pub(super) accounts: Vec<u32>,
}

/// A thing that too many accounts share to list them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hub {
    pub(super) dim: Dim,
    pub(super) name: u32,
    pub(super) accounts: u64,
}

/// The attributes of some subjects in a window, each with every account that had it.
pub(super) struct Sharing {
    pub(super) shared: Vec<Shared>,
    pub(super) hubs: Vec<Hub>,
}

/// Finds the attributes of the given kinds that `subjects` had, and who else had them. What more than
/// `hub_max` accounts had is counted, not listed.
pub(super) fn sharing(
    snapshot: &Snapshot,
    plan: &Plan,
    subjects: &RoaringBitmap,
    via: &[Dim],
    hub_max: u64,
    budget: &Budget,
) -> Result<Sharing, QueryError> {
    let own = seen(snapshot, plan, Aspect::Subject, subjects, budget)?;
    let mut result = Sharing { shared: Vec::new(), hubs: Vec::new() };
    for aspect in [Aspect::Subject, Aspect::Origin, Aspect::Client] {
        let dims: Vec<Dim> = via.iter().copied().filter(|dim| dim.aspect() == aspect).collect();
        if dims.is_empty() {
            continue;
        }
        let own_keys: RoaringBitmap = match aspect {
            Aspect::Subject => own.keys().copied().collect(),
            _ => own.values().fold(RoaringBitmap::new(), |all, seen| all | &seen.links[aspect.index()]),
        };
        let attributes = names_in(snapshot, &dims, &own_keys);
        holders(snapshot, plan, aspect, attributes, hub_max, budget, &mut result)?;
    }
    Ok(result)
}

/// The names of some dimensions in aspect keys.
fn names_in(snapshot: &Snapshot, dims: &[Dim], keys: &RoaringBitmap) -> BTreeSet<(Dim, u32)> {
    let catalog = snapshot.catalog();
    let names = |key: u32| dims.iter().map(move |dim| (*dim, key));
    keys.iter().flat_map(names).filter_map(|(dim, key)| Some((dim, catalog.name_of(dim, key)?))).collect()
}

/// Adds to a result who had each of the attributes of one aspect.
fn holders(
    snapshot: &Snapshot,
    plan: &Plan,
    aspect: Aspect,
    attributes: BTreeSet<(Dim, u32)>,
    hub_max: u64,
    budget: &Budget,
    result: &mut Sharing,
) -> Result<(), QueryError> {
    let mut keys_of = Vec::with_capacity(attributes.len());
    let mut all_keys = RoaringBitmap::new();
    for (dim, name) in attributes {
        let keys = snapshot.catalog().keys_with(dim, name);
        all_keys |= &keys;
        keys_of.push((dim, name, keys));
    }
    budget.check()?;
    let others = seen(snapshot, plan, aspect, &all_keys, budget)?;
    for (dim, name, keys) in keys_of {
        budget.check()?;
        let present = keys.iter().filter_map(|key| Some((key, others.get(&key)?)));
        let subjects = match aspect {
            Aspect::Subject => present.map(|(key, _)| key).collect(),
            _ => present
                .fold(RoaringBitmap::new(), |all, (_, seen)| all | &seen.links[Aspect::Subject.index()]),
        };
        let accounts = accounts_of(snapshot, &subjects);
        let count = accounts.len();
        if count > hub_max {
            result.hubs.push(Hub { dim, name, accounts: count });
        } else {
            result.shared.push(Shared { dim, name, accounts: accounts.iter().collect() });
        }
    }
    Ok(())
}

/// The accounts of subjects.
pub(super) fn accounts_of(snapshot: &Snapshot, subjects: &RoaringBitmap) -> RoaringBitmap {
    let catalog = snapshot.catalog();
    subjects.iter().filter_map(|subject| catalog.name_of(Dim::Account, subject)).collect()
}

/// The subjects of accounts.
pub(super) fn subjects_of_accounts(snapshot: &Snapshot, accounts: &RoaringBitmap) -> RoaringBitmap {
    let catalog = snapshot.catalog();
    accounts.iter().fold(RoaringBitmap::new(), |all, account| all | catalog.keys_with(Dim::Account, account))
}

/// How much a shared thing says: rare things say much, common ones little. Adamic and Adar, Friends and
/// neighbors on the Web (2003), with `e` added so that two sharers count one and no one divides by zero.
pub(super) fn rarity_weight(accounts: u64) -> f64 {
    1.0 / (std::f64::consts::E + accounts as f64).ln()
}
