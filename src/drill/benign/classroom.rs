//! Classes: thirty students of one school, created when the course began, with the same homework on the same days.

use crate::drill::account::{Class, Routine};
use crate::drill::census::Census;
use crate::drill::life::Sheet;
use crate::drill::net::CAMPUS;
use crate::drill::prompt::Text;
use crate::drill::topic::Topic;

pub(super) const ACCOUNTS: u32 = 30;

/// Prompts of a homework, and days between two.
const PROMPTS: u32 = 6;
const EVERY_DAYS: u32 = 7;

/// Homeworks in the longest log that has new ones each time.
const HOMEWORKS: u32 = 12;

/// Share of students who do a homework, and of its prompts that one sends as they are.
const DONE: f64 = 0.8;
const COPIED: f64 = 0.7;

/// Percent of sittings at home.
const HOME_PERCENT: u8 = 50;

pub(super) fn found(census: &mut Census) {
    let school = census.pool(CAMPUS, 2);
    let topic = if census.dice.chance(0.5) { Topic::Reasoning } else { Topic::Writing };
    let first = census.texts(topic, PROMPTS * HOMEWORKS);
    let domain = census.domain();
    let began = 20.0 + 200.0 * census.dice.unit();
    let day = census.dice.under(EVERY_DAYS) as u16;
    for _ in 0..ACCOUNTS {
        let mut student = census.person(Class::Classroom, school);
        student.other_place = Some((census.household(), HOME_PERCENT));
        let later = 4.0 * census.dice.unit();
        student.created = census.days_before(began - later);
        (student.from, student.domain, student.plan) = (0, domain, 0);
        student.routine = Routine::Homework { first, day };
        census.accounts.push(student);
    }
}

/// A student's day.
pub(crate) fn day(sheet: &mut Sheet<'_>, first: u32, day: u16) {
    sheet.person();
    let since = sheet.day.wrapping_sub(u32::from(day));
    if sheet.day < u32::from(day) || !since.is_multiple_of(EVERY_DAYS) || !sheet.dice.chance(DONE) {
        return;
    }
    let homework = first + since / EVERY_DAYS % HOMEWORKS * PROMPTS;
    let address = sheet.address();
    let mut at = sheet.account.hours.second(sheet.account.offset, &mut sheet.dice).min(82_000.0);
    for prompt in homework..homework + PROMPTS {
        let topic = sheet.world.topic_of(prompt);
        let text = if sheet.dice.chance(COPIED) { Text::Whole(prompt) } else { Text::Fill };
        sheet.event(at, address, topic, text);
        at += 30.0 + sheet.dice.wait(200.0).min(600.0);
    }
}
