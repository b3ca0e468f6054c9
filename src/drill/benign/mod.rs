//! Honest customers, most of whom look as if they acted together with somebody: that is most of life.
//!
//! Each class has a file that founds its accounts.

mod home;
mod mobile;

use super::census::Census;

/// How many honest customers there are of each class. [`BenignPlan::of`] has the usual mix.
#[derive(Clone, Debug, PartialEq)]
pub struct BenignPlan {
    /// Accounts at home, whose address changes on one day in ten.
    pub home: u32,
    /// Accounts behind the shared addresses of mobile carriers.
    pub mobile: u32,
}

impl BenignPlan {
    /// The usual mix of as many accounts.
    #[must_use]
    pub fn of(accounts: u32) -> Self {
        let mobile = accounts / 4;
        Self { home: accounts - mobile, mobile }
    }
}

/// Founds all honest accounts.
pub(super) fn found(census: &mut Census, plan: &BenignPlan) {
    home::found(census, plan.home);
    mobile::found(census, plan.mobile);
}
