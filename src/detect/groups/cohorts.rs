//! Cohorts: accounts that came on one day from one kind of network.
//!
//! Whoever shares nothing else still has to begin some day. What makes the group is when its accounts came, so
//! LIFE never counts for it, and the honest newcomers of the day in it have to be outweighed by other evidence.

use super::{Group, Origin};
use crate::detect::family::Family;
use crate::detect::window::Window;
use crate::limits::{GROUP_MIN, STAR_SHARE_MAX};
use std::collections::BTreeMap;

/// The cohorts of a window's days. Days on which the log begins are nobody's beginning.
#[must_use]
pub(crate) fn cohorts(window: &Window, log_start: i32) -> Vec<Group> {
    let most = (window.accounts.len() as f64 * STAR_SHARE_MAX) as usize;
    let mut cohorts: BTreeMap<(i32, u8), Vec<u32>> = BTreeMap::new();
    for (rank, account) in window.accounts.iter().enumerate() {
        if account.first_seen >= window.first_day && account.first_seen > log_start {
            cohorts.entry((account.first_seen, account.stratum / 5)).or_default().push(rank as u32);
        }
    }
    cohorts.retain(|_, members| (GROUP_MIN..=most).contains(&members.len()));
    let group = |((day, network), members)| Group {
        origin: Origin::Cohort(day, network),
        defining: Some(Family::Life),
        members,
    };
    cohorts.into_iter().map(group).collect()
}
