//! The world: everybody's habits, drawn once, and any day of it in order of time.

use super::benign;
use super::campaign::{self, CampaignPlan};
use super::dice::Dice;
use super::person::{Ip, Person};
use crate::event::Day;
use std::collections::BTreeMap;

/// What to make.
#[derive(Clone, Debug)]
pub struct WorldPlan {
    /// First day of the log.
    pub first_day: Day,
    /// Days of the log.
    pub days: u32,
    /// Honest accounts, about.
    pub honest: u32,
    /// Honest classes that are added on top: the look-alikes.
    pub extras: benign::Extras,
    /// Campaigns.
    pub campaigns: Vec<CampaignPlan>,
    /// Whether the provider logs prompts and topics.
    pub prompts: bool,
    /// Whether it logs addresses.
    pub ips: bool,
    /// Fingerprint and user agent of the client that most have, where it is another's log.
    pub popular: Option<(String, String)>,
}

impl WorldPlan {
    /// Honest life only.
    #[must_use]
    pub fn honest(first_day: Day, days: u32, honest: u32) -> Self {
        let extras = benign::Extras::usual(honest);
        Self {
            first_day,
            days,
            honest,
            extras,
            campaigns: Vec::new(),
            prompts: true,
            ips: true,
            popular: None,
        }
    }

    /// The same with a campaign.
    #[must_use]
    pub fn with(mut self, campaign: CampaignPlan) -> Self {
        self.campaigns.push(campaign);
        self
    }
}

/// One event. Its text follows from `text` and from who sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Milliseconds since the start of the world.
    pub millis: i64,
    /// Number of the person.
    pub person: u32,
    /// IPv4 address.
    pub ip: Ip,
    /// Seed of the text.
    pub text: u64,
    /// Whether it goes to the new model.
    pub pivoted: bool,
    /// A long conversation that it continues, and its turn.
    pub continues: Option<(u64, u32)>,
    /// Whether it is refused for too many requests.
    pub refused: bool,
}

/// What is true of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Name of the account.
    pub account: String,
    /// What it is.
    pub class: &'static str,
    /// The campaign that it belongs to.
    pub campaign: Option<usize>,
}

/// A made-up world.
#[derive(Debug)]
pub struct World {
    pub(super) plan: WorldPlan,
    pub(super) seed: u64,
    pub(super) people: Vec<Person>,
    /// Sequence within the day that the last call made is in the request ids; names by person.
    names: Vec<[u8; 17]>,
}

/// Who is being drawn: what the classes add people to.
pub(super) struct Town {
    pub(super) seed: u64,
    pub(super) days: i32,
    pub(super) dice: Dice,
    pub(super) people: Vec<Person>,
    /// Numbers of cards given out so far.
    pub(super) cards: u64,
    /// Numbers of templates given out so far.
    pub(super) templates: u64,
    /// Sites given out so far.
    pub(super) sites: u32,
}

impl World {
    /// Draws everybody.
    #[must_use]
    pub fn new(plan: WorldPlan, seed: u64) -> Self {
        let days = plan.days as i32;
        let dice = Dice::of(seed, &[0x7031]);
        let mut town = Town { seed, days, dice, people: Vec::new(), cards: 0, templates: 1, sites: 0 };
        benign::settle(&mut town, plan.honest, &plan.extras);
        for (number, campaign) in plan.campaigns.iter().enumerate() {
            campaign::enlist(&mut town, number, campaign);
        }
        let people = town.people;
        let name = |who: usize| {
            let mut name = *b"acct-000000000000";
            let id = Dice::of(seed, &[0x0acc, who as u64]).next();
            for (digit, to) in name.iter_mut().skip(5).enumerate() {
                *to = b"0123456789abcdef"[(id >> (4 * digit)) as usize & 15];
            }
            name
        };
        let names = (0..people.len()).map(name).collect();
        Self { plan, seed, people, names }
    }

    /// Days of the world.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.plan.days
    }

    /// Events of a day, counted from 0, in order of time.
    #[must_use]
    pub fn day(&self, day: u32) -> Vec<Made> {
        let weekday = (self.plan.first_day.0 + day as i32 + 3).rem_euclid(7) as u32;
        let mut events = Vec::new();
        for (who, person) in self.people.iter().enumerate() {
            person.day(self.seed, who as u32, day as i32, weekday, &mut events);
        }
        for (number, plan) in self.plan.campaigns.iter().enumerate() {
            campaign::pass_on(self, number, plan, day, &mut events);
        }
        events.sort_unstable_by_key(|event| (event.millis, event.person, event.text));
        events
    }

    /// What is true of everybody.
    #[must_use]
    pub fn truth(&self) -> Vec<Truth> {
        let truth = |(who, person): (usize, &Person)| Truth {
            account: String::from_utf8_lossy(self.name(who as u32)).into_owned(),
            class: person.class,
            campaign: person.campaign,
        };
        self.people.iter().enumerate().map(truth).collect()
    }

    /// Accounts of each class.
    #[must_use]
    pub fn classes(&self) -> BTreeMap<&'static str, usize> {
        let mut classes = BTreeMap::new();
        for person in &self.people {
            *classes.entry(person.class).or_default() += 1;
        }
        classes
    }

    pub(super) fn name(&self, who: u32) -> &[u8] {
        self.names.get(who as usize).map_or(b"?", |name| name.as_slice())
    }
}

impl Town {
    /// A card of its own.
    pub(super) fn card(&mut self) -> Option<u64> {
        self.cards += 1;
        Some(self.cards)
    }

    /// A card of its own for nine in ten.
    pub(super) fn usual_card(&mut self) -> Option<u64> {
        if self.dice.chance(0.9) { self.card() } else { None }
    }

    /// Numbers of new templates: the first, and how many.
    pub(super) fn templates(&mut self, count: u64) -> (u64, u64) {
        self.templates += count;
        (self.templates - count, count)
    }

    /// A site of its own: the first address of a /24 that nobody else has.
    pub(super) fn site(&mut self, network: Ip) -> Ip {
        self.sites += 1;
        network + self.sites * 256
    }
}
