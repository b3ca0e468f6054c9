//! Homes and phones.
//!
//! A home's address changes on one day in ten. A carrier puts about 25 customers behind each address, and
//! gives another one for each session.

use super::somebody;
use crate::drill::person::Place;
use crate::drill::world::Town;

/// Networks of homes: first address, addresses for each customer, autonomous system.
pub(in crate::drill) const HOMES: [(u32, u32); 5] = [
    (u32::from_be_bytes([24, 0, 0, 0]), 7922),
    (u32::from_be_bytes([79, 192, 0, 0]), 3320),
    (u32::from_be_bytes([90, 0, 0, 0]), 3215),
    (u32::from_be_bytes([112, 0, 0, 0]), 4134),
    (u32::from_be_bytes([76, 192, 0, 0]), 7018),
];

/// Addresses of one network of homes for so many customers.
pub(in crate::drill) fn home_size(town: &Town) -> u32 {
    // Space enough that two strangers seldom follow each other at an address.
    (town.people.len() as u32 * 8).clamp(40_000, 1 << 21)
}

pub(super) fn settle(town: &mut Town, count: u32) {
    let size = (count * 8).clamp(40_000, 1 << 21);
    for _ in 0..count {
        let (base, asn) = town.dice.pick(&HOMES).unwrap_or(HOMES[0]);
        let person = somebody(town, "home", Place::Lease { base, size, change: 0.1 }, asn);
        town.people.push(person);
    }
}

pub(super) fn settle_mobile(town: &mut Town, count: u32) {
    const CARRIERS: [(u32, u32); 3] = [
        (u32::from_be_bytes([172, 32, 0, 0]), 21_928),
        (u32::from_be_bytes([49, 32, 0, 0]), 55_836),
        (u32::from_be_bytes([117, 128, 0, 0]), 9_808),
    ];
    let size = (count / 3 / 25).max(2);
    for _ in 0..count {
        let (base, asn) = town.dice.pick(&CARRIERS).unwrap_or(CARRIERS[0]);
        let person = somebody(town, "mobile", Place::Pool { base, size }, asn);
        town.people.push(person);
    }
}
