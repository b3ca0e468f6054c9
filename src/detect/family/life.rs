//! LIFE: were the accounts of a group made together?
//!
//! A scan over windows of 1, 3 and 7 days of creation, each tested against how many accounts of the same
//! strata were made in it: when everybody signs up because a product was launched, that is expected.

use super::{Basis, Family, Finding};
use crate::detect::math;
use crate::detect::null::{Categorical, Excess, Null, SHARED_MIN, Strata};
use crate::detect::window::{STRATA, Window};

/// Lengths of the windows scanned, in days.
const LENGTHS: [i32; 3] = [1, 3, 7];

/// Creation days further back than this count as one, days before the window's last.
const DAYS_BACK: i32 = 1500;

/// A window of creation days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// First day.
    pub first: i32,
    /// Days.
    pub days: i32,
}

/// How many accounts of the population were created up to each day, by stratum.
pub struct Calendar {
    start: i32,
    /// Entry d: accounts created before `start + d`.
    before: Vec<Strata>,
}

impl Calendar {
    pub(super) fn of(window: &Window, null: &Null) -> Self {
        let start = window.day - DAYS_BACK;
        let mut on = vec![[0; STRATA]; DAYS_BACK as usize + 2];
        for (account, usual) in window.accounts.iter().zip(&null.usual) {
            if let (Some(created), true) = (account.created, usual)
                && let Some(day) = on.get_mut((created - start + 1).max(0) as usize)
            {
                day[usize::from(account.stratum)] += 1;
            }
        }
        let mut before = on;
        for day in 1..before.len() {
            let (done, rest) = before.split_at_mut(day);
            if let (Some(last), Some(next)) = (done.last(), rest.first_mut()) {
                next.iter_mut().zip(last).for_each(|(next, last)| *next += last);
            }
        }
        Self { start, before }
    }

    /// Accounts of the population that were created in a window of days, by stratum.
    #[must_use]
    pub fn created_in(&self, creation: Creation) -> Strata {
        let at = |day: i32| {
            let index = (day - self.start).clamp(0, self.before.len() as i32 - 1) as usize;
            self.before.get(index).copied().unwrap_or([0; STRATA])
        };
        let (from, to) = (at(creation.first), at(creation.first + creation.days));
        std::array::from_fn(|s| to[s].saturating_sub(from[s]))
    }

    pub(super) fn test(&self, window: &Window, null: &Null, members: &[u32]) -> Option<Finding> {
        let oldest = self.start;
        let mut created: Vec<(i32, u32)> = members
            .iter()
            .filter_map(|member| Some((window.account(*member)?.created?, *member)))
            .filter(|(day, _)| *day > oldest)
            .collect();
        if (created.len() as u32) < SHARED_MIN {
            return None;
        }
        created.sort_unstable();
        let (group, usual) = null.strata_of(window, members);
        let mut tried = 0;
        let mut best: Option<(Excess, Creation)> = None;
        for days in LENGTHS {
            let mut from = 0;
            while let Some((first, _)) = created.get(from).copied() {
                let inside = created.get(from..).unwrap_or_default();
                let inside = &inside[..inside.partition_point(|(day, _)| *day < first + days)];
                if inside.len() as u32 >= SHARED_MIN {
                    tried += 1;
                    let creation = Creation { first, days };
                    let mut own = [0; STRATA];
                    for (_, member) in inside.iter().filter(|(_, member)| null.is_usual(*member)) {
                        own[usize::from(window.account(*member)?.stratum)] += 1;
                    }
                    let expected = null.expected(&group, &usual, &self.created_in(creation), &own);
                    let k = inside.len() as u32;
                    let ln_tail = math::poisson_at_least(u64::from(k), expected);
                    if best.is_none_or(|(best, _)| ln_tail < best.ln_tail) {
                        best = Some((Excess { item: 0, k, expected, ln_tail }, creation));
                    }
                }
                from += created.get(from..)?.partition_point(|(day, _)| *day <= first);
            }
        }
        let (best, creation) = best?;
        let ln_p = (libm::log(2.0 * f64::from(tried)) + best.ln_tail).min(0.0);
        let basis = Basis::Created(creation, Categorical { best, tried, ln_p });
        Some(Finding { family: Family::Life, ln_p, basis })
    }
}
