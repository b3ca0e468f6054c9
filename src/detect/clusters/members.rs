//! Members: each account of a cluster is asked by itself whether it agrees with the others.
//!
//! The profile that an account is compared with leaves the account out. It agrees in a family by a value
//! that the others hold at more than five times the usual rate, by a creation day that is as unusual, by a
//! volume close to theirs, or by days that rise and fall with theirs. Sharing an address with a cluster is
//! how bystanders are caught; it makes nobody a member.

use crate::detect::background::total;
use crate::detect::family::{Bench, Creation, FAMILIES, Family};
use crate::limits::{LOAD_EVENTS_MIN, SHARED_VALUE_MIN};
use std::collections::BTreeMap;

/// How much more usual among the others than outside a value has to be.
const LIFT: f64 = 5.0;

/// Share of the others that have to hold it.
const SHARE: f64 = 0.02;

/// How far from the others' median a volume may be, as natural logarithm.
const NEAR: f64 = 0.3;

/// Correlation of daily shares from which two rhythms agree.
const TOGETHER: f64 = 0.7;

/// What the members of a cluster have in common.
pub(super) struct Profile<'b> {
    bench: &'b Bench<'b>,
    /// Members by name order.
    members: &'b [u32],
    /// By kind: items that are far more usual inside, with how many members hold them.
    shared: Vec<BTreeMap<u32, u32>>,
    /// Creation days of members.
    created: BTreeMap<i32, u32>,
    median: f64,
    /// Sum of members' daily shares.
    rhythm: Vec<f64>,
    /// Families whose group figures are extreme: in others nobody agrees.
    extreme: [bool; FAMILIES],
}

impl<'b> Profile<'b> {
    pub(super) fn of(bench: &'b Bench<'b>, members: &'b [u32], extreme: [bool; FAMILIES]) -> Self {
        let window = bench.window;
        let shared = bench.rates.iter().map(|rates| {
            let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
            for member in members {
                for item in rates.items.of_account.get(*member) {
                    *counts.entry(*item).or_default() += 1;
                }
            }
            counts.retain(|item, k| {
                let outside = f64::from(rates.items.holders.get(*item).len() as u32 - *k);
                let usual = (outside + 0.5) / (window.accounts.len() - members.len() + 1) as f64;
                let inside = f64::from(*k) / members.len().max(1) as f64;
                *k >= SHARED_VALUE_MIN
                    && inside >= SHARE
                    && inside > LIFT * usual
                    && rates.background.get(*item as usize) != Some(&true)
            });
            counts
        });
        let mut created: BTreeMap<i32, u32> = BTreeMap::new();
        let mut rates = Vec::new();
        let mut rhythm = vec![0.0; window.days()];
        for member in members {
            let Some(account) = window.account(*member) else { continue };
            if let Some(day) = account.created {
                *created.entry(day).or_default() += 1;
            }
            if account.events >= LOAD_EVENTS_MIN {
                rates.push(libm::log(account.rate()));
            }
            for (sum, share) in rhythm.iter_mut().zip(shares(bench, *member)) {
                *sum += share;
            }
        }
        rates.sort_unstable_by(f64::total_cmp);
        let median = rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN);
        Self { bench, members, shared: shared.collect(), created, median, rhythm, extreme }
    }

    /// How telling each family is: how often members agree in it, and how often others do.
    pub(super) fn telling(&self, agreements: &BTreeMap<u32, Vec<Family>>, candidates: &[u32]) -> Telling {
        let inside = self.members.iter().filter_map(|member| agreements.get(member));
        let inside = shares_of(inside.map(Vec::as_slice));
        let accounts = self.bench.window.accounts.len() as u32;
        let step = (accounts as usize).div_ceil(OTHERS_ASKED).max(1);
        let others = (0..accounts).step_by(step).filter(|rank| candidates.binary_search(rank).is_err());
        let others: Vec<Vec<Family>> = others.map(|rank| self.agreements(rank)).collect();
        let outside = shares_of(others.iter().map(Vec::as_slice));
        let prior = self.members.len() as f64 / f64::from(accounts.max(1));
        Telling { inside, outside, prior: libm::log(prior), extreme: self.extreme }
    }

    /// Families in which an account agrees with the other members.
    pub(super) fn agreements(&self, account: u32) -> Vec<Family> {
        let mut families: Vec<Family> = Vec::new();
        let own = u32::from(self.members.binary_search(&account).is_ok());
        for (rates, shared) in self.bench.rates.iter().zip(&self.shared) {
            let family = Family::of_kind(rates.kind);
            let holds = rates.items.of_account.get(account).iter();
            let agrees = holds
                .filter_map(|item| shared.get(item))
                .any(|k| k.saturating_sub(own) >= SHARED_VALUE_MIN - 1);
            if agrees && self.counts(family) && !families.contains(&family) {
                families.push(family);
            }
        }
        for (family, agrees) in [
            (Family::Life, self.is_made_with(account, own)),
            (Family::Load, self.is_near(account)),
            (Family::Sync, self.goes_along(account, own)),
        ] {
            if agrees && self.counts(family) {
                families.push(family);
            }
        }
        families.sort_unstable();
        families
    }

    fn counts(&self, family: Family) -> bool {
        self.extreme[family as usize]
    }

    /// Created on a day around which far more members were created than others.
    fn is_made_with(&self, account: u32, own: u32) -> bool {
        let window = self.bench.window;
        let Some(day) = window.account(account).and_then(|account| account.created) else { return false };
        let inside: u32 = self.created.range(day - 3..=day + 3).map(|(_, count)| count).sum();
        let inside = f64::from(inside.saturating_sub(own)) / self.members.len().max(1) as f64;
        let calendar = self.bench.creation();
        let usual = total(&calendar.created_in(Creation { first: day - 3, days: 7 }));
        let usual = (f64::from(usual) + 0.5) / (f64::from(self.bench.null.count) + 1.0);
        inside >= 0.05 && inside > LIFT * usual
    }

    fn is_near(&self, account: u32) -> bool {
        self.bench.window.account(account).is_some_and(|account| {
            account.events >= LOAD_EVENTS_MIN && (libm::log(account.rate()) - self.median).abs() < NEAR
        })
    }

    fn goes_along(&self, account: u32, own: u32) -> bool {
        let mine = shares(self.bench, account);
        let others: Vec<f64> =
            self.rhythm.iter().zip(&mine).map(|(sum, mine)| sum - f64::from(own) * mine).collect();
        mine.len() >= 5 && correlation(&mine, &others) >= TOGETHER
    }
}

/// Accounts outside a cluster that are asked how often they would agree.
const OTHERS_ASKED: usize = 2_000;

/// How telling agreement is, family by family.
pub(super) struct Telling {
    inside: [f64; FAMILIES],
    outside: [f64; FAMILIES],
    prior: f64,
    extreme: [bool; FAMILIES],
}

/// For each family the share of accounts that agree, never quite none or all.
fn shares_of<'a>(agreements: impl Iterator<Item = &'a [Family]>) -> [f64; FAMILIES] {
    let (mut counts, mut all) = ([0.5; FAMILIES], 1.0);
    for families in agreements {
        all += 1.0;
        for family in families {
            counts[*family as usize] += 1.0;
        }
    }
    counts.map(|count| count / all)
}

impl Telling {
    /// ln of the odds that an account is a member, by what it agrees in and what not: Bayes' rule with the
    /// families taken as independent, and the cluster's share of all accounts as prior. An account that
    /// does not have what all the others have is none of them, however much else it shares.
    pub(super) fn odds(&self, agreements: &[Family]) -> f64 {
        let families = Family::ALL.into_iter().filter(|family| self.extreme[*family as usize]);
        let evidence = families.map(|family| {
            let (inside, outside) = (self.inside[family as usize], self.outside[family as usize]);
            if agreements.contains(&family) {
                libm::log(inside / outside)
            } else {
                libm::log((1.0 - inside) / (1.0 - outside))
            }
        });
        evidence.sum::<f64>() + self.prior
    }
}

/// An account's share of the platform on each day, over its own mean.
fn shares(bench: &Bench<'_>, account: u32) -> Vec<f64> {
    let daily = bench.window.daily(account).iter().zip(&bench.window.totals);
    let shares: Vec<f64> = daily.map(|(own, all)| f64::from(*own) / (*all).max(1) as f64).collect();
    let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    if mean > 0.0 { shares.into_iter().map(|share| share / mean).collect() } else { shares }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().max(1) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        of_a += (a - mean_a) * (a - mean_a);
        of_b += (b - mean_b) * (b - mean_b);
    }
    if of_a > 0.0 && of_b > 0.0 { both / libm::sqrt(of_a * of_b) } else { 0.0 }
}
