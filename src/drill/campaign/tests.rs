//! What campaigns do, as far as it can be seen in their events.

use super::{CampaignPlan, Client, Creation, Exits, Payment, Scheduler, rung};
use crate::drill::account::{Account, COMMON_CLIENTS, NO_PAYMENT, POPULAR};
use crate::drill::net::{Address, RESIDENTIAL, of};
use crate::drill::prompt::Text;
use crate::drill::tests::{FIRST, all, lines, nobody, world};
use crate::drill::topic::Topic;
use crate::drill::{Made, World};
use crate::event::{Day, MICROS_A_DAY, MICROS_A_SECOND};
use std::collections::{BTreeMap, BTreeSet};

fn base() -> CampaignPlan {
    CampaignPlan { accounts: 100, ..CampaignPlan::default() }
}

/// A world of a campaign and some people at home.
fn planted(days: u32, plan: CampaignPlan) -> World {
    let mut world_plan = nobody(days).with(plan);
    world_plan.benign.home = 200;
    world(&world_plan)
}

/// A campaign's events.
fn theirs(world: &World, made: Vec<Made>) -> Vec<Made> {
    made.into_iter().filter(|event| world.accounts[event.account as usize].campaign.is_some()).collect()
}

fn members(world: &World) -> Vec<&Account> {
    world.accounts.iter().filter(|account| account.campaign.is_some()).collect()
}

fn counts(made: &[Made]) -> BTreeMap<u32, f64> {
    let mut counts = BTreeMap::new();
    for event in made {
        *counts.entry(event.account).or_insert(0.0) += 1.0;
    }
    counts
}

/// Mean and share of the mean that accounts are apart.
fn evenness(made: &[Made]) -> (f64, f64) {
    let counts: Vec<f64> = counts(made).into_values().collect();
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let variance =
        counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / counts.len() as f64;
    (mean, variance.sqrt() / mean)
}

fn share(made: &[Made], of: impl Fn(&Made) -> bool) -> f64 {
    made.iter().filter(|event| of(event)).count() as f64 / made.len() as f64
}

#[test]
fn work_is_shared_out_equally_by_lot_or_as_among_people() {
    let spread = |scheduler| {
        let world = planted(8, CampaignPlan { scheduler, ..base() });
        evenness(&theirs(&world, all(&world)))
    };
    let [(equal, equally), (lot, by_lot), (human, humanly)] =
        [Scheduler::EqualShares, Scheduler::Random, Scheduler::LogNormal].map(spread);
    assert!((equal / 8.0 - 26.0).abs() < 7.0 && (lot / 8.0 - 26.0).abs() < 7.0, "{equal} {lot}");
    assert!((10.0..50.0).contains(&(human / 8.0)), "{human}");
    assert!(equally < 0.06 && (0.1..0.4).contains(&by_lot) && humanly > 0.7, "{equally} {by_lot} {humanly}");
}

#[test]
fn the_one_that_waited_longest_is_next() {
    let runs = |scheduler| {
        let world = planted(8, CampaignPlan { accounts: 60, scheduler, ..base() });
        let mut turns: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
        for event in theirs(&world, all(&world)) {
            let turns = turns.entry(event.account).or_default();
            if turns.last().is_none_or(|last| event.ts - last > 3_600 * MICROS_A_SECOND) {
                turns.push(event.ts);
            }
        }
        let turns: Vec<Vec<i64>> = turns.into_values().collect();
        let (mut changes, mut steps) = (0.0, 0.0);
        for two in turns.windows(2) {
            let both = two[0].iter().map(|at| (at, 0)).chain(two[1].iter().map(|at| (at, 1)));
            let both: Vec<i32> = both.collect::<BTreeMap<_, _>>().into_values().collect();
            changes += both.windows(2).filter(|two| two[0] != two[1]).count() as f64;
            steps += both.len() as f64 - 1.0;
        }
        changes / steps
    };
    let (in_line, by_lot) = (runs(Scheduler::EqualShares), runs(Scheduler::Random));
    assert!(in_line > 0.85, "two accounts take turns: {in_line}");
    assert!((0.4..0.65).contains(&by_lot), "{by_lot}");
}

#[test]
fn accounts_are_created_when_the_plan_says() {
    let ages = |creation| {
        let world = planted(5, CampaignPlan { creation, first_day: 2, ..base() });
        let age = |account: &&Account| (FIRST.start() - account.created) as f64 / MICROS_A_DAY as f64 + 2.0;
        let ages: Vec<f64> = members(&world).iter().map(age).collect();
        (ages.iter().copied().fold(f64::MAX, f64::min), ages.iter().copied().fold(f64::MIN, f64::max))
    };
    let (burst, spread, aged) = (ages(Creation::Burst(3)), ages(Creation::Spread(80)), ages(Creation::Aged));
    assert!(burst.0 > 0.0 && burst.1 < 4.0, "{burst:?}");
    assert!(spread.0 < 8.0 && (60.0..81.0).contains(&spread.1), "{spread:?}");
    assert!(aged.0 > 44.0 && aged.1 > 400.0, "{aged:?}");
}

#[test]
fn exits_are_what_the_plan_says() {
    let seen = |exits| {
        let world = planted(6, CampaignPlan { exits, ..base() });
        let made = all(&world);
        let honest: BTreeSet<Address> = made
            .iter()
            .filter(|event| world.accounts[event.account as usize].campaign.is_none())
            .map(|event| event.address)
            .collect();
        (honest, theirs(&world, made))
    };
    let addresses = |made: &[Made]| made.iter().map(|event| event.address).collect::<BTreeSet<Address>>();
    let homes: BTreeSet<u32> = RESIDENTIAL.iter().map(|network| of(*network).asn).collect();
    let at_home = |made: &[Made]| share(made, |event| homes.contains(&event.address.network().asn));

    let (_, pooled) = seen(Exits::Pool(7));
    assert_eq!(addresses(&pooled).len(), 7);
    assert!(at_home(&pooled) < 0.01);

    let (honest, rotating) = seen(Exits::Residential { pool: 800, per_day: 5 });
    assert!(at_home(&rotating) > 0.99);
    let met = addresses(&rotating).intersection(&honest).count();
    assert!(met > 30, "some exits are homes of honest people: {met}");
    let mut daily: BTreeMap<(u32, Day), BTreeSet<Address>> = BTreeMap::new();
    for event in &rotating {
        daily.entry((event.account, Day::of(event.ts))).or_default().insert(event.address);
    }
    assert!(daily.values().all(|exits| exits.len() <= 5));
    assert!(addresses(&rotating).len() > 400);

    let (honest, lines) = seen(Exits::Dedicated);
    assert!(at_home(&lines) > 0.99 && addresses(&lines).is_disjoint(&honest));
    let day: Vec<Made> = lines.iter().filter(|event| Day::of(event.ts) == FIRST).copied().collect();
    assert_eq!(addresses(&day).len(), counts(&day).len(), "an address each");

    let (_, both) = seen(Exits::TwoCountries);
    assert!((0.3..0.7).contains(&at_home(&both)));
}

#[test]
fn clients_and_cards_are_shared_as_the_plan_says() {
    let distinct = |plan, value: fn(&Account) -> u32| {
        let world = planted(3, plan);
        let values: BTreeSet<u32> = members(&world).into_iter().map(value).collect();
        (values.len(), *values.first().expect("a value"))
    };
    let clients = |client| distinct(CampaignPlan { client, ..base() }, |account| account.client);
    assert!(matches!(clients(Client::OneRare), (1, rare) if rare > COMMON_CLIENTS));
    assert_eq!(clients(Client::Popular), (1, POPULAR));
    assert!(matches!(clients(Client::RandomEach), (10..60, POPULAR)));
    let cards = |payment| distinct(CampaignPlan { payment, ..base() }, |account| account.payment);
    assert_eq!(cards(Payment::Unique).0, 100);
    assert_eq!(cards(Payment::Groups(10)).0, 10);
    assert_eq!(cards(Payment::None), (1, NO_PAYMENT));
}

#[test]
fn what_is_asked_is_what_the_plan_says() {
    let asked = |plan| {
        let world = planted(4, plan);
        theirs(&world, all(&world))
    };
    let is_template = |event: &Made| matches!(event.text, Text::Head(_) | Text::Tail(_));
    let is_target = |event: &Made| {
        matches!(
            event.topic,
            Topic::Agentic | Topic::Reasoning | Topic::Grading | Topic::ToolUse | Topic::Coding
        )
    };
    let plain = asked(CampaignPlan { template_share: 0.7, ..base() });
    assert!((share(&plain, is_template) - 0.7).abs() < 0.02);
    assert!(share(&plain, is_target) > 0.9);
    let texts: BTreeSet<Text> =
        plain.iter().filter(|event| is_template(event)).map(|event| event.text).collect();
    assert_eq!(texts.len(), 20);
    let mixed = asked(CampaignPlan { template_share: 0.7, mixing: 0.6, ..base() });
    assert!((share(&mixed, is_template) - 0.28).abs() < 0.02);
    assert!(share(&mixed, is_target) < 0.6);
    let reworded = asked(CampaignPlan { template_share: 0.7, paraphrase: 1.0, ..base() });
    assert!(share(&reworded, is_template) < 1e-9 && share(&reworded, is_target) > 0.9);
}

#[test]
fn closed_accounts_are_replaced() {
    let world = planted(20, CampaignPlan { churn_days: Some(4), ..base() });
    let members = members(&world);
    assert!((500..=600).contains(&members.len()), "{}", members.len());
    let mut by_day = BTreeMap::new();
    let made = theirs(&world, all(&world));
    for event in &made {
        by_day.entry(Day::of(event.ts)).or_insert_with(BTreeSet::new).insert(event.account);
    }
    assert!(by_day.values().all(|accounts| (85..=100).contains(&accounts.len())), "as many at once as ever");
    let refused = made.iter().filter(|event| event.status == 403).map(|event| event.account);
    assert!(refused.collect::<BTreeSet<u32>>().len() > 200, "closed while they were at work");
    let mut closed = 0;
    for day in 0..world.days() {
        for (account, at) in world.closings(day) {
            let number = world.truth().iter().position(|truth| truth.account == account).expect("an account");
            let after = made.iter().filter(|event| event.account == number as u32 && event.ts >= at);
            assert!(
                after.clone().count() <= 3 && after.clone().all(|event| event.status == 403),
                "{account}"
            );
            closed += 1;
        }
    }
    assert_eq!(closed, members.iter().filter(|account| account.until <= world.days()).count());
    for account in members.iter().filter(|account| account.from > 0) {
        let start = world.day_of(account.from).start();
        assert!((0..MICROS_A_DAY).contains(&(start - account.created)), "created on the evening before");
    }
}

#[test]
fn campaigns_start_and_grow_as_the_plan_says() {
    let ramp = planted(16, CampaignPlan { ramp_days: 10, first_day: 2, ..base() });
    let volumes: Vec<usize> = (0..16).map(|day| theirs(&ramp, ramp.day(day)).len()).collect();
    assert_eq!(volumes[..2], [0, 0]);
    assert!(
        volumes[2] < 700 && volumes[2] > 50 && volumes[6] > volumes[2] && volumes[13] > 1_500,
        "{volumes:?}"
    );
    let stagger = planted(12, CampaignPlan { stagger_days: 8, ..base() });
    let at_work: Vec<usize> = (0..12).map(|day| counts(&theirs(&stagger, stagger.day(day))).len()).collect();
    assert!(at_work[0] < 30 && (30..80).contains(&at_work[3]) && at_work[9] > 95, "{at_work:?}");
}

#[test]
fn conversations_and_refused_requests_go_on_in_another_account() {
    let world = planted(2, CampaignPlan { handoffs: true, failovers: true, ..base() });
    let made = theirs(&world, world.day(1));
    let mut passed: BTreeMap<u32, Vec<Made>> = BTreeMap::new();
    let mut again: BTreeMap<u32, Vec<Made>> = BTreeMap::new();
    for event in made {
        match event.text {
            Text::Turn { of, .. } => passed.entry(of).or_default().push(event),
            Text::Again(number) => again.entry(number).or_default().push(event),
            _ => {}
        }
    }
    assert!(passed.len() > 10 && again.len() > 5, "{} {}", passed.len(), again.len());
    for turns in passed.values() {
        let [first, second] = turns[..] else { panic!("two turns: {turns:?}") };
        assert!(first.account != second.account && second.ts - first.ts <= 1_800 * MICROS_A_SECOND);
        let prompts: Vec<String> = lines(&world, turns)
            .iter()
            .map(|line| line["prompt"].as_str().expect("a prompt").to_owned())
            .collect();
        assert!(prompts[0].len() >= 4_500 && prompts[1].len() > prompts[0].len());
        assert_eq!(prompts[0][..4_000], prompts[1][..4_000]);
    }
    for tries in again.values() {
        let [refused, answered] = tries[..] else { panic!("two tries: {tries:?}") };
        assert_eq!((refused.status, answered.status), (429, 200));
        assert!(refused.account != answered.account && answered.ts - refused.ts <= 120 * MICROS_A_SECOND);
        let lines = lines(&world, tries);
        assert_eq!(lines[0]["prompt"], lines[1]["prompt"]);
    }
}

#[test]
fn a_campaign_turns_to_a_new_model_at_once_and_others_slowly() {
    let world = planted(20, CampaignPlan { pivot_day: Some(8), ..base() });
    let newest = |day: u32, campaign: bool| {
        let made = world.day(day).into_iter();
        let made: Vec<Made> = made
            .filter(|event| world.accounts[event.account as usize].campaign.is_some() == campaign)
            .collect();
        share(&made, |event| event.model == 3)
    };
    assert!(newest(7, true) < 1e-9 && newest(7, false) < 1e-9);
    assert!((0.5..0.7).contains(&newest(8, true)) && newest(8, false) < 0.15);
    assert!((0.01..0.5).contains(&newest(19, false)));
}

#[test]
fn the_last_rung_shares_nothing() {
    let plan = rung("E12", 100).expect("a rung");
    let world = planted(16, plan);
    let members = members(&world);
    let cards: BTreeSet<u32> = members.iter().map(|account| account.payment).collect();
    assert_eq!(cards.len(), members.len());
    assert!(members.iter().all(|account| account.client < COMMON_CLIENTS));
    let made = theirs(&world, all(&world));
    assert!(made.iter().all(|event| event.text == Text::Fill));
    let mut holders: BTreeMap<Address, BTreeSet<u32>> = BTreeMap::new();
    for event in &made {
        holders.entry(event.address).or_default().insert(event.account);
    }
    assert!(holders.values().all(|accounts| accounts.len() == 1));
}
