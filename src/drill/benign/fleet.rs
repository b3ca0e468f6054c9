//! Company fleets: twenty accounts that one company opened within two days for one job, on one card, with one
//! text and nearly the same volume. A quarter of them write programs.

use crate::drill::account::{Class, Hours, Templates, Volume};
use crate::drill::census::Census;
use crate::drill::net::CLOUD;
use crate::drill::topic::{Taste, Topic};

pub(super) const ACCOUNTS: u32 = 20;

pub(super) fn found(census: &mut Census, number: u32) {
    let coding = number.is_multiple_of(4);
    let servers = census.pool(CLOUD, 2);
    let (payment, client, domain) = (census.payment(), census.client(), census.domain());
    let first = census.texts(if coding { Topic::Coding } else { Topic::Search }, 1);
    let opened = 3.0 + 400.0 * census.dice.unit();
    let log = libm::log(8.0) + 0.6 * census.dice.normal();
    for _ in 0..ACCOUNTS {
        let mut account = census.person(Class::Fleet, servers);
        let later = 2.0 * census.dice.unit();
        account.created = census.days_before(opened - later);
        account.from = census.first_whole_day(account.created);
        (account.payment, account.client, account.domain, account.plan) = (payment, client, domain, 3);
        account.hours = Hours::Crowd;
        account.taste = if coding { Taste::Developer } else { Taste::Service };
        account.templates = Some(Templates { first, count: 1, percent: 85 });
        account.volume = Volume { log: log as f32, spread: 0.1, active: 1.0 };
        census.accounts.push(account);
    }
}
