//! The shared primitive of the read path: from aspect keys to what they were seen with in a window,
//! and from accounts to the attributes that they share.
//!
//! Whole days come from their relations, the rest from rows; both give the same figures.

use super::{Budget, QueryError};
use crate::event::{Aspect, Dim, Number};
use crate::store::{Counters, Part, Plan, Snapshot};
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

/// Counters of keys of one aspect. Keys that were not seen in the window are absent; tokens of rows that
/// are in no day yet are left out.
pub(super) fn counted(
    snapshot: &Snapshot,
    plan: &Plan,
    aspect: Aspect,
    keys: &RoaringBitmap,
    budget: &Budget,
) -> Result<BTreeMap<u32, Counters>, QueryError> {
    let mut all: BTreeMap<u32, Counters> = BTreeMap::new();
    for run in &plan.runs {
        budget.check()?;
        snapshot
            .counters(run, aspect, keys, &mut |key, counters| all.entry(key).or_default().merge(&counters))?;
    }
    for part in &plan.parts {
        budget.check()?;
        let mut reader = part.reader();
        for row in part.rows_with(aspect, keys)? {
            let ts = reader.ts(row)?;
            if plan.keeps(part.first_row() + u64::from(row), ts) {
                all.entry(reader.key(aspect, row)?).or_default().add(ts, 0, 0);
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
    /// Whether counting stopped at the first day that was too many.
    pub(super) at_least: bool,
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
    let attributes = attributes(snapshot, plan, subjects, via, budget)?;
    holders(snapshot, plan, &attributes, hub_max, budget)
}

/// A value of a dimension, by name.
pub(super) type Attribute = (Dim, u32);

/// The attributes of the given kinds that subjects had in a window.
pub(super) fn attributes(
    snapshot: &Snapshot,
    plan: &Plan,
    subjects: &RoaringBitmap,
    via: &[Dim],
    budget: &Budget,
) -> Result<BTreeSet<Attribute>, QueryError> {
    let mut found = BTreeSet::new();
    for (aspect, seen_by) in [
        (Aspect::Subject, Aspect::Origin),
        (Aspect::Origin, Aspect::Origin),
        (Aspect::Client, Aspect::Client),
    ] {
        let dims: Vec<Dim> = via.iter().copied().filter(|dim| dim.aspect() == aspect).collect();
        if dims.is_empty() {
            continue;
        }
        let pairs = linked(snapshot, plan, (Aspect::Subject, seen_by), subjects, u64::MAX, budget)?.pairs;
        // Every event has an origin, so a subject that was seen with one was seen.
        let key = |pair: &u64| if aspect == Aspect::Subject { (pair >> 32) as u32 } else { *pair as u32 };
        let keys: RoaringBitmap = pairs.iter().map(key).collect();
        let catalog = snapshot.catalog();
        for dim in dims {
            found.extend(keys.iter().filter_map(|key| Some((dim, catalog.name_of(dim, key)?))));
        }
    }
    Ok(found)
}

/// Who had each of some attributes in a window.
pub(super) fn holders(
    snapshot: &Snapshot,
    plan: &Plan,
    attributes: &BTreeSet<Attribute>,
    hub_max: u64,
    budget: &Budget,
) -> Result<Sharing, QueryError> {
    let mut result = Sharing { shared: Vec::new(), hubs: Vec::new() };
    for aspect in [Aspect::Subject, Aspect::Origin, Aspect::Client] {
        let of_aspect = attributes.iter().filter(|(dim, _)| dim.aspect() == aspect);
        let keys_of: Vec<(Attribute, RoaringBitmap)> = {
            let catalog = snapshot.catalog();
            of_aspect.map(|(dim, name)| ((*dim, *name), catalog.keys_with(*dim, *name))).collect()
        };
        let mut all: Vec<u32> = keys_of.iter().flat_map(|(_, keys)| keys).collect();
        all.sort_unstable();
        let all: RoaringBitmap = all.into_iter().collect();
        if all.is_empty() {
            continue;
        }
        budget.check()?;
        // Subjects hold their attributes themselves; they need only have been seen.
        let to = if aspect == Aspect::Subject { Aspect::Origin } else { Aspect::Subject };
        let link_max = if aspect == Aspect::Subject { u64::MAX } else { hub_max };
        let links = linked(snapshot, plan, (aspect, to), &all, link_max, budget)?;
        for ((dim, name), keys) in keys_of {
            budget.check()?;
            let over = keys.iter().filter_map(|key| links.over.get(&key)).max();
            if let Some(accounts) = over {
                result.hubs.push(Hub { dim, name, accounts: *accounts, at_least: true });
                continue;
            }
            let accounts = accounts_with(snapshot, aspect, &keys, &links.pairs);
            if accounts.len() as u64 > hub_max {
                result.hubs.push(Hub { dim, name, accounts: accounts.len() as u64, at_least: false });
            } else {
                result.shared.push(Shared { dim, name, accounts });
            }
        }
    }
    Ok(result)
}

/// The accounts that some keys were seen with, ascending, from sorted pairs.
fn accounts_with(snapshot: &Snapshot, aspect: Aspect, keys: &RoaringBitmap, pairs: &[u64]) -> Vec<u32> {
    let catalog = snapshot.catalog();
    let mut accounts = Vec::new();
    for key in keys {
        let start = pairs.partition_point(|pair| pair >> 32 < u64::from(key));
        let of_key =
            pairs.get(start..).unwrap_or_default().iter().take_while(|pair| *pair >> 32 == u64::from(key));
        let subjects = of_key.map(|pair| if aspect == Aspect::Subject { key } else { *pair as u32 });
        accounts.extend(subjects.filter_map(|subject| catalog.name_of(Dim::Account, subject)));
    }
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

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
    let mut result = Linked { pairs: Vec::new(), over: BTreeMap::new() };
    let pack = |key: u32, other: u32| u64::from(key) << 32 | u64::from(other);
    for run in &plan.runs {
        budget.check()?;
        let mut large: Vec<(u32, Vec<u32>)> = Vec::new();
        snapshot.links(run, (aspect, to), keys, &mut |key, links| {
            if result.over.contains_key(&key) {
                return;
            }
            if links.len() as u64 > accounts_max {
                large.push((key, links.collect()));
            } else {
                result.pairs.extend(links.map(|other| pack(key, other)));
            }
        })?;
        for (key, subjects) in large {
            // Many subjects may be few accounts with many keys each: only accounts make a hub.
            let accounts = accounts_of(snapshot, &subjects.iter().copied().collect()).len();
            if accounts > accounts_max {
                result.over.insert(key, accounts);
            } else {
                result.pairs.extend(subjects.into_iter().map(|other| pack(key, other)));
            }
        }
    }
    let wanted: RoaringBitmap = keys - result.over.keys().copied().collect::<RoaringBitmap>();
    for part in &plan.parts {
        budget.check()?;
        linked_rows(plan, part, (aspect, to), &wanted, &mut result.pairs)?;
    }
    let over = &result.over;
    result.pairs.retain(|pair| over.is_empty() || !over.contains_key(&((pair >> 32) as u32)));
    result.pairs.sort_unstable();
    result.pairs.dedup();
    Ok(result)
}

/// One part's contribution to [`linked`]. Many rows are read as columns, few one by one.
fn linked_rows(
    plan: &Plan,
    part: &Part,
    (aspect, to): (Aspect, Aspect),
    keys: &RoaringBitmap,
    pairs: &mut Vec<u64>,
) -> Result<(), QueryError> {
    let rows = part.rows_with(aspect, keys)?;
    let mut reader = part.reader();
    let pack = |key: u32, other: u32| u64::from(key) << 32 | u64::from(other);
    if rows.len() > u64::from(part.len()) / 16 {
        let (ts, own, others) = (reader.all_ts()?, reader.all_keys(aspect)?, reader.all_keys(to)?);
        for row in rows {
            let at = row as usize;
            let (Some(ts), Some(key), Some(other)) = (ts.get(at), own.get(at), others.get(at)) else {
                continue;
            };
            if plan.keeps(part.first_row() + u64::from(row), *ts) {
                pairs.push(pack(*key, *other));
            }
        }
        return Ok(());
    }
    for row in rows {
        if plan.keeps(part.first_row() + u64::from(row), reader.ts(row)?) {
            pairs.push(pack(reader.key(aspect, row)?, reader.key(to, row)?));
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
