//! A launch: ordinary people, all of whom came on the day when everybody talked about the product.

use crate::drill::account::Class;
use crate::drill::census::Census;
use crate::drill::net::MOBILE;

/// Share of them on the phone, and how many share an address there.
const ON_THE_PHONE: f64 = 0.3;
const TO_AN_ADDRESS: u32 = 25;

pub(super) fn found(census: &mut Census, accounts: u32) {
    // A third into the log, so that there is a before and an after.
    let from = census.days / 3;
    let phones = census.pool(MOBILE, (accounts / TO_AN_ADDRESS / 3).max(1));
    for _ in 0..accounts {
        let place = if census.dice.chance(ON_THE_PHONE) { phones } else { census.household() };
        let mut person = census.person(Class::Launch, place);
        let hour = census.dice.unit();
        person.created = census.days_before(-f64::from(from) - hour);
        person.from = from + 1;
        census.accounts.push(person);
    }
}
