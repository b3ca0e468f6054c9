//! People on the phone: a region's customers change between a few addresses all day, about 25 to an address.

use crate::drill::account::Class;
use crate::drill::census::Census;
use crate::drill::net::MOBILE;

/// Accounts of a region, and how many share an address.
const REGION: u32 = 400;
const TO_AN_ADDRESS: u32 = 25;

pub(super) fn found(census: &mut Census, accounts: u32) {
    let mut left = accounts;
    while left > 0 {
        let region = left.min(REGION);
        let pool = census.pool(MOBILE, region.div_ceil(TO_AN_ADDRESS));
        for _ in 0..region {
            let person = census.person(Class::Mobile, pool);
            census.accounts.push(person);
        }
        left -= region;
    }
}
