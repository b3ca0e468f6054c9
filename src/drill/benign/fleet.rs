//! Company fleets: twenty accounts that one company opened within two days for one job, on one card, with one
//! text and nearly the same volume. A quarter of them write programs. Those with a gateway send what one account is
//! refused again from the next one.

use crate::drill::account::{Class, Hours, Routine, Templates, Volume};
use crate::drill::census::Census;
use crate::drill::life::Sheet;
use crate::drill::net::CLOUD;
use crate::drill::prompt::Text;
use crate::drill::topic::{Taste, Topic};
use crate::drill::world::Made;
use crate::event::MICROS_A_SECOND;

pub(super) const ACCOUNTS: u32 = 20;

pub(super) fn found(census: &mut Census, number: u32, gateway: bool) {
    let start = census.accounts.len() as u32;
    let coding = number.is_multiple_of(4);
    let servers = census.pool(CLOUD, 2);
    let (payment, client, domain) = (census.payment(), census.client(), census.domain());
    let first = census.texts(if coding { Topic::Coding } else { Topic::Search }, 1);
    let opened = 3.0 + 400.0 * census.dice.unit();
    let log = libm::log(8.0) + 0.6 * census.dice.normal();
    for _ in 0..ACCOUNTS {
        let mut account = census.person(Class::Fleet, servers);
        let later = 2.0 * census.dice.unit();
        account.created = census.days_before(opened - later);
        account.from = census.first_whole_day(account.created);
        (account.payment, account.client, account.domain, account.plan) = (payment, client, domain, 3);
        account.hours = Hours::Crowd;
        account.taste = if coding { Taste::Developer } else { Taste::Service };
        account.templates = Some(Templates { first, count: 1, percent: 85 });
        account.volume = Volume { log: log as f32, spread: 0.1, active: 1.0 };
        if gateway {
            account.routine = Routine::Gateway { first: start };
        }
        census.accounts.push(account);
    }
}

/// The day of an account behind a gateway.
pub(crate) fn day(sheet: &mut Sheet<'_>, first: u32) {
    let start = sheet.out.len();
    sheet.person();
    let next = first + (sheet.id + 1 - first) % ACCOUNTS;
    for at in start..sheet.out.len() {
        let (number, own) = (sheet.dice.next() as u32, sheet.dice.next());
        let Some(refused) = sheet.out.get_mut(at).filter(|event| event.status == 429) else { continue };
        refused.text = Text::Again(number);
        let ts = refused.ts + 2 * MICROS_A_SECOND;
        let again = Made { ts, account: next, own, status: 200, output_tokens: 300, ..*refused };
        sheet.add(again);
    }
}
