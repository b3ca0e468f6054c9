//! Succession: who took the place of a banned account.
//!
//! When an account of a cluster is banned, another appears. A candidate was first active between two days
//! before a ban and three days after it, and holds keys of the cluster:
//!
//! ```text
//! score = sum over families of ln(share of members / share of others, of the best key held)
//!       + ln( (1 / 2 d) e^(-dt / 2 d) / lambda )        lambda: first activations a day in the stratum
//! ```
//!
//! Lambda leaves out whoever holds a key of the cluster: with its own newcomers in it, a campaign that replaces
//! twenty accounts a day would be its own excuse.
//!
//! A link needs a score of ln 1000 and two families. It is evidence of deception, never the reason for a group.

use super::clusters::{Book, Cluster, Member, kind_of};
use super::facts::Kind;
use super::family::{FAMILIES, Family};
use super::signature;
use super::window::{STRATA, Window};
use crate::event::{Day, Micros};
use crate::store::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Days before and after a ban within which a successor is first active.
const BEFORE: i32 = 2;
const AFTER: i32 = 3;

/// Days over which the chance of a successor falls to a third.
const SCALE: f64 = 2.0;

/// ln 1000.
const SCORE_MIN: f64 = 6.907_755_278_982_137;

/// Accounts that took the place of banned ones, and whose.
#[must_use]
pub(super) fn successors(
    snapshot: &Snapshot,
    window: &Window,
    book: &Book,
    bans: &BTreeMap<String, Micros>,
) -> BTreeMap<String, String> {
    let mut links = BTreeMap::new();
    for cluster in book.current().filter(|cluster| cluster.verdict.accuses()) {
        // What was found while the ban was new stays: nobody's place is taken twice.
        for member in settled(cluster, window.day).filter(|member| window.find(&member.account).is_some()) {
            let known = member.succeeds.iter().map(|banned| (member.account.clone(), banned.clone()));
            links.extend(known);
        }
        let banned: Vec<(i32, &str)> = settled(cluster, window.day)
            .filter_map(|member| Some((Day::of(*bans.get(&member.account)?).0, member.account.as_str())))
            .filter(|(day, _)| (window.day - AFTER - 2..=window.day).contains(day))
            .collect();
        if !banned.is_empty() {
            link(snapshot, window, cluster, &banned, &mut links);
        }
    }
    links
}

/// Members but those who came in by signature today, of whom it depends on the order of arrival when.
fn settled(cluster: &Cluster, day: i32) -> impl Iterator<Item = &Member> {
    cluster.members.iter().filter(move |member| !member.by_signature || member.flagged < Day(day).start())
}

/// First activations a day of those who hold no key of a cluster, by stratum, never quite none.
fn starts(window: &Window, holders: &BTreeSet<u32>) -> [f64; STRATA] {
    let mut starts = [0.5; STRATA];
    for (rank, account) in window.accounts.iter().enumerate() {
        if account.first_seen > window.first_day && !holders.contains(&(rank as u32)) {
            starts[usize::from(account.stratum)] += 1.0;
        }
    }
    starts.map(|count| count / window.days().max(1) as f64)
}

fn link(
    snapshot: &Snapshot,
    window: &Window,
    cluster: &Cluster,
    banned: &[(i32, &str)],
    links: &mut BTreeMap<String, String>,
) {
    let candidates: BTreeMap<u32, i32> = (0..)
        .zip(&window.accounts)
        // Of who was there when the log began nobody knows since when.
        .filter(|(_, account)| account.first_seen > window.first_day)
        .filter_map(|(rank, account)| {
            let days = banned.iter().map(|(day, _)| account.first_seen - day);
            let near = days.filter(|days| (-BEFORE..=AFTER).contains(days)).min_by_key(|days| days.abs());
            Some((rank, near?))
        })
        .collect();
    let lifts = lifts(snapshot, window, cluster, &candidates);
    let of_key =
        |((kind, item), _): &((Kind, u32), f64)| window.items(*kind).holders.get(*item).iter().copied();
    let starts = starts(window, &lifts.iter().flat_map(of_key).collect());
    let mut scored: Vec<(f64, u32, i32)> = Vec::new();
    for (rank, after) in &candidates {
        let Some(account) = window.account(*rank) else { continue };
        let mut families = [0.0_f64; FAMILIES];
        for ((kind, item), lift) in &lifts {
            if window.items(*kind).of_account.get(*rank).binary_search(item).is_ok() {
                let best = &mut families[Family::of_kind(*kind) as usize];
                *best = best.max(*lift);
            }
        }
        // Made for the purpose: created in the week before it was first used.
        if account.created.is_some_and(|created| account.first_seen - created <= 7) {
            families[Family::Life as usize] = libm::log(10.0);
        }
        let held = families.iter().filter(|lift| **lift > 0.0).count();
        let rate = starts[usize::from(account.stratum)];
        let time = libm::log(libm::exp(-f64::from(after.abs()) / SCALE) / SCALE / rate);
        let score = families.iter().sum::<f64>() + time;
        if held >= 2 && score >= SCORE_MIN {
            scored.push((score, *rank, account.first_seen));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let taken: BTreeSet<String> = links.values().cloned().collect();
    let mut free: BTreeSet<(i32, &str)> =
        banned.iter().copied().filter(|(_, name)| !taken.contains(*name)).collect();
    for (_, rank, first) in scored {
        let Some(account) = window.account(rank).filter(|account| !links.contains_key(&account.name)) else {
            continue;
        };
        let others = free.iter().copied().filter(|(_, name)| *name != account.name);
        if let Some(taken) = others.min_by_key(|(day, name)| ((first - day).abs(), *name)) {
            free.remove(&taken);
            links.insert(account.name.clone(), taken.1.to_owned());
        }
    }
}

/// ln lift of each key of the cluster's signature: share of members that hold it over share of others. Candidates
/// are not among the others, or those who took a place would speak against each other.
fn lifts(
    snapshot: &Snapshot,
    window: &Window,
    cluster: &Cluster,
    candidates: &BTreeMap<u32, i32>,
) -> Vec<((Kind, u32), f64)> {
    let members: BTreeSet<u32> =
        settled(cluster, window.day).filter_map(|member| window.find(&member.account)).collect();
    let apart = candidates.keys().filter(|rank| !members.contains(rank)).count();
    let others = (window.accounts.len() - members.len() - apart) as f64;
    let resolved = signature::resolve(snapshot, &cluster.signature);
    let lift = |(kind, value): (u8, u32)| {
        let kind = kind_of(kind)?;
        let items = window.items(kind);
        let item = items.values.binary_search(&value).ok()? as u32;
        let holders = items.holders.get(item);
        let inside = holders.iter().filter(|holder| members.contains(holder)).count() as f64;
        let is_other = |holder: &&u32| !members.contains(holder) && !candidates.contains_key(holder);
        let outside = holders.iter().filter(is_other).count() as f64;
        let lift = ((inside + 0.5) / (members.len() as f64 + 1.0)) / ((outside + 0.5) / (others + 1.0));
        (lift > 1.0).then(|| ((kind, item), libm::log(lift)))
    };
    resolved.into_iter().filter_map(lift).collect()
}
