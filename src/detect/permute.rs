//! Permutation: what strength do groups reach when the association between families is taken away?
//!
//! Each family's values are shuffled among accounts of the same stratum, each family by itself, and the
//! same groups are tested again. What is then as strong as the findings is the false rate:
//! `q(t) = ((1 + null groups with s2 >= t) / B) / max(1, observed with s2 >= t)`.

use super::extraction::below;
use super::family::{Bench, FAMILIES, Family};
use super::groups::Group;
use super::math;
use super::window::{STRATA, Window};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What the permutations gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NullTable {
    /// Permutations.
    pub runs: u32,
    /// Groups tested in each, and how many they stand for.
    pub tested: usize,
    /// All groups.
    pub groups: usize,
    /// Second strengths of permuted groups that reach 2, descending.
    pub strengths: Vec<f64>,
}

impl NullTable {
    /// Null groups in one run at a strength or above, scaled to all groups.
    #[must_use]
    pub fn per_run(&self, strength: f64) -> f64 {
        let at_least = self.strengths.partition_point(|null| *null >= strength) as f64;
        let scale = self.groups as f64 / self.tested.max(1) as f64;
        (1.0 + at_least * scale) / f64::from(self.runs.max(1))
    }

    /// The strongest null group, 0 if none reached 2.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.strengths.first().copied().unwrap_or(0.0)
    }

    /// The false rate at a strength that `observed` groups reach.
    #[must_use]
    pub fn q(&self, strength: f64, observed: usize) -> f64 {
        (self.per_run(strength) / observed.max(1) as f64).min(1.0)
    }
}

/// A permutation of accounts within strata.
fn shuffled(window: &Window, seed: u64) -> Vec<u32> {
    let mut by_stratum: [Vec<u32>; STRATA] = [const { Vec::new() }; STRATA];
    for (rank, account) in window.accounts.iter().enumerate() {
        by_stratum[usize::from(account.stratum)].push(rank as u32);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut to = vec![0; window.accounts.len()];
    for from in by_stratum {
        let mut shuffled = from.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, below(&mut random, at + 1));
        }
        for (from, shuffled) in from.into_iter().zip(shuffled) {
            if let Some(slot) = to.get_mut(from as usize) {
                *slot = shuffled;
            }
        }
    }
    to
}

/// Second strengths of one run.
fn run(bench: &Bench<'_>, groups: &[&Group], seed: u64) -> Vec<f64> {
    let maps: [Vec<u32>; FAMILIES] =
        std::array::from_fn(|family| shuffled(bench.window, seed.wrapping_add(family as u64)));
    let mut scratch = Vec::new();
    let mut strengths = Vec::new();
    for group in groups {
        let (mut first, mut second) = (0.0_f64, 0.0_f64);
        for family in Family::ALL.into_iter().filter(|family| group.defining != Some(*family)) {
            let map = &maps[family as usize];
            let mut members: Vec<u32> =
                group.members.iter().filter_map(|member| map.get(*member as usize).copied()).collect();
            members.sort_unstable();
            let finding = bench.test(family, &members, &mut scratch);
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

/// Permutes and tests again. Of more groups than `most` a sample is tested, evenly spaced.
#[must_use]
pub fn null_table(bench: &Bench<'_>, groups: &[Group], runs: u32, most: usize, seed: u64) -> NullTable {
    let step = groups.len().div_ceil(most.max(1)).max(1);
    let sample: Vec<&Group> = groups.iter().step_by(step).collect();
    let workers = super::workers() as u32;
    let mut strengths: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|worker| {
                let sample = &sample;
                scope.spawn(move || {
                    let mine = (worker..runs).step_by(workers as usize);
                    mine.flat_map(|n| run(bench, sample, seed.wrapping_add(u64::from(n) * 1_000)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    strengths.sort_unstable_by(|a, b| b.total_cmp(a));
    NullTable { runs, tested: sample.len(), groups: groups.len(), strengths }
}
