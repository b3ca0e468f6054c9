//! Families: four people of one household on one card, who go on with each other's conversations at the kitchen table.

use crate::drill::account::{Class, Routine};
use crate::drill::census::Census;
use crate::drill::life::Sheet;
use crate::drill::prompt::Text;
use crate::drill::topic::Topic;
use crate::drill::world::Made;
use crate::event::MICROS_A_SECOND;

pub(super) const ACCOUNTS: u32 = 4;

/// Share of requests with which a conversation begins that another of them goes on with.
const SHARED: f64 = 0.1;

/// Seconds until that happens.
const LATER_MIN: f64 = 60.0;
const LATER_MAX: f64 = 900.0;

pub(super) fn found(census: &mut Census) {
    let first = census.accounts.len() as u32;
    let home = census.household();
    let (payment, client) = (census.own_payment(), census.popular_client());
    for _ in 0..ACCOUNTS {
        let mut person = census.person(Class::Family, home);
        (person.payment, person.client) = (payment, client);
        person.routine = Routine::Family { first };
        census.accounts.push(person);
    }
}

/// The day of one of them, and what the next one goes on with.
pub(crate) fn day(sheet: &mut Sheet<'_>, first: u32) {
    let start = sheet.out.len();
    sheet.person();
    let next = first + (sheet.id + 1 - first) % ACCOUNTS;
    for at in start..sheet.out.len() {
        let (shared, number, own) = (sheet.dice.chance(SHARED), sheet.dice.next() as u32, sheet.dice.next());
        let later = LATER_MIN + (LATER_MAX - LATER_MIN) * sheet.dice.unit();
        let Some(begun) = sheet.out.get_mut(at).filter(|_| shared) else { continue };
        begun.text = Text::Turn { of: number, turn: 0 };
        (begun.topic, begun.label, begun.input_tokens) = (Topic::Writing, Topic::Writing, 1_150);
        let text = Text::Turn { of: number, turn: 1 };
        let ts = begun.ts + (later * MICROS_A_SECOND as f64) as i64;
        let goes_on = Made { ts, account: next, own, text, input_tokens: 1_250, ..*begun };
        sheet.add(goes_on);
    }
}
