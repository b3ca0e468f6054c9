//! The null: how often a value would be met in a group if membership said nothing.
//!
//! Base rates are stratified (network type times volume) and leave the group out. With rates of the
//! whole population resellers in one hosting network validate each other; with rates that include the
//! group a campaign is its own excuse.
//!
//! ```text
//! g_f = (C_f - k_f + 0.5) / (N - n + 1)
//! E_f = sum over s of n_s * (C_fs - k_fs + kappa g_f) / (N_s - n_s + kappa),   kappa = 50
//! p   = min over f of min(1, 2 F P(Poisson(E_f) >= k_f)),   F = number of values with k_f >= 3
//! ```
//!
//! C counts holders in the population, k in the group, f is a value, s a stratum; k in E counts only those
//! members that belong to the population of the base rates.

use super::facts::Kind;
use super::math;
use super::scratch::Scratch;
use super::window::{Items, STRATA, Window};

/// Weight of the overall rate against that of a stratum, in accounts.
pub(super) const KAPPA: f64 = 50.0;

/// Holders from which on an item's counts by stratum are kept, not counted again for each group.
const DENSE_FROM: usize = 64;

/// Holders of a value that a value needs in a group before it is tested.
pub(super) const SHARED_MIN: u32 = 3;

/// Accounts by stratum.
pub(super) type Strata = [u32; STRATA];

/// A value that is more common in a group than chance allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// Number of the item, or of the window of creation days.
    pub item: u32,
    /// Members that hold it.
    pub k: u32,
    /// Members expected to.
    pub expected: f64,
    /// ln p of this value alone.
    pub ln_tail: f64,
}

impl Excess {
    /// Ties go to the value with more holders inside, then to the smaller expectation: figures, not ordinals.
    fn rank(&self) -> (f64, f64, f64) {
        (self.ln_tail, -f64::from(self.k), self.expected)
    }
}

/// What the categorical test of a group says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Categorical {
    /// The strongest value.
    pub best: Excess,
    /// How many values were tried.
    pub tried: u32,
    /// ln p, for all values tried.
    pub ln_p: f64,
}

/// Who says what is usual.
pub struct Null {
    /// Whether an account belongs to the population of the base rates.
    pub usual: Vec<bool>,
    /// Its accounts by stratum.
    pub strata: Strata,
    /// Its accounts.
    pub count: u32,
    /// Whether only mature accounts belong to it.
    pub mature_only: bool,
}

impl Null {
    /// The population of a window: everybody, or, when there are unusually many young accounts, only
    /// those that stood before them.
    #[must_use]
    pub fn of(window: &Window, mature_only: bool) -> Self {
        let usual: Vec<bool> = window.accounts.iter().map(|account| account.mature || !mature_only).collect();
        let mut strata = [0; STRATA];
        for (account, _) in window.accounts.iter().zip(&usual).filter(|(_, usual)| **usual) {
            strata[usize::from(account.stratum)] += 1;
        }
        let count = strata.iter().sum();
        Self { usual, strata, count, mature_only }
    }

    /// Members of a group by stratum: all of them, and those that belong to the population.
    #[must_use]
    pub fn strata_of(&self, window: &Window, members: &[u32]) -> (Strata, Strata) {
        let (mut all, mut usual) = ([0; STRATA], [0; STRATA]);
        for member in members {
            let Some(account) = window.account(*member) else { continue };
            all[usize::from(account.stratum)] += 1;
            usual[usize::from(account.stratum)] += u32::from(self.is_usual(*member));
        }
        (all, usual)
    }

    /// Whether an account belongs to the population.
    #[must_use]
    pub fn is_usual(&self, account: u32) -> bool {
        self.usual.get(account as usize).copied().unwrap_or(false)
    }

    /// Expected members that hold a value. `group` and `usual` are the group's members by stratum,
    /// `holders` the population's holders by stratum, `inside` those of them that are members.
    #[must_use]
    pub fn expected(&self, group: &Strata, usual: &Strata, holders: &Strata, inside: &Strata) -> f64 {
        let sum = |strata: &Strata| f64::from(strata.iter().sum::<u32>());
        let left = f64::from(self.count) - sum(usual);
        let overall = (sum(holders) - sum(inside) + 0.5) / (left + 1.0);
        let mut expected = 0.0;
        for s in 0..STRATA {
            if group[s] > 0 {
                let others = f64::from(holders[s]) - f64::from(inside[s]) + KAPPA * overall;
                let of = f64::from(self.strata[s]) - f64::from(usual[s]) + KAPPA;
                expected += f64::from(group[s]) * others / of;
            }
        }
        expected
    }
}

/// Counts of one kind of values, ready to be tested.
pub struct Rates<'w> {
    /// The kind.
    pub kind: Kind,
    /// Its values.
    pub items: &'w Items,
    /// Values that are never evidence: what many established accounts hold.
    pub background: Vec<bool>,
    /// Holders by stratum of items with many holders.
    dense: Vec<Option<Box<Strata>>>,
}

impl<'w> Rates<'w> {
    /// Rates of a kind of values in a window.
    #[must_use]
    pub fn of(window: &Window, null: &Null, kind: Kind, items: &'w Items, background: Vec<bool>) -> Self {
        let dense = (0..items.len() as u32).map(|item| {
            let holders = items.holders.get(item);
            (holders.len() >= DENSE_FROM).then(|| Box::new(holders_by_stratum(window, null, holders)))
        });
        Self { kind, items, background, dense: dense.collect() }
    }

    /// The population's holders of an item by stratum.
    #[must_use]
    pub fn holders(&self, window: &Window, null: &Null, item: u32) -> Strata {
        match self.dense.get(item as usize) {
            Some(Some(strata)) => **strata,
            _ => holders_by_stratum(window, null, self.items.holders.get(item)),
        }
    }

    /// The categorical test of a group, none if nothing is shared. `members` are sorted.
    #[must_use]
    pub fn test(
        &self,
        window: &Window,
        null: &Null,
        members: &[u32],
        scratch: &mut Scratch,
    ) -> Option<Categorical> {
        let mut best: Option<Excess> = None;
        let tried = self.try_each(window, null, members, scratch, |found| {
            if best.as_ref().is_none_or(|best| found.rank() < best.rank()) {
                best = Some(found);
            }
        });
        let best = best?;
        let ln_p = (libm::log(2.0 * f64::from(tried)) + best.ln_tail).min(0.0);
        Some(Categorical { best, tried, ln_p })
    }

    /// Items that say exactly as much of a group as the best one, which is one of them. Whoever prints one chooses
    /// among them by name.
    #[must_use]
    pub fn as_good(&self, window: &Window, null: &Null, members: &[u32], best: &Excess) -> Vec<u32> {
        let mut items = Vec::new();
        self.try_each(window, null, members, &mut Scratch::default(), |found| {
            if found.rank() == best.rank() {
                items.push(found.item);
            }
        });
        items
    }

    /// Tells how much more common each shared value is in a group than chance allows; background is passed over.
    /// Gives how many values are shared. `members` are sorted.
    fn try_each(
        &self,
        window: &Window,
        null: &Null,
        members: &[u32],
        scratch: &mut Scratch,
        mut each: impl FnMut(Excess),
    ) -> u32 {
        let held = members.iter().flat_map(|member| self.items.of_account.get(*member)).copied();
        let shared = scratch.count(self.items.len(), held, SHARED_MIN);
        if shared.is_empty() {
            return 0;
        }
        let (group, usual) = null.strata_of(window, members);
        let inside = self.inside(window, null, members, &shared, scratch);
        for ((item, k), inside) in shared.iter().copied().zip(&inside) {
            if self.background.get(item as usize).copied().unwrap_or(false) {
                continue;
            }
            let holders = self.holders(window, null, item);
            let expected = null.expected(&group, &usual, &holders, inside);
            let ln_tail = math::poisson_at_least(u64::from(k), expected);
            each(Excess { item, k, expected, ln_tail });
        }
        shared.len() as u32
    }

    /// For each of some items the members that hold it and belong to the population, by stratum: one pass over
    /// what the members hold.
    fn inside(
        &self,
        window: &Window,
        null: &Null,
        members: &[u32],
        shared: &[(u32, u32)],
        scratch: &mut Scratch,
    ) -> Vec<Strata> {
        let mut inside = vec![[0; STRATA]; shared.len()];
        scratch.number(shared);
        for member in members.iter().filter(|member| null.is_usual(**member)) {
            let Some(account) = window.account(*member) else { continue };
            for item in self.items.of_account.get(*member) {
                if let Some(strata) = scratch.number_of(*item).and_then(|number| inside.get_mut(number)) {
                    strata[usize::from(account.stratum)] += 1;
                }
            }
        }
        scratch.forget(shared);
        inside
    }

    /// The same for one item. `members` are sorted.
    #[must_use]
    pub fn inside_of(&self, window: &Window, null: &Null, members: &[u32], item: u32) -> Strata {
        let holders = self.items.holders.get(item).iter();
        strata_of(window, null, holders.filter(|holder| members.binary_search(holder).is_ok()))
    }
}

fn strata_of<'a>(window: &Window, null: &Null, accounts: impl Iterator<Item = &'a u32>) -> Strata {
    let mut strata = [0; STRATA];
    for account in accounts.filter(|account| null.is_usual(**account)) {
        if let Some(account) = window.account(*account) {
            strata[usize::from(account.stratum)] += 1;
        }
    }
    strata
}

fn holders_by_stratum(window: &Window, null: &Null, holders: &[u32]) -> Strata {
    strata_of(window, null, holders.iter())
}
