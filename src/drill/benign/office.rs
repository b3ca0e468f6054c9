//! Offices and campuses: everybody of a site leaves by the same few addresses; some also work from home.

use crate::drill::account::{Class, Hours};
use crate::drill::census::Census;
use crate::drill::net::{CAMPUS, RESIDENTIAL};
use crate::drill::topic::Taste;

/// Accounts of a site: median and standard deviation of the logarithm, and the most.
const SITE_MEDIAN: f64 = 12.0;
const SITE_SIGMA: f64 = 1.1;
const SITE_MAX: f64 = 600.0;

/// Share of sites that are campuses; the others are customers of the networks that homes have, too.
const CAMPUS_SHARE: f64 = 0.35;

/// Share of accounts that also work from home, and the percent of their sittings there.
const HOME_SHARE: f64 = 0.3;
const HOME_PERCENT: u8 = 40;

pub(super) fn found(census: &mut Census, accounts: u32) {
    let mut left = accounts;
    while left > 0 {
        let size = SITE_MEDIAN * libm::exp(SITE_SIGMA * census.dice.normal());
        let size = (size.clamp(2.0, SITE_MAX) as u32).min(left);
        let campus = census.dice.chance(CAMPUS_SHARE);
        let addresses = 1 + census.dice.under(4);
        let site = census.pool(if campus { CAMPUS } else { RESIDENTIAL }, addresses);
        let domain = census.domain();
        for _ in 0..size {
            let mut person = census.person(Class::Office, site);
            person.hours = if campus { Hours::Evening } else { Hours::Office };
            person.taste = if census.dice.chance(0.25) { Taste::Developer } else { Taste::Office };
            if census.dice.chance(0.8) {
                person.domain = domain;
            }
            if census.dice.chance(HOME_SHARE) {
                person.other_place = Some((census.household(), HOME_PERCENT));
            }
            census.accounts.push(person);
        }
        left -= size;
    }
}
