//! Visitors: accounts that keep meeting at addresses where neither lives.
//!
//! A rotating residential exit is somebody's home. Whoever uses it for an hour is a visitor there, and two
//! accounts of one proxy pool meet as visitors again and again, though each address is met at once or twice.
//! With n accounts that use r of P exits a day for T days, an account has about c = n r^2 T / P meetings; a
//! core appears once that passes one or two (percolation of the 2-core of a random graph).
//!
//! Where strangers meet anyway nothing is counted: hosting and VPN networks, and carriers that put many
//! customers behind an address (the chance that two established accounts of one network share
//! an address is over one in 300).

use super::{Group, Origin};
use crate::detect::family::Family;
use crate::detect::in_parallel;
use crate::detect::networks::NetworkType;
use crate::detect::window::Window;
use crate::limits::{GROUP_MIN, MEETING_VISITORS_MAX};
use std::collections::BTreeMap;

/// Days at one address after which an account lives there.
const RESIDENT_DAYS: u32 = 3;

/// Share of its active days after which it does.
const RESIDENT_SHARE: f64 = 0.34;

/// Active days without which it cannot be told.
pub(in crate::detect) const ACTIVE_DAYS_MIN: u32 = 3;

/// Chance of sharing an address from which a network is a carrier.
const SHARING_MAX: f64 = 1.0 / 300.0;

/// Incidences without which a network's chance is not known, and taken to be high.
const INCIDENCES_MIN: u64 = 20;

/// Seconds within which two visits are a meeting.
const MEETING_SECONDS: u32 = 86_400;

/// Neighbours, and addresses met at, that a member of the core has.
pub(in crate::detect) const CORE: usize = 2;

/// A visit by somebody who does not live there.
#[derive(Clone, Copy)]
struct Stay {
    ip: u32,
    account: u32,
    /// Seconds since the start of the window.
    from: u32,
    to: u32,
}

/// Two accounts that met at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::detect) struct Meeting {
    /// The smaller rank.
    pub a: u32,
    /// The larger rank.
    pub b: u32,
    /// Ordinal of the address.
    pub ip: u32,
}

/// Meetings of the window and the core of those who keep meeting.
#[derive(Debug, Default)]
pub(crate) struct Meetings {
    /// Components of the core, each ascending, those with the smallest rank first.
    pub cores: Vec<Vec<u32>>,
    /// Meetings of accounts of a core, ascending.
    pub met: Vec<Meeting>,
}

impl Meetings {
    /// Who met whom in a window.
    #[must_use]
    pub(crate) fn of(window: &Window) -> Self {
        let open = open_networks(window);
        let stays = in_parallel(LANES as usize, || (), |(), lane| stays(window, &open, lane as u32));
        let mut meetings =
            in_parallel(LANES as usize, || (), |(), lane| meetings_in(&stays, lane as u32)).concat();
        meetings.sort_unstable();
        meetings.dedup();
        let (cores, met) = cores(&meetings, window.accounts.len());
        Self { cores, met }
    }

    /// Accounts in a core of testable size.
    pub(crate) fn core(&self) -> impl Iterator<Item = u32> {
        self.cores.iter().filter(|core| core.len() >= GROUP_MIN).flatten().copied()
    }

    /// The cores as groups.
    #[must_use]
    pub(crate) fn groups(&self) -> Vec<Group> {
        let large = self.cores.iter().filter(|core| core.len() >= GROUP_MIN);
        large
            .map(|core| Group {
                origin: Origin::Visitors,
                defining: Some(Family::Net),
                members: core.clone(),
            })
            .collect()
    }
}

/// Parts into which accounts, and then addresses, are divided to be gone through side by side.
const LANES: u32 = 8;

/// Visits of those who do not live where they were, in networks where strangers do not meet, for one part of
/// the accounts.
fn stays(window: &Window, open: &BTreeMap<u32, f64>, lane: u32) -> Vec<Stay> {
    let mut all: Vec<Stay> = Vec::new();
    for day in 0..window.days() {
        let start = day as u32 * 86_400;
        let ours = window.visits_on(day, |ordinal| ordinal % LANES == lane);
        all.extend(ours.filter(|visit| open.contains_key(&visit.asn)).map(|visit| {
            let (from, to) = (start + visit.first, start + visit.last);
            Stay { ip: visit.ip, account: visit.account, from, to }
        }));
    }
    all.sort_unstable_by_key(|stay| (stay.account, stay.ip, stay.from));
    let mut stays = Vec::new();
    for same in all.chunk_by(|a, b| (a.account, a.ip) == (b.account, b.ip)) {
        let Some(account) = same.first().and_then(|first| window.account(first.account)) else { continue };
        let days = same.len() as u32;
        let lives =
            days >= RESIDENT_DAYS || f64::from(days) > RESIDENT_SHARE * f64::from(account.active_days);
        if account.active_days >= ACTIVE_DAYS_MIN && !lives {
            stays.extend_from_slice(same);
        }
    }
    stays
}

/// Meetings at one part of the addresses.
fn meetings_in(stays: &[Vec<Stay>], lane: u32) -> Vec<Meeting> {
    let ours = stays.iter().flatten().filter(|stay| stay.ip % LANES == lane);
    let mut ours: Vec<Stay> = ours.copied().collect();
    ours.sort_unstable_by_key(|stay| (stay.ip, stay.from, stay.account));
    let mut meetings = Vec::new();
    for at_one in ours.chunk_by(|a, b| a.ip == b.ip) {
        meet(at_one, &mut meetings);
    }
    meetings
}

/// Networks in which two strangers hardly ever share an address, with the chance that they do.
fn open_networks(window: &Window) -> BTreeMap<u32, f64> {
    let mut seen: Vec<(u32, u32, u32)> = Vec::new();
    let established =
        window.visits().filter(|visit| window.account(visit.account).is_some_and(|account| account.mature));
    seen.extend(established.map(|visit| (visit.asn, visit.ip, visit.account)));
    seen.sort_unstable();
    seen.dedup();
    let mut open = BTreeMap::new();
    for network in seen.chunk_by(|a, b| a.0 == b.0) {
        let Some((asn, _, _)) = network.first() else { continue };
        let incidences = network.len() as u64;
        let sharing: u64 = network
            .chunk_by(|a, b| a.1 == b.1)
            .map(|at_one| at_one.len() as u64 * (at_one.len() as u64 - 1))
            .sum();
        let chance = sharing as f64 / (incidences * incidences.saturating_sub(1)).max(1) as f64;
        let kind = NetworkType::of_asn(*asn);
        let shared_by_trade = matches!(kind, NetworkType::Hosting | NetworkType::Cloud);
        if incidences >= INCIDENCES_MIN && chance <= SHARING_MAX && !shared_by_trade {
            open.insert(*asn, chance);
        }
    }
    open
}

/// Meetings at one address; `stays` are in order of time. Where more than sixteen strangers come together
/// within a day, the address is a crossroads and shows as a star.
fn meet(stays: &[Stay], meetings: &mut Vec<Meeting>) {
    let mut start = 0;
    for (at, stay) in stays.iter().enumerate() {
        while stays.get(start).is_some_and(|before| before.to + MEETING_SECONDS < stay.from) {
            start += 1;
        }
        let before = stays.get(start..at).unwrap_or_default();
        if before.len() >= MEETING_VISITORS_MAX {
            continue;
        }
        let near = before.iter().filter(|b| b.account != stay.account && b.to + MEETING_SECONDS >= stay.from);
        meetings.extend(near.map(|before| Meeting {
            a: before.account.min(stay.account),
            b: before.account.max(stay.account),
            ip: stay.ip,
        }));
    }
}

/// Components of the graph that is left when whoever has fewer than two neighbours, or met at fewer than
/// two addresses, is taken out again and again; and the meetings that are left.
fn cores(meetings: &[Meeting], accounts: usize) -> (Vec<Vec<u32>>, Vec<Meeting>) {
    let mut edges: Vec<Meeting> = meetings.to_vec();
    edges.extend(meetings.iter().map(|meeting| Meeting { a: meeting.b, b: meeting.a, ip: meeting.ip }));
    edges.sort_unstable();
    let mut alive = vec![true; accounts];
    loop {
        let mut changed = false;
        for of_one in edges.chunk_by(|a, b| a.a == b.a) {
            let Some(account) = of_one.first().map(|edge| edge.a as usize) else { continue };
            if !alive[account] {
                continue;
            }
            let mut met: Vec<(u32, u32)> =
                of_one.iter().filter(|edge| alive[edge.b as usize]).map(|edge| (edge.b, edge.ip)).collect();
            let neighbours = met.chunk_by(|a, b| a.0 == b.0).count();
            met.sort_unstable_by_key(|(_, ip)| *ip);
            let addresses = met.chunk_by(|a, b| a.1 == b.1).count();
            if neighbours < CORE || addresses < CORE {
                alive[account] = false;
                changed = true;
            }
        }
        if !changed {
            break;
        }
        edges.retain(|edge| alive[edge.a as usize] && alive[edge.b as usize]);
    }
    let components = components(&edges);
    // Each was listed from both sides.
    edges.retain(|edge| edge.a < edge.b);
    (components, edges)
}

/// Connected components of edges that are listed in both directions and ascending.
fn components(edges: &[Meeting]) -> Vec<Vec<u32>> {
    let neighbours: BTreeMap<u32, &[Meeting]> =
        edges.chunk_by(|a, b| a.a == b.a).filter_map(|of_one| Some((of_one.first()?.a, of_one))).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut components = Vec::new();
    for start in neighbours.keys() {
        if !seen.insert(*start) {
            continue;
        }
        let (mut component, mut todo) = (vec![*start], vec![*start]);
        while let Some(account) = todo.pop() {
            for edge in neighbours.get(&account).copied().unwrap_or_default() {
                if seen.insert(edge.b) {
                    component.push(edge.b);
                    todo.push(edge.b);
                }
            }
        }
        component.sort_unstable();
        components.push(component);
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_a_core_and_a_chain_is_none() {
        let ring = |n: u32| (0..n).map(move |at| (at, (at + 1) % n, 100 + at));
        let meeting = |(a, b, ip): (u32, u32, u32)| Meeting { a: a.min(b), b: a.max(b), ip };
        let ringed: Vec<Meeting> = ring(10).map(meeting).collect();
        let (found, met) = cores(&ringed, 10);
        assert_eq!(found, [(0..10).collect::<Vec<_>>()]);
        assert_eq!(met.len(), 10, "each meeting once");
        let chain: Vec<Meeting> = ring(10).skip(1).map(meeting).collect();
        assert!(cores(&chain, 10).0.is_empty());
        // Ten who only ever met at one address lived through one evening together, no more.
        let evening: Vec<Meeting> = ring(10).map(|(a, b, _)| meeting((a, b, 7))).collect();
        assert!(cores(&evening, 10).0.is_empty());
    }

    #[test]
    fn visits_a_day_apart_are_no_meeting() {
        let stay = |account, from| Stay { ip: 1, account, from, to: from + 60 };
        let mut found = Vec::new();
        meet(&[stay(1, 0), stay(2, 3_600), stay(3, 3_600 + 60 + MEETING_SECONDS + 1)], &mut found);
        assert_eq!(found, [Meeting { a: 1, b: 2, ip: 1 }]);
    }
}
