//! The shared primitive of the read path: from aspect keys to what they were seen with in a window,
//! and from accounts to the attributes that they share.
//!
//! Whole days come from their relations, the rest from rows; both give the same figures.

use super::gather::unpack;
use super::links::linked;
use super::scan::{Scan, names_in, through_catalog};
use super::{Budget, QueryError};
use crate::detect::Family;
use crate::event::{Aspect, Dim, Micros, Number};
use crate::limits::HOLDINGS_MAX;
use crate::store::{Counters, Plan, Snapshot};
use roaring::RoaringBitmap;
use std::collections::BTreeSet;

/// What accounts can share.
pub const SHAREABLE: [Dim; 9] = [
    Dim::Ip,
    Dim::Net,
    Dim::Site,
    Dim::Asn,
    Dim::Fingerprint,
    Dim::UserAgent,
    Dim::ApiKey,
    Dim::Payment,
    Dim::EmailDomain,
];

/// The family of evidence that sharing a value of a dimension belongs to.
pub(super) fn family(dim: Dim) -> Family {
    match dim {
        Dim::Ip | Dim::Net | Dim::Site | Dim::Asn | Dim::Country => Family::Net,
        Dim::Fingerprint | Dim::UserAgent => Family::Client,
        Dim::ApiKey | Dim::Payment | Dim::Plan => Family::Money,
        Dim::Topic => Family::Content,
        Dim::Account | Dim::EmailDomain | Dim::Created | Dim::Model | Dim::Endpoint | Dim::Status => {
            Family::Life
        }
    }
}

/// Refuses what accounts cannot share: days keep no relations of it, so an answer would have gaps.
pub(super) fn check_shareable(via: &[Dim]) -> Result<(), QueryError> {
    match via.iter().find(|dim| !SHAREABLE.contains(dim)) {
        None => Ok(()),
        Some(dim) => {
            let known = SHAREABLE.map(Dim::name).join(", ");
            let reason = format!("accounts are not compared by {}, only by {known}", dim.name());
            Err(QueryError::Parameter { field: "via", reason })
        }
    }
}

/// Calls `each` with the counters of keys of one aspect, once for each run and once for each row that is
/// in none; tokens of such rows are left out.
pub(super) fn counted(
    snapshot: &Snapshot,
    plan: &Plan,
    (aspect, keys): (Aspect, &RoaringBitmap),
    budget: &Budget,
    mut each: impl FnMut(u32, &Counters),
) -> Result<(), QueryError> {
    for run in &plan.runs {
        budget.check()?;
        snapshot.counters(run, aspect, keys, &mut |key, counters| each(key, &counters))?;
    }
    kept_rows(plan, (aspect, keys), budget, |scan, row, ts| {
        let mut counters = Counters::default();
        counters.add(ts, 0, 0);
        each(scan.key(aspect, row)?, &counters);
        Ok(())
    })
}

/// Calls `each` with every row that carries one of the keys and is in no run: columns, row in its part,
/// time.
pub(super) fn kept_rows(
    plan: &Plan,
    (aspect, keys): (Aspect, &RoaringBitmap),
    budget: &Budget,
    mut each: impl FnMut(&mut Scan, u32, Micros) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    for part in &plan.parts {
        budget.check()?;
        let rows = part.rows_with(aspect, keys)?;
        let mut scan = Scan::of(part);
        scan.expect(rows.len());
        for row in rows {
            let ts = scan.ts(row)?;
            if plan.keeps(part.first_row() + u64::from(row), ts) {
                each(&mut scan, row, ts)?;
            }
        }
    }
    Ok(())
}

/// The links that days keep: the rows of a window must not say more than its days.
fn is_linked(aspect: Aspect, other: Aspect) -> bool {
    aspect != other && (aspect == Aspect::Subject || other != Aspect::Route)
}

/// Everything that some keys of one aspect were seen with, taken together.
#[derive(Default)]
pub(super) struct Together {
    pub(super) counters: Counters,
    /// Those of the keys that were seen in the window.
    pub(super) active: RoaringBitmap,
    /// Keys of other aspects, by aspect.
    pub(super) links: [RoaringBitmap; 4],
}

impl Together {
    /// The keys of an aspect: the ones asked about, or those that they were seen with.
    pub(super) fn keys(&self, of: Aspect, aspect: Aspect) -> &RoaringBitmap {
        if of == aspect { &self.active } else { &self.links[aspect.index()] }
    }
}

/// Sums up what keys of one aspect were seen with.
pub(super) fn together(
    snapshot: &Snapshot,
    plan: &Plan,
    aspect: Aspect,
    keys: &RoaringBitmap,
    budget: &Budget,
) -> Result<Together, QueryError> {
    let mut all = Together::default();
    for run in &plan.runs {
        budget.check()?;
        snapshot.entries(run, aspect, keys, &mut |key, entry| {
            all.counters.merge(&entry.counters);
            all.active.insert(key);
            for (to, from) in all.links.iter_mut().zip(entry.links) {
                to.extend(from);
            }
        })?;
    }
    kept_rows(plan, (aspect, keys), budget, |scan, row, ts| {
        let tokens = |number: Option<u32>| u64::from(number.unwrap_or(0));
        let input = tokens(scan.reader.number(Number::InputTokens, row)?);
        let output = tokens(scan.reader.number(Number::OutputTokens, row)?);
        all.counters.add(ts, input, output);
        all.active.insert(scan.key(aspect, row)?);
        for (other, link) in Aspect::ALL.into_iter().zip(&mut all.links) {
            if is_linked(aspect, other) {
                link.insert(scan.key(other, row)?);
            }
        }
        Ok(())
    })?;
    Ok(all)
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

/// Attributes in a window, each with every account that had it, or with their number only.
#[derive(Default)]
pub(super) struct Sharing {
    pub(super) shared: Vec<Shared>,
    pub(super) hubs: Vec<Hub>,
}

/// Attributes, by dimension and name.
pub(super) type Attributes = BTreeSet<(Dim, u32)>;

/// The attributes of the given kinds that subjects had in a window.
pub(super) fn attributes(
    snapshot: &Snapshot,
    plan: &Plan,
    subjects: &RoaringBitmap,
    via: &[Dim],
    budget: &Budget,
) -> Result<Attributes, QueryError> {
    let mut found = Attributes::new();
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
        let key = |pair: &u64| if aspect == Aspect::Subject { unpack(*pair).0 } else { unpack(*pair).1 };
        let keys: RoaringBitmap = pairs.iter().map(key).collect();
        for dim in dims {
            let names = names_in(snapshot, dim, &keys, budget)?;
            found.extend(names.into_iter().map(|name| (dim, name)));
        }
    }
    Ok(found)
}

/// Which attributes are hubs.
#[derive(Clone, Copy)]
pub(super) struct Hubs {
    /// Accounts from which on an attribute is counted, not listed.
    pub(super) over: u64,
    /// Whether counting may stop at the first day that is too many.
    pub(super) at_least: bool,
}

/// Finds who had attributes in a window, and of hubs how many.
pub(super) fn holders(
    snapshot: &Snapshot,
    plan: &Plan,
    attributes: &Attributes,
    hubs: Hubs,
    budget: &Budget,
) -> Result<Sharing, QueryError> {
    let mut result = Sharing::default();
    let mut holdings = 0;
    for aspect in [Aspect::Subject, Aspect::Origin, Aspect::Client] {
        let of_aspect = attributes.iter().copied().filter(|(dim, _)| dim.aspect() == aspect);
        let keys_of = through_catalog(snapshot, of_aspect, budget, |catalog, (dim, name)| {
            Some(((dim, name), catalog.keys_with(dim, name)))
        })?;
        let mut all: Vec<u32> = keys_of.iter().flat_map(|(_, keys)| keys).collect();
        all.sort_unstable();
        let all: RoaringBitmap = all.into_iter().collect();
        if all.is_empty() {
            continue;
        }
        // Subjects hold their attributes themselves; they need only have been seen.
        let to = if aspect == Aspect::Subject { Aspect::Origin } else { Aspect::Subject };
        let gives_up = hubs.at_least && aspect != Aspect::Subject;
        let link_max = if gives_up { hubs.over } else { u64::MAX };
        let links = linked(snapshot, plan, (aspect, to), &all, link_max, budget)?;
        for ((dim, name), keys) in keys_of {
            if let Some(accounts) = keys.iter().filter_map(|key| links.over.get(&key)).max() {
                result.hubs.push(Hub { dim, name, accounts: *accounts, at_least: true });
                continue;
            }
            let accounts = accounts_with(snapshot, aspect, &keys, &links.pairs, budget)?;
            if accounts.len() as u64 > hubs.over {
                result.hubs.push(Hub { dim, name, accounts: accounts.len() as u64, at_least: false });
                continue;
            }
            holdings += accounts.len() as u64;
            if holdings > HOLDINGS_MAX {
                let reason = format!(
                    "the shared things have more than {HOLDINGS_MAX} holders together: lower it, or narrow \
                     the window"
                );
                return Err(QueryError::Parameter { field: "hub_max", reason });
            }
            result.shared.push(Shared { dim, name, accounts });
        }
    }
    Ok(result)
}

/// The accounts that some keys were seen with, ascending, from sorted pairs.
fn accounts_with(
    snapshot: &Snapshot,
    aspect: Aspect,
    keys: &RoaringBitmap,
    pairs: &[u64],
    budget: &Budget,
) -> Result<Vec<u32>, QueryError> {
    let subjects = keys.iter().flat_map(|key| {
        let start = pairs.partition_point(|pair| unpack(*pair).0 < key);
        let of_key = pairs.get(start..).unwrap_or_default().iter();
        let of_key = of_key.map(|pair| unpack(*pair)).take_while(move |pair| pair.0 == key);
        of_key.map(move |(_, other)| if aspect == Aspect::Subject { key } else { other })
    });
    let mut accounts = through_catalog(snapshot, subjects, budget, |catalog, subject| {
        catalog.name_of(Dim::Account, subject)
    })?;
    accounts.sort_unstable();
    accounts.dedup();
    Ok(accounts)
}

/// The accounts of subjects.
pub(super) fn accounts_of(
    snapshot: &Snapshot,
    subjects: &RoaringBitmap,
    budget: &Budget,
) -> Result<RoaringBitmap, QueryError> {
    names_in(snapshot, Dim::Account, subjects, budget)
}

/// The subjects of accounts.
pub(super) fn subjects_of_accounts(
    snapshot: &Snapshot,
    accounts: &RoaringBitmap,
    budget: &Budget,
) -> Result<RoaringBitmap, QueryError> {
    let mut keys: Vec<u32> = Vec::new();
    through_catalog(snapshot, accounts, budget, |catalog, account| {
        keys.extend(catalog.keys_with(Dim::Account, account));
        None::<()>
    })?;
    keys.sort_unstable();
    Ok(keys.into_iter().collect())
}

/// How much a shared thing says: rare things say much, common ones little. Adamic and Adar, Friends and
/// neighbors on the Web (2003), with `e` added so that nothing weighs more than one or divides by zero.
pub(super) fn rarity_weight(accounts: u64) -> f64 {
    1.0 / (std::f64::consts::E + accounts as f64).ln()
}
