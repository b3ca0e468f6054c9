//! Campaigns: one operator behind many accounts.

mod plan;
mod rungs;

pub use plan::{CampaignPlan, Client, Creation, Exits, Payment, Scheduler};
pub use rungs::{NAMES, rung};

use super::benign::{HOMES, RARE_CLIENTS, home_size};
use super::dice::Dice;
use super::person::{Hours, Person, Place, Voice};
use super::world::{Made, Town, World};

/// First address of rented pools.
const POOLS: u32 = u32::from_be_bytes([45, 0, 0, 0]);

/// Draws the accounts of a campaign.
pub(super) fn enlist(town: &mut Town, number: usize, plan: &CampaignPlan) {
    let mut dice = Dice::of(town.seed, &[0xca3b, number as u64]);
    let templates = town.templates(u64::from(plan.templates));
    let size = home_size(town);
    let lasts = plan.churn_days.map_or(i32::MAX, |days| days as i32);
    let first = plan.first_day as i32;
    let generations =
        if lasts == i32::MAX { 1 } else { ((town.days - first).max(1) as u32).div_ceil(lasts as u32) as i32 };
    for generation in 0..generations {
        for slot in 0..plan.accounts {
            let stagger = dice.below(u64::from(plan.stagger_days.max(1))) as i32;
            let start = first + generation * if lasts == i32::MAX { 0 } else { lasts } + stagger;
            let created = match plan.creation {
                Creation::Burst(days) => start - 1 - dice.below(u64::from(days.max(1))) as i32,
                Creation::Spread(days) => start - 1 - dice.below(u64::from(days.max(1))) as i32,
                Creation::Aged => start - 40 - dice.below(400) as i32,
            };
            let (place, asn) = place(&mut dice, plan, size, slot);
            let rate = match plan.scheduler {
                Scheduler::EqualShares | Scheduler::Random => plan.per_day,
                Scheduler::LogNormal => dice.log_normal(plan.per_day * 0.6, 1.0).max(1.0),
            };
            let evenness = (plan.scheduler == Scheduler::EqualShares).then_some(0.03);
            let payment = match plan.payment {
                Payment::None => None,
                Payment::Unique => town.card(),
                Payment::Groups(of) if slot % of.max(1) == 0 => town.card(),
                Payment::Groups(_) => Some(town.cards),
            };
            let client = match plan.client {
                Client::OneRare => RARE_CLIENTS * 2 + number as u32,
                Client::Popular => 1,
                Client::RandomEach => 2 + dice.below(60) as u32,
            };
            let target = 0.9 * (1.0 - plan.mixing) + 0.05 * plan.mixing;
            town.people.push(Person {
                class: "campaign",
                campaign: Some(number),
                days: (start, start.saturating_add(lasts - i32::from(lasts < i32::MAX))),
                created,
                active: 1.0,
                weekdays_only: false,
                rate,
                evenness,
                ramp: plan.ramp_days.max(1),
                hours: Hours::Always,
                place,
                asn,
                country: "SG",
                client,
                payment,
                domain: dice.below(6) as u32,
                voice: Voice {
                    target,
                    template: plan.template_share * (1.0 - plan.mixing),
                    templates,
                    paraphrase: plan.paraphrase,
                    ..Voice::default()
                },
                pivot: plan.pivot_day.map(|day| day as i32),
            });
        }
    }
}

fn place(dice: &mut Dice, plan: &CampaignPlan, size: u32, slot: u32) -> (Place, u32) {
    let (base, asn) = dice.pick(&HOMES).unwrap_or(HOMES[0]);
    match plan.exits {
        Exits::Pool(addresses) => (Place::Pool { base: POOLS, size: addresses.max(1) }, 9_009),
        Exits::Residential { pool, per_day } => {
            let each = pool / HOMES.len() as u32;
            (Place::Rotating { base, size: each.max(1), per_day }, asn)
        }
        Exits::Dedicated => (Place::Fixed(base + dice.below(u64::from(size)) as u32), asn),
        Exits::TwoCountries => {
            let home = Place::Fixed(base + dice.below(u64::from(size)) as u32);
            let away = Place::Fixed(POOLS + 1_000_000 + slot);
            (Place::Both(Box::new(home), Box::new(away)), asn)
        }
    }
}

/// Adds the conversations that are handed on and the requests that fail over on a day.
pub(super) fn pass_on(world: &World, number: usize, plan: &CampaignPlan, day: u32, events: &mut Vec<Made>) {
    if !plan.handoffs && !plan.failovers {
        return;
    }
    let is_ours = |event: &&Made| {
        world.people.get(event.person as usize).is_some_and(|person| person.campaign == Some(number))
    };
    let ours: Vec<Made> = events.iter().filter(is_ours).copied().collect();
    let mut dice = Dice::of(world.seed, &[0x9a55, number as u64, u64::from(day)]);
    for _ in 0..ours.len() / 50 {
        let (Some(from), Some(to)) = (dice.pick(&ours), dice.pick(&ours)) else { return };
        if from.person == to.person {
            continue;
        }
        let last = i64::from(day + 1) * 86_400_000 - 1;
        let later = |seconds: i64| (from.millis + seconds * 1_000).min(last);
        if plan.handoffs {
            let conversation = 1 << 48 | dice.next() >> 20;
            events.push(Made { continues: Some((conversation, 0)), text: dice.next(), ..from });
            let goes_on =
                Made { continues: Some((conversation, 1)), text: dice.next(), millis: later(300), ..to };
            events.push(goes_on);
        }
        if plan.failovers {
            let conversation = 1 << 49 | dice.next() >> 20;
            let continues = Some((conversation, 0));
            events.push(Made { continues, refused: true, text: dice.next(), ..from });
            events.push(Made { continues, text: dice.next(), millis: later(3), ..to });
        }
    }
}
