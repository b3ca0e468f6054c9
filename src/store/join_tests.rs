//! Joining against its promises: any order gives the same events, nothing is lost or doubled by retries,
//! restarts and failed writes, and nothing is joined but by an id.

use super::half::Half;
use super::waiting::Waiting;
use super::{Appended, Appender, JoinFigures, Store, check};
use crate::clock::FixedClock;
use crate::event::{
    Dim, Draft, EventBatch, Join, MICROS_A_SECOND, Micros, PRESENCE, Text, Window, identity_of_request,
    identity_of_text, ip_bytes, ip_from_bytes,
};
use crate::limits::JOIN_WAIT;
use std::collections::BTreeSet;
use std::sync::Arc;
use tempfile::TempDir;

const SEED: u64 = 5;
const NOW: Micros = 1_770_000_000 * MICROS_A_SECOND;
const MINUTE: Micros = 60 * MICROS_A_SECOND;

/// A record on its way in.
#[derive(Clone, Debug)]
struct Record {
    account: &'static str,
    id: String,
    ip: &'static str,
    agent: &'static str,
    keys: Vec<u128>,
}

fn event(account: &'static str, id: &str, keys: &[u128]) -> Record {
    Record { account, id: id.to_owned(), ip: "", agent: "", keys: keys.to_vec() }
}

fn edge(ip: &'static str, agent: &'static str, keys: &[u128]) -> Record {
    Record { account: "", id: String::new(), ip, agent, keys: keys.to_vec() }
}

fn batch(records: &[Record]) -> EventBatch {
    let mut batch = EventBatch::default();
    for (line, record) in (1..).zip(records) {
        let Record { account, id, ip, agent, keys } = record;
        let ip = if ip.is_empty() { Vec::new() } else { ip_bytes(ip.parse().expect("ip")).to_vec() };
        let mut draft = Draft { ts: NOW, line, keys, edge: account.is_empty(), ..Draft::default() };
        draft.dims[Dim::Account.index()] = account.as_bytes();
        draft.dims[Dim::Ip.index()] = &ip;
        draft.dims[Dim::UserAgent.index()] = agent.as_bytes();
        draft.texts[Text::RequestId.index()] = id;
        draft.identity = if id.is_empty() {
            identity_of_text(SEED, format!("{record:?}").as_bytes())
        } else {
            identity_of_request(SEED, account.as_bytes(), id.as_bytes(), &mut Vec::new())
        };
        batch.push(&draft);
    }
    batch
}

struct House {
    folder: TempDir,
    store: Store,
    appender: Appender,
    clock: Arc<FixedClock>,
    join: Join,
}

impl House {
    fn new(join: Join) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let clock = Arc::new(FixedClock::at(NOW));
        let (store, appender) = Store::open(folder.path(), SEED).expect("opens");
        let mut house = Self { folder, store, appender, clock, join };
        house.appender.joining(join, house.clock());
        house
    }

    fn clock(&self) -> Arc<FixedClock> {
        Arc::clone(&self.clock)
    }

    fn take(&mut self, records: &[Record]) -> Appended {
        self.appender.append(&[batch(records)]).expect("appends").remove(0)
    }

    fn restart(self) -> Self {
        let Self { folder, store, appender, clock, join } = self;
        drop((store, appender));
        let (store, mut appender) = Store::open(folder.path(), 1).expect("opens again");
        let given: Arc<FixedClock> = Arc::clone(&clock);
        appender.joining(join, given);
        Self { folder, store, appender, clock, join }
    }

    fn pass(&self, micros: Micros) {
        self.clock.set(crate::clock::Clock::now(&*self.clock) + micros);
    }

    /// Account, address and agent of every event, in order; equal events stay two.
    fn events(&self) -> Vec<(String, String, String, String)> {
        let snapshot = self.store.snapshot().expect("snapshot");
        let catalog = snapshot.catalog();
        let mut found = Vec::new();
        for part in snapshot.parts(Window::ALL) {
            let mut reader = part.reader();
            for row in 0..part.len() {
                let mut value = |dim: Dim| {
                    let key = reader.key(dim.aspect(), row).expect("reads");
                    catalog
                        .name_of(dim, key)
                        .map(|name| catalog.value(dim, name).to_vec())
                        .unwrap_or_default()
                };
                let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
                let account = text(value(Dim::Account));
                let ip = value(Dim::Ip).try_into().map_or(String::new(), |ip| ip_from_bytes(ip).to_string());
                let agent = text(value(Dim::UserAgent));
                let id = reader.text(Text::RequestId, row).expect("reads");
                found.push((account, id, ip, agent));
            }
        }
        found.sort();
        found
    }

    fn figures(&self) -> JoinFigures {
        self.store.status().joins
    }

    /// waiting events, waiting edges, met, events and edges that never met.
    fn counts(&self) -> [u64; 5] {
        let JoinFigures { waiting_events, waiting_edges, book } = self.figures();
        [waiting_events, waiting_edges, book.met, book.unmet_events, book.unmet_edges]
    }
}

fn told(account: &str, id: &str, ip: &str, agent: &str) -> (String, String, String, String) {
    (account.to_owned(), id.to_owned(), ip.to_owned(), agent.to_owned())
}

#[test]
fn two_records_of_one_request_are_one_event_whichever_comes_first() {
    for turn in 0..2 {
        let mut house = House::new(Join::On);
        let mut halves = [event("ann", "call-1", &[9, 1]), edge("8.8.4.4", "curl", &[1])];
        halves.rotate_left(turn);
        house.take(&halves[..1]);
        assert!(house.events().is_empty());
        house.pass(14 * MINUTE);
        house.take(&halves[1..]);
        assert_eq!(house.events(), [told("ann", "call-1", "8.8.4.4", "curl")]);
        assert_eq!(house.counts(), [0, 0, 1, 0, 0]);
        // Both again, as a shipper does that got no answer.
        assert_eq!(house.take(&halves).duplicates, 2);
        let mut house = house.restart();
        assert_eq!(house.take(&halves).duplicates, 2);
        house.pass(16 * MINUTE);
        house.appender.settle(true).expect("settles");
        assert_eq!((house.events().len(), house.counts()), (1, [0, 0, 1, 0, 0]));
    }
}

#[test]
fn after_a_quarter_of_an_hour_each_half_is_what_it_is_alone() {
    let mut house = House::new(Join::On);
    let (llm, front) = (event("ann", "call-1", &[1]), edge("8.8.4.4", "curl", &[1]));
    assert_eq!(house.take(std::slice::from_ref(&llm)).accepted, 1);
    let mut house = house.restart();
    assert_eq!(house.counts(), [1, 0, 0, 0, 0], "it waits on the disk");
    assert_eq!(house.take(std::slice::from_ref(&llm)).duplicates, 1);
    house.pass(JOIN_WAIT);
    assert_eq!(house.take(std::slice::from_ref(&front)).halves, 1);
    assert_eq!(house.events(), [told("ann", "call-1", "", "")]);
    assert_eq!(house.counts(), [0, 1, 0, 1, 0]);
    assert_eq!(house.take(std::slice::from_ref(&llm)).duplicates, 1);
    house.pass(JOIN_WAIT);
    house.appender.settle(false).expect("settles");
    assert_eq!((house.events().len(), house.counts()), (1, [0, 0, 0, 1, 1]));
    assert_eq!(house.take(&[front, llm]).duplicates, 2);
}

#[test]
fn edge_records_are_counted_once_beside_the_events_of_their_source() {
    let mut house = House::new(Join::On);
    let halves = [edge("8.8.4.4", "curl", &[1]), edge("9.9.9.9", "", &[2])];
    house.take(&halves);
    house.take(&halves);
    house.take(&[event("ann", "call-1", &[1])]);
    let before = house.store.coverage();
    let counted = |name: &str| before.iter().find(|(known, _)| *known == name).map(|(_, covered)| covered);
    let source = before.keys().find_map(|name| super::edge_source(name)).expect("a source of edge records");
    let edges = counted(&format!("{source}/edge")).expect("edge records");
    let with = |field: &str| edges.with[PRESENCE.iter().position(|name| *name == field).expect(field)];
    assert_eq!((edges.events, with("ip"), with("user_agent")), (2, 2, 1));
    assert_eq!(counted(source).map(|covered| covered.events), Some(1), "{before:?}");
    assert_eq!(house.restart().store.coverage(), before);
}

#[test]
fn nothing_is_joined_but_by_an_id_and_by_none_that_two_clients_have() {
    let mut house = House::new(Join::On);
    house.take(&[edge("8.8.4.4", "curl", &[1]), edge("9.9.9.9", "wget", &[1]), edge("1.1.1.1", "x", &[2])]);
    house.take(&[event("ann", "call-1", &[1]), event("bob", "call-2", &[3])]);
    assert_eq!(house.counts(), [2, 3, 0, 0, 0]);
    // A key that tells more comes before one that two clients have.
    house.take(&[event("cid", "call-3", &[2, 1])]);
    assert_eq!(house.events(), [told("cid", "call-3", "1.1.1.1", "x")]);
    house.appender.release_events().expect("releases");
    let ips: Vec<String> = house.events().into_iter().map(|event| event.2).collect();
    assert_eq!(ips, ["", "", "1.1.1.1"]);
    assert_eq!(house.counts(), [0, 2, 1, 2, 0]);
}

#[test]
fn one_request_may_be_several_events() {
    let mut house = House::new(Join::On);
    house.take(&[event("ann", "call-1", &[1]), edge("8.8.4.4", "curl", &[1]), event("ann", "call-2", &[1])]);
    house.take(&[event("ann", "call-3", &[1])]);
    let ips: BTreeSet<String> = house.events().into_iter().map(|event| event.2).collect();
    assert_eq!((house.events().len(), ips.len(), house.counts()), (3, 1, [0, 0, 3, 0, 0]));
}

#[test]
fn an_event_that_came_whole_meanwhile_counts_once() {
    let mut house = House::new(Join::On);
    house.take(&[event("ann", "call-1", &[1])]);
    let whole = Record { ip: "8.8.8.8", keys: Vec::new(), ..event("ann", "call-1", &[]) };
    assert_eq!(house.take(&[whole]).accepted, 1);
    house.take(&[edge("8.8.4.4", "curl", &[1])]);
    assert_eq!(house.events(), [told("ann", "call-1", "8.8.8.8", "")]);
    assert_eq!(house.counts(), [0, 1, 0, 0, 0]);
}

#[test]
fn without_edge_records_nothing_waits_unless_it_is_told_to() {
    let mut house = House::new(Join::Auto);
    house.take(&[event("ann", "call-1", &[1])]);
    assert_eq!(house.events().len(), 1);
    house.take(&[edge("8.8.4.4", "curl", &[2])]);
    let mut house = house.restart();
    house.pass(23 * 60 * MINUTE);
    house.take(&[event("ann", "call-2", &[3])]);
    assert_eq!((house.events().len(), house.counts()[0]), (1, 1), "edge records came within a day");
    house.pass(2 * 60 * MINUTE);
    house.take(&[event("ann", "call-3", &[4])]);
    assert_eq!((house.events().len(), house.counts()[0]), (3, 0), "none came for a day");
    // Turned off, what waits is stored at once.
    let mut house = House::new(Join::On);
    house.take(&[event("ann", "call-1", &[1])]);
    house.join = Join::Off;
    let mut house = house.restart();
    house.appender.settle(false).expect("settles");
    assert_eq!((house.events().len(), house.counts()), (1, [0, 0, 0, 1, 0]));
}

#[test]
fn past_its_bound_the_room_lets_the_oldest_go_and_counts_them() {
    let mut house = House::new(Join::On);
    house.appender.waiting.room = (2, usize::MAX);
    let ids = ["call-1", "call-2", "call-3", "call-4"];
    for (key, id) in (1..).zip(ids) {
        house.take(&[event("ann", id, &[key])]);
    }
    assert_eq!((house.figures().book.early, house.counts()), (2, [2, 0, 0, 2, 0]));
    assert_eq!(house.events().len(), 2);
    house.appender.waiting.room = (usize::MAX, 1);
    house.take(&[event("ann", "call-5", &[5])]);
    assert_eq!((house.events().len(), house.counts()[0]), (5, 0));
}

#[test]
fn what_did_not_reach_the_disk_is_taken_back() {
    let half = |record: &Record, is_edge| {
        let batch = batch(std::slice::from_ref(record));
        let event = batch.edges().map(|(event, _)| event).chain(batch.iter()).next().expect("one");
        Half::of(event, &record.keys, is_edge, NOW)
    };
    let (llm, front) =
        (half(&event("ann", "call-1", &[1]), false), half(&edge("8.8.4.4", "curl", &[1]), true));
    let mut waiting = Waiting::default();
    let number = waiting.add(front.clone());
    waiting.commit();
    let before = waiting.figures();
    let mut joined = EventBatch::default();
    assert!(waiting.meet(&llm, 1, &mut joined));
    waiting.add(half(&event("bob", "call-2", &[2]), false));
    waiting.remove(number);
    assert!(waiting.is_changed() && !waiting.knows(true, front.identity));
    waiting.undo();
    assert_eq!((waiting.figures(), waiting.knows(true, front.identity)), (before, true));
    assert!(waiting.meet(&llm, 1, &mut joined), "it can be met again");
    assert_eq!(waiting.add(llm), 1, "numbers go on where the file ends");
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn any_order_batches_retries_and_restarts_give_the_same_events() {
    const IPS: [&str; 4] = ["8.8.4.4", "9.9.9.9", "1.1.1.1", "2606:4700::7"];
    const ACCOUNTS: [&str; 3] = ["ann", "bob", "cid"];
    let mut all = Vec::new();
    for (n, key) in (100..160_u128).enumerate() {
        let (request, trace) = (key, key + 1_000);
        // Every fifth request has no edge record, every seventh no event, every third two events.
        if n % 5 != 0 {
            let keys = [request, trace];
            all.push(edge(IPS[n % 4], "curl", &keys[..=n % 2]));
        }
        if n % 7 != 0 {
            all.push(event(ACCOUNTS[n % 3], &format!("call-{n}"), &[request]));
        }
        if n % 3 == 0 {
            let key = if n % 2 == 0 { request } else { trace };
            all.push(event(ACCOUNTS[n % 3], &format!("again-{n}"), &[key, key + 50_000]));
        }
    }
    let mut results = BTreeSet::new();
    for seed in 0..12 {
        let mut random = Random(seed);
        let mut records = all.clone();
        for _ in 0..40 {
            records.push(all[random.below(all.len())].clone());
        }
        for at in (1..records.len()).rev() {
            records.swap(at, random.below(at + 1));
        }
        let mut house = House::new(Join::On);
        let mut rest = &records[..];
        while !rest.is_empty() {
            let (some, others) = rest.split_at(random.below(9).min(rest.len() - 1) + 1);
            house.take(some);
            rest = others;
            house.pass(MINUTE / 30);
            if random.below(20) == 0 {
                house = house.restart();
            }
        }
        house.pass(JOIN_WAIT);
        house.appender.settle(true).expect("settles");
        let [waiting_events, waiting_edges, met, unmet, edges] = house.counts();
        assert_eq!((waiting_events, waiting_edges), (0, 0));
        results.insert((house.events(), met, unmet, edges));
        let House { folder, store, appender, .. } = house;
        drop((store, appender));
        assert_eq!(check(folder.path()).expect("checks").problems, Vec::<String>::new());
    }
    assert_eq!(results.len(), 1, "orders differ");
    let (events, met, unmet, _) = results.first().expect("one");
    assert_eq!(events.len() as u64, met + unmet);
    assert!(*met > 40 && *unmet > 5);
}
