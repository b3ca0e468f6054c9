//! The shared primitive of the read path: from aspect keys to what they were seen with in a window,
//! and from accounts to the attributes that they share.
//!
//! Whole days come from their relations, the rest from rows; both give the same figures.

use super::scan::{Scan, names_in, rows_with, through_catalog};
use super::{Budget, QueryError};
use crate::event::{Aspect, Dim, Number};
use crate::limits::HOLDINGS_MAX;
use crate::store::{Counters, Plan, Snapshot};
use roaring::RoaringBitmap;
use std::collections::BTreeSet;

/// What accounts can share.
pub(super) const SHAREABLE: [Dim; 9] = [
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

/// What one key was seen with, in a whole run or in one row.
pub(super) struct Sight<'a> {
    pub(super) key: u32,
    pub(super) counters: &'a Counters,
    /// Keys of other aspects, by aspect.
    pub(super) links: [&'a [u32]; 4],
}

/// What to read beside the key and the time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing.
    Nothing,
    /// The keys of one other aspect.
    Links(Aspect),
    /// Tokens and the keys of all other aspects.
    All,
}

/// Calls `each` with what keys of one aspect were seen with. No key of a route is in a day's relations.
pub(super) fn visit(
    snapshot: &Snapshot,
    plan: &Plan,
    (aspect, keys): (Aspect, &RoaringBitmap),
    beside: Beside,
    budget: &Budget,
    each: &mut dyn FnMut(Sight<'_>),
) -> Result<(), QueryError> {
    for run in &plan.runs {
        budget.check()?;
        snapshot.entries(run, aspect, keys, &mut |key, entry| {
            let links = entry.links.each_ref().map(Vec::as_slice);
            each(Sight { key, counters: &entry.counters, links });
        })?;
    }
    for part in &plan.parts {
        budget.check()?;
        let mut scan = Scan::of(part);
        let rows = rows_with(part, &mut scan, aspect, keys)?;
        scan.expect(rows.len());
        for row in rows {
            let ts = scan.ts(row)?;
            if !plan.keeps(part.first_row() + u64::from(row), ts) {
                continue;
            }
            let mut counters = Counters::default();
            let (mut input, mut output) = (0, 0);
            let mut linked = [None; 4];
            if beside == Beside::All {
                let tokens = |number: Option<u32>| u64::from(number.unwrap_or(0));
                input = tokens(scan.reader.number(Number::InputTokens, row)?);
                output = tokens(scan.reader.number(Number::OutputTokens, row)?);
            }
            for (other, link) in Aspect::ALL.into_iter().zip(&mut linked) {
                if is_linked(aspect, other) && (beside == Beside::All || beside == Beside::Links(other)) {
                    *link = Some(scan.key(other, row)?);
                }
            }
            counters.add(ts, input, output);
            let links = linked.each_ref().map(Option::as_slice);
            each(Sight { key: scan.key(aspect, row)?, counters: &counters, links });
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
    visit(snapshot, plan, (aspect, keys), Beside::All, budget, &mut |sight| {
        all.counters.merge(sight.counters);
        all.active.insert(sight.key);
        for (to, from) in all.links.iter_mut().zip(sight.links) {
            to.extend(from);
        }
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
    let own = together(snapshot, plan, Aspect::Subject, subjects, budget)?;
    let mut found = Attributes::new();
    for dim in via {
        let names = names_in(snapshot, *dim, own.keys(Aspect::Subject, dim.aspect()), budget)?;
        found.extend(names.into_iter().map(|name| (*dim, name)));
    }
    Ok(found)
}

/// Finds who had attributes in a window. What more than `hub_max` accounts had is counted, not listed.
pub(super) fn holders(
    snapshot: &Snapshot,
    plan: &Plan,
    attributes: &Attributes,
    hub_max: u64,
    budget: &Budget,
) -> Result<Sharing, QueryError> {
    let mut result = Sharing::default();
    let mut holdings = 0;
    for aspect in [Aspect::Subject, Aspect::Origin, Aspect::Client] {
        let own: Vec<(Dim, u32)> =
            attributes.iter().copied().filter(|(dim, _)| dim.aspect() == aspect).collect();
        if own.is_empty() {
            continue;
        }
        let subjects = subjects_by_attribute(snapshot, plan, aspect, &own, budget)?;
        for ((dim, name), subjects) in own.into_iter().zip(subjects) {
            let accounts = accounts_of(snapshot, &subjects, budget)?;
            if accounts.len() > hub_max {
                result.hubs.push(Hub { dim, name, accounts: accounts.len() });
                continue;
            }
            holdings += accounts.len();
            if holdings > HOLDINGS_MAX {
                let reason = format!(
                    "the shared things have more than {HOLDINGS_MAX} holders together: lower hub_max, or \
                     narrow the window"
                );
                return Err(QueryError::Parameter { field: "hub_max", reason });
            }
            result.shared.push(Shared { dim, name, accounts: accounts.iter().collect() });
        }
    }
    Ok(result)
}

/// The subjects that had each of some attributes of one aspect.
fn subjects_by_attribute(
    snapshot: &Snapshot,
    plan: &Plan,
    aspect: Aspect,
    attributes: &[(Dim, u32)],
    budget: &Budget,
) -> Result<Vec<RoaringBitmap>, QueryError> {
    // One key may carry several of the attributes: an address, its network and its provider.
    let mut carried: Vec<(u32, usize)> = Vec::new();
    for (at, (dim, name)) in attributes.iter().enumerate() {
        budget.check()?;
        let keys = snapshot.catalog().keys_with(*dim, *name);
        carried.extend(keys.into_iter().map(|key| (key, at)));
    }
    carried.sort_unstable();
    let keys: RoaringBitmap = carried.iter().map(|(key, _)| *key).collect();
    let mut subjects = vec![RoaringBitmap::new(); attributes.len()];
    visit(snapshot, plan, (aspect, &keys), Beside::Links(Aspect::Subject), budget, &mut |sight| {
        let start = carried.partition_point(|(key, _)| *key < sight.key);
        let of_key = carried.iter().skip(start).take_while(|(key, _)| *key == sight.key);
        for (_, at) in of_key {
            let Some(subjects) = subjects.get_mut(*at) else { continue };
            match aspect {
                Aspect::Subject => _ = subjects.insert(sight.key),
                _ => subjects.extend(sight.links[Aspect::Subject.index()]),
            }
        }
    })?;
    Ok(subjects)
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
