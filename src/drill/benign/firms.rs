//! Firms: one customer with many accounts, openly so.

use super::{RARE_CLIENTS, somebody};
use crate::drill::person::{Hours, Place, Voice};
use crate::drill::world::Town;

/// First address of firms' egress.
const FIRMS: u32 = u32::from_be_bytes([140, 0, 0, 0]);

/// First address of what resellers rent.
const RENTED: u32 = u32::from_be_bytes([51, 0, 0, 0]);

/// 16 accounts, one egress; seven in ten with the agency's client, seven in ten on its card.
pub(super) fn agency(town: &mut Town) {
    let base = town.site(FIRMS);
    let card = town.card();
    let client = RARE_CLIENTS + town.sites;
    for _ in 0..16 {
        let mut person = somebody(town, "agency", Place::Fixed(base), 64_513);
        if town.dice.chance(0.7) {
            person.client = client;
        }
        if town.dice.chance(0.7) {
            person.payment = card;
        }
        town.people.push(person);
    }
}

/// 60 accounts, 5 to 20 rented addresses, one card, own texts, day and night. What the customers of the
/// reseller ask for is `target`.
pub(super) fn reseller(town: &mut Town, class: &'static str, target: f64) {
    let base = town.site(RENTED);
    let card = town.card();
    let size = 5 + town.dice.below(16) as u32;
    let templates = town.templates(4);
    let client = RARE_CLIENTS + town.sites;
    for _ in 0..60 {
        let mut person = somebody(town, class, Place::Pool { base, size }, 24_940);
        person.payment = card;
        person.client = client;
        person.hours = Hours::Always;
        person.active = 0.95;
        person.voice = Voice { target, template: 0.6, templates, ..Voice::default() };
        town.people.push(person);
    }
}

/// 20 accounts on one card with one text and nearly equal volumes, made within two days.
pub(super) fn fleet(town: &mut Town, target: f64) {
    let base = town.site(FIRMS);
    let card = town.card();
    let templates = town.templates(1);
    let made = -(20 + town.dice.below(300) as i32);
    let rate = town.dice.log_normal(15.0, 0.5);
    for _ in 0..20 {
        let mut person = somebody(town, "fleet", Place::Pool { base, size: 2 }, 64_514);
        person.payment = card;
        person.created = made + town.dice.below(2) as i32;
        person.rate = rate;
        person.evenness = Some(0.1);
        person.active = 0.95;
        person.voice = Voice { target, template: 0.8, templates, ..Voice::default() };
        town.people.push(person);
    }
}
