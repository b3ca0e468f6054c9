//! Background: clients and texts that established accounts use, which are evidence against nobody.
//!
//! A popular library or a harness text is shared by thousands who have never heard of each other. What
//! tells it from a campaign's own is who holds it: accounts that have stood for long hold it about as
//! often as they hold anything.

use super::null::Strata;
use super::window::{Items, Window};
use crate::limits::{STANDING_ACCOUNTS_MIN, STANDING_SHARE};

/// For each item whether it has standing: enough established holders, and among its holders at least
/// three tenths of the share of established accounts that the platform has.
#[must_use]
pub(super) fn with_standing(window: &Window, items: &Items) -> Vec<bool> {
    let mature = window.accounts.iter().filter(|account| account.mature).count() as f64;
    let share = mature / window.accounts.len().max(1) as f64;
    (0..items.len() as u32)
        .map(|item| {
            let holders = items.holders.get(item);
            let established =
                holders.iter().filter(|a| window.account(**a).is_some_and(|a| a.mature)).count();
            established >= STANDING_ACCOUNTS_MIN
                && established as f64 >= STANDING_SHARE * share * holders.len() as f64
        })
        .collect()
}

/// Whether a population has unusually many young accounts: then only established ones say what is usual.
/// Young are the accounts of the last fourteen days; usual is their even share of a year.
#[must_use]
pub(super) fn is_young(window: &Window) -> bool {
    let born = window.accounts.iter().filter_map(|account| account.created);
    let (mut young, mut all) = (0_u32, 0_u32);
    for created in born {
        all += 1;
        young += u32::from(window.day - created < 14);
    }
    let mature = window.accounts.iter().filter(|account| account.mature).count();
    f64::from(young) > 2.0 * f64::from(all) * 14.0 / 365.0 && mature >= crate::limits::BASELINE_ACCOUNTS_MIN
}

/// Sum over strata.
#[must_use]
pub(super) fn total(strata: &Strata) -> u32 {
    strata.iter().sum()
}
