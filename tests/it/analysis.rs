//! The analysis as a whole, on made-up worlds: what it finds, whom it leaves alone, and that order, batches and
//! restarts change nothing.

use crate::worlds::{DAYS, FIRST_DAY, HONEST, House, campaign, lines, planted, run, same_findings, world};
use cahoots::detect::{Ledger, VerifyError, closing, complete, seal, verify};
use cahoots::drill::{CampaignPlan, Exits, World, WorldPlan, rung};
use cahoots::event::{Day, Micros};
use cahoots::ingest::AccountRecords;
use cahoots::store::Shelf;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn a_campaign_is_found_and_nobody_else() {
    let world = world(WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(campaign(60)));
    let house = run(&world);
    assert_eq!(house.accused(), planted(&world), "{:#?}", house.analysis.ledger.report);
}

#[test]
fn order_batches_and_restarts_change_nothing() {
    let world = world(WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(campaign(60)));
    let straight = run(&world);
    // Another secret, every day backwards, small batches, the analysis days late, and a restart in the middle.
    let mut other = House::new(77);
    for day in 0..world.days() {
        let mut lines = lines(&world, day);
        lines.reverse();
        for some in lines.chunks(997) {
            other.take(&some.concat());
        }
        if day == 4 {
            other.close_due(None);
            other = other.restart();
        }
    }
    other.close_due(None);
    other.close_due(Some(Micros::MAX));
    same_findings(&straight, &other);
}

#[test]
fn whoever_replaces_an_account_is_flagged_within_the_hour_whatever_the_order() {
    // T7: where accounts live for four days and are judged once a day, a quarter of the work is done before.
    let churning = CampaignPlan { churn_days: Some(4), first_day: 0, ..rung("E3", 100).expect("a rung") };
    let world = world(WorldPlan::honest(FIRST_DAY, 10, HONEST).with(churning));
    let house = run(&world);
    let ours = planted(&world);
    let accused = house.accused();
    assert!(accused.is_subset(&ours), "nobody else");
    assert!(accused.len() * 10 >= ours.len() * 8, "{} of {}", accused.len(), ours.len());
    let book = &house.analysis.ledger.book;
    let members: Vec<_> = book.current().filter(|c| c.verdict.accuses()).flat_map(|c| &c.members).collect();
    let at_close = |at: Micros| at == closing(Day::of(at).0 - 1);
    let early = members.iter().filter(|member| !at_close(member.flagged)).count();
    assert_eq!(early, members.iter().filter(|member| member.by_signature).count());
    assert!(early * 3 >= members.len(), "{early} of {} before the close of their day", members.len());
    let mut other = House::new(5);
    for day in 0..world.days() {
        let mut lines = lines(&world, day);
        lines.reverse();
        other.take(&lines.concat());
        other.close_due(None);
    }
    other.close_due(Some(Micros::MAX));
    same_findings(&house, &other);
}

#[test]
fn newcomers_beyond_what_is_usual_are_an_alarm_and_nobody_is_named() {
    let mut plan = WorldPlan::honest(FIRST_DAY, 15, HONEST);
    plan.benign.hackathons = 0;
    let world = world(plan);
    let mut house = House::new(1);
    for day in 0..world.days() {
        house.take(&lines(&world, day).concat());
        house.close_due(None);
    }
    // On the last day, sixty who share nothing but that they are new and let agents work.
    let start = world.day_of(world.days() - 1).start() / 1_000_000;
    let line = |n: i64| {
        let (account, at) = (n % 60, start + 40_000 + 90 * n);
        format!(
            "{{\"ts\":{at},\"account\":\"new-{account}\",\"ip\":\"81.{}.{account}.7\",\"topic\":\"agents\",\"request_id\":\"new-{n}\"}}\n",
            10 + account * 3
        )
    };
    house.take((0..480).map(line).collect::<String>().as_bytes());
    let alarms = house.alarms_until_the_end();
    let newcomers: u32 = alarms.iter().map(|alarm| alarm.newcomers).sum();
    assert!(newcomers >= 60, "{alarms:?}");
    assert_eq!(house.accused(), BTreeSet::new());
    let mut usual = House::new(1);
    (0..world.days()).for_each(|day| usual.take(&lines(&world, day).concat()));
    assert_eq!(usual.alarms_until_the_end(), [], "no alarm without them");
}

#[test]
fn a_hub_that_everybody_of_a_campaign_shares_is_not_dropped() {
    // T1: with few exits every address has many accounts; a cut of hubs would lose all of them.
    let pooled = CampaignPlan { exits: Exits::Pool(3), ..campaign(60) };
    let world = world(WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(pooled));
    assert_eq!(run(&world).accused(), planted(&world));
}

#[test]
fn honest_crowds_are_not_accused() {
    // T10, T11, T12: launches, hackathons with a kit of their own, classes, agencies, fleets, benchmarks, harnesses.
    let mut plan = WorldPlan::honest(FIRST_DAY, 12, 4_000);
    plan.benign.hackathons = 2;
    let world = world(plan);
    let house = run(&world);
    assert_eq!(house.accused(), BTreeSet::new());
    assert!(house.analysis.ledger.report.groups > 100, "there was something to test");
}

#[test]
fn too_little_is_an_honest_answer() {
    let abstains = |house: &House, why: &str| {
        let report = &house.analysis.ledger.report;
        assert!(report.abstained.iter().any(|reason| reason.contains(why)), "{why}: {:?}", report.abstained);
        assert!(house.accused().is_empty());
    };
    abstains(&run(&world(WorldPlan::honest(FIRST_DAY, 3, 60))), "accounts in the window");
    // Everybody is new: one made-up day, all accounts created on it.
    let mut house = House::new(1);
    let line = |n: u32| {
        let account = n % 400;
        format!(
            "{{\"ts\":{},\"account\":\"a{account}\",\"account_created_at\":1776816000,\"ip\":\"198.51.100.{}\",\"request_id\":\"{n}\"}}\n",
            1_776_816_000 + n,
            n % 250
        )
    };
    house.take((0..4_000).map(line).collect::<Vec<_>>().concat().as_bytes());
    house.close_due(Some(Micros::MAX));
    abstains(&house, "established accounts");
}

#[test]
fn what_is_not_logged_is_named() {
    let mut plan = WorldPlan::honest(FIRST_DAY, 6, HONEST).with(campaign(60));
    plan.prompts = false;
    let world = World::new(plan, 5);
    let blind = run(&world);
    let report = &blind.analysis.ledger.report;
    let abstains = report.abstained.iter().any(|reason| reason.contains("CONTENT abstains"));
    assert!(abstains, "{:?}", report.abstained);
    let ours = planted(&world);
    assert!(blind.accused().iter().all(|account| ours.contains(account)), "nobody else is accused instead");
    let mut plan = WorldPlan::honest(FIRST_DAY, 6, HONEST).with(campaign(60));
    plan.ips = false;
    let world = World::new(plan, 5);
    let house = run(&world);
    assert!(house.analysis.ledger.report.abstained.iter().any(|reason| reason.contains("NET abstains")));
    assert_eq!(house.accused(), planted(&world), "it does not need addresses");
}

#[test]
fn evidence_is_verified_and_one_byte_is_noticed() {
    let world = world(WorldPlan::honest(FIRST_DAY, 6, HONEST).with(campaign(60)));
    let house = run(&world);
    let ledger: &Ledger = &house.analysis.ledger;
    let place = ledger.book.clusters.iter().position(|c| c.verdict.accuses()).expect("found");
    let text: String = house.store.kept(Shelf::Evidence, place as i32).expect("reads").expect("is there");
    let sealed = seal(&serde_json::from_str::<Value>(&text).expect("JSON"), &ledger.book.clusters[place]);
    let snapshot = house.store.snapshot().expect("snapshot");
    let (differences, agreed) = verify(&sealed, &snapshot).expect("verifies");
    assert!(differences.is_empty(), "{differences:?}");
    assert!(agreed > 300);
    // The same events in another order, of the days too, in a database with another secret.
    let mut backwards = House::new(9);
    for day in (0..world.days()).rev() {
        let mut lines = lines(&world, day);
        lines.reverse();
        backwards.take(&lines.concat());
    }
    let (differences, as_many) =
        verify(&sealed, &backwards.store.snapshot().expect("snapshot")).expect("verifies");
    assert!(differences.is_empty() && as_many == agreed, "{differences:?}");
    // A changed pack.
    let changed = sealed.to_string().replacen("\"events\":", "\"events\": 1", 1);
    let changed: Value = serde_json::from_str(&changed).expect("JSON");
    assert!(matches!(verify(&changed, &snapshot), Err(VerifyError::Seal)));
    // A changed event: one token more.
    let mut tampered = House::new(1);
    for day in 0..world.days() {
        let mut text = String::from_utf8(lines(&world, day).concat()).expect("text");
        if day == 3 {
            text = text.replacen("\"input_tokens\":", "\"input_tokens\":1", 1);
        }
        tampered.take(text.as_bytes());
    }
    let (differences, _) = verify(&sealed, &tampered.store.snapshot().expect("snapshot")).expect("runs");
    assert!(differences.iter().any(|difference| difference.place.contains("digest")), "{differences:?}");
}

#[test]
fn a_first_day_that_arrives_second_is_part_of_the_window_all_the_same() {
    let world = world(WorldPlan::honest(FIRST_DAY, 6, HONEST).with(campaign(60)));
    let mut house = House::new(1);
    // Several senders send old logs at once, and one is ahead of the others.
    for day in [1, 2, 0, 3, 4, 5] {
        house.take(&lines(&world, day).concat());
        house.close_due(None);
    }
    house.close_due(Some(Micros::MAX));
    let ledger: &Ledger = &house.analysis.ledger;
    assert_eq!((house.accused(), ledger.report.days), (planted(&world), 6));
    let snapshot = house.store.snapshot().expect("snapshot");
    for (place, cluster) in ledger.book.clusters.iter().enumerate() {
        let text: String = house.store.kept(Shelf::Evidence, place as i32).expect("reads").expect("is there");
        let sealed = seal(&serde_json::from_str::<Value>(&text).expect("JSON"), cluster);
        let (differences, agreed) = verify(&sealed, &snapshot).expect("verifies");
        assert!(differences.is_empty() && agreed > 300, "{agreed}: {differences:#?}");
    }
}

/// Lines of which the fields of account records were taken, and the records.
fn taken_apart(world: &World, vouched: &BTreeSet<String>) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut records = std::collections::BTreeMap::new();
    let mut days = Vec::new();
    for day in 0..world.days() {
        let mut bytes = Vec::new();
        for line in lines(world, day) {
            let mut event: Value = serde_json::from_slice(&line).expect("JSON");
            let account = event["account"].as_str().expect("name").to_owned();
            let record =
                records.entry(account.clone()).or_insert_with(|| serde_json::json!({ "account": account }));
            for field in ["account_created_at", "payment", "email_domain"] {
                if let Some(value) = event.as_object_mut().expect("object").remove(field) {
                    record[field] = value;
                }
            }
            if vouched.contains(&account) {
                (record["organisation"], record["verified"]) = ("Acme Research".into(), true.into());
            }
            bytes.extend_from_slice(format!("{event}\n").as_bytes());
        }
        days.push(bytes);
    }
    let records: Vec<String> = records.into_values().map(|record| record.to_string()).collect();
    (days, records.join("\n").into_bytes())
}

fn run_with_records(days: &[Vec<u8>], records: &[u8]) -> House {
    let mut house = House::new(1);
    let read = AccountRecords::read(records, house.store.privacy());
    assert_eq!(read.rejects.count, 0, "{:?}", read.rejects.first);
    if !read.records.is_empty() {
        house.store.note_accounts(&read.records).expect("noted");
    }
    for day in days {
        house.take(day);
        house.close_due(None);
    }
    house.close_due(Some(Micros::MAX));
    house
}

/// The evidence of every cluster as it is given out.
fn packs(house: &House) -> Vec<Value> {
    let numbers = house.store.kept_numbers(Shelf::Evidence).expect("numbers");
    let pack = |number: i32| {
        let text: String = house.store.kept(Shelf::Evidence, number).expect("reads").expect("is there");
        let document = serde_json::from_str(&text).expect("JSON");
        let cluster = &house.analysis.ledger.book.clusters[number as usize];
        complete(&house.store, &document, cluster).expect("complete")
    };
    numbers.into_iter().map(pack).collect()
}

#[test]
fn account_records_say_what_events_leave_out_and_evidence_carries_it() {
    let world = world(WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(campaign(60)));
    let (days, records) = taken_apart(&world, &BTreeSet::new());
    let house = run_with_records(&days, &records);
    assert_eq!(house.accused(), planted(&world), "{:#?}", house.analysis.ledger.report);
    assert_eq!(house.findings().0, run(&world).findings().0, "a record is as good as a field of each event");
    // From the log alone, which says none of it: the pack does.
    let plain = run_with_records(&days, b"");
    let snapshot = plain.store.snapshot().expect("snapshot");
    let packs = packs(&house);
    assert!(!packs.is_empty());
    for pack in &packs {
        assert_eq!(
            pack["given"]["records"]["list"].as_object().map(serde_json::Map::len),
            pack["given"]["records"]["accounts"].as_u64().map(|n| n as usize)
        );
        let (differences, agreed) = verify(pack, &snapshot).expect("verifies");
        assert!(differences.is_empty() && agreed > 100, "{differences:#?}");
    }
    // With another record the figures are others, and the digest says why.
    let mut forged = packs[0].clone();
    forged.as_object_mut().expect("object").remove("seal");
    let list = forged.pointer_mut("/given/records/list").and_then(Value::as_object_mut).expect("a list");
    let first = list.values_mut().find(|told| told.get("created").is_some()).expect("a date");
    first["created"] = "2020-01-01".into();
    let (differences, _) =
        verify(&seal(&forged, &house.analysis.ledger.book.clusters[0]), &snapshot).expect("verifies");
    assert!(
        differences.iter().any(|difference| difference.place == "/given/records/digest"),
        "{differences:#?}"
    );
}

#[test]
fn a_verified_organisation_is_told_and_not_accused() {
    let world = world(WorldPlan::honest(FIRST_DAY, DAYS, HONEST).with(campaign(60)));
    let (days, records) = taken_apart(&world, &planted(&world));
    let house = run_with_records(&days, &records);
    assert_eq!(house.accused(), BTreeSet::new(), "{:#?}", house.analysis.ledger.report);
    let told = house.analysis.ledger.book.current().find(|cluster| {
        cluster.members.iter().filter(|member| planted(&world).contains(&member.account)).count() >= 50
    });
    let told = told.expect("the record of it stays");
    assert!(told.twins.iter().any(|twin| twin.contains("Acme Research")), "{:#?}", told.twins);
    let plain = run_with_records(&days, b"");
    let snapshot = plain.store.snapshot().expect("snapshot");
    for pack in packs(&house) {
        let (differences, _) = verify(&pack, &snapshot).expect("verifies");
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
