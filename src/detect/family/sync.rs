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

/// The platform's rhythm: what one event is of a day.
pub(super) struct Rhythm {
    weights: Vec<f64>,
}

impl Rhythm {
    pub(super) fn of(window: &Window) -> Self {
        Self { weights: window.totals.iter().map(|total| 1.0 / (*total).max(1) as f64).collect() }
    }

    pub(super) fn test(&self, window: &Window, members: &[u32]) -> Option<Finding> {
        let days = self.weights.len();
        if days < DAYS_MIN || members.len() < 2 {
            return None;
        }
        let mut sum = vec![0.0; days];
        let mut apart = 0.0;
        for member in members {
            let daily = window.daily(*member);
            let shares =
                || daily.iter().zip(&self.weights).map(|(events, weight)| f64::from(*events) * weight);
            let mean = shares().sum::<f64>() / days as f64;
            if mean <= 0.0 {
                continue;
            }
            let mut squares = 0.0;
            for (sum, share) in sum.iter_mut().zip(shares()) {
                let x = share / mean;
                *sum += x;
                squares += (x - 1.0) * (x - 1.0);
            }
            apart += squares / (days as f64 - 1.0);
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
