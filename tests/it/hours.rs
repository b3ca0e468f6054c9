//! The hours of an open day: a new group is watched before the day closes, and the close comes to the same findings
//! whether anybody looked or not.

use crate::campaign;
use crate::harness::Server;
use crate::worlds::{House, same_findings};
use cahoots::detect::{Cluster, Status};
use cahoots::drill::World;
use cahoots::event::{Day, MICROS_AN_HOUR, Micros};
use std::collections::BTreeSet;

/// The day of the campaign's first requests.
const OPEN: u32 = 2;

/// Hours of it that are sent before anybody looks.
const HOURS: i64 = 18;

fn evening() -> Micros {
    Day(campaign::FIRST_DAY.0 + OPEN as i32).start() + HOURS * MICROS_AN_HOUR
}

/// The lines of the open day before and after the evening.
fn halves(world: &World) -> (Vec<u8>, Vec<u8>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for made in world.day(OPEN) {
        world.write_json(&made, if made.ts < evening() { &mut before } else { &mut after });
    }
    (before, after)
}

/// A house that has the days before the open one, and what the open one has by the evening.
fn by_the_evening(world: &World, watches: bool) -> House {
    let mut house = House::new(1);
    for day in 0..OPEN {
        house.take(&campaign::lines(world, day));
    }
    house.take(&halves(world).0);
    if watches {
        house.watch_due(None, |_| {});
    }
    house
}

/// The one watched cluster that would accuse.
fn watched(house: &House) -> &Cluster {
    let found = house.analysis.ledger.watched.iter().filter(|cluster| cluster.verdict.accuses());
    let found: Vec<&Cluster> = found.collect();
    let [found] = found[..] else { panic!("{} watched clusters", found.len()) };
    found
}

#[test]
fn a_new_group_is_watched_before_the_day_closes() {
    let world = campaign::world();
    let planted = campaign::planted(&world);
    let house = by_the_evening(&world, true);
    let found = watched(&house);
    let members: BTreeSet<String> = found.members.iter().map(|member| member.account.clone()).collect();
    assert!(members.is_subset(&planted) && members.len() * 10 >= planted.len() * 9, "{}", members.len());
    assert_eq!((found.status, found.confirmed), (Status::Watch, None));
    assert!(found.flagged() < evening() && found.members.iter().all(|m| m.flagged == found.flagged()));
    assert_eq!(house.accusing().count(), 0, "nobody is accused by an hour");
}

#[test]
fn the_close_finds_the_same_whether_anybody_looked_or_not() {
    let world = campaign::world();
    let [mut looked, mut slept] = [true, false].map(|watches| by_the_evening(&world, watches));
    let id = watched(&looked).id.clone();
    for house in [&mut looked, &mut slept] {
        house.take(&halves(&world).1);
        house.take(&campaign::lines(&world, OPEN + 1));
        house.watch_due(Some(Day(campaign::FIRST_DAY.0 + OPEN as i32).end()), |_| {});
        // What was watched is let go of at the close.
        assert_eq!(house.accusing().count(), 1);
    }
    same_findings(&looked, &slept);
    assert!(looked.accusing().all(|cluster| cluster.id == id), "the name is that of the oldest members");
    let known = |cluster: &&Cluster| cluster.verdict.accuses();
    assert_eq!(looked.analysis.ledger.watched.iter().filter(known).count(), 0, "it is in the book now");
}

#[test]
fn what_is_watched_is_told_of_and_has_no_evidence_yet() {
    let world = campaign::world();
    let folder = tempfile::tempdir().expect("folder");
    let server = Server::start(folder.path());
    for day in 0..OPEN {
        assert_eq!(server.ingest(&campaign::lines(&world, day))["rejected"], 0);
    }
    assert_eq!(server.ingest(&halves(&world).0)["rejected"], 0);
    // Every look is a request and its answer, so the loop waits on the server and on nothing else.
    let cluster = loop {
        let list = server.get("/v1/clusters?status=watch&verdict=coordinated_extraction").json();
        if let Some(cluster) = list["clusters"].get(0) {
            break cluster.clone();
        }
    };
    assert_eq!(cluster["flagged_at"], "2026-04-24T17:10:00Z", "{cluster}");
    let id = cluster["id"].as_str().expect("an id");
    let one = server.get(&format!("/v1/clusters/{id}")).json();
    assert!(one["says"].to_string().contains("the day is open"), "{one}");
    assert_eq!(server.get(&format!("/v1/clusters/{id}/evidence")).status, 404);
    let members = server.get(&format!("/v1/clusters/{id}/members?format=json")).json();
    let account = members["members"][0]["account"].as_str().expect("an account").to_owned();
    let profile = server.get(&format!("/v1/accounts/{account}")).json();
    assert_eq!((&profile["cluster"]["id"], &profile["cluster"]["status"]), (&cluster["id"], &"watch".into()));
    assert_eq!(server.get("/v1/status").json()["analysis"]["accusing"], 0);
}
