//! Logs that are wrong: each ends with an honest answer, never with a crash or an accusation of somebody who did
//! nothing.

use crate::worlds::{
    DAYS, FIRST_DAY, HONEST, House, campaign, lines, planted, run, run_with, world, written,
};
use cahoots::drill::{CampaignPlan, World, WorldPlan, rung};
use cahoots::event::{MICROS_A_DAY, Micros};
use std::collections::BTreeSet;
use std::fmt::Write as _;

fn usual() -> World {
    world(WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(campaign(60)))
}

/// Whoever is accused was planted.
fn accuses_nobody_else(house: &House, world: &World) {
    let others: BTreeSet<String> = house.accused().difference(&planted(world)).cloned().collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn one_account_with_half_of_the_traffic_accuses_nobody() {
    // On every other day it does two thirds of everything: the share of the platform that anybody else has falls
    // and rises with all the others'.
    let world = usual();
    let house = run_with(&world, |house, day| {
        let start = world.day_of(day).start();
        let count = if day % 2 == 0 { 2 * world.day(day).len() } else { 0 };
        let mut whale = String::new();
        for number in 0..count {
            let ts = start + number as Micros * (MICROS_A_DAY / count as Micros);
            let _infallible = writeln!(
                whale,
                r#"{{"ts":{ts},"account":"whale","account_created_at":"2024-01-01T00:00:00Z","ip":"198.51.100.7","asn":3320,"request_id":"{day}-{number}","fingerprint":"w","prompt":"row {number} of the table"}}"#
            );
        }
        house.take(whale.as_bytes());
    });
    assert!(house.abstained().contains("one account makes"), "{}", house.abstained());
    assert_eq!(house.accused(), planted(&world), "the campaign is found all the same");
}

#[test]
fn clocks_that_are_a_day_off_accuse_nobody() {
    // Two sources of five are a day ahead, or behind.
    let world = usual();
    let mut house = House::new(1);
    for day in 0..world.days() {
        let mut made = world.day(day);
        for event in &mut made {
            event.ts += match event.account % 5 {
                0 => MICROS_A_DAY,
                1 => -MICROS_A_DAY,
                _ => 0,
            };
        }
        house.take(&written(&world, &made).concat());
        house.close_due(None);
    }
    house.close_due(Some(Micros::MAX));
    accuses_nobody_else(&house, &world);
    let found = house.accused().len();
    assert!(found >= 54, "{found} of 60: {}", house.abstained());
}

#[test]
fn a_single_day_is_judged_as_far_as_it_goes() {
    let plan = WorldPlan::honest(FIRST_DAY, 1, HONEST).with(CampaignPlan { first_day: 0, ..campaign(60) });
    let world = world(plan);
    let house = run(&world);
    assert!(house.abstained().contains("SYNC abstains: 1 days"), "{}", house.abstained());
    accuses_nobody_else(&house, &world);
}

#[test]
fn a_campaign_that_grew_for_a_month_does_not_become_what_is_usual() {
    // Accounts are established after thirty days: from then on a campaign that was not found yet says itself what
    // is usual.
    let plan = CampaignPlan { ramp_days: 30, first_day: 0, ..rung("E2", 60).expect("a rung") };
    let world = world(WorldPlan::honest(FIRST_DAY, 34, 500).with(plan));
    let house = run(&world);
    accuses_nobody_else(&house, &world);
    let found = house.accused().len();
    assert!(found >= 54, "{found} of 60: {}", house.abstained());
}

#[test]
fn a_log_in_no_order_at_all_says_the_same() {
    let world = usual();
    let mut all: Vec<Vec<u8>> = (0..world.days()).flat_map(|day| lines(&world, day)).collect();
    // Any order that has nothing to do with time.
    all.sort_by_key(|line| xxhash_rust::xxh3::xxh3_64(line));
    let mut house = House::new(1);
    for some in all.chunks(4_999) {
        house.take(&some.concat());
        house.close_due(None);
    }
    house.close_due(Some(Micros::MAX));
    assert_eq!(house.accused(), planted(&world), "{}", house.abstained());
}

#[test]
fn a_line_from_long_ago_changes_nothing() {
    let world = usual();
    let mut house = House::new(1);
    let old = |ts: u64| format!("{{\"ts\":{ts},\"account\":\"old-{ts}\",\"ip\":\"198.51.100.7\"}}\n");
    let mut steps = 0;
    for day in 0..world.days() {
        let mut text = lines(&world, day).concat();
        // 1970, 2001 and last year, before and among the others.
        for ts in [1, 1_000_000_000, 1_740_000_000] {
            let line = old(ts + u64::from(day));
            if day == 0 {
                text.splice(0..0, line.into_bytes());
            } else {
                text.extend_from_slice(line.as_bytes());
            }
        }
        house.take(&text);
        steps += house.close_due(None);
    }
    steps += house.close_due(Some(Micros::MAX));
    assert_eq!(house.accused(), planted(&world), "{}", house.abstained());
    assert!(steps < 600, "not a closing for each day since 1970: {steps}");
}
