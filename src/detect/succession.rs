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
//! A link needs a score of ln 1000 and two families. It is evidence of deception, never the reason for a group.

use super::clusters::{Book, Cluster, kind_of};
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
    let starts = starts(window);
    let mut links = BTreeMap::new();
    for cluster in book.current().filter(|cluster| cluster.verdict.accuses()) {
        let banned: Vec<(i32, &str)> = cluster
            .members
            .iter()
            .filter_map(|member| Some((Day::of(*bans.get(&member.account)?).0, member.account.as_str())))
            .filter(|(day, _)| (window.day - AFTER - 2..=window.day).contains(day))
            .collect();
        if !banned.is_empty() {
            link(snapshot, window, cluster, &banned, &starts, &mut links);
        }
    }
    links
}

/// First activations a day, by stratum, never quite none.
fn starts(window: &Window) -> [f64; STRATA] {
    let mut starts = [0.5; STRATA];
    for account in window.accounts.iter().filter(|account| account.first_seen > window.first_day) {
        starts[usize::from(account.stratum)] += 1.0;
    }
    starts.map(|count| count / window.days().max(1) as f64)
}

fn link(
    snapshot: &Snapshot,
    window: &Window,
    cluster: &Cluster,
    banned: &[(i32, &str)],
    starts: &[f64; STRATA],
    links: &mut BTreeMap<String, String>,
) {
    let lifts = lifts(snapshot, window, cluster);
    let mut scored: Vec<(f64, u32, i32)> = Vec::new();
    for (rank, account) in window.accounts.iter().enumerate() {
        let near = banned.iter().map(|(day, _)| account.first_seen - day);
        let Some(after) = near.filter(|dt| (-BEFORE..=AFTER).contains(dt)).min_by_key(|dt| dt.abs()) else {
            continue;
        };
        let mut families = [0.0_f64; FAMILIES];
        for ((kind, item), lift) in &lifts {
            if window.items(*kind).of_account.get(rank as u32).binary_search(item).is_ok() {
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
            scored.push((score, rank as u32, account.first_seen));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut free: BTreeSet<(i32, &str)> = banned.iter().copied().collect();
    for (_, rank, first) in scored {
        let Some(account) = window.account(rank) else { continue };
        let taken = free.iter().copied().min_by_key(|(day, name)| ((first - day).abs(), *name));
        if let Some(taken) = taken.filter(|(_, name)| *name != account.name) {
            free.remove(&taken);
            links.insert(account.name.clone(), taken.1.to_owned());
        }
    }
}

/// ln lift of each key of the cluster's signature: share of members that hold it over share of others.
fn lifts(snapshot: &Snapshot, window: &Window, cluster: &Cluster) -> Vec<((Kind, u32), f64)> {
    let members: BTreeSet<u32> =
        cluster.members.iter().filter_map(|member| window.find(&member.account)).collect();
    let others = (window.accounts.len() - members.len()) as f64;
    let resolved = signature::resolve(snapshot, &cluster.signature);
    let lift = |(kind, value): (u8, u32)| {
        let kind = kind_of(kind)?;
        let items = window.items(kind);
        let item = items.values.binary_search(&value).ok()? as u32;
        let holders = items.holders.get(item);
        let inside = holders.iter().filter(|holder| members.contains(holder)).count() as f64;
        let outside = holders.len() as f64 - inside;
        let lift = ((inside + 0.5) / (members.len() as f64 + 1.0)) / ((outside + 0.5) / (others + 1.0));
        (lift > 1.0).then(|| ((kind, item), libm::log(lift)))
    };
    resolved.into_iter().filter_map(lift).collect()
}
