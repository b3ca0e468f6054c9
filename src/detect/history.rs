//! History: what is known of each account beyond the window, a few bytes each.

use super::facts::DayFacts;
use crate::store::{Decode, Encode};

/// By ordinal of the account; grows with the dictionary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct History {
    /// First day of the log, none while nothing was seen.
    start: Option<i32>,
    /// First day of each account, `i32::MIN` for those not seen yet.
    first: Vec<i32>,
    /// Days with events.
    active: Vec<u16>,
    /// Whether the account is a member of a confirmed cluster.
    clustered: Vec<bool>,
}

impl History {
    /// Adds a day.
    pub fn add(&mut self, facts: &DayFacts) {
        self.add_late(&DayFacts::empty(facts.day), facts);
    }

    /// Adds what is new in a day of which more came later: each account counts once on each day, whenever its
    /// events came.
    pub fn add_late(&mut self, before: &DayFacts, facts: &DayFacts) {
        let Some(last) = facts.accounts.last() else { return };
        self.start = Some(self.start.map_or(facts.day, |start| start.min(facts.day)));
        let count = self.first.len().max(last.account as usize + 1);
        self.first.resize(count, i32::MIN);
        self.active.resize(count, 0);
        self.clustered.resize(count, false);
        let is_known =
            |account: u32| before.accounts.binary_search_by_key(&account, |day| day.account).is_ok();
        for of_day in facts.accounts.iter().filter(|of_day| !is_known(of_day.account)) {
            let at = of_day.account as usize;
            if let (Some(first), Some(active)) = (self.first.get_mut(at), self.active.get_mut(at)) {
                if *first == i32::MIN || *first > facts.day {
                    *first = facts.day;
                }
                *active = active.saturating_add(1);
            }
        }
    }

    /// Says that the log begins anew, after days of which nothing is known. Who was seen before is still known.
    pub fn begin(&mut self) {
        self.start = None;
    }

    /// First day of the log, since the last long gap.
    #[must_use]
    pub fn log_start(&self) -> i32 {
        self.start.unwrap_or(0)
    }

    /// First day of an account.
    #[must_use]
    pub fn first_seen(&self, ordinal: u32) -> Option<i32> {
        self.first.get(ordinal as usize).copied().filter(|day| *day != i32::MIN)
    }

    /// Days on which an account was active.
    #[must_use]
    pub fn active_days(&self, ordinal: u32) -> u32 {
        self.active.get(ordinal as usize).copied().map_or(0, u32::from)
    }

    /// Whether an account is a member of a confirmed cluster.
    #[must_use]
    pub fn is_clustered(&self, ordinal: u32) -> bool {
        self.clustered.get(ordinal as usize).copied().unwrap_or(false)
    }

    /// Remembers that an account is a member of a confirmed cluster, or no longer.
    pub fn set_clustered(&mut self, ordinal: u32, clustered: bool) {
        if let Some(slot) = self.clustered.get_mut(ordinal as usize) {
            *slot = clustered;
        }
    }
}
