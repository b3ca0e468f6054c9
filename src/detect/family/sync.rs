//! SYNC: do the accounts of a group rise and fall together, beyond what everybody does?
//!
//! With `x` an account's share of the platform's events on a day over its own mean,
//! `F = Var over days of the sum / sum of the variances`, and
//! `p = P(chi-square(T - 1) >= (T - 1) F / 1.5)` for T days.

use super::{Basis, Family, Finding};
use crate::detect::math;
use crate::detect::window::Window;

/// Days without which nothing can be said.
const DAYS_MIN: usize = 5;

/// Allowance for what accounts of one kind have in common anyway.
const ALLOWANCE: f64 = 1.5;

/// Everybody's shares of the platform's days, each over the account's own mean.
pub struct Rhythm {
    days: usize,
    /// `days` numbers an account; all zero for one without events.
    shares: Vec<f64>,
    /// Variance of each account's shares.
    variances: Vec<f64>,
}

impl Rhythm {
    pub(super) fn of(window: &Window) -> Self {
        let days = window.days();
        let weights: Vec<f64> = window.totals.iter().map(|total| 1.0 / (*total).max(1) as f64).collect();
        let mut shares = Vec::with_capacity(days * window.accounts.len());
        let mut variances = Vec::with_capacity(window.accounts.len());
        for account in 0..window.accounts.len() as u32 {
            let start = shares.len();
            let daily = window.daily(account).iter().zip(&weights);
            shares.extend(daily.map(|(events, weight)| f64::from(*events) * weight));
            let own = shares.get_mut(start..).unwrap_or_default();
            let mean = own.iter().sum::<f64>() / days as f64;
            let mut squares = 0.0;
            if mean > 0.0 {
                for share in own {
                    *share /= mean;
                    squares += (*share - 1.0) * (*share - 1.0);
                }
            }
            variances.push(squares / (days as f64 - 1.0).max(1.0));
        }
        Self { days, shares, variances }
    }

    /// An account's share of the platform on each day, over its own mean.
    #[must_use]
    pub fn shares(&self, account: u32) -> &[f64] {
        let start = account as usize * self.days;
        self.shares.get(start..start + self.days).unwrap_or_default()
    }

    pub(super) fn test(&self, members: &[u32]) -> Option<Finding> {
        let days = self.days;
        if days < DAYS_MIN || members.len() < 2 {
            return None;
        }
        let mut sum = vec![0.0; days];
        let mut apart = 0.0;
        for member in members {
            let shares = self.shares(*member);
            sum.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
            apart += self.variances.get(*member as usize).copied().unwrap_or_default();
        }
        if apart <= 0.0 {
            return None;
        }
        let mean = sum.iter().sum::<f64>() / days as f64;
        let together = sum.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (days as f64 - 1.0);
        let ratio = together / apart;
        let degrees = days as f64 - 1.0;
        let ln_p = math::chi_square_at_least(degrees * ratio / ALLOWANCE, degrees);
        let basis = Basis::Rhythm { days: days as u32, ratio };
        Some(Finding { family: Family::Sync, ln_p, basis })
    }
}
