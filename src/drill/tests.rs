//! Worlds as a whole: the same each time, any day of one alone, lines that hold what a log holds, prompts that share
//! nothing by chance, and the classes that were asked for.

use super::campaign::NAMES;
use super::dice::hash;
use super::{BenignPlan, CampaignPlan, Made, World, WorldPlan, rung};
use crate::event::{Day, MICROS_A_DAY};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// 2026-04-22.
pub(super) const FIRST: Day = Day(20_565);

/// A plan without anybody.
pub(super) fn nobody(days: u32) -> WorldPlan {
    let mut plan = WorldPlan::honest(FIRST, days, 0);
    (plan.benign.harness, plan.benign.new_harness) = (0.0, 0.0);
    plan
}

pub(super) fn world(plan: &WorldPlan) -> World {
    World::new(plan.clone(), 11)
}

pub(super) fn text(world: &World, made: &[Made]) -> String {
    let mut out = Vec::new();
    for made in made {
        world.write_json(made, &mut out);
    }
    String::from_utf8(out).expect("UTF-8")
}

pub(super) fn lines(world: &World, made: &[Made]) -> Vec<Value> {
    text(world, made).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// All days' events.
pub(super) fn all(world: &World) -> Vec<Made> {
    (0..world.days()).flat_map(|day| world.day(day)).collect()
}

fn mixed() -> WorldPlan {
    let mut plan = WorldPlan::honest(FIRST, 20, 1_500);
    plan.benign.hackathons = 1;
    plan.benign.coding_resellers = 1;
    let passing = CampaignPlan { handoffs: true, failovers: true, ..CampaignPlan::default() };
    plan.with(rung("E4", 60).expect("a rung")).with(CampaignPlan {
        accounts: 40,
        churn_days: Some(4),
        ..passing
    })
}

#[test]
fn a_world_is_the_same_each_time_and_another_with_another_seed() {
    let plan = mixed();
    let (one, again, other) = (world(&plan), world(&plan), World::new(plan.clone(), 12));
    assert_eq!(one.truth(), again.truth());
    assert_ne!(one.truth(), other.truth());
    // Backwards in the second, so that no day can rest on the days before it.
    let mut backwards: Vec<Vec<Made>> = (0..plan.days).rev().map(|day| again.day(day)).collect();
    backwards.reverse();
    for (day, same) in (0..).zip(&backwards) {
        assert_eq!(one.day(day), *same, "day {day}");
    }
    let day = one.day(9);
    assert_eq!(text(&one, &day), text(&again, &day));
    assert_ne!(text(&one, &day), text(&other, &other.day(9)));
}

#[test]
fn days_are_in_order_and_no_account_acts_before_it_is_created() {
    let world = world(&mixed());
    for day in 0..world.days() {
        let (made, date) = (world.day(day), world.day_of(day));
        assert!(made.len() > 2_000, "day {day}: {}", made.len());
        assert!(made.is_sorted_by_key(|event| (event.ts, event.account)));
        assert!(made.iter().all(|event| Day::of(event.ts) == date));
        for event in made {
            assert!(world.accounts[event.account as usize].created <= event.ts);
        }
    }
}

#[test]
fn a_line_holds_what_a_log_holds() {
    let world = world(&mixed());
    let made: Vec<Made> = all(&world).into_iter().step_by(23).collect();
    let truth = world.truth();
    let mut ids = BTreeSet::new();
    for (line, made) in lines(&world, &made).iter().zip(&made) {
        let text = |name: &str| line[name].as_str().expect(name);
        let at = |name: &str| text(name).parse::<Timestamp>().expect("RFC 3339").as_microsecond();
        assert_eq!(at("ts"), made.ts / 1_000 * 1_000);
        let created = world.accounts[made.account as usize].created;
        assert_eq!(at("account_created_at"), created.div_euclid(1_000) * 1_000);
        assert_eq!(text("ts").len(), "2026-04-22T00:00:00.000Z".len());
        assert_eq!(text("account"), truth[made.account as usize].account);
        assert!(ids.insert(text("request_id").to_owned()), "each once");
        text("ip").parse::<std::net::IpAddr>().expect("address");
        for name in ["api_key", "fingerprint", "user_agent", "country", "model", "endpoint", "email_domain"] {
            assert!(!text(name).is_empty(), "{name}");
        }
        assert!(["free", "pay-as-you-go", "team", "enterprise"].contains(&text("plan")));
        for name in ["asn", "status", "input_tokens", "output_tokens", "latency_ms"] {
            assert!(line[name].is_u64(), "{name}");
        }
        assert!(text("topic").len() > 3 && text("prompt").split(' ').count() >= 25);
    }
}

#[test]
fn what_a_provider_does_not_log_is_not_there() {
    let plan = WorldPlan { prompts: false, ips: false, ..mixed() };
    let world = world(&plan);
    for line in lines(&world, &world.day(3)[..200]) {
        assert!(["prompt", "ip", "asn", "country"].iter().all(|name| line.get(name).is_none()), "{line}");
        assert!(["fingerprint", "topic", "api_key"].iter().all(|name| line[name].is_string()), "{line}");
    }
}

#[test]
fn names_say_nothing_and_are_all_different() {
    let plan = WorldPlan::honest(FIRST, 20, 20_000).with(rung("E1", 2_000).expect("a rung"));
    let truth = world(&plan).truth();
    let names: BTreeSet<&str> = truth.iter().map(|truth| truth.account.as_str()).collect();
    assert_eq!(names.len(), 22_000);
    assert!(names.iter().all(|name| name.len() == 17 && name.starts_with("acct-")));
    // Of each first digit, as many of the campaign as there should be.
    let mut by_digit: BTreeMap<char, [usize; 2]> = BTreeMap::new();
    for truth in &truth {
        let digit = truth.account.chars().nth(5).expect("a digit");
        by_digit.entry(digit).or_default()[usize::from(truth.campaign.is_some())] += 1;
    }
    assert_eq!(by_digit.len(), 16);
    for [honest, planted] in by_digit.into_values() {
        assert!((1_000..1_500).contains(&honest) && (80..170).contains(&planted), "{honest} {planted}");
    }
}

#[test]
fn every_class_has_as_many_accounts_as_the_plan_says() {
    for accounts in [0, 1, 50, 999, 2_000, 40_000] {
        assert_eq!(BenignPlan::of(accounts).accounts(), accounts);
    }
    let mut plan = WorldPlan::honest(FIRST, 30, 40_000).with(rung("E2", 70).expect("a rung"));
    plan.benign.coding_resellers = 1;
    let mut classes: BTreeMap<&str, u32> = BTreeMap::new();
    for truth in world(&plan).truth() {
        *classes.entry(truth.class).or_default() += 1;
        assert_eq!(truth.campaign, (truth.class == "campaign").then_some(0));
    }
    let of = |class: &str| classes.get(class).copied().unwrap_or(0);
    let benign = &plan.benign;
    assert_eq!([of("home"), of("mobile"), of("office")], [benign.home, benign.mobile, benign.office]);
    assert_eq!([of("vpn"), of("cloud"), of("cron")], [benign.vpn, benign.cloud, 400]);
    assert_eq!([of("agency"), of("reseller"), of("reseller-coding")], [50 * 16, 10 * 60, 60]);
    assert_eq!([of("fleet"), of("classroom"), of("hackathon")], [20 * 20, 20 * 30, 3 * 80]);
    assert_eq!([of("benchmark"), of("launch"), of("campaign")], [3 * 50, 800, 70]);
    assert_eq!(classes.len(), 15);
    let share = |class: &str| f64::from(of(class)) / 40_000.0;
    for (class, wanted) in
        [("home", 0.40), ("mobile", 0.25), ("office", 0.15), ("vpn", 0.06), ("cloud", 0.10)]
    {
        assert!((share(class) / wanted - 1.0).abs() < 0.12, "{class} {}", share(class));
    }
}

#[test]
fn prompts_that_share_no_text_have_no_eight_words_in_a_row_in_common() {
    let mut plan = nobody(12);
    plan.benign.home = 700;
    // As much of what extraction aims at as of everything else.
    let plan = plan.with(CampaignPlan { accounts: 30, template_share: 0.0, ..CampaignPlan::default() });
    let world = world(&plan);
    let made = all(&world);
    assert!(made.len() > 25_000, "{}", made.len());
    let mut seen = HashSet::new();
    for line in lines(&world, &made) {
        let prompt = line["prompt"].as_str().expect("a prompt").replace('.', "");
        let words: Vec<u64> = prompt
            .split_whitespace()
            .map(|word| word.bytes().fold(0, |sum, byte| hash(&[sum, u64::from(byte)])))
            .collect();
        assert!((25..=80).contains(&words.len()), "{prompt}");
        for phrase in words.windows(8) {
            assert!(seen.insert(hash(phrase)), "again: {prompt}");
        }
    }
}

#[test]
fn every_rung_makes_a_world() {
    for name in NAMES {
        let mut plan = nobody(12).with(rung(name, 30).expect("a rung"));
        plan.benign.home = 20;
        let world = world(&plan);
        let made = world.day(11);
        let theirs = made.iter().filter(|event| world.truth()[event.account as usize].campaign.is_some());
        assert!(theirs.count() > 20, "{name}");
    }
    assert_eq!(rung("E13", 30), None);
}

#[test]
fn most_labels_are_right() {
    let mut plan = nobody(10);
    plan.benign.home = 600;
    let made = all(&world(&plan));
    let wrong = made.iter().filter(|event| event.topic != event.label).count() as f64 / made.len() as f64;
    assert!((0.10..0.20).contains(&wrong), "{wrong}");
    assert!(made.iter().all(|event| event.ts < FIRST.start() + 10 * MICROS_A_DAY));
}

#[test]
fn a_network_can_be_planted_in_another_log() {
    let mut plan = WorldPlan::honest(FIRST, 5, 0).with(rung("E3", 50).expect("a rung"));
    plan.popular = Some(("their \"own\" client".to_owned(), "agent\\1".to_owned()));
    let planted = world(&plan);
    assert_eq!(planted.truth().len(), 50);
    for line in lines(&planted, &planted.day(4)) {
        assert_eq!(
            (&line["fingerprint"], &line["user_agent"]),
            (&"their \"own\" client".into(), &"agent\\1".into())
        );
    }
    // What two worlds hand out differs, as if they had known of each other.
    let other = World::new(WorldPlan::honest(FIRST, 5, 30_000), 12);
    let names: BTreeSet<String> = other.truth().into_iter().map(|truth| truth.account).collect();
    assert!(planted.truth().iter().all(|truth| !names.contains(&truth.account)));
}
