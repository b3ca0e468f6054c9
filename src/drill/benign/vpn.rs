//! Customers of VPN services: another of the service's exits for each sitting, with thousands of strangers.

use crate::drill::account::Class;
use crate::drill::census::Census;
use crate::drill::net::{self, RESIDENTIAL, VPN};

/// Services, and customers for each exit of one.
const SERVICES: u32 = 5;
const TO_AN_EXIT: u32 = 15;

pub(super) fn found(census: &mut Census, accounts: u32) {
    let exits = (accounts / SERVICES / TO_AN_EXIT).max(2);
    let services: Vec<_> = (0..SERVICES).map(|_| census.pool(VPN, exits)).collect();
    for _ in 0..accounts {
        let service = census.dice.under(SERVICES) as usize;
        let Some(place) = services.get(service) else { continue };
        let mut person = census.person(Class::Vpn, *place);
        // They live anywhere.
        let home = census.network(RESIDENTIAL);
        person.offset = net::of(home).offset;
        census.accounts.push(person);
    }
}
