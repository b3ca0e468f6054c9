//! People at home: one address, which changes on one day in ten, and some share it with a housemate.

use crate::drill::account::Class;
use crate::drill::census::Census;

/// Share of accounts that live with the one before.
const HOUSEMATES: f64 = 0.06;

pub(super) fn found(census: &mut Census, accounts: u32) {
    let mut home = census.household();
    for _ in 0..accounts {
        if !census.dice.chance(HOUSEMATES) {
            home = census.household();
        }
        let person = census.person(Class::Home, home);
        census.accounts.push(person);
    }
}
