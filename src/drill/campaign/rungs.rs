//! The ladder: from a campaign that shares everything to one that shares nothing.
//!
//! The first four rungs build on each other. From the fifth on, each is the fourth with one thing more, so that what
//! it costs a detector can be told; the last has them all.

use super::plan::{CampaignPlan, Client, Creation, Exits, Payment, Scheduler};

/// Names of the rungs, lowest first.
pub const NAMES: [&str; 12] = ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12"];

/// Exits of a proxy network for each account that rotates on it, with five a day: an account meets about
/// 17 others at an exit within two weeks, however many there are.
const EXITS_EACH: u32 = 20;

/// A rung of the ladder by its name, for so many accounts at once.
#[must_use]
pub fn rung(name: &str, accounts: u32) -> Option<CampaignPlan> {
    let base = CampaignPlan { accounts, ..CampaignPlan::default() };
    let lines = CampaignPlan { exits: Exits::Dedicated, payment: Payment::Unique, ..base };
    let clients = CampaignPlan { client: Client::RandomEach, ..lines };
    let rotating = Exits::Residential { pool: accounts.saturating_mul(EXITS_EACH), per_day: 5 };
    let hidden = CampaignPlan { exits: rotating, client: Client::Popular, ..lines };
    Some(match name {
        // A few rented addresses, one client, cards for ten accounts each.
        "E1" => {
            CampaignPlan { exits: Exits::Pool((accounts / 20).max(2)), payment: Payment::Groups(10), ..base }
        }
        // A line and a card for each account.
        "E2" => lines,
        // And a client for each, as anybody has one.
        "E3" => clients,
        // Rotating exits that honest people live at, and the client that most have.
        "E4" => hidden,
        // Low and slow.
        "E5" => CampaignPlan { per_day: 5.0, creation: Creation::Spread(80), stagger_days: 10, ..hidden },
        // Six in ten requests are anybody's.
        "E6" => CampaignPlan { mixing: 0.6, ..hidden },
        // Every request in other words.
        "E7" => CampaignPlan { paraphrase: 1.0, ..hidden },
        // Old accounts that start one after the other.
        "E8" => CampaignPlan { creation: Creation::Aged, stagger_days: 14, ..hidden },
        // Accounts are found out after four days and replaced.
        "E9" => CampaignPlan { churn_days: Some(4), ..hidden },
        // Work is given out by lot.
        "E10" => CampaignPlan { scheduler: Scheduler::Random, ..hidden },
        // A month until it is under way, by which time it is part of what is usual.
        "E11" => CampaignPlan { ramp_days: 30, ..hidden },
        // All of it, on a line for each account and with volumes and hours like people's.
        "E12" => CampaignPlan {
            per_day: 5.0,
            mixing: 0.6,
            paraphrase: 1.0,
            creation: Creation::Aged,
            stagger_days: 14,
            ramp_days: 30,
            scheduler: Scheduler::LogNormal,
            client: Client::RandomEach,
            ..lines
        },
        _ => return None,
    })
}
