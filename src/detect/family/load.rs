//! LOAD: is the work spread over the accounts more evenly than people spread theirs?
//!
//! A scheduler gives each account the same share; people differ by orders of magnitude. The variance of
//! the log volumes is compared with that of established accounts of the same kinds of network:
//! `p = P(chi-square(n - 1) <= (n - 1) s^2 / s0^2)`, `s0` being 0.85 of the pooled deviation.
//!
//! Small counts are all alike: ten accounts with one request each have no variance. So the variance
//! that counting itself adds, one over the mean count, is added to the group's, and accounts with too few
//! events are left out. Both make the test more careful.

use super::{Basis, Family, Finding};
use crate::detect::math;
use crate::detect::networks::TYPES;
use crate::detect::window::{Account, Window};
use crate::limits::{LOAD_ACCOUNTS_MIN, LOAD_EVENTS_MIN};

/// Share of the pooled deviation that counts as usual for a group.
const USUAL_SHARE: f64 = 0.85;

/// Deviation assumed where no established accounts can say, of the natural log of volume.
const DEVIATION_DEFAULT: f64 = 1.0;

/// Established accounts that a kind of network needs to speak for itself.
const ACCOUNTS_TO_SPEAK: usize = 50;

/// Volumes of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volumes {
    /// Accounts with enough events.
    pub accounts: u32,
    /// Variance of the natural log of events per active day, that of counting added.
    pub variance: f64,
    /// Deviation that is usual.
    pub usual: f64,
    /// Standard deviation over mean of events per active day.
    pub cv: f64,
}

/// Variance of log volume of established accounts, by kind of network.
pub(super) struct Baseline {
    variances: [f64; TYPES],
    /// Log volume of every account that has one, NaN for the others.
    logs: Vec<f64>,
}

fn log_rate(account: &Account) -> Option<f64> {
    (account.events >= LOAD_EVENTS_MIN).then(|| libm::log(account.rate()))
}

/// Mean and variance, of at least two numbers.
fn spread(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    (mean, variance)
}

impl Baseline {
    pub(super) fn of(window: &Window) -> Self {
        let mut rates: [Vec<f64>; TYPES] = Default::default();
        for account in window.accounts.iter().filter(|account| account.mature) {
            if let Some(rate) = log_rate(account) {
                rates[usize::from(account.stratum / 5)].push(rate);
            }
        }
        let all: Vec<f64> = rates.iter().flatten().copied().collect();
        let overall = if all.len() >= ACCOUNTS_TO_SPEAK {
            spread(&all).1
        } else {
            DEVIATION_DEFAULT * DEVIATION_DEFAULT
        };
        let variances =
            rates.map(|rates| if rates.len() >= ACCOUNTS_TO_SPEAK { spread(&rates).1 } else { overall });
        let logs = window.accounts.iter().map(|account| log_rate(account).unwrap_or(f64::NAN)).collect();
        Self { variances, logs }
    }

    pub(super) fn test(&self, window: &Window, members: &[u32]) -> Option<Finding> {
        let mut logs = Vec::with_capacity(members.len());
        let mut rates = Vec::with_capacity(members.len());
        let (mut pooled, mut events) = (0.0, 0.0);
        for member in members {
            let log = self.logs.get(*member as usize).copied().unwrap_or(f64::NAN);
            if let (Some(account), false) = (window.account(*member), log.is_nan()) {
                logs.push(log);
                rates.push(account.rate());
                events += account.events as f64;
                pooled += self.variances[usize::from(account.stratum / 5)];
            }
        }
        let n = logs.len() as f64;
        if logs.len() < LOAD_ACCOUNTS_MIN {
            return None;
        }
        let counting = n / events;
        let variance = spread(&logs).1 + counting;
        let usual = USUAL_SHARE * libm::sqrt(pooled / n);
        let ln_p = math::chi_square_at_most((n - 1.0) * variance / (usual * usual), n - 1.0);
        let (mean, spread) = spread(&rates);
        let basis = Volumes { accounts: logs.len() as u32, variance, usual, cv: libm::sqrt(spread) / mean };
        Some(Finding { family: Family::Load, ln_p, basis: Basis::Volumes(basis) })
    }
}
