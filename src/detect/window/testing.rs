//! Windows made by hand, for tests that need to know every account.

use super::{Account, Items, Window};
use crate::detect::facts::{Kind, Visit, pair};
use std::sync::Arc;

/// Stratum of homes with usual volume.
pub(in crate::detect) const HOMES: u8 = 5 + 2;

/// Stratum of hosting networks with usual volume.
pub(in crate::detect) const HOSTS: u8 = 4 * 5 + 2;

/// The last day of every such window.
pub(in crate::detect) const LAST_DAY: i32 = 20_600;

/// A window that is being filled. Accounts are named in the order in which they come.
pub(in crate::detect) struct Draft {
    /// The accounts so far.
    pub(in crate::detect) accounts: Vec<Account>,
    held: [Vec<u64>; Kind::COUNT],
    visits: Vec<Vec<Visit>>,
}

impl Draft {
    /// An empty window of fourteen days.
    pub(in crate::detect) fn new() -> Self {
        Self { accounts: Vec::new(), held: Default::default(), visits: vec![Vec::new(); 14] }
    }

    /// Adds accounts of a stratum that have stood for long; gives their ranks.
    pub(in crate::detect) fn people(&mut self, count: u32, stratum: u8) -> Vec<u32> {
        let from = self.accounts.len() as u32;
        for rank in from..from + count {
            self.accounts.push(Account {
                ordinal: rank,
                name: format!("a{rank:06}"),
                created: Some(LAST_DAY - 100 - rank as i32 * 7 % 1_000),
                first_seen: LAST_DAY - 60,
                active_days: 14,
                events: 70,
                output_per_input: None,
                asn: 0,
                stratum,
                mature: true,
                labelled: 0,
                target: 0,
                hours: 0,
                roaming_days: 0,
                organisation: None,
            });
        }
        (from..from + count).collect()
    }

    /// The same, created on a day.
    pub(in crate::detect) fn newcomers(&mut self, count: u32, stratum: u8, created: i32) -> Vec<u32> {
        let ranks = self.people(count, stratum);
        for account in self.of(&ranks) {
            (account.created, account.mature, account.first_seen) = (Some(created), false, created);
        }
        ranks
    }

    /// Accounts by rank, to be changed.
    pub(in crate::detect) fn of<'a>(&'a mut self, ranks: &'a [u32]) -> impl Iterator<Item = &'a mut Account> {
        self.accounts.iter_mut().filter(|account| ranks.contains(&account.ordinal))
    }

    /// An account holds a value.
    pub(in crate::detect) fn holds(&mut self, account: u32, kind: Kind, value: u32) {
        self.held[kind as usize].push(pair(account, value));
    }

    /// An account visits an address for a minute.
    pub(in crate::detect) fn visits(&mut self, account: u32, day: usize, second: u32, ip: u32, asn: u32) {
        self.visits[day].push(Visit { account, ip, asn, first: second, last: second + 60 });
    }

    /// The window.
    pub(in crate::detect) fn window(self) -> Window {
        let (count, days) = (self.accounts.len(), self.visits.len());
        let daily: Vec<u32> = self
            .accounts
            .iter()
            .flat_map(|account| vec![account.events as u32 / days as u32; days])
            .collect();
        let total = daily.iter().map(|events| u64::from(*events)).sum::<u64>() / days as u64;
        Window {
            day: LAST_DAY,
            first_day: LAST_DAY - 13,
            daily,
            totals: vec![total; days],
            items: self.held.map(|pairs| Items::of(pairs, count)),
            visits: self.visits.into_iter().map(Arc::new).collect(),
            told: Vec::new(),
            ranks: (0..count as u32).collect(),
            accounts: self.accounts,
        }
    }
}
