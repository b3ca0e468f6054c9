//! Servers in clouds and at hosters: most with an address of their own, some behind a shared one.

use crate::drill::account::{Class, Hours};
use crate::drill::census::Census;
use crate::drill::net::{CLOUD, HOSTING};
use crate::drill::topic::Taste;

/// Share of accounts behind a shared address, and how many share it.
const SHARED: f64 = 0.2;
const TO_AN_ADDRESS: u32 = 10;

/// Share at hosters.
const HOSTED: f64 = 0.3;

pub(super) fn found(census: &mut Census, accounts: u32) {
    let (mut nat, mut behind) = (census.server(CLOUD), 0);
    for _ in 0..accounts {
        let networks = if census.dice.chance(HOSTED) { HOSTING } else { CLOUD };
        let place = if census.dice.chance(SHARED) {
            if behind == TO_AN_ADDRESS {
                (nat, behind) = (census.server(networks), 0);
            }
            behind += 1;
            nat
        } else {
            census.server(networks)
        };
        let mut person = census.person(Class::Cloud, place);
        person.hours = Hours::Crowd;
        person.taste = if census.dice.chance(0.4) { Taste::Developer } else { Taste::Service };
        person.volume.active = 0.75;
        census.accounts.push(person);
    }
}
