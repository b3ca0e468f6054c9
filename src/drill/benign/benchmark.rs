//! Public benchmarks: fifty developers who do not know each other run the same hundred prompts, each on two days.

use crate::drill::account::{Class, Routine};
use crate::drill::census::Census;
use crate::drill::life::Sheet;
use crate::drill::net::{CLOUD, Place};
use crate::drill::prompt::Text;
use crate::drill::topic::{Taste, Topic};

pub(super) const ACCOUNTS: u32 = 50;

/// Prompts of a benchmark.
const PROMPTS: u32 = 100;

/// Days between one developer's two runs.
const AGAIN_DAYS: u32 = 6;

pub(super) fn found(census: &mut Census, number: u32) {
    let topic = [Topic::Coding, Topic::Reasoning, Topic::Grading][number as usize % 3];
    let first = census.texts(topic, PROMPTS);
    for _ in 0..ACCOUNTS {
        let place: Place = if census.dice.chance(0.5) { census.household() } else { census.server(CLOUD) };
        let mut developer = census.person(Class::Benchmark, place);
        developer.taste = Taste::Developer;
        let day = census.dice.under(census.days.max(1)) as u16;
        developer.routine = Routine::Benchmark { first, day };
        census.accounts.push(developer);
    }
}

/// A developer's day.
pub(crate) fn day(sheet: &mut Sheet<'_>, first: u32, day: u16) {
    sheet.person();
    let day = u32::from(day);
    if sheet.day != day && sheet.day != day + AGAIN_DAYS {
        return;
    }
    let address = sheet.address();
    let mut at = sheet.account.hours.second(sheet.account.offset, &mut sheet.dice).min(84_000.0);
    for prompt in first..first + PROMPTS {
        let topic = sheet.world.topic_of(prompt);
        sheet.event(at, address, topic, Text::Whole(prompt));
        at += 2.0 + sheet.dice.wait(8.0).min(18.0);
    }
}
