//! Permutation: what strength do groups reach when the association between families is taken away?
//!
//! Each family's values are shuffled among accounts of the same stratum, each family by itself, and the
//! same groups are tested again. What is then as strong as the findings is the false rate:
//! `q(t) = ((1 + null groups with s2 >= t) / B) / max(1, observed with s2 >= t)`, and no group's q is
//! larger than that of a weaker one.
//!
//! Accounts of groups that would be accused, and of strong groups that fill a tenth of a stratum, are taken
//! out first: where a campaign fills a stratum, a shuffled campaign is the same campaign. Other coordinated
//! groups stay in, so that networks which validate each other show.

use super::extraction::below;
use super::family::{Bench, FAMILIES, Family};
use super::groups::Group;
use super::math;
use super::scratch::Scratch;
use super::window::{STRATA, Window};
use crate::limits::{GROUP_MIN, PERMUTATIONS, PERMUTED_GROUPS_MAX};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use roaring::RoaringBitmap;

/// What the permutations gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NullTable {
    /// Permutations.
    pub runs: u32,
    /// Each run tested one group in this many.
    pub step: usize,
    /// Second strengths of permuted groups that reach 2, descending.
    pub strengths: Vec<f64>,
}

impl NullTable {
    /// Null groups in one run at a strength or above, scaled to all groups.
    #[must_use]
    pub(super) fn per_run(&self, strength: f64) -> f64 {
        let at_least = self.strengths.partition_point(|null| *null >= strength) as f64;
        (1.0 + at_least * self.step.max(1) as f64) / f64::from(self.runs.max(1))
    }

    /// The strongest null group, 0 if none reached 2.
    #[must_use]
    pub(super) fn max(&self) -> f64 {
        self.strengths.first().copied().unwrap_or(0.0)
    }

    /// The false rates of groups whose strengths are given in descending order.
    #[must_use]
    pub(super) fn rates(&self, observed: &[f64]) -> FalseRates<'_> {
        let mut rates: Vec<(f64, f64)> = observed
            .iter()
            .take_while(|strength| **strength >= 2.0)
            .enumerate()
            .map(|(at, strength)| (*strength, self.per_run(*strength) / (at + 1) as f64))
            .collect();
        // From the weakest up: no group's rate is larger than that of a weaker one.
        let mut least = f64::INFINITY;
        for (_, rate) in rates.iter_mut().rev() {
            least = least.min(*rate);
            *rate = least;
        }
        FalseRates { null: self, rates }
    }
}

/// False rates by strength.
pub(super) struct FalseRates<'n> {
    null: &'n NullTable,
    /// Observed strengths, descending, and the least rate of each and all weaker ones.
    rates: Vec<(f64, f64)>,
}

impl FalseRates<'_> {
    /// The false rate of a group of some strength.
    #[must_use]
    pub(super) fn q(&self, strength: f64) -> f64 {
        let first = self.rates.partition_point(|(other, _)| *other > strength);
        let weaker = self.rates.get(first).map_or(f64::INFINITY, |(_, rate)| *rate);
        weaker.min(self.null.per_run(strength)).min(1.0)
    }
}

/// A random order of the accounts of each stratum. A run rotates it by a random number of places, which
/// is a random permutation too and costs a run nothing for accounts that it does not test.
struct Order {
    /// Accounts by stratum, shuffled.
    strata: [Vec<u32>; STRATA],
    /// Where each account is in its stratum's list.
    places: Vec<u32>,
}

impl Order {
    fn of(window: &Window, out: &RoaringBitmap, seed: u64) -> Self {
        let mut strata: [Vec<u32>; STRATA] = [const { Vec::new() }; STRATA];
        for (rank, account) in window.accounts.iter().enumerate() {
            if !out.contains(rank as u32) {
                strata[usize::from(account.stratum)].push(rank as u32);
            }
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut places = vec![0; window.accounts.len()];
        for list in &mut strata {
            for at in (1..list.len()).rev() {
                list.swap(at, below(&mut random, at + 1));
            }
            for (place, account) in list.iter().enumerate() {
                if let Some(slot) = places.get_mut(*account as usize) {
                    *slot = place as u32;
                }
            }
        }
        Self { strata, places }
    }

    /// Who stands in for an account when a stratum's list is rotated.
    fn stand_in(&self, window: &Window, turns: &[usize; STRATA], account: u32) -> Option<u32> {
        let stratum = usize::from(window.account(account)?.stratum);
        let list = &self.strata[stratum];
        let place = *self.places.get(account as usize)? as usize;
        list.get((place + turns[stratum]) % list.len().max(1)).copied()
    }
}

/// Second strengths of one run.
fn run(
    bench: &Bench<'_>,
    groups: &[&Group],
    out: &RoaringBitmap,
    orders: &[Order],
    seed: u64,
    scratch: &mut Scratch,
) -> Vec<f64> {
    let window = bench.window;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let turns: Vec<[usize; STRATA]> = orders
        .iter()
        .map(|order| std::array::from_fn(|s| below(&mut random, order.strata[s].len().max(1))))
        .collect();
    let mut strengths = Vec::new();
    for group in groups {
        let honest = group.members.iter().copied().filter(|member| !out.contains(*member));
        let honest: Vec<u32> = honest.collect();
        if honest.len() < GROUP_MIN {
            continue;
        }
        let (mut first, mut second) = (0.0_f64, 0.0_f64);
        for family in Family::ALL.into_iter().filter(|family| group.defining != Some(*family)) {
            let (Some(order), Some(turns)) = (orders.get(family as usize), turns.get(family as usize)) else {
                continue;
            };
            let stand_ins = honest.iter().filter_map(|member| order.stand_in(window, turns, *member));
            let mut members: Vec<u32> = stand_ins.collect();
            members.sort_unstable();
            let finding = bench.test(family, &members, scratch);
            let strength = finding.map_or(0.0, |finding| math::strength(finding.ln_p));
            if strength > first {
                second = first;
                first = strength;
            } else {
                second = second.max(strength);
            }
        }
        if second >= 2.0 {
            strengths.push(second);
        }
    }
    strengths
}

/// Permutes and tests again, accounts in `out` left out. Each run tests every nth group, beginning with
/// another one, so that all runs together test about `PERMUTED_GROUPS_MAX`.
#[must_use]
pub(super) fn null_table(bench: &Bench<'_>, groups: &[Group], out: &RoaringBitmap, seed: u64) -> NullTable {
    let runs = PERMUTATIONS;
    let step = (groups.len() * runs as usize).div_ceil(PERMUTED_GROUPS_MAX).max(1);
    let seed_of = |family: usize| seed.wrapping_add(family as u64);
    let orders =
        super::in_parallel(FAMILIES, || (), |(), family| Order::of(bench.window, out, seed_of(family)));
    let mut strengths: Vec<f64> = super::in_parallel(runs as usize, Scratch::default, |scratch, n| {
        let sample: Vec<&Group> = groups.iter().skip(n % step).step_by(step).collect();
        run(bench, &sample, out, &orders, seed.wrapping_add(1_000 + n as u64), scratch)
    })
    .concat();
    strengths.sort_unstable_by(|a, b| b.total_cmp(a));
    NullTable { runs, step, strengths }
}
