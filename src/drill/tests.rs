//! Worlds as whole: the same each time, day by day alone, with the classes that were asked for and their properties.

use super::{BenignPlan, CampaignPlan, Made, Truth, World, WorldPlan, rung};
use crate::event::{Day, MICROS_A_DAY};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const FIRST: Day = Day(20_565);

fn nobody() -> BenignPlan {
    BenignPlan { harness: 0.0, new_harness: 0.0, ..BenignPlan::of(0) }
}

fn world(days: u32, benign: BenignPlan, campaigns: Vec<CampaignPlan>) -> World {
    World::new(WorldPlan { first_day: FIRST, days, benign, campaigns, prompts: true, ips: true }, 11)
}

fn lines(world: &World, made: &[Made]) -> Vec<Value> {
    let mut out = Vec::new();
    made.iter().for_each(|made| world.write_json(made, &mut out));
    let text = String::from_utf8(out).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn show() {
    let mut plan = WorldPlan::honest(FIRST, 30, 2_000);
    plan.campaigns.push(rung("E4", 100).expect("a rung"));
    let world = World::new(plan, 3);
    let mut out = Vec::new();
    let day = world.day(16);
    for made in day.iter().step_by(day.len() / 14) {
        world.write_json(made, &mut out);
    }
    println!("{} {}", day.len(), String::from_utf8_lossy(&out));
    println!("{}", size_of::<Made>());
}
