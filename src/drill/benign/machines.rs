//! Machines: servers in clouds, and jobs that run by the clock.

use super::somebody;
use crate::drill::person::{Hours, Place};
use crate::drill::world::Town;

/// First address of cloud servers.
const CLOUD: u32 = u32::from_be_bytes([52, 0, 0, 0]);

/// Servers: an address each, one in five behind a shared one; day and night.
pub(super) fn settle_servers(town: &mut Town, count: u32) {
    for number in 0..count {
        let shared = town.dice.chance(0.2);
        let place = if shared {
            Place::Pool { base: CLOUD, size: (count / 40).max(2) }
        } else {
            Place::Fixed(CLOUD + 65_536 + number * 7)
        };
        let asn = town.dice.pick(&[16_509, 15_169, 8_075, 24_940]).unwrap_or(16_509);
        let mut person = somebody(town, "cloud", place, asn);
        person.hours = Hours::Always;
        person.active = 0.9;
        person.weekdays_only = false;
        town.people.push(person);
    }
}

/// Jobs that run by the clock: the same number each day, evenly spaced.
pub(super) fn settle_clockwork(town: &mut Town, count: u32) {
    for number in 0..count {
        let place = Place::Fixed(CLOUD + 32_000_000 + number * 5);
        let mut person = somebody(town, "clockwork", place, 16_509);
        person.hours = Hours::Clockwork;
        person.rate = town.dice.pick(&[24.0, 24.0, 48.0, 96.0, 12.0]).unwrap_or(24.0);
        person.evenness = Some(0.0);
        person.active = 1.0;
        person.weekdays_only = false;
        town.people.push(person);
    }
}
