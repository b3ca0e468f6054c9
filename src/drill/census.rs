//! Founding accounts: numbers that are handed out once, and what ordinary people have.
//!
//! Classes take an ordinary person from here and change what makes them what they are.

use super::account::{
    Account, COMMON_CLIENTS, Class, Harness, Hours, MAIL_DOMAINS, NO_PAYMENT, POPULAR, Routine, Volume,
};
use super::dice::{Dice, hash};
use super::net::{self, Place, Pool};
use super::topic::{Taste, Topic};
use super::world::WorldPlan;
use crate::event::{Day, MICROS_A_DAY, Micros};

/// Share of accounts with the fingerprint that most have.
const POPULAR_SHARE: f64 = 0.6;

/// Share of accounts without a payment on file.
const UNPAID_SHARE: f64 = 0.1;

/// The oldest account, days.
const AGE_DAYS_MAX: f64 = 1_095.0;

/// Standard deviation of the logarithm of what accounts do, and of what one does from day to day:
/// 1.3 together.
const VOLUME_SIGMA: f64 = 1.2;
pub(super) const DAY_SIGMA: f64 = 0.5;

/// Median of events on an active day.
const VOLUME_MEDIAN: f64 = 3.0;

/// Share of days on which people do anything.
const ACTIVE_SHARE: f64 = 0.6;

/// Accounts as they are founded, and what has been handed out.
pub(super) struct Census {
    pub(super) accounts: Vec<Account>,
    /// Topic of each fixed text.
    pub(super) texts: Vec<Topic>,
    pub(super) dice: Dice,
    pub(super) first_day: Day,
    pub(super) days: u32,
    /// Addresses that many kinds of customers rent together, if they do.
    pub(super) shared: Option<Place>,
    popular_share: f64,
    households: u32,
    dedicated: u32,
    pooled: [u32; net::COUNT],
    payments: u32,
    clients: u32,
    domains: u32,
}

impl Census {
    pub(super) fn new(seed: u64, plan: &WorldPlan) -> Self {
        Self {
            accounts: Vec::new(),
            texts: Vec::new(),
            dice: Dice::of(&[seed, 0x20]),
            first_day: plan.first_day,
            days: plan.days,
            shared: None,
            popular_share: if plan.popular.is_some() { 1.0 } else { POPULAR_SHARE },
            households: 0,
            dedicated: net::DEDICATED,
            pooled: std::array::from_fn(|network| hash(&[seed, 0x21, network as u64]) as u32 & !255),
            payments: NO_PAYMENT,
            clients: COMMON_CLIENTS,
            domains: MAIL_DOMAINS,
        }
    }

    /// How many households customers live in.
    pub(super) fn households(&self) -> u32 {
        self.households
    }

    /// Another home.
    pub(super) fn household(&mut self) -> Place {
        self.households += 1;
        Place::Household(self.households - 1)
    }

    /// A line like a home's that nobody lives at.
    pub(super) fn dedicated(&mut self) -> Place {
        self.dedicated += 1;
        Place::Household(self.dedicated - 1)
    }

    /// One network of some.
    pub(super) fn network(&mut self, of: &[u8]) -> u8 {
        of.get(self.dice.under(of.len() as u32) as usize).copied().unwrap_or(0)
    }

    /// Addresses in a row of one of some networks, nobody else's, nor is the rest of their last /24.
    pub(super) fn pool(&mut self, networks: &[u8], size: u32) -> Place {
        let network = self.network(networks);
        let next = &mut self.pooled[usize::from(network)];
        // Not from a /24's first address on: that one is nobody's.
        let first = (*next + 8) % net::SERVERS;
        *next = next.wrapping_add((size + 8).next_multiple_of(256));
        Place::Pool(Pool { network, first, size })
    }

    /// The addresses that are rented together, or a pool of one's own.
    pub(super) fn shared_or(&mut self, networks: &[u8], size: u32) -> Place {
        self.shared.unwrap_or_else(|| self.pool(networks, size))
    }

    /// The address of one server, anywhere in one of some networks.
    pub(super) fn server(&mut self, networks: &[u8]) -> Place {
        let network = self.network(networks);
        let first = net::SERVERS + self.dice.under(net::SERVERS);
        Place::Pool(Pool { network, first, size: 1 })
    }

    /// A card that nobody else has.
    pub(super) fn payment(&mut self) -> u32 {
        self.payments += 1;
        self.payments
    }

    /// A fingerprint that nobody else has.
    pub(super) fn client(&mut self) -> u32 {
        self.clients += 1;
        self.clients
    }

    /// An e-mail domain that nobody else has.
    pub(super) fn domain(&mut self) -> u32 {
        self.domains += 1;
        self.domains
    }

    /// Fixed texts, in a row.
    pub(super) fn texts(&mut self, topic: Topic, count: u32) -> u32 {
        let first = self.texts.len() as u32;
        self.texts.extend((0..count).map(|_| topic));
        first
    }

    /// The fingerprint that most have, or one of the popular others.
    pub(super) fn popular_client(&mut self) -> u32 {
        if self.dice.chance(self.popular_share) {
            return POPULAR;
        }
        let tail = f64::from(COMMON_CLIENTS - 1);
        1 + (tail * self.dice.unit() * self.dice.unit()) as u32
    }

    /// A card of one's own, or none.
    pub(super) fn own_payment(&mut self) -> u32 {
        if self.dice.chance(UNPAID_SHARE) { NO_PAYMENT } else { self.payment() }
    }

    /// An instant some days before the log begins; after it has begun if negative.
    pub(super) fn days_before(&mut self, days: f64) -> Micros {
        self.first_day.start() - (days * MICROS_A_DAY as f64) as Micros
    }

    /// When ordinary accounts were created: from three years ago to a few days before the end of the log.
    pub(super) fn usual_creation(&mut self) -> Micros {
        let skew = self.dice.unit();
        let age = 3.0 + (AGE_DAYS_MAX - 3.0) * skew * skew.sqrt();
        self.days_before(age - f64::from(self.days))
    }

    /// The first day of the log on which an account exists for all of the day.
    pub(super) fn first_whole_day(&self, created: Micros) -> u32 {
        u32::try_from(Day::of(created - 1).0 + 1 - self.first_day.0).unwrap_or(0)
    }

    /// What ordinary accounts do.
    pub(super) fn usual_volume(&mut self) -> Volume {
        let log = libm::log(VOLUME_MEDIAN) + VOLUME_SIGMA * self.dice.normal();
        Volume { log: log as f32, spread: DAY_SIGMA as f32, active: ACTIVE_SHARE as f32 }
    }

    /// An ordinary account at a place.
    pub(super) fn person(&mut self, class: Class, place: Place) -> Account {
        let created = self.usual_creation();
        let network = place.network().unwrap_or_else(|| self.network(net::RESIDENTIAL));
        let client = self.popular_client();
        let payment = self.own_payment();
        Account {
            class,
            campaign: None,
            created,
            from: self.first_whole_day(created),
            until: u32::MAX,
            offset: net::of(network).offset,
            place,
            other_place: None,
            client,
            payment,
            domain: self.dice.under(MAIL_DOMAINS),
            plan: self.dice.weighted(&[45, 50, 5]) as u8,
            hours: Hours::Evening,
            volume: self.usual_volume(),
            taste: if self.dice.chance(0.3) { Taste::Developer } else { Taste::Everyday },
            templates: None,
            harness: Harness::None,
            routine: Routine::Person,
        }
    }
}
