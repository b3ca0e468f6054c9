//! The ladder: from a campaign that shares everything to one that shares nothing.

use super::plan::{CampaignPlan, Client, Creation, Exits, Scheduler};

/// A rung of the ladder by its name, for so many accounts at once.
#[must_use]
pub fn rung(name: &str, accounts: u32) -> Option<CampaignPlan> {
    let base = CampaignPlan { accounts, ..CampaignPlan::default() };
    let home = CampaignPlan { exits: Exits::Dedicated, client: Client::Popular, ..base };
    // Twenty accounts an exit: enough meetings to be seen, if there are a thousand.
    let rotating = Exits::Residential { pool: 20 * accounts, per_day: 5 };
    let hidden = CampaignPlan { exits: rotating, client: Client::Popular, ..base };
    Some(match name {
        // Everything shared: fifty rented addresses, one client, templates.
        "E1" => base,
        // One home address each.
        "E2" => CampaignPlan { exits: Exits::Dedicated, ..base },
        // And a popular client each.
        "E3" => CampaignPlan { client: Client::RandomEach, ..home },
        // Rotating exits in the homes of honest people.
        "E4" => hidden,
        // Low and slow: five a day, made over eighty days, starting one after the other.
        "E5" => CampaignPlan { per_day: 5.0, creation: Creation::Spread(80), stagger_days: 10, ..hidden },
        // Six in ten requests look like anybody's.
        "E6" => CampaignPlan { mixing: 0.6, ..hidden },
        // Every template rewritten each time.
        "E7" => CampaignPlan { paraphrase: 1.0, ..hidden },
        // Old accounts that start one after the other.
        "E8" => CampaignPlan { creation: Creation::Aged, stagger_days: 14, ..home },
        // Every account replaced after four days.
        "E9" => CampaignPlan { churn_days: Some(4), ..hidden },
        // Work given out at random.
        "E10" => CampaignPlan { scheduler: Scheduler::Random, ..hidden },
        // Slow growth over a month, which is in the base rates by then.
        "E11" => CampaignPlan { ramp_days: 30, stagger_days: 10, creation: Creation::Spread(60), ..home },
        // All of it, with an address each and volumes like people's.
        "E12" => CampaignPlan {
            scheduler: Scheduler::LogNormal,
            paraphrase: 1.0,
            mixing: 0.6,
            creation: Creation::Aged,
            stagger_days: 14,
            client: Client::RandomEach,
            ..home
        },
        _ => return None,
    })
}

/// Names of the rungs, lowest first.
pub const NAMES: [&str; 12] = ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_rung() {
        assert!(NAMES.iter().all(|name| rung(name, 30).is_some()));
        assert!(rung("E13", 30).is_none());
    }
}
