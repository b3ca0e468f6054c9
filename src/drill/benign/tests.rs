//! Each honest class: what makes it look coordinated, and what does not.

use crate::drill::account::{Account, COMMON_CLIENTS, NO_PAYMENT, POPULAR};
use crate::drill::net::Address;
use crate::drill::prompt::Text;
use crate::drill::tests::{FIRST, all, nobody, world};
use crate::drill::topic::Topic;
use crate::drill::{BenignPlan, Made, World, WorldPlan};
use crate::event::{Day, MICROS_A_DAY, Micros};
use std::collections::{BTreeMap, BTreeSet};

/// A world of one class.
fn only(days: u32, change: impl FnOnce(&mut BenignPlan)) -> World {
    let mut plan = nobody(days);
    change(&mut plan.benign);
    world(&plan)
}

/// Values that a list of events has, by account.
fn by_account<T: Ord>(made: &[Made], value: impl Fn(&Made) -> T) -> BTreeMap<u32, BTreeSet<T>> {
    let mut values: BTreeMap<u32, BTreeSet<T>> = BTreeMap::new();
    for event in made {
        values.entry(event.account).or_default().insert(value(event));
    }
    values
}

fn distinct<T: Ord>(accounts: &[Account], value: impl Fn(&Account) -> T) -> usize {
    accounts.iter().map(value).collect::<BTreeSet<T>>().len()
}

fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Days between an account's creation and the first day of the log.
fn age(account: &Account) -> f64 {
    (FIRST.start() - account.created) as f64 / MICROS_A_DAY as f64
}

#[test]
fn people_are_as_different_as_people() {
    let world = only(20, |plan| plan.home = 4_000);
    let people = &world.accounts;
    let share =
        |of: &dyn Fn(&Account) -> bool| mean(people.iter().map(|person| f64::from(u8::from(of(person)))));
    assert!((share(&|person| person.client == POPULAR) - 0.6).abs() < 0.03);
    assert!(people.iter().all(|person| person.client < COMMON_CLIENTS));
    assert!((share(&|person| person.payment == NO_PAYMENT) - 0.1).abs() < 0.02);
    let cards: Vec<u32> =
        people.iter().map(|person| person.payment).filter(|card| *card != NO_PAYMENT).collect();
    assert_eq!(cards.iter().collect::<BTreeSet<_>>().len(), cards.len(), "each has a card of its own");
    assert!(people.iter().all(|person| age(person) <= 1_095.0 && age(person) > -20.0));
    assert!((0.02..0.12).contains(&share(&|person| age(person) < 0.0)), "some come while the log runs");
    // Volumes of active days.
    let made = all(&world);
    let mut days: BTreeMap<(u32, Day), f64> = BTreeMap::new();
    for event in &made {
        *days.entry((event.account, Day::of(event.ts))).or_default() += 1.0;
    }
    let mut counts: Vec<f64> = days.values().copied().collect();
    counts.sort_by(f64::total_cmp);
    assert!((3.0..=4.0).contains(&counts[counts.len() / 2]));
    let existing: f64 = people.iter().map(|person| f64::from(20_u32.saturating_sub(person.from))).sum();
    assert!(
        (days.len() as f64 / existing - 0.58).abs() < 0.03,
        "active on 60 % of days, a little less on weekends"
    );
    let logs: Vec<f64> = counts.iter().filter(|count| **count > 3.0).map(|count| count.ln()).collect();
    assert!(mean(logs.iter().copied()) > 2.0, "few do much");
    assert_eq!(&counts[..3], [1.0, 1.0, 1.0]);
}

#[test]
fn people_sleep_by_their_own_clock() {
    let world = only(6, |plan| plan.home = 3_000);
    let (mut night, mut evening) = (0, 0);
    for event in all(&world) {
        let local =
            (event.ts / 60_000_000 + i64::from(event.address.network().offset)).rem_euclid(1_440) / 60;
        night += u32::from((2..6).contains(&local));
        evening += u32::from((18..22).contains(&local));
    }
    assert!(evening > 6 * night, "{evening} {night}");
}

#[test]
fn homes_get_another_address_on_one_day_in_ten() {
    let world = only(30, |plan| plan.home = 1_500);
    let addresses: Vec<BTreeMap<u32, BTreeSet<Address>>> =
        (0..30).map(|day| by_account(&world.day(day), |event| event.address)).collect();
    let (mut same, mut other) = (0.0, 0.0);
    for two in addresses.windows(2) {
        for (account, before) in &two[0] {
            assert_eq!(before.len(), 1, "one address a day");
            if let Some(after) = two[1].get(account) {
                *if before == after { &mut same } else { &mut other } += 1.0;
            }
        }
    }
    // A quarter has IPv6, whose prefixes stay.
    let share = other / (same + other);
    assert!((0.06..0.10).contains(&share), "{share}");
    let v6 = mean(all(&world).iter().map(|event| f64::from(u8::from(event.address.0 >> 63 == 1))));
    assert!((0.15..0.35).contains(&v6), "{v6}");
}

#[test]
fn a_carriers_addresses_have_25_accounts_each() {
    let world = only(14, |plan| plan.mobile = 1_200);
    let made = all(&world);
    let addresses: BTreeSet<Address> = made.iter().map(|event| event.address).collect();
    assert_eq!(addresses.len(), 1_200 / 25);
    let several =
        by_account(&made, |event| event.address).into_values().filter(|seen| seen.len() > 3).count();
    assert!(several > 700, "they change all day: {several}");
}

#[test]
fn offices_share_up_to_four_addresses_and_some_people_also_work_from_home() {
    let world = only(14, |plan| plan.office = 3_000);
    let mut sites: BTreeMap<u64, Vec<&Account>> = BTreeMap::new();
    for account in &world.accounts {
        let key = format!("{:?}", account.place)
            .bytes()
            .fold(0, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte));
        sites.entry(key).or_default().push(account);
    }
    let sizes: Vec<usize> = sites.values().map(Vec::len).collect();
    assert!(sizes.iter().any(|size| *size > 60) && sizes.iter().any(|size| *size < 6), "{sizes:?}");
    let homes =
        world.accounts.iter().filter(|account| account.other_place.is_some()).count() as f64 / 3_000.0;
    assert!((homes - 0.3).abs() < 0.04, "{homes}");
    for account in world.accounts.iter().filter(|account| account.other_place.is_none()).take(50) {
        let mut dice = crate::drill::dice::Dice::of(&[5]);
        let seen: BTreeSet<Address> = (0..60).map(|_| account.place.address(1, 1, &mut dice)).collect();
        assert!((1..=4).contains(&seen.len()));
    }
}

#[test]
fn a_fifth_of_the_servers_share_an_address() {
    let world = only(10, |plan| plan.cloud = 1_000);
    let mut holders: BTreeMap<Address, BTreeSet<u32>> = BTreeMap::new();
    for event in all(&world) {
        holders.entry(event.address).or_default().insert(event.account);
    }
    let shared: usize = holders.values().map(BTreeSet::len).filter(|accounts| *accounts > 2).sum();
    assert!((140..260).contains(&shared), "{shared}");
    assert!(holders.values().all(|accounts| accounts.len() <= 11));
}

#[test]
fn an_agency_shares_one_address_and_mostly_a_card_and_a_client() {
    let world = only(8, |plan| plan.agencies = 40);
    for agency in world.accounts.chunks(16) {
        assert_eq!(distinct(agency, |account| format!("{:?}", account.place)), 1);
        assert_eq!(distinct(agency, |account| account.domain), 1);
    }
    let first = &world.accounts[..16];
    assert!(distinct(first, |account| account.payment) < 12);
    let rare = world.accounts.iter().filter(|account| account.client > COMMON_CLIENTS).count() as f64 / 640.0;
    assert!((rare - 0.7).abs() < 0.06, "{rare}");
}

#[test]
fn a_reseller_has_one_card_a_few_servers_its_own_texts_and_no_night() {
    let world = only(10, |plan| (plan.resellers, plan.coding_resellers) = (2, 1));
    let target = |made: &[&Made]| {
        let is_target = |topic: Topic| {
            matches!(topic, Topic::Agentic | Topic::Reasoning | Topic::Grading | Topic::ToolUse)
        };
        mean(made.iter().map(|event| f64::from(u8::from(is_target(event.topic)))))
    };
    let made = all(&world);
    for (number, accounts) in world.accounts.chunks(60).enumerate() {
        assert_eq!(distinct(accounts, |account| account.payment), 1);
        assert_eq!(distinct(accounts, |account| account.client), 1);
        let theirs: Vec<&Made> = made.iter().filter(|event| event.account as usize / 60 == number).collect();
        let addresses: BTreeSet<Address> = theirs.iter().map(|event| event.address).collect();
        assert!((5..=20).contains(&addresses.len()));
        let headed = theirs.iter().filter(|event| matches!(event.text, Text::Head(_))).count();
        assert!(headed * 10 > theirs.len() * 6);
        let hours: BTreeSet<Micros> =
            theirs.iter().map(|event| event.ts % MICROS_A_DAY / 3_600_000_000).collect();
        assert_eq!(hours.len(), 24);
        let share = target(&theirs);
        assert!(if number < 2 { share < 0.2 } else { share > 0.7 }, "{share}");
    }
}

#[test]
fn a_fleet_is_founded_within_two_days_and_does_nearly_the_same_every_day() {
    let world = only(10, |plan| plan.fleets = 4);
    for fleet in world.accounts.chunks(20) {
        let (first, last) =
            (fleet.iter().map(|account| account.created).min(), fleet.iter().map(|a| a.created).max());
        assert!(last.zip(first).is_some_and(|(last, first)| last - first <= 2 * MICROS_A_DAY));
        assert_eq!(distinct(fleet, |account| account.payment), 1);
        assert_eq!(distinct(fleet, |account| format!("{:?}", account.templates)), 1);
    }
    let made = world.day(9);
    for fleet in 0..4_u32 {
        let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
        made.iter().filter(|event| event.account / 20 == fleet).for_each(|event| {
            *counts.entry(event.account).or_default() += 1.0;
        });
        let average = mean(counts.values().copied());
        let spread = mean(counts.values().map(|count| (count - average) * (count - average))).sqrt();
        assert!(counts.len() == 20 && spread < 0.2 * average + 0.4, "{counts:?}");
    }
}

#[test]
fn jobs_run_by_the_clock() {
    let world = only(3, |plan| plan.crons = 40);
    let days: Vec<Vec<Made>> = (1..3).map(|day| world.day(day)).collect();
    let minutes = |made: &[Made]| by_account(made, |event| event.ts % MICROS_A_DAY / (60 * 1_000_000));
    assert_eq!(minutes(&days[0]).len(), minutes(&days[1]).len());
    assert!(minutes(&days[0]) == minutes(&days[1]), "at the same minutes every day");
}

#[test]
fn a_class_does_the_same_homework_on_the_same_days() {
    let world = only(21, |plan| plan.classrooms = 1);
    let homework: Vec<Made> =
        all(&world).into_iter().filter(|event| matches!(event.text, Text::Whole(_))).collect();
    let days: BTreeSet<Day> = homework.iter().map(|event| Day::of(event.ts)).collect();
    assert_eq!(days.len(), 3);
    let students = by_account(&homework, |event| event.text);
    assert!(students.len() >= 25);
    let prompts: BTreeSet<Text> = homework.iter().map(|event| event.text).collect();
    assert_eq!(prompts.len(), 18);
    assert!(world.accounts.iter().all(|student| age(student) > 10.0));
}

#[test]
fn a_hackathon_is_fresh_accounts_at_one_address_for_three_days() {
    let world = only(20, |plan| (plan.hackathons, plan.starter_kits) = (1, true));
    let made = all(&world);
    let days: BTreeSet<Day> = made.iter().map(|event| Day::of(event.ts)).collect();
    assert_eq!(days.len(), 3);
    assert_eq!(made.iter().map(|event| event.address).collect::<BTreeSet<_>>().len(), 1);
    assert!(by_account(&made, |_| ()).len() > 75);
    let kit = world.accounts[0].client;
    assert!(kit > COMMON_CLIENTS && world.accounts.iter().all(|hacker| hacker.client == kit));
    let start = days.first().expect("a day").start();
    for hacker in &world.accounts {
        assert!((start - hacker.created).abs() < MICROS_A_DAY);
    }
    assert!(
        only(20, |plan| plan.hackathons = 1).accounts.iter().all(|hacker| hacker.client < COMMON_CLIENTS)
    );
}

#[test]
fn strangers_run_the_same_hundred_prompts() {
    let world = only(20, |plan| plan.benchmarks = 1);
    let runs: Vec<Made> =
        all(&world).into_iter().filter(|event| matches!(event.text, Text::Whole(_))).collect();
    let prompts: BTreeSet<Text> = runs.iter().map(|event| event.text).collect();
    assert_eq!(prompts.len(), 100);
    let developers = by_account(&runs, |event| event.text);
    assert!(developers.len() > 35 && developers.values().all(|prompts| prompts.len() > 90));
    let days: BTreeSet<Day> = runs.iter().map(|event| Day::of(event.ts)).collect();
    assert!(days.len() > 12, "each on days of its own");
}

#[test]
fn a_launch_is_ordinary_people_of_one_day() {
    let world = only(30, |plan| plan.launch = 400);
    assert_eq!(distinct(&world.accounts, |account| Day::of(account.created)), 1);
    assert_eq!(Day::of(world.accounts[0].created), world.day_of(10));
    assert!(world.day(10).is_empty() && world.day(11).len() > 500);
    assert!(distinct(&world.accounts, |account| account.payment) > 300);
}

#[test]
fn one_harness_is_old_and_one_spreads_within_three_days() {
    let world = world(&WorldPlan::honest(FIRST, 20, 6_000));
    let [(old, old_text), (new, new_text)] = world.harnesses;
    let users = |day: u32, fingerprint: u32, text: u32| {
        let made = world.day(day);
        let with = made.iter().filter(|event| event.client == fingerprint && event.text == Text::Head(text));
        with.map(|event| event.account).collect::<BTreeSet<u32>>()
    };
    assert!(!users(0, old, old_text).is_empty());
    assert!(users(9, new, new_text).is_empty() && !users(10, new, new_text).is_empty());
    let over = |days: std::ops::Range<u32>, fingerprint, text| {
        days.flat_map(|day| users(day, fingerprint, text)).collect::<BTreeSet<u32>>().len() as f64 / 6_000.0
    };
    let (popular, adopted) = (over(0..20, old, old_text), over(12..20, new, new_text));
    assert!((0.06..0.09).contains(&popular), "{popular}");
    assert!((0.02..0.035).contains(&adopted), "{adopted}");
}

#[test]
fn families_go_on_with_each_others_conversations_and_gateways_send_again() {
    let world = only(10, |plan| (plan.families, plan.fleets, plan.gateways) = (40, 6, true));
    let (mut turns, mut tries): (BTreeMap<u32, Vec<Made>>, BTreeMap<u32, Vec<Made>>) = Default::default();
    for event in all(&world) {
        match event.text {
            Text::Turn { of, .. } => turns.entry(of).or_default().push(event),
            Text::Again(number) => tries.entry(number).or_default().push(event),
            _ => {}
        }
    }
    let (mut passed, mut again) = (0, 0);
    for two in turns.values().filter(|turns| turns.len() == 2) {
        let [a, b] = [two[0], two[1]];
        let homes = [a, b].map(|event| world.accounts[event.account as usize].place);
        assert!(a.account != b.account && homes[0] == homes[1] && b.ts - a.ts <= 900 * 1_000_000);
        passed += 1;
    }
    for two in tries.values().filter(|tries| tries.len() == 2) {
        let [a, b] = [two[0], two[1]];
        let cards = [a, b].map(|event| world.accounts[event.account as usize].payment);
        assert!(a.account != b.account && cards[0] == cards[1] && (a.status, b.status) == (429, 200));
        again += 1;
    }
    assert!(passed > 100 && again > 20, "{passed} {again}");
}

#[test]
fn a_venue_may_have_the_addresses_of_a_reseller() {
    let world = only(6, |plan| (plan.resellers, plan.hackathons, plan.shared_venue) = (2, 1, true));
    assert_eq!(world.accounts.len(), 200);
    assert!(world.accounts.iter().all(|account| account.place == world.accounts[0].place));
}
