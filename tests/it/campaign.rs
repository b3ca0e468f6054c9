//! A small made-up provider with a campaign in it, sent to a real server.

use crate::harness::Server;
use cahoots::drill::{CampaignPlan, Made, World, WorldPlan, rung};
use cahoots::event::{Day, MICROS_A_SECOND};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The first day of the log, 2026-04-22.
pub(crate) const FIRST_DAY: Day = Day(20_565);

/// Days of it.
pub(crate) const DAYS: u32 = 7;

/// 1,200 honest accounts and 60 of one campaign: a home address and a common client each.
pub(crate) fn world() -> World {
    let campaign = CampaignPlan { first_day: 2, ..rung("E3", 60).expect("a rung") };
    World::new(WorldPlan::honest(FIRST_DAY, DAYS, 1_200).with(campaign), 5)
}

/// The accounts of the campaign.
pub(crate) fn planted(world: &World) -> BTreeSet<String> {
    world.truth().into_iter().filter(|truth| truth.campaign.is_some()).map(|truth| truth.account).collect()
}

/// The lines of a day.
pub(crate) fn lines(world: &World, day: u32) -> Vec<u8> {
    let mut body = Vec::new();
    for made in world.day(day) {
        world.write_json(&made, &mut body);
    }
    body
}

/// One request of the day after a day, the first that is late enough for the day to close.
pub(crate) fn first_past_the_end(world: &World, day: u32) -> Vec<u8> {
    let end = Day(FIRST_DAY.0 + day as i32).end() + 600 * MICROS_A_SECOND;
    let made = world.day(day + 1).into_iter().filter(|made| made.ts >= end).min_by_key(|made| made.ts);
    let mut line = Vec::new();
    world.write_json(&made.expect("requests after ten past midnight"), &mut line);
    line
}

/// Sends all days; gives what was sent.
pub(crate) fn send(server: &Server, world: &World) -> Vec<u8> {
    let mut log = Vec::new();
    for day in 0..world.days() {
        let body = lines(world, day);
        assert_eq!(server.ingest(&body)["rejected"], 0);
        log.extend(body);
    }
    log
}

/// Closes the last day too, and gives the report. The days before it close by themselves: waiting for them look by look,
/// a slow machine never has one answer to wait for that takes all of them.
pub(crate) fn close(server: &Server, days: u32) -> Value {
    let before_last = format!("2026-04-{}", 22 + days - 2);
    loop {
        let status = server.get("/v1/status").json();
        if status["analysis"]["closed"].as_str().is_some_and(|closed| *closed >= *before_last) {
            break;
        }
    }
    let report = server.request("POST", "/v1/analyze", &[], b"");
    assert_eq!(report.status, 200, "{}", report.text());
    report.json()
}

/// Events of some accounts by day, counted from the world itself.
pub(crate) fn events_by_day(world: &World, accounts: &BTreeSet<String>) -> BTreeMap<i32, u64> {
    let truth = world.truth();
    let is_theirs = |made: &&Made| {
        truth.get(made.account as usize).is_some_and(|truth| accounts.contains(&truth.account))
    };
    let events = |day| world.day(day).iter().filter(is_theirs).count() as u64;
    let days = (0..world.days()).map(|day| (FIRST_DAY.0 + day as i32, events(day)));
    days.filter(|(_, events)| *events > 0).collect()
}
