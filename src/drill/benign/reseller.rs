//! Resellers: sixty accounts on one card behind a few servers, with the reseller's own texts, around the clock.
//!
//! A reseller of coding agents does by contract what a campaign does in secret: the same topics, even volumes, the
//! same text. No log tells the two apart, which is why there is none unless somebody asks for it.

use crate::drill::account::{Class, Hours, Templates, Volume};
use crate::drill::census::Census;
use crate::drill::net::{HOSTING, Place};
use crate::drill::topic::{Taste, Topic};

pub(super) const ACCOUNTS: u32 = 60;

/// What is resold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sells {
    Anything,
    CodingAgents,
}

/// Founds one; gives its servers.
pub(super) fn found(census: &mut Census, sells: Sells) -> Place {
    let coding = sells == Sells::CodingAgents;
    let addresses = 5 + census.dice.under(16);
    let servers = census.shared_or(HOSTING, addresses);
    let (payment, client, domain) = (census.payment(), census.client(), census.domain());
    let count = 2 + census.dice.under(3);
    let first = census.texts(if coding { Topic::Agentic } else { Topic::Chat }, count);
    // Accounts are added as the business grows; for coding agents, all at once.
    let opened = 60.0 + 500.0 * census.dice.unit();
    for _ in 0..ACCOUNTS {
        let class = if coding { Class::CodingReseller } else { Class::Reseller };
        let mut person = census.person(class, servers);
        let age = if coding { opened - 2.0 * census.dice.unit() } else { opened * census.dice.unit() };
        person.created = census.days_before(age.max(1.0));
        person.from = 0;
        (person.payment, person.client, person.domain, person.plan) = (payment, client, domain, 2);
        person.hours = Hours::Crowd;
        person.taste = if coding { Taste::Target } else { Taste::Resold };
        person.templates = Some(Templates { first, count, percent: 70 });
        let sigma = if coding { 0.05 } else { 0.6 };
        let log = libm::log(20.0) + sigma * census.dice.normal();
        person.volume = Volume { log: log as f32, spread: if coding { 0.12 } else { 0.4 }, active: 1.0 };
        census.accounts.push(person);
    }
    servers
}
