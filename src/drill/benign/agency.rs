//! Agencies: sixteen people in one office, most with the agency's computers and on its card.

use crate::drill::account::{Class, Hours};
use crate::drill::census::Census;
use crate::drill::net::RESIDENTIAL;
use crate::drill::topic::Taste;

pub(super) const ACCOUNTS: u32 = 16;

/// Share of accounts with the agency's fingerprint, and on its card.
const SHARE: f64 = 0.7;

pub(super) fn found(census: &mut Census) {
    let office = census.pool(RESIDENTIAL, 1);
    let (payment, client, domain) = (census.payment(), census.client(), census.domain());
    for _ in 0..ACCOUNTS {
        let mut person = census.person(Class::Agency, office);
        if census.dice.chance(SHARE) {
            person.client = client;
        }
        if census.dice.chance(SHARE) {
            person.payment = payment;
        }
        person.domain = domain;
        person.plan = 2;
        person.hours = Hours::Office;
        person.taste = if census.dice.chance(0.3) { Taste::Developer } else { Taste::Office };
        census.accounts.push(person);
    }
}
