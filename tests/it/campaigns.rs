//! What campaigns do over time: accounts that take the place of banned ones, a new model taken up at once, work
//! that goes over from account to account. Each beside honest people who do nearly the same.

use crate::worlds::{FIRST_DAY, House, campaign, lines, planted, run, run_with, world};
use cahoots::detect::{Cluster, Family, Verdict};
use cahoots::drill::{CampaignPlan, Scheduler, World, WorldPlan, rung};
use cahoots::event::{Day, MICROS_AN_HOUR, Micros};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts that live for three days and are replaced within a day.
fn churning() -> World {
    let plan = CampaignPlan { churn_days: Some(3), first_day: 2, ..rung("E9", 60).expect("a rung") };
    world(WorldPlan::honest(FIRST_DAY, 12, 900).with(plan))
}

/// Runs a world whose provider closes accounts, and bans a few of some others every day.
fn run_with_bans(world: &World, others: &BTreeSet<String>) -> House {
    run_with(world, |house, day| {
        let mut bans = world.closings(day);
        let noon = world.day_of(day).start() + 12 * MICROS_AN_HOUR;
        bans.extend(others.iter().skip(day as usize).step_by(20).map(|account| (account.clone(), noon)));
        for (account, at) in bans {
            house.analysis.ban(&house.store, &[account], at).expect("noted");
        }
    })
}

#[test]
fn accounts_that_take_the_place_of_banned_ones_are_told() {
    let world = churning();
    let ours = planted(&world);
    let honest = world.truth().into_iter().map(|truth| truth.account).filter(|name| !ours.contains(name));
    let house = run_with_bans(&world, &honest.collect());
    let clusters: Vec<_> = house.accusing().collect();
    assert!(!clusters.is_empty(), "{}", house.abstained());
    let members = clusters.iter().flat_map(|cluster| &cluster.members);
    let links: BTreeMap<&str, &str> =
        members.filter_map(|member| Some((member.account.as_str(), member.succeeds.as_deref()?))).collect();
    // Nobody honest succeeds anybody, nor is succeeded.
    for (new, old) in &links {
        assert!(ours.contains(*new) && ours.contains(*old) && new != old, "{new} {old}");
    }
    let bans = &house.analysis.ledger.bans;
    assert!(links.values().all(|old| bans.contains_key(*old)));
    let succeeded: BTreeSet<&&str> = links.values().collect();
    assert_eq!(succeeded.len(), links.len(), "nobody is succeeded twice");
    // About twenty are replaced each day.
    assert!(links.len() >= 60, "{} links", links.len());
    assert!(clusters.iter().any(|cluster| cluster.deception.successions >= 20));
}

#[test]
fn ordinary_newcomers_after_a_ban_succeed_nobody() {
    // Three of a campaign are banned every day, and it has no others; people keep coming. That all its accounts are
    // as old as the log does not make them new.
    let plan = WorldPlan::honest(FIRST_DAY, 7, 900).with(CampaignPlan { first_day: 0, ..campaign(60) });
    let world = world(plan);
    let house = run_with_bans(&world, &planted(&world));
    let found = house.accusing().filter_map(|cluster| cluster.confirmed).min().expect("confirmed");
    assert!(found < FIRST_DAY.0 + 4, "in time for there to be somebody to succeed");
    assert_eq!(house.accused(), planted(&world));
    for cluster in house.analysis.ledger.book.current() {
        assert_eq!(cluster.deception.successions, 0);
        assert!(cluster.members.iter().all(|member| member.succeeds.is_none()));
    }
}

/// T7. An account that lives for three days and is judged at the end of each has done a third of its work before
/// anybody looks: half of a campaign's work leaked that way. Newcomers are held against what is known of it by the
/// hour.
#[test]
fn short_lives_do_not_outrun_the_evaluation() {
    let world = churning();
    let truth = world.truth();
    // When each account was first named, whatever became of it at the close.
    let mut named: BTreeMap<String, Micros> = BTreeMap::new();
    let mut house = House::new(1);
    for day in 0..world.days() {
        house.take(&lines(&world, day).concat());
        house.watch_due(None, |house| {
            for member in house.accusing().flat_map(|cluster| &cluster.members) {
                let first = named.entry(member.account.clone()).or_insert(member.flagged);
                *first = member.flagged.min(*first);
            }
        });
    }
    let found = house.accusing().filter_map(|cluster| cluster.confirmed).min().expect("confirmed");
    let (mut before, mut all) = (0_u32, 0_u32);
    let mut first: BTreeMap<u32, i32> = BTreeMap::new();
    for event in (0..world.days()).flat_map(|day| world.day(day)) {
        let since = *first.entry(event.account).or_insert(Day::of(event.ts).0);
        let who = truth.get(event.account as usize).filter(|who| who.campaign.is_some());
        let Some(who) = who.filter(|_| since > found) else { continue };
        all += 1;
        before += u32::from(named.get(&who.account).is_none_or(|named| event.ts <= *named));
    }
    let leaked = f64::from(before) / f64::from(all);
    assert!(all > 1_000 && leaked < 0.25, "{before} of {all}: {leaked}");
    assert!(named.keys().all(|account| planted(&world).contains(account)), "and nobody else was ever named");
}

/// Strength of SYNC of each cluster, by its first member.
fn rhythms(house: &House) -> BTreeMap<String, f64> {
    let of = |cluster: &Cluster| {
        let sync = cluster.strengths.iter().find(|one| one.family == Family::Sync as u8);
        (cluster.members.first().map(|member| member.account.clone()), sync.map_or(0.0, |one| one.strength))
    };
    house.analysis.ledger.book.current().filter_map(|cluster| Some((of(cluster).0?, of(cluster).1))).collect()
}

/// Runs a world with a release noted on a day, or without.
fn run_with_release(world: &World, released: Option<u32>) -> House {
    run_with(world, |house, day| {
        if released == Some(day) {
            let at: Micros = world.day_of(day).start() + MICROS_AN_HOUR;
            house.analysis.release(&house.store, "m-next", at).expect("noted");
        }
    })
}

#[test]
fn a_campaign_that_turns_to_a_new_model_at_once_is_told_by_it() {
    // Shares by lot and volumes of its own, so that nothing else makes it rise and fall together.
    let plan = CampaignPlan { pivot_day: Some(5), scheduler: Scheduler::Random, ..campaign(60) };
    let world = world(WorldPlan::honest(FIRST_DAY, 8, 900).with(plan));
    let (with, without) = (run_with_release(&world, Some(5)), run_with_release(&world, None));
    assert_eq!(with.accused(), planted(&world));
    let strongest = |house: &House| {
        let rhythms = rhythms(house);
        house
            .accusing()
            .filter_map(|cluster| rhythms.get(&cluster.members.first()?.account))
            .copied()
            .fold(0.0, f64::max)
    };
    let (with, without) = (strongest(&with), strongest(&without));
    assert!(with > 20.0 && with > without + 10.0, "{with} {without}");
}

#[test]
fn a_model_that_everybody_tries_on_its_first_day_tells_nothing() {
    let mut plan = WorldPlan::honest(FIRST_DAY, 8, 2_000);
    plan.release_day = Some(5);
    plan.benign.take_up = 3.0;
    let world = world(plan);
    let (with, without) = (run_with_release(&world, Some(5)), run_with_release(&world, None));
    assert_eq!(with.accused(), BTreeSet::new());
    let before = rhythms(&without);
    assert!(!before.is_empty(), "agencies and fleets are told");
    for (cluster, strength) in rhythms(&with) {
        let usual = before.get(&cluster).copied().unwrap_or_default();
        assert!(strength < usual + 2.0, "{cluster}: {strength} and without the release {usual}");
    }
}

#[test]
fn work_that_goes_over_from_account_to_account_is_told() {
    let passing = |handoffs, failovers| {
        let plan = CampaignPlan { handoffs, failovers, ..campaign(60) };
        let world = world(WorldPlan::honest(FIRST_DAY, 6, 900).with(plan));
        let house = run(&world);
        assert_eq!(house.accused(), planted(&world));
        let found: Vec<_> = house.accusing().map(|cluster| cluster.deception).collect();
        (
            found.iter().map(|one| one.handoffs).sum::<u32>(),
            found.iter().map(|one| one.failovers).sum::<u32>(),
        )
    };
    // One request in sixty-six is handed on and one in a hundred is refused, of 1,500 a day on four days.
    let (handoffs, failovers) = passing(true, true);
    assert!((40..140).contains(&handoffs), "{handoffs}");
    assert!((25..90).contains(&failovers), "{failovers}");
    assert_eq!(passing(false, false), (0, 0));
}

#[test]
fn passing_on_shows_an_operator_who_mixes_its_work_with_ordinary_requests() {
    let verdicts = |passes_on| {
        let plan = CampaignPlan { mixing: 0.5, handoffs: passes_on, failovers: passes_on, ..campaign(60) };
        let world = world(WorldPlan::honest(FIRST_DAY, 8, 900).with(plan));
        let house = run(&world);
        let ours = planted(&world);
        assert!(house.accused().is_subset(&ours));
        let clusters = house.analysis.ledger.book.current();
        let about = clusters.filter(|c| c.members.iter().any(|member| ours.contains(&member.account)));
        about.map(|cluster| cluster.verdict).collect::<BTreeSet<Verdict>>()
    };
    assert_eq!(verdicts(true), BTreeSet::from([Verdict::CoordinatedEvasiveExtraction]));
    assert_eq!(verdicts(false), BTreeSet::from([Verdict::CoordinatedNoExtraction]));
}

#[test]
fn families_and_gateways_pass_work_on_and_are_not_accused() {
    let mut plan = WorldPlan::honest(FIRST_DAY, 12, 1_500);
    (plan.benign.families, plan.benign.gateways, plan.benign.fleets) = (60, true, 4);
    let world = world(plan);
    let house = run(&world);
    assert_eq!(house.accused(), BTreeSet::new());
    let told: u32 = house.analysis.ledger.book.current().map(|cluster| cluster.deception.failovers).sum();
    assert!(told >= 10, "a fleet is told, with what its gateway does: {told}");
}

/// T11. Joining by overlap contaminates: when the venue of a hackathon had addresses of a range that a network
/// rented from, 240 hackers and some fifty customers of a reseller went with it in three of four worlds. Each member
/// is asked by itself, and what is joined is tested again.
#[test]
fn a_shared_network_does_not_make_bystanders_accomplices() {
    let mut plan = WorldPlan::honest(FIRST_DAY, 9, 1_200);
    plan.benign.shared_venue = true;
    (plan.benign.resellers, plan.benign.coding_resellers, plan.benign.hackathons) = (1, 1, 2);
    let pooled = CampaignPlan { first_day: 1, ..rung("E1", 80).expect("a rung") };
    let world = world(plan.with(pooled));
    let house = run(&world);
    let accused = house.accused();
    let mut classes: BTreeMap<&str, u32> = BTreeMap::new();
    for truth in world.truth().iter().filter(|truth| accused.contains(&truth.account)) {
        *classes.entry(truth.class).or_default() += 1;
    }
    assert_eq!(classes, BTreeMap::from([("campaign", 80)]));
}

/// Accounts of a slow campaign behind exits in people's homes, without texts of their own at first, are known by
/// meetings, volume and days. Two office workers who live beside an exit, work as much and on the same days were
/// members for two days, though what they ask for is other people's work.
#[test]
fn neighbours_of_an_exit_who_ask_for_other_things_are_no_members() {
    let plan = WorldPlan::honest(FIRST_DAY, 20, 10_000).with(rung("E5", 1_000).expect("a rung"));
    let world = World::new(plan, 1);
    let planted = planted(&world);
    let mut house = House::new(1);
    let mut most = 0;
    // The second of the two days is closed by the requests of the day after it.
    for day in 0..12 {
        house.take(&lines(&world, day).concat());
        house.close_days(|house| {
            let accused = house.accused();
            let innocent: Vec<&String> = accused.difference(&planted).collect();
            assert!(innocent.is_empty(), "{innocent:?}");
            most = most.max(accused.len());
        });
    }
    assert!(most >= 200, "the campaign is seen: {most}");
}
