//! Traps: ways to fool oneself that a detector of this kind has fallen into before, each with a test that fails
//! where it falls in again. Windows are made by hand, so that who is who is known.
//!
//! Traps that only show in the life of a whole log are in `tests/it`.

use super::background;
use super::extraction::{Asking, below};
use super::facts::Kind;
use super::family::{Bench, Family};
use super::groups::{Group, Meetings, Origin, stars};
use super::null::{Null, Rates};
use super::permute::null_table;
use super::score::{Scored, threshold};
use super::scratch::Scratch;
use super::window::Window;
use super::window::testing::{Draft, HOMES, HOSTS, LAST_DAY};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use roaring::RoaringBitmap;

/// A network of homes, of which addresses are shared by few.
const HOME_ASN: u32 = 7_922;

/// The tests of a window, with everybody as the usual population.
fn bench(window: &Window) -> Bench<'_> {
    let null = Null::of(window, background::is_young(window));
    let kinds = [Kind::Fingerprint, Kind::Template, Kind::Payment, Kind::Core];
    let rates = kinds.map(|kind| {
        let items = window.items(kind);
        Rates::of(window, &null, kind, items, vec![false; items.len()])
    });
    Bench::new(window, null, rates.into())
}

/// What a family says of a group, -log10 p.
fn strength(bench: &Bench<'_>, family: Family, members: &[u32]) -> f64 {
    let group = Group { origin: Origin::Union, defining: None, members: members.to_vec() };
    Scored::of(bench, &group, &mut Scratch::default()).strength(family)
}

/// T1. A pool of proxies makes hubs: each of its addresses has hundreds of accounts, and so has a mobile carrier's.
/// Cutting hubs off lost 1000 of 1000 attackers and still accused a quarter of all others. A hub is one group.
#[test]
fn a_hub_is_one_group_and_is_not_cut_off() {
    let mut draft = Draft::new();
    draft.people(700, HOMES);
    let pooled = draft.people(300, HOSTS);
    for account in &pooled {
        draft.holds(*account, Kind::Ip, 1);
        draft.holds(*account, Kind::Payment, 2);
    }
    let window = draft.window();
    let groups = stars(&window, &[], &|_, value| u64::from(value));
    for kind in [Kind::Ip, Kind::Payment] {
        let hub = groups.iter().find(|group| matches!(group.origin, Origin::Star(of, _) if of == kind));
        assert_eq!(hub.map(|group| &group.members), Some(&pooled), "{kind:?}");
    }
}

/// Ten cards of the same accounts are one group, and which of them names it does not depend on which the database met
/// first: evidence names it, and whoever recomputes that from a log may read the log in another order.
#[test]
fn values_of_the_same_holders_are_named_by_what_they_are() {
    let named = |number_of: &dyn Fn(u32) -> u32| {
        let mut draft = Draft::new();
        draft.people(700, HOMES);
        for account in draft.people(30, HOMES) {
            (0..10).for_each(|card| draft.holds(account, Kind::Payment, number_of(card)));
        }
        let groups = stars(&draft.window(), &[], &|_, number| {
            (0..10).find(|card| number_of(*card) == number).map_or(0, |card| u64::from(card ^ 5))
        });
        assert_eq!(groups.len(), 1, "one group");
        let Origin::Star(_, number) = groups[0].origin else { panic!("a star") };
        (0..10).find(|card| number_of(*card) == number)
    };
    assert_eq!(named(&|card| card), Some(5));
    assert_eq!(named(&|card| 9 - card), Some(5));
}

/// T2. Base rates that count the group itself make a campaign its own excuse: sixty of the seventy-five accounts of
/// a stratum hold the client, so the client is usual there. Such a null accused nobody and found nobody.
#[test]
fn a_campaign_is_not_its_own_excuse() {
    let mut draft = Draft::new();
    draft.people(400, HOMES);
    draft.people(15, HOSTS);
    let campaign = draft.people(60, HOSTS);
    for account in &campaign {
        draft.holds(*account, Kind::Fingerprint, 7);
    }
    let window = draft.window();
    let found = strength(&bench(&window), Family::Client, &campaign);
    assert!(found > 30.0, "{found}");
}

/// T2, for addresses: whether strangers share addresses in a network must not be asked of those who are tested.
/// Forty accounts that rotate over a hundred and fifty exits meet there so often that the network would pass for a
/// carrier's, where meetings say nothing.
#[test]
fn a_proxy_network_does_not_make_its_hosts_a_carrier() {
    let mut draft = Draft::new();
    for resident in draft.people(100, HOMES) {
        (0..14).for_each(|day| draft.visits(resident, day, 40_000, 1_000 + resident, HOME_ASN));
    }
    let campaign = draft.newcomers(40, HOMES, LAST_DAY - 15);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for (account, day) in campaign.iter().flat_map(|account| (0..14).map(move |day| (*account, day))) {
        for turn in 0..3 {
            let exit = below(&mut random, 150) as u32;
            draft.visits(account, day, 20_000 * turn, exit, HOME_ASN);
        }
    }
    let core: Vec<u32> = Meetings::of(&draft.window()).core().collect();
    assert_eq!(core, campaign);
}

/// Three resellers in hosting networks, each with a client and a card of its own, among people at home. Gives the
/// accounts of each.
fn resellers(draft: &mut Draft) -> [Vec<u32>; 3] {
    for person in draft.people(900, HOMES) {
        draft.holds(person, Kind::Fingerprint, person % 10);
        draft.holds(person, Kind::Payment, 1_000 + person);
    }
    [0, 1, 2].map(|number| {
        let accounts = draft.people(60, HOSTS);
        for account in &accounts {
            draft.holds(*account, Kind::Fingerprint, 100 + number);
            draft.holds(*account, Kind::Payment, number);
        }
        accounts
    })
}

/// T3. With base rates of the whole platform, resellers in hosting networks validate each other: shuffled among
/// themselves, their cards and clients are still far more common than at home. 170 groups a run passed where
/// nothing was left to find, with scores up to 10^-82. Rates by stratum leave none.
#[test]
fn resellers_do_not_validate_each_other_when_they_are_shuffled() {
    let mut draft = Draft::new();
    let resellers = resellers(&mut draft);
    let window = draft.window();
    let bench = bench(&window);
    let star = |members| Group { origin: Origin::Union, defining: Some(Family::Net), members };
    let groups = resellers.map(star);
    for group in &groups {
        let found = Scored::of(&bench, group, &mut Scratch::default()).coordination();
        assert!(found > 20.0, "each of them is coordinated: {found}");
    }
    let null = null_table(&bench, &groups, &RoaringBitmap::new(), 3);
    assert!(null.max() < threshold(groups.len(), 1) - 1.0, "{}", null.max());
}

/// T4. The hundred texts of a benchmark are held by the same fifty accounts: that is one piece of evidence, not a
/// hundred. It makes one group, and what made the group says nothing more about it.
#[test]
fn a_benchmark_of_a_hundred_texts_counts_once() {
    let mut draft = Draft::new();
    draft.people(450, HOMES);
    for developer in draft.people(50, HOMES) {
        // Everybody leaves one of them out.
        for text in (0..100).filter(|text| *text != developer % 100) {
            draft.holds(developer, Kind::Template, text);
        }
    }
    let window = draft.window();
    let groups = stars(&window, &[], &|_, value| u64::from(value));
    assert_eq!(groups.len(), 1, "one group");
    let bench = bench(&window);
    let scored = Scored::of(&bench, &groups[0], &mut Scratch::default());
    assert!(scored.findings[Family::Content as usize].is_none());
    assert!(scored.coordination() < threshold(1, 1), "{:?}", scored.findings);
    let all = strength(&bench, Family::Content, &groups[0].members);
    assert!(all > 20.0, "which would have been strong: {all}");
}

/// T5. Topic shares by volume let one big developer speak for an agency: fifteen people of it write letters, and one
/// runs agents all night. 27 to 35 agency accounts in 40,000 were accused that way.
#[test]
fn one_big_developer_does_not_speak_for_an_agency() {
    let mut draft = Draft::new();
    let everybody = draft.people(300, HOMES);
    let agency = draft.people(16, HOMES);
    for account in draft.of(&[everybody, agency.clone()].concat()) {
        (account.labelled, account.target) = (40, 4);
    }
    for developer in draft.of(&agency[..1]) {
        (developer.labelled, developer.target) = (20_000, 18_000);
    }
    let window = draft.window();
    let found = Asking::of(&window, &[]).of_group(&agency, 1);
    assert!(found.assessable && found.target < 0.3 && found.agreement < 0.1, "{found:?}");
}

/// T8. A core of the visitors' graph in which everybody has three others is two to four times less sensitive than
/// one of two: it appears at a mean of 3.35 meetings, the other at 1. With three meetings each, the core of two
/// holds nearly everybody; a second family keeps it honest.
#[test]
fn a_core_of_two_is_there_where_one_of_three_is_not() {
    const ACCOUNTS: u32 = 400;
    let mut draft = Draft::new();
    for resident in draft.people(100, HOMES) {
        (0..14).for_each(|day| draft.visits(resident, day, 40_000, 1_000_000 + resident, HOME_ASN));
    }
    let campaign = draft.newcomers(ACCOUNTS, HOMES, LAST_DAY - 15);
    let mut random = ChaCha8Rng::seed_from_u64(8);
    // Edges of a random graph, each at an address of its own; and a day alone at two others, to be active.
    for meeting in 0..ACCOUNTS * 3 / 2 {
        let day = below(&mut random, 14);
        for _ in 0..2 {
            let account = campaign[below(&mut random, campaign.len())];
            draft.visits(account, day, 30_000, meeting, HOME_ASN);
        }
    }
    let core = Meetings::of(&draft.window()).core().count();
    assert!((240..=360).contains(&core), "{core} of {ACCOUNTS}");
}

/// T9. Few accounts of similar people have similar volumes by chance: one office team in a thousand looks as if a
/// program shared its work out. So fewer than eight say nothing, and of many groups each has to be that much more
/// unlikely.
#[test]
fn teams_of_similar_people_are_no_scheduler() {
    let mut draft = Draft::new();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut normal =
        || (0..12).map(|_| below(&mut random, 1 << 20) as f64 / f64::from(1 << 20)).sum::<f64>() - 6.0;
    let mut teams = Vec::new();
    for _ in 0..1_000 {
        let usual = 6.0 + normal();
        let team = draft.people(8, HOMES);
        for account in draft.of(&team) {
            account.events = libm::exp(usual + 0.7 * normal()) as u64 + 20;
        }
        teams.push(team);
    }
    let same = draft.people(20, HOMES);
    let window = draft.window();
    let bench = bench(&window);
    let most = teams.iter().map(|team| strength(&bench, Family::Load, team)).fold(0.0, f64::max);
    assert!(most > threshold(1, 1), "there is a team that one test alone would accuse: {most}");
    assert!(most < threshold(teams.len(), 1), "{most}");
    assert!(strength(&bench, Family::Load, &same) > threshold(teams.len(), 1), "a scheduler is seen");
    assert!(strength(&bench, Family::Load, &same[..7]).abs() < f64::EPSILON, "seven are too few");
}

/// T10. On the day of a launch everybody signs up. That thirty of those who came that day share something proves
/// nothing by their day; that thirty accounts of one provider were made on an ordinary day does.
#[test]
fn newcomers_of_a_launch_are_compared_with_the_launch() {
    let made_together = |launch: u32| {
        let mut draft = Draft::new();
        draft.people(1_000, HOMES);
        draft.newcomers(launch, HOMES, LAST_DAY - 40);
        let group = draft.newcomers(30, HOMES, LAST_DAY - 40);
        let window = draft.window();
        strength(&bench(&window), Family::Life, &group)
    };
    let (ordinary, launch) = (made_together(0), made_together(500));
    assert!(ordinary > 30.0, "{ordinary}");
    // A third of all came on that day; of this group everybody did.
    assert!(launch < ordinary / 3.0, "{launch}");
    let mut draft = Draft::new();
    draft.people(1_000, HOMES);
    let everybody = draft.newcomers(500, HOMES, LAST_DAY - 40);
    // Every other one of a group that formed for another reason.
    let group: Vec<u32> = (0..30).chain(everybody[..15].iter().copied()).collect();
    let window = draft.window();
    let mixed = strength(&bench(&window), Family::Life, &group);
    assert!(mixed < threshold(1, 1), "{mixed}");
}
