//! Programs that many honest people use and that send a fixed text: one that has been popular for years, and one
//! that is released in the middle of the log and taken up within three days.

use crate::drill::account::{Account, Class, Harness};
use crate::drill::census::Census;
use crate::drill::topic::{Taste, Topic};

/// Days within which the new one spreads.
const SPREADS_DAYS: u32 = 3;

/// Gives the harnesses to these shares of the honest accounts. Returns fingerprint and text of each.
pub(super) fn give(census: &mut Census, popular: f64, new: f64) -> [(u32, u32); 2] {
    let everybody = census.accounts.len() as f64;
    let takers = census.accounts.iter().filter(|account| may_use(account)).count().max(1) as f64;
    let (popular, new) = (popular * everybody / takers, new * everybody / takers);
    let middle = census.days / 2;
    let Census { accounts, dice, .. } = census;
    for account in accounts.iter_mut().filter(|account| may_use(account)) {
        let drawn = dice.unit();
        if drawn < popular {
            account.harness = Harness::Popular;
        } else if drawn < popular + new {
            account.harness = Harness::New((middle + dice.under(SPREADS_DAYS)) as u16);
        } else {
            continue;
        }
        if account.taste == Taste::Everyday {
            account.taste = Taste::Developer;
        }
    }
    std::array::from_fn(|_| (census.client(), census.texts(Topic::Agentic, 1)))
}

/// Those who choose their own tools.
fn may_use(account: &Account) -> bool {
    matches!(
        account.class,
        Class::Home
            | Class::Mobile
            | Class::Office
            | Class::Vpn
            | Class::Cloud
            | Class::Benchmark
            | Class::Launch
    )
}
