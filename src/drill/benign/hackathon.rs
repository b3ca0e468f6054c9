//! Hackathons: eighty fresh accounts at one venue for three days, all about agents, with the same starter prompt.
//!
//! The honest event that looks most like a campaign. With a starter kit, its fingerprint is theirs alone.

use crate::drill::account::{Class, Hours, Templates, Volume};
use crate::drill::census::Census;
use crate::drill::net::{CAMPUS, RESIDENTIAL};
use crate::drill::topic::{Taste, Topic};

pub(super) const ACCOUNTS: u32 = 80;

/// Days that it lasts.
const DAYS: u32 = 3;

pub(super) fn found(census: &mut Census, starter_kit: bool) {
    let networks = if census.dice.chance(0.5) { CAMPUS } else { RESIDENTIAL };
    let venue = census.shared_or(networks, 1);
    let first = census.texts(Topic::Agentic, 1);
    let kit = starter_kit.then(|| census.client());
    let from = census.dice.under(census.days.saturating_sub(DAYS).max(1));
    for _ in 0..ACCOUNTS {
        let mut hacker = census.person(Class::Hackathon, venue);
        // The evening before or the first morning.
        let before = 1.2 * census.dice.unit() - f64::from(from) - 0.4;
        hacker.created = census.days_before(before);
        (hacker.from, hacker.until) = (from, from + DAYS);
        hacker.plan = 0;
        hacker.taste = Taste::Contest;
        hacker.hours = Hours::Crowd;
        hacker.client = kit.unwrap_or(hacker.client);
        hacker.templates = Some(Templates { first, count: 1, percent: 40 });
        let log = libm::log(25.0) + 0.8 * census.dice.normal();
        hacker.volume = Volume { log: log as f32, spread: 0.4, active: 0.95 };
        census.accounts.push(hacker);
    }
}
