//! Events: what makes strangers do the same thing at the same time.

use super::{RARE_CLIENTS, somebody};
use crate::drill::benign::homes::HOMES;
use crate::drill::person::{Person, Place, Voice};
use crate::drill::world::Town;

/// First address of schools and venues.
const VENUES: u32 = u32::from_be_bytes([150, 0, 0, 0]);

/// Number of the text of the harness that has been popular for long, and its client.
const HARNESS: u64 = 1 << 32;
const HARNESS_CLIENT: u32 = 5_000;

/// Number of the text of the harness that is new, and its client.
const NEW_HARNESS: u64 = (1 << 32) + 1;
const NEW_HARNESS_CLIENT: u32 = 5_001;

/// Whether somebody is there from the start and on their own.
fn is_settled(person: &Person) -> bool {
    matches!(person.class, "home" | "mobile" | "office" | "vpn" | "cloud")
}

/// Eight in a hundred use a harness: its text heads their prompts, its client is theirs, and agents are what
/// it is for.
pub(super) fn give_harness(town: &mut Town) {
    for person in town.people.iter_mut().filter(|person| is_settled(person)) {
        if town.dice.chance(0.08) {
            person.client = HARNESS_CLIENT;
            person.voice = Voice { target: 0.7, template: 0.9, templates: (HARNESS, 1), ..Voice::default() };
        }
    }
}

/// Three in a hundred take up a new harness within three days in the middle of the log: old accounts stop,
/// as far as their habits go, and go on with the new client.
pub(super) fn new_harness(town: &mut Town) {
    let middle = town.days / 2;
    let mut converts = Vec::new();
    for person in town.people.iter_mut().filter(|person| is_settled(person)) {
        if town.dice.chance(0.03) {
            person.client = NEW_HARNESS_CLIENT;
            person.rate *= 2.0;
            person.voice =
                Voice { target: 0.7, template: 0.9, templates: (NEW_HARNESS, 1), ..Voice::default() };
            // Half of them are new customers, who came for it.
            if town.dice.chance(0.5) {
                person.created = middle + town.dice.below(3) as i32;
            }
            converts.push(person.created);
        }
    }
    debug_assert!(town.people.len() < 1_000 || !converts.is_empty(), "somebody takes it up");
}

/// 30 students at one school, created within a week, with the same homework.
pub(super) fn class(town: &mut Town) {
    let base = town.site(VENUES);
    let homework = 1_000 + u64::from(town.sites);
    let start = town.dice.below(town.days.max(1) as u64) as i32 - 3;
    for _ in 0..30 {
        let school = Place::Pool { base, size: 2 };
        let home = Place::Lease { base: HOMES[0].0, size: 200_000, change: 0.1 };
        let place = Place::Both(Box::new(school), Box::new(home));
        let mut person = somebody(town, "class", place, 786);
        person.created = start + town.dice.below(5) as i32;
        person.payment = None;
        person.voice = Voice { target: 0.2, dataset: 0.7, datasets: (homework, 12), ..Voice::default() };
        town.people.push(person);
    }
}

/// 80 fresh accounts at one venue for three days, with agents and one starter prompt; some hackathons hand
/// out a kit with a client of its own.
pub(super) fn hackathon(town: &mut Town, kit: bool) {
    let base = town.site(VENUES);
    let templates = town.templates(1);
    let start = town.dice.below((town.days - 5).max(1) as u64) as i32;
    let client = RARE_CLIENTS + town.sites;
    for _ in 0..80 {
        let mut person = somebody(town, "hackathon", Place::Fixed(base), 64_515);
        person.created = start;
        person.days = (start, start + 2);
        person.active = 1.0;
        person.weekdays_only = false;
        person.rate = town.dice.log_normal(40.0, 0.9);
        person.payment = None;
        if kit {
            person.client = client;
        }
        person.voice = Voice { target: 0.8, template: 0.6, templates, ..Voice::default() };
        town.people.push(person);
    }
}

/// 50 developers who do not know each other run the same hundred prompts.
pub(super) fn benchmark(town: &mut Town) {
    town.sites += 1;
    let set = 500_000 + u64::from(town.sites);
    let size = town.people.len() as u64;
    for _ in 0..50 {
        let at = town.dice.below(size) as usize;
        if let Some(person) = town.people.get_mut(at).filter(|person| is_settled(person)) {
            person.voice.dataset = 0.6;
            person.voice.datasets = (set, 100);
            person.voice.target = 0.5;
        }
    }
}

/// Ordinary people who all signed up on the day of a launch.
pub(super) fn launch(town: &mut Town, count: u32) {
    let day = town.days / 3;
    for _ in 0..count {
        let (base, asn) = town.dice.pick(&HOMES).unwrap_or(HOMES[0]);
        let mut person = somebody(town, "launch", Place::Lease { base, size: 300_000, change: 0.1 }, asn);
        person.created = day;
        town.people.push(person);
    }
}
