//! Scores: how strong a group's evidence is, family by family, and what strength is asked.

use super::family::{Bench, FAMILIES, Family, Finding};
use super::groups::Group;
use super::math;
use super::scratch::Scratch;
use std::f64::consts::PI;

/// Chance that a day's analysis confirms any group of honest accounts.
pub(super) const ALPHA: f64 = 1e-3;

/// Findings of a group by family; the defining family has none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scored {
    /// What each family says.
    pub findings: [Option<Finding>; FAMILIES],
}

impl Scored {
    /// Tests a group. `members` stand for the group's own except where a permutation is tested.
    #[must_use]
    pub fn of(bench: &Bench<'_>, group: &Group, scratch: &mut Scratch) -> Self {
        let mut findings = [None; FAMILIES];
        for family in Family::ALL.into_iter().filter(|family| group.defining != Some(*family)) {
            findings[family as usize] = bench.test(family, &group.members, scratch);
        }
        Self { findings }
    }

    /// -log10 p of a family, 0 if it says nothing.
    #[must_use]
    pub fn strength(&self, family: Family) -> f64 {
        self.findings[family as usize].map_or(0.0, |finding| math::strength(finding.ln_p))
    }

    /// The strengths in descending order.
    #[must_use]
    pub fn ranked(&self) -> [f64; FAMILIES] {
        let mut strengths = Family::ALL.map(|family| self.strength(family));
        strengths.sort_unstable_by(|a, b| b.total_cmp(a));
        strengths
    }

    /// Coordination: the strength of the second strongest family. One family alone proves nothing.
    #[must_use]
    pub fn coordination(&self) -> f64 {
        self.ranked()[1]
    }

    /// The families at least that strong.
    pub fn at_least(&self, strength: f64) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(move |family| self.strength(*family) >= strength)
    }
}

/// The strength that coordination has to have among `tests` groups of a day, for a group in the `nth` day
/// of its own: the chance of a false alarm is shared out over the days, so that looking every day costs
/// nothing. `alpha_d = alpha * 6 / (pi^2 d^2)`, `threshold = -log10(alpha_d / (5 M))`.
#[must_use]
pub(super) fn threshold(tests: usize, nth: u32) -> f64 {
    let d = f64::from(nth.max(1));
    let alpha = ALPHA * 6.0 / (PI * PI * d * d);
    -libm::log10(alpha / (5.0 * tests.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_that_of_the_design() {
        // 7.3 at 4,000 tests and 8.7 at 100,000, before the days are shared out.
        let first = |tests| threshold(tests, 1) - (-libm::log10(6.0 / (PI * PI)));
        assert!((first(4_000) - 7.3).abs() < 0.01);
        assert!((first(100_000) - 8.7).abs() < 0.01);
        assert!(threshold(4_000, 2) > threshold(4_000, 1));
    }
}
