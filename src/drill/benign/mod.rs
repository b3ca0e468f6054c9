//! Honest life, one class a file. Most of it shares something with somebody: an office's address, a carrier's,
//! a card, a text, a day of creation.

mod crowds;
mod events;
mod firms;
mod homes;
mod machines;

pub(super) use homes::{HOMES, home_size};

use super::person::{Hours, Person, Place, Voice};
use super::world::Town;

/// How many of the classes that look coordinated to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// Agencies of 16 accounts: one egress, mostly one client and one card.
    pub agencies: u32,
    /// Resellers of 60 accounts: a few datacentre addresses, one card, their own texts, day and night.
    pub resellers: u32,
    /// Resellers of coding agents: what logs cannot tell from a campaign.
    pub look_alikes: u32,
    /// Company fleets of 20 accounts: one card, one text, equal volumes, made within two days.
    pub fleets: u32,
    /// Classes of 30 students who do the same homework.
    pub classes: u32,
    /// Hackathons: 80 fresh accounts, one venue, three days, agents, one starter prompt.
    pub hackathons: u32,
    /// Whether a hackathon hands out a kit with a client of its own.
    pub hackathon_kits: bool,
    /// Public benchmarks that 50 unrelated developers run.
    pub benchmarks: u32,
    /// Accounts made on the day of a product launch.
    pub launch: u32,
    /// Whether a new harness spreads in the middle of the log.
    pub new_harness: bool,
}

impl Extras {
    /// The usual number for so many honest accounts.
    #[must_use]
    pub fn usual(honest: u32) -> Self {
        Self {
            agencies: honest / 600,
            resellers: honest / 4_000,
            look_alikes: 0,
            fleets: honest / 2_000,
            classes: honest / 1_000,
            hackathons: (honest / 4_000).min(8),
            hackathon_kits: true,
            benchmarks: (honest / 5_000).min(6),
            launch: honest / 50,
            new_harness: honest >= 1_000,
        }
    }
}

/// The client that most have.
pub(super) const POPULAR: u32 = 1;

/// Clients from here on are rare ones.
pub(super) const RARE_CLIENTS: u32 = 10_000;

/// Draws everybody who is honest.
pub(super) fn settle(town: &mut Town, honest: u32, extras: &Extras) {
    let share = |percent: u32| honest * percent / 100;
    homes::settle(town, share(43));
    homes::settle_mobile(town, share(26));
    crowds::settle_offices(town, share(15));
    crowds::settle_vpn(town, share(6));
    machines::settle_servers(town, share(8));
    machines::settle_clockwork(town, share(2));
    events::give_harness(town);
    for _ in 0..extras.agencies {
        firms::agency(town);
    }
    for _ in 0..extras.resellers {
        firms::reseller(town, "reseller", 0.1);
    }
    for _ in 0..extras.look_alikes {
        firms::reseller(town, "reseller-coding", 0.75);
    }
    for number in 0..extras.fleets {
        firms::fleet(town, if number % 4 == 0 { 0.6 } else { 0.1 });
    }
    for _ in 0..extras.classes {
        events::class(town);
    }
    for number in 0..extras.hackathons {
        events::hackathon(town, extras.hackathon_kits && number % 2 == 1);
    }
    for _ in 0..extras.benchmarks {
        events::benchmark(town);
    }
    events::launch(town, extras.launch);
    if extras.new_harness {
        events::new_harness(town);
    }
}

/// Somebody ordinary at a place: the habits from which every class starts.
fn somebody(town: &mut Town, class: &'static str, place: Place, asn: u32) -> Person {
    let dice = &mut town.dice;
    let client = if dice.chance(0.6) { POPULAR } else { 2 + dice.below(60) as u32 };
    let target = if dice.chance(0.25) { 0.15 + 0.5 * dice.unit() } else { 0.06 * dice.unit() };
    let country = dice.pick(&["US", "DE", "IN", "BR", "GB", "FR", "JP"]).unwrap_or("US");
    let hour = match country {
        "US" | "BR" => 19.0,
        "IN" | "JP" => 7.0,
        _ => 13.0,
    };
    // One in six came while the log ran.
    let created = if dice.chance(0.17) && town.days > 10 {
        dice.below(town.days as u64) as i32
    } else {
        -(dice.log_normal(200.0, 1.0).clamp(1.0, 1_400.0) as i32)
    };
    let rate = dice.log_normal(3.0, 1.3).clamp(1.0, 800.0);
    let active = (0.3 + 0.5 * dice.unit()).min(1.0);
    let domain = if dice.chance(0.7) { dice.below(6) as u32 } else { 100 + dice.below(5_000) as u32 };
    let weekdays_only = dice.chance(0.3);
    let payment = town.usual_card();
    Person {
        class,
        campaign: None,
        days: (0, i32::MAX),
        created,
        active,
        weekdays_only,
        rate,
        evenness: None,
        ramp: 1,
        hours: Hours::Around(hour),
        place,
        asn,
        country,
        client,
        payment,
        domain,
        voice: Voice { target, ..Voice::default() },
        pivot: None,
    }
}
