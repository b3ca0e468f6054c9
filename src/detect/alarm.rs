//! The cohort alarm: far more newcomers than usual who ask for what extraction aims at.
//!
//! It names no account: it says that something began, in which kind of network, before any account can be told
//! from its neighbours. The count of a day is held against the days before it by the predictive distribution of a
//! Poisson rate with a gamma prior (negative binomial): with a newcomers in d days,
//! `p = P(NB(a + 1/2, d / (d + 1)) >= today)`. Members of clusters that accuse are told of there, and not counted.

use super::clusters::Confirmed;
use super::extraction::share;
use super::math;
use super::networks::{NetworkType, TYPES};
use super::window::Window;
use crate::limits::{ALARM_ACCOUNTS_MIN, ALARM_DAYS_MIN, LABELLED_MIN, LOG_BEGINS_DAYS};
use crate::store::{Decode, Encode};

/// Share of target requests from which a newcomer counts: that of the gate of accusations.
const TARGET: f64 = 0.55;

/// ln p below which there is an alarm: one in a million days.
const LN_P_MAX: f64 = -13.815_510_557_964_274;

/// Newcomers of one kind of network, far more than usual.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Alarm {
    /// Kind of network, in a word.
    pub network: String,
    /// Newcomers of the day who ask for what extraction aims at.
    pub newcomers: u32,
    /// How many of them are usual on a day.
    pub usual: f64,
    /// Days that say so.
    pub days: u32,
    /// -log10 p.
    pub strength: f64,
}

/// The alarms of the window's last day.
#[must_use]
pub(super) fn alarms(window: &Window, log_start: i32, clusters: &[Confirmed]) -> Vec<Alarm> {
    // In the first days of a log everybody is new.
    let first = window.first_day.max(log_start + LOG_BEGINS_DAYS);
    let days = window.day - first;
    if days < ALARM_DAYS_MIN {
        return Vec::new();
    }
    let accused = clusters.iter().filter(|cluster| cluster.verdict.accuses());
    let accused: Vec<&[u32]> = accused.map(|cluster| cluster.members.as_slice()).collect();
    let is_accused = |rank: u32| accused.iter().any(|members| members.binary_search(&rank).is_ok());
    let (mut before, mut today) = ([0_u32; TYPES], [0_u32; TYPES]);
    for (rank, account) in window.accounts.iter().enumerate().filter(|(_, a)| a.first_seen >= first) {
        let asks = account.labelled >= LABELLED_MIN && share(account.target, account.labelled) >= TARGET;
        if asks && !is_accused(rank as u32) {
            let counts = if account.first_seen == window.day { &mut today } else { &mut before };
            counts[usize::from(account.stratum / 5)] += 1;
        }
    }
    let alarm = |network: usize| {
        let (count, shape, days) = (today[network], f64::from(before[network]) + 0.5, f64::from(days));
        let ln_p = math::negative_binomial_at_least(u64::from(count), shape, days);
        (count >= ALARM_ACCOUNTS_MIN && ln_p <= LN_P_MAX).then(|| Alarm {
            network: NetworkType::name(network as u8).to_owned(),
            newcomers: count,
            usual: f64::from(before[network]) / days,
            days: days as u32,
            strength: math::strength(ln_p),
        })
    };
    (0..TYPES).filter_map(alarm).collect()
}
