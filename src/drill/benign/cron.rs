//! Jobs that a clock starts: the same work at the same minutes, every day.

use crate::drill::account::{Account, Class, Hours, Routine, Templates};
use crate::drill::census::Census;
use crate::drill::life::Sheet;
use crate::drill::net::{CLOUD, HOSTING};
use crate::drill::topic::{Taste, Topic};

/// Minutes between two starts, of which each job has one.
const EVERY: [u16; 6] = [60, 240, 30, 720, 1_440, 15];

/// Seconds by which a start is late at most, and between two requests of a start.
const LATE: f64 = 4.0;
const PAUSE: f64 = 6.0;

pub(super) fn found(census: &mut Census, accounts: u32) {
    for _ in 0..accounts {
        let cloud = census.dice.chance(0.5);
        let place = census.server(if cloud { CLOUD } else { HOSTING });
        let mut job = census.person(Class::Cron, place);
        let first = census.texts(Topic::Coding, 1);
        job.templates = Some(Templates { first, count: 1, percent: 90 });
        job.taste = Taste::Service;
        job.hours = Hours::Always;
        let every = EVERY[census.dice.weighted(&[6, 4, 3, 3, 4, 1])];
        // Most clocks are set to the minute.
        let second = 60 * census.dice.under(u32::from(every)) + census.dice.under(3);
        job.routine = Routine::Cron { every, second, events: 1 + census.dice.under(4) as u16 };
        census.accounts.push(job);
    }
}

/// The day of a job.
pub(crate) fn day(sheet: &mut Sheet<'_>, every: u16, second: u32, events: u16) {
    let Account { place, .. } = *sheet.account;
    let address = place.address(sheet.id, sheet.day, &mut sheet.dice);
    let mut start = f64::from(second);
    while start < 86_400.0 - 60.0 {
        let mut at = start + LATE * sheet.dice.unit();
        for _ in 0..events {
            let (topic, text) = sheet.request();
            sheet.event(at, address, topic, text);
            at += 1.0 + PAUSE * sheet.dice.unit();
        }
        start += 60.0 * f64::from(every);
    }
}
