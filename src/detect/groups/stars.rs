//! Stars: all accounts that hold one value.
//!
//! Values whose holders are nearly the same accounts are one item, or a benchmark of a hundred texts would
//! count a hundred times.

use super::{Group, Origin};
use crate::detect::facts::Kind;
use crate::detect::family::Family;
use crate::detect::null::Rates;
use crate::detect::window::{Items, Window};
use crate::limits::{GROUP_MIN, STAR_SHARE_MAX, TEMPLATE_JACCARD};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Kinds whose values make stars.
const KINDS: [Kind; 9] = [
    Kind::Ip,
    Kind::Prefix,
    Kind::Site,
    Kind::Fingerprint,
    Kind::UserAgent,
    Kind::Payment,
    Kind::ApiKey,
    Kind::EmailDomain,
    Kind::Template,
];

/// The stars of a window. `rates` say which texts and clients are background: such texts make no star. `name` gives
/// a hash of a value that does not depend on its number in the database.
#[must_use]
pub(crate) fn stars(window: &Window, rates: &[Rates<'_>], name: &dyn Fn(Kind, u32) -> u64) -> Vec<Group> {
    let most = (window.accounts.len() as f64 * STAR_SHARE_MAX) as usize;
    let mut groups = Vec::new();
    for kind in KINDS {
        let items = window.items(kind);
        let background = rates.iter().find(|rates| rates.kind == kind).map(|rates| &rates.background);
        let is_background = |item: u32| {
            kind == Kind::Template && background.is_some_and(|b| b.get(item as usize) == Some(&true))
        };
        let mut found: Vec<u32> = (0..items.len() as u32)
            .filter(|item| (GROUP_MIN..=most).contains(&items.holders.get(*item).len()))
            .filter(|item| !is_background(*item))
            .collect();
        let value = |item: u32| items.values.get(item as usize).copied().unwrap_or_default();
        found = one_for_each(window, items, &found, |item| name(kind, value(item)));
        let defining = Some(Family::of_kind(kind));
        groups.extend(found.into_iter().map(|item| Group {
            origin: Origin::Star(kind, value(item)),
            defining,
            members: items.holders.get(item).to_vec(),
        }));
    }
    groups
}

/// One item for each family of items whose holders overlap by nine tenths: the one with most holders.
/// Candidates are those that agree in one of four minimum hashes over the names of their holders.
fn one_for_each(window: &Window, items: &Items, found: &[u32], name: impl Fn(u32) -> u64) -> Vec<u32> {
    let hashes: Vec<u64> =
        window.accounts.iter().map(|account| xxh3_64_with_seed(account.name.as_bytes(), 0)).collect();
    let minimum = |item: u32, salt: u64| {
        let hash = |account: &u32| {
            let hash = hashes.get(*account as usize).copied().unwrap_or_default();
            (hash ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        items.holders.get(item).iter().map(hash).min().unwrap_or_default()
    };
    // Largest first, so that a family is named by its largest; equal ones by who holds them, and those of the same
    // holders by what they are, not by which of them came first.
    let mut order: Vec<(usize, u64, u32)> =
        found.iter().map(|item| (items.holders.get(*item).len(), minimum(*item, 0), *item)).collect();
    order.sort_unstable_by(|a, b| {
        let (size, minimum) = (b.0.cmp(&a.0), a.1.cmp(&b.1));
        size.then(minimum).then_with(|| name(a.2).cmp(&name(b.2)))
    });
    let mut kept = Vec::new();
    let mut by_minimum: [BTreeMap<u64, Vec<u32>>; 4] = Default::default();
    for (_, _, item) in order {
        let holders = items.holders.get(item);
        let minima = [1_u64, 2, 3, 4].map(|salt| minimum(item, salt.wrapping_mul(0xd6e8_feb8_6659_fd93)));
        let near = by_minimum.iter().zip(minima).filter_map(|(map, minimum)| map.get(&minimum)).flatten();
        let mut near = near.copied().collect::<Vec<_>>();
        near.sort_unstable();
        near.dedup();
        if near.iter().any(|other| jaccard(items.holders.get(*other), holders) >= TEMPLATE_JACCARD) {
            continue;
        }
        for (map, minimum) in by_minimum.iter_mut().zip(minima) {
            map.entry(minimum).or_default().push(item);
        }
        kept.push(item);
    }
    kept
}

/// Size of the intersection of two ascending lists.
#[must_use]
pub(in crate::detect) fn common(a: &[u32], b: &[u32]) -> usize {
    let (mut at_a, mut at_b, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(at_a), b.get(at_b)) {
        both += usize::from(x == y);
        at_a += usize::from(x <= y);
        at_b += usize::from(y <= x);
    }
    both
}

fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let both = common(a, b);
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}
