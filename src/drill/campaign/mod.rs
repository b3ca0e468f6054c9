//! Campaigns: one operator, many accounts, and a program that shares the work out among them.
//!
//! `plan` says what can be told of one, `rungs` are campaigns that are ever harder to see, `shift` is an
//! account's day, and `passing` is work that goes over from one account to another.

mod passing;
mod plan;
mod rungs;
mod shift;

pub use plan::{CampaignPlan, Client, Creation, Exits, Payment, Scheduler};
pub use rungs::{NAMES, rung};

use super::account::{Account, Class, Hours, NO_PAYMENT, POPULAR, Routine, Volume};
use super::census::{Census, DAY_SIGMA};
use super::dice::{Dice, hash};
use super::net::{CLOUD, HOSTING, Place};
use super::topic::{Taste, Topic};
use super::world::Made;
use crate::event::{Day, Micros};
use std::ops::Range;

/// Topics of the templates, in turn.
const TOPICS: [Topic; 5] = [Topic::Agentic, Topic::Reasoning, Topic::Grading, Topic::ToolUse, Topic::Coding];

/// Share of days on which an account that behaves like a person does anything, and the standard deviation of the
/// logarithm of such volumes: of all of it, and between accounts.
const ACTIVE_SHARE: f64 = 0.6;
const VOLUME_SIGMA: f64 = 1.3;
const ACCOUNT_SIGMA: f64 = 1.2;

/// Age of accounts that were bought or kept, days.
const AGED_DAYS: Range<f64> = 45.0..700.0;

/// A campaign that is under way.
pub(super) struct Campaign {
    pub(super) plan: CampaignPlan,
    /// Its accounts.
    pub(super) accounts: Range<u32>,
    number: u16,
    /// The first of its templates.
    templates: u32,
    /// Turns that each place in line has had by the start of each day of the log.
    turns: Vec<f64>,
}

/// Founds a campaign's accounts.
pub(super) fn enlist(census: &mut Census, number: u16, plan: &CampaignPlan) -> Campaign {
    let mut templates = census.texts.len() as u32;
    for template in 0..plan.templates {
        let first = census.texts(TOPICS[template as usize % TOPICS.len()], 1);
        templates = templates.min(first);
    }
    let start = census.accounts.len() as u32;
    let mut recruits = Recruits::new(census, number, plan);
    for slot in 0..plan.accounts {
        recruits.slot(census, slot);
    }
    Campaign {
        plan: *plan,
        accounts: start..census.accounts.len() as u32,
        number,
        templates,
        turns: shift::turns(plan, census.dice.next(), census.days),
    }
}

/// What the accounts of a campaign have in common while they are founded.
struct Recruits<'a> {
    number: u16,
    plan: &'a CampaignPlan,
    client: u32,
    payment: u32,
    shared: Place,
    salt: u64,
}

impl<'a> Recruits<'a> {
    fn new(census: &mut Census, number: u16, plan: &'a CampaignPlan) -> Self {
        let addresses = if let Exits::Pool(addresses) = plan.exits { addresses } else { 1 };
        let salt = hash(&[census.dice.next(), 0x70]);
        Self {
            number,
            plan,
            client: census.client(),
            payment: NO_PAYMENT,
            shared: census.shared_or(HOSTING, addresses.max(1)),
            salt,
        }
    }

    /// Founds the accounts that one place in line has, one after the other.
    fn slot(&mut self, census: &mut Census, slot: u32) {
        let plan = self.plan;
        let (place, other_place) = self.places(census);
        if let Payment::Groups(of) = plan.payment
            && slot.is_multiple_of(of.max(1))
        {
            self.payment = census.payment();
        }
        let mut from = plan.first_day + census.dice.under(plan.stagger_days.max(1));
        let lasts = plan.churn_days.map_or(u32::MAX, |days| days.max(1));
        // Not all of them are found out on the same day.
        let mut until = from.saturating_add(if plan.churn_days.is_some() { 1 + slot % lasts } else { lasts });
        let mut created = self.created(census, from);
        loop {
            let account = self.account(census, slot, (place, other_place), created, from..until);
            census.accounts.push(account);
            if until >= census.days {
                return;
            }
            created = if plan.creation == Creation::Aged {
                self.created(census, until)
            } else {
                // The evening after the one before was closed.
                let hours = 0.2 * census.dice.unit();
                census.days_before(hours - f64::from(until))
            };
            (from, until) = (until, until.saturating_add(lasts));
        }
    }

    /// Where a place in line works from.
    fn places(&self, census: &mut Census) -> (Place, Option<(Place, u8)>) {
        match self.plan.exits {
            Exits::Pool(_) => (self.shared, None),
            Exits::Dedicated => (census.dedicated(), None),
            Exits::TwoCountries => (census.dedicated(), Some((census.server(CLOUD), 50))),
            Exits::Residential { pool, per_day } => {
                // Most of the people behind a proxy's exits are nobody's customers; some are ours.
                let universe = (3 * census.households()).max(2 * pool);
                (Place::Rotating { exits: pool, universe, a_day: per_day, salt: self.salt }, None)
            }
        }
    }

    fn created(&self, census: &mut Census, from: u32) -> Micros {
        let unit = census.dice.unit();
        let before = |days: f64, from: u32| 0.3 + days * unit - f64::from(from);
        let before = match self.plan.creation {
            Creation::Burst(days) => before(f64::from(days), self.plan.first_day),
            Creation::Spread(days) => before(f64::from(days), from),
            Creation::Aged => AGED_DAYS.start + (AGED_DAYS.end - AGED_DAYS.start) * unit - f64::from(from),
        };
        census.days_before(before)
    }

    fn account(
        &self,
        census: &mut Census,
        slot: u32,
        places: (Place, Option<(Place, u8)>),
        created: Micros,
        days: Range<u32>,
    ) -> Account {
        let plan = self.plan;
        let person = census.person(Class::Campaign, places.0);
        let human = plan.scheduler == Scheduler::LogNormal;
        // Whatever their spread, volumes come to what the plan says on average.
        let median = libm::log(plan.per_day / ACTIVE_SHARE) - VOLUME_SIGMA * VOLUME_SIGMA / 2.0;
        let log = median + ACCOUNT_SIGMA * census.dice.normal();
        Account {
            campaign: Some(self.number),
            created,
            from: days.start,
            until: days.end,
            other_place: places.1,
            client: match plan.client {
                Client::OneRare => self.client,
                Client::Popular => POPULAR,
                Client::RandomEach => person.client,
            },
            payment: match plan.payment {
                Payment::Unique => census.payment(),
                Payment::Groups(_) => self.payment,
                Payment::None => NO_PAYMENT,
            },
            hours: if human { Hours::Evening } else { Hours::Crowd },
            volume: Volume { log: log as f32, spread: DAY_SIGMA as f32, active: ACTIVE_SHARE as f32 },
            taste: Taste::Target,
            routine: Routine::Slot(slot),
            ..person
        }
    }
}

impl Campaign {
    /// Adds what goes over from one account to another to a day of the campaign's events.
    pub(super) fn pass_on(&self, seed: u64, day: u32, events: &mut Vec<Made>) {
        if self.plan.handoffs || self.plan.failovers {
            let dice = Dice::of(&[seed, 0x72, u64::from(self.number), u64::from(day)]);
            let end = events.first().map_or(0, |event| Day::of(event.ts).end());
            passing::pass_on(&self.plan, dice, end, events);
        }
    }
}

#[cfg(test)]
mod tests;
