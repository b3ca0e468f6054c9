//! Crowds behind few addresses: offices, campuses, VPN exits.

use super::somebody;
use crate::drill::benign::homes::HOMES;
use crate::drill::person::Place;
use crate::drill::world::Town;

/// First address of offices and campuses.
const SITES: u32 = u32::from_be_bytes([130, 0, 0, 0]);

/// First address of VPN exits.
const EXITS: u32 = u32::from_be_bytes([185, 0, 0, 0]);

/// Sites of log-normal size with one to four egress addresses; three in ten also work from home.
pub(super) fn settle_offices(town: &mut Town, count: u32) {
    let mut left = count;
    while left > 0 {
        let size = (town.dice.log_normal(14.0, 1.1) as u32).clamp(3, 2_000).min(left);
        left -= size;
        let base = town.site(SITES);
        let egress = 1 + town.dice.below(4) as u32;
        let asn = town.dice.pick(&[680, 786, 25, 64_512]).unwrap_or(680);
        for _ in 0..size {
            let office = Place::Pool { base, size: egress };
            let place = if town.dice.chance(0.3) {
                let home = town.dice.pick(&HOMES).unwrap_or(HOMES[0]).0;
                let home = Place::Lease { base: home, size: 200_000, change: 0.1 };
                Place::Both(Box::new(office), Box::new(home))
            } else {
                office
            };
            let person = somebody(town, "office", place, asn);
            town.people.push(person);
        }
    }
}

/// Customers of a VPN share its exits.
pub(super) fn settle_vpn(town: &mut Town, count: u32) {
    for _ in 0..count {
        let exits = Place::Pool { base: EXITS, size: (count / 30).max(4) };
        let person = somebody(town, "vpn", exits, 9_009);
        town.people.push(person);
    }
}
