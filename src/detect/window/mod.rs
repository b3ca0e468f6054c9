//! The window: facts of the last fourteen days, turned so that a test can ask for an account's values
//! and for a value's holders.
//!
//! Accounts are numbered by the order of their names, so that no figure depends on the order in which
//! events arrived. Values keep the ordinals of the database; whoever prints one resolves its name, and
//! whoever breaks a tie does it by name.

mod lists;
mod people;
mod prune;
#[cfg(test)]
pub(in crate::detect) mod testing;

pub(super) use lists::{Items, Lists};
pub(super) use prune::prune_templates;

use super::facts::{DayFacts, Kind, Visit, halves, pair};
use super::history::History;
use super::networks::{self, NetworkType};
use super::records::Records;
use super::side_by_side;
use crate::event::{Day, Dim, Micros};
use crate::store::{Catalog, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Strata: network types times quintiles of volume.
pub(super) const STRATA: usize = networks::TYPES * 5;

/// One account in the window.
#[derive(Clone, Debug)]
pub struct Account {
    /// Ordinal in the database.
    pub ordinal: u32,
    /// Name.
    pub name: String,
    /// Day of creation, if it was given or can be told from the log.
    pub created: Option<i32>,
    /// First day in the log.
    pub first_seen: i32,
    /// Days with events, within the window.
    pub active_days: u32,
    /// Events within the window.
    pub events: u64,
    /// Tokens written for each token read, if both were given.
    pub output_per_input: Option<f64>,
    /// Autonomous system of most days.
    pub asn: u32,
    /// Stratum: network type times quintile of events per active day.
    pub stratum: u8,
    /// Whether the account has stood long enough to say what is usual.
    pub mature: bool,
    /// Events that can be told apart by topic or prompt.
    pub labelled: u64,
    /// Labelled events that are what extraction aims at.
    pub target: u64,
    /// Hours of the day with events, one bit each, over the whole window.
    pub hours: u32,
    /// Days with three countries or more.
    pub roaming_days: u32,
    /// The verified organisation that it belongs to.
    pub organisation: Option<String>,
}

impl Account {
    /// Events per active day.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.events as f64 / f64::from(self.active_days.max(1))
    }
}

/// What fourteen days say.
pub struct Window {
    /// Last day of the window.
    pub day: i32,
    /// First day of the window that the log covers.
    pub first_day: i32,
    /// By rank of name.
    pub accounts: Vec<Account>,
    /// Events of each account on each day: `days()` numbers an account.
    daily: Vec<u32>,
    /// Events of everybody on each day.
    pub totals: Vec<u64>,
    /// Values and holders by [`Kind`].
    items: [Items; Kind::COUNT],
    /// Visits of each day of the window, as the facts have them.
    visits: Vec<Arc<Vec<Visit>>>,
    /// Rank by ordinal, `u32::MAX` for accounts that are not in the window.
    ranks: Vec<u32>,
    /// Values that only account records have, ascending; numbered from `TOLD_FIRST`.
    told: Vec<String>,
}

/// Numbers of values from here on are no ordinals of the database, whose dictionaries never get that large.
const TOLD_FIRST: u32 = 0xF000_0000;

impl Window {
    /// The window of some consecutive days, oldest first. The last one is the day under analysis.
    #[must_use]
    pub fn of(snapshot: &Snapshot, days: &[&DayFacts], history: &History, records: &Records) -> Self {
        let day = days.last().map_or(0, |facts| facts.day);
        let first_day = days.first().map_or(day, |facts| facts.day);
        let (accounts, ranks) = people::accounts(snapshot, days, (history, records), day);
        let mut window = Self {
            day,
            first_day,
            daily: vec![0; accounts.len() * days.len()],
            totals: vec![0; days.len()],
            accounts,
            items: Default::default(),
            visits: days.iter().map(|facts| Arc::clone(&facts.visits)).collect(),
            ranks,
            told: Vec::new(),
        };
        window.count(days);
        window.place();
        let told = window.told_pairs(snapshot, records);
        window.collect(snapshot, days, &told);
        window
    }

    /// The bytes of a value, be it of the database or of an account record.
    #[must_use]
    pub fn value<'v>(&'v self, catalog: &'v Catalog, dim: Dim, value: u32) -> &'v [u8] {
        match value.checked_sub(TOLD_FIRST) {
            Some(at) => self.told.get(at as usize).map(String::as_bytes).unwrap_or_default(),
            None => catalog.value(dim, value),
        }
    }

    /// Pairs of account and value that account records fill in, by kind. Values that the database has not are
    /// numbered here.
    fn told_pairs(&mut self, snapshot: &Snapshot, records: &Records) -> [(Kind, Vec<u64>); 2] {
        let catalog = snapshot.catalog();
        let kinds = [(Kind::Payment, Dim::Payment), (Kind::EmailDomain, Dim::EmailDomain)];
        let unknown = kinds.into_iter().flat_map(|(kind, dim)| {
            let values = records.values(kind).map(|(_, value)| value);
            values.filter(|value| catalog.find(dim, value.as_bytes()).is_none()).collect::<Vec<_>>()
        });
        let unknown: BTreeSet<&str> = unknown.collect();
        self.told = unknown.into_iter().map(str::to_owned).collect();
        kinds.map(|(kind, dim)| {
            let pairs = records.values(kind).filter_map(|(account, value)| {
                let number = || {
                    let at = self.told.binary_search_by(|told| told.as_str().cmp(value)).ok()?;
                    Some(TOLD_FIRST + at as u32)
                };
                Some(pair(self.find(account)?, catalog.find(dim, value.as_bytes()).or_else(number)?))
            });
            (kind, pairs.collect())
        })
    }

    /// Says who is in the core of visitors who keep meeting.
    pub fn set_core(&mut self, core: impl Iterator<Item = u32>) {
        let pairs = core.map(|account| pair(account, 0)).collect();
        self.items[Kind::Core as usize] = Items::of(pairs, self.accounts.len());
    }

    /// Notes who used a model for the first time within a day of its release. Releases count in the order of
    /// the models' names.
    pub fn set_pivots(
        &mut self,
        snapshot: &Snapshot,
        days: &[&DayFacts],
        releases: &BTreeMap<String, Micros>,
    ) {
        let models = Kind::PAIRED.iter().position(|kind| *kind == Kind::Model).unwrap_or_default();
        let mut pairs = Vec::new();
        for (number, (model, at)) in releases.iter().enumerate() {
            let Some(model) = snapshot.catalog().find(Dim::Model, model.as_bytes()) else { continue };
            let released = Day::of(*at).0;
            let mut first: BTreeMap<u32, i32> = BTreeMap::new();
            for facts in days {
                let used = facts.pairs.get(models).into_iter().flatten().map(|held| halves(*held));
                for (account, _) in used.filter(|(_, value)| *value == model) {
                    first.entry(account).or_insert(facts.day);
                }
            }
            let quick = first.into_iter().filter(|(_, day)| (released..=released + 1).contains(day));
            pairs.extend(quick.filter_map(|(account, _)| Some(pair(self.rank(account)?, number as u32))));
        }
        self.items[Kind::Pivot as usize] = Items::of(pairs, self.accounts.len());
    }

    /// Visits of a day of the window, counted from its first, by accounts whose ordinals are wanted; the account of a
    /// visit is a rank.
    pub fn visits_on(&self, day: usize, wanted: impl Fn(u32) -> bool) -> impl Iterator<Item = Visit> {
        let of_day = self.visits.get(day).into_iter().flat_map(|visits| visits.iter());
        let wanted = of_day.filter(move |visit| wanted(visit.account));
        wanted.filter_map(|visit| Some(Visit { account: self.rank(visit.account)?, ..*visit }))
    }

    /// Visits of all days.
    pub fn visits(&self) -> impl Iterator<Item = Visit> {
        (0..self.visits.len()).flat_map(|day| self.visits_on(day, |_| true))
    }

    /// Addresses in hosting networks that each account used.
    #[must_use]
    pub fn rented(&self) -> Lists {
        let is_rented = |asn| matches!(NetworkType::of_asn(asn), NetworkType::Hosting | NetworkType::Cloud);
        let visits = self.visits().filter(|visit| is_rented(visit.asn));
        let mut pairs: Vec<u64> = visits.map(|visit| pair(visit.account, visit.ip)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        Lists::of(&pairs, self.accounts.len())
    }

    /// All accounts by stratum.
    #[must_use]
    pub fn strata(&self) -> [u32; STRATA] {
        let mut strata = [0; STRATA];
        for account in &self.accounts {
            strata[usize::from(account.stratum)] += 1;
        }
        strata
    }

    /// Days in the window.
    #[must_use]
    pub fn days(&self) -> usize {
        self.totals.len()
    }

    /// Events of an account on each day.
    #[must_use]
    pub fn daily(&self, account: u32) -> &[u32] {
        let start = account as usize * self.days();
        self.daily.get(start..start + self.days()).unwrap_or_default()
    }

    /// Values of a kind.
    #[must_use]
    pub fn items(&self, kind: Kind) -> &Items {
        &self.items[kind as usize]
    }

    /// One account.
    #[must_use]
    pub fn account(&self, rank: u32) -> Option<&Account> {
        self.accounts.get(rank as usize)
    }

    /// The rank of an account of the database, if it is in the window.
    #[must_use]
    pub fn rank(&self, ordinal: u32) -> Option<u32> {
        self.ranks.get(ordinal as usize).copied().filter(|rank| *rank != u32::MAX)
    }

    /// The rank of an account by its name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        let at = self.accounts.binary_search_by(|account| account.name.as_str().cmp(name));
        at.ok().map(|at| at as u32)
    }

    /// Fills the figures of accounts and days.
    fn count(&mut self, days: &[&DayFacts]) {
        let width = days.len();
        let mut tokens = vec![(0_u64, 0_u64); self.accounts.len()];
        let mut networks: Vec<(u32, u32)> = Vec::new();
        for (at, facts) in days.iter().enumerate() {
            for of_day in &facts.accounts {
                let Some(rank) = self.rank(of_day.account) else { continue };
                let Some(account) = self.accounts.get_mut(rank as usize) else { continue };
                account.active_days += 1;
                account.events += u64::from(of_day.events);
                account.labelled += u64::from(of_day.labelled);
                account.target += u64::from(of_day.target.min(of_day.labelled));
                account.hours |= of_day.hours;
                account.roaming_days += u32::from(of_day.countries >= 3);
                networks.push((rank, of_day.asn));
                if let Some(total) = self.totals.get_mut(at) {
                    *total += u64::from(of_day.events);
                }
                if let Some(daily) = self.daily.get_mut(rank as usize * width + at) {
                    *daily = of_day.events;
                }
                if let Some(tokens) = tokens.get_mut(rank as usize) {
                    tokens.0 += of_day.input;
                    tokens.1 += of_day.output;
                }
            }
        }
        networks.sort_unstable();
        for of_one in networks.chunk_by(|a, b| a.0 == b.0) {
            let most = of_one
                .chunk_by(|a, b| a == b)
                .max_by_key(|same| (same.len(), std::cmp::Reverse(same.first().map(|network| network.1))));
            if let Some((rank, asn)) = most.and_then(|same| same.first())
                && let Some(account) = self.accounts.get_mut(*rank as usize)
            {
                account.asn = *asn;
            }
        }
        for (account, (input, output)) in self.accounts.iter_mut().zip(tokens) {
            account.output_per_input = (input > 0 && output > 0).then(|| output as f64 / input as f64);
        }
    }

    /// Puts every account into its stratum.
    fn place(&mut self) {
        let mut rates: Vec<f64> = self.accounts.iter().map(Account::rate).collect();
        rates.sort_unstable_by(f64::total_cmp);
        // Equal volumes fall into one quintile, whoever they are.
        let cut = |fifth: usize| rates.get(rates.len() * fifth / 5).copied().unwrap_or_default();
        let cuts = [cut(1), cut(2), cut(3), cut(4)];
        for account in &mut self.accounts {
            let rate = account.rate();
            let quintile = cuts.iter().filter(|cut| rate > **cut).count();
            let network = NetworkType::of_asn(account.asn) as usize;
            account.stratum = (network * 5 + quintile) as u8;
        }
    }

    fn collect(&mut self, snapshot: &Snapshot, days: &[&DayFacts], told: &[(Kind, Vec<u64>)]) {
        let count = self.accounts.len();
        let paired = |at: usize| {
            let pairs = days.iter().filter_map(|facts| facts.pairs.get(at)).flatten();
            let pairs = pairs.filter_map(|held| {
                let (account, value) = halves(*held);
                Some(pair(self.rank(account)?, value))
            });
            let told = told.iter().filter(|(kind, _)| Kind::PAIRED.get(at) == Some(kind));
            Items::of(pairs.chain(told.flat_map(|(_, pairs)| pairs.iter().copied())).collect(), count)
        };
        // Phrases are as much work as all that is paired.
        let (templates, paired) = side_by_side(
            || Items::of(self.templates(days), count),
            || (0..Kind::PAIRED.len()).map(paired).collect::<Vec<Items>>(),
        );
        self.items[Kind::Template as usize] = templates;
        for (kind, items) in Kind::PAIRED.into_iter().zip(paired) {
            self.items[kind as usize] = items;
        }
        let pairs = self.visits().map(|visit| pair(visit.account, visit.ip)).collect();
        let ips = Items::of(pairs, count);
        for (kind, dim) in [(Kind::Prefix, Dim::Net), (Kind::Site, Dim::Site)] {
            self.items[kind as usize] = Items::of(networks_of(snapshot, &ips, dim), count);
        }
        self.items[Kind::Ip as usize] = ips;
    }

    /// Pairs of account and phrase key, of keys that three accounts have: what one account says alone is
    /// most of all text and joins nobody.
    fn templates(&self, days: &[&DayFacts]) -> Vec<u64> {
        let lists: Vec<&[u64]> = days.iter().map(|facts| facts.templates.as_slice()).collect();
        let mut held = Vec::new();
        lists::merge_by_slices(&lists, |pairs| {
            let shared = pairs.chunk_by(|a, b| a >> 32 == b >> 32).filter(|same| same.len() >= 3).flatten();
            held.extend(shared.filter_map(|shared| {
                let (key, account) = halves(*shared);
                Some(pair(self.rank(account)?, key))
            }));
        });
        held
    }
}

/// Pairs of account and network for pairs of account and address.
fn networks_of(snapshot: &Snapshot, ips: &Items, dim: Dim) -> Vec<u64> {
    let nets: Vec<Option<u32>> = {
        let catalog = snapshot.catalog();
        ips.values.iter().map(|ip| catalog.net_of(dim, *ip)).collect()
    };
    let mut pairs = Vec::new();
    for (item, net) in nets.iter().enumerate() {
        let Some(net) = net else { continue };
        pairs.extend(ips.holders.get(item as u32).iter().map(|account| pair(*account, *net)));
    }
    pairs
}
