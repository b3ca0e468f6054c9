//! Meetings in evidence: every one that is listed is in the log, at its address, at its times.

use crate::worlds::{DAYS, FIRST_DAY, HONEST, House};
use cahoots::drill::{World, WorldPlan, rung};
use cahoots::event::Micros;
use cahoots::store::Shelf;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Times of each account at each address, to the second.
type Seen = BTreeMap<(String, String), BTreeSet<i64>>;

fn second(text: &Value) -> i64 {
    let time: jiff::Timestamp = text.as_str().expect("a time").parse().expect("a time");
    time.as_second()
}

fn remember(seen: &mut Seen, lines: &[u8]) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).expect("a line");
        let [account, ip] =
            ["account", "ip"].map(|field| line[field].as_str().unwrap_or_default().to_owned());
        seen.entry((account, ip)).or_default().insert(second(&line["ts"]));
    }
}

#[test]
fn every_meeting_that_evidence_lists_is_in_the_log() {
    let plan = WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(rung("E4", 120).expect("a rung"));
    let world = World::new(plan, 3);
    let mut house = House::new(1);
    let mut seen = Seen::new();
    for day in 0..world.days() {
        let mut lines = Vec::new();
        world.day(day).iter().for_each(|made| world.write_json(made, &mut lines));
        remember(&mut seen, &lines);
        house.take(&lines);
    }
    house.close_due(Some(Micros::MAX));
    assert_eq!(house.accusing().count(), 1);
    let numbers = house.store.kept_numbers(Shelf::Evidence).expect("numbers");
    let documents = numbers
        .into_iter()
        .map(|n| -> String { house.store.kept(Shelf::Evidence, n).expect("reads").expect("is") });
    let documents: Vec<Value> = documents.map(|text| serde_json::from_str(&text).expect("JSON")).collect();
    let accuses = |document: &&Value| document["verdict"] == "coordinated_extraction";
    let document = documents.iter().find(accuses).expect("evidence");
    let members: BTreeSet<&str> = document["members"]
        .as_array()
        .expect("members")
        .iter()
        .filter_map(|m| m["account"].as_str())
        .collect();
    let listed = document["meetings"]["first"].as_array().expect("meetings");
    let count = document["meetings"]["count"].as_u64().expect("a count") as usize;
    assert!(
        listed.len() >= 20 && (listed.len() == count || listed.len() >= 100),
        "{} of {count}",
        listed.len()
    );
    for meeting in listed {
        let address = meeting["address"].as_str().expect("an address").to_owned();
        let [one, other] = [0, 1].map(|at| {
            let visitor = &meeting["visitors"][at];
            let account = visitor["account"].as_str().expect("an account");
            assert!(members.contains(account), "{meeting}");
            let times = &seen[&(account.to_owned(), address.clone())];
            let (from, to) = (second(&visitor["from"]), second(&visitor["to"]));
            assert!(times.contains(&from) && times.contains(&to), "{meeting}: {times:?}");
            (from, to)
        });
        assert!((one.0 - other.1).max(other.0 - one.1) <= 86_400, "a day apart at most: {meeting}");
    }
}
