//! Templates against brute force over the same events: sealed segments, day relations, late events and open rows.

use super::{Budget, Page, QueryError, Request, Span, run};
use crate::detect::Ledger;
use crate::event::{
    Day, Dim, Draft, EventBatch, MICROS_A_DAY, Micros, Number, Text, Window, identity_of_request, ip_bytes,
};
use crate::query::Bound;
use crate::store::{Snapshot, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const SEED: u64 = 5;
const START: Micros = 20_000 * MICROS_A_DAY;

/// Keys of one template: at the head of all its prompts, at the tail of most.
const HEAD: u32 = 7_000;
const TAIL: u32 = 7_001;

struct Fact {
    ts: Micros,
    account: String,
    head: Option<u32>,
    tail: Option<u32>,
    body: Option<u32>,
}

impl Fact {
    fn has(&self, key: u32) -> bool {
        [self.head, self.tail, self.body].contains(&Some(key))
    }
}

/// 140,000 events over three days. Accounts below 40 send the template, most others their own texts.
fn facts() -> Vec<Fact> {
    let make = |number: u32| {
        let account = number * 7_919 % 601;
        let late = if number.is_multiple_of(50) { MICROS_A_DAY } else { 0 };
        let sends = account < 40 && !number.is_multiple_of(3);
        Fact {
            ts: START + i64::from(number) * (3 * MICROS_A_DAY / 140_000) - late,
            account: format!("acct-{account:03}"),
            head: if sends { Some(HEAD) } else { Some(100_000 + account) },
            tail: (sends && number % 50 != 1).then_some(TAIL),
            // A text that everybody uses, also with the same low half as the template's key.
            body: match number % 4 {
                0 => Some(HEAD + (9 << 16)),
                1 => Some(HEAD).filter(|_| sends),
                _ => None,
            },
        }
    };
    (0..140_000).map(make).collect()
}

fn store_of(facts: &[Fact]) -> (tempfile::TempDir, Snapshot) {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut appender) = Store::open(folder.path(), SEED).unwrap();
    let ip = ip_bytes("192.0.2.1".parse().unwrap());
    for (chunk, facts) in facts.chunks(9_000).enumerate() {
        let mut batch = EventBatch::default();
        for (at, fact) in facts.iter().enumerate() {
            let id = format!("req-{}", chunk * 9_000 + at);
            let mut draft = Draft { ts: fact.ts, ..Draft::default() };
            draft.dims[Dim::Account.index()] = fact.account.as_bytes();
            draft.dims[Dim::Ip.index()] = &ip;
            draft.texts[Text::RequestId.index()] = &id;
            draft.numbers[Number::Head.index()] = fact.head;
            draft.numbers[Number::Tail.index()] = fact.tail;
            draft.numbers[Number::Body.index()] = fact.body;
            draft.identity =
                identity_of_request(SEED, fact.account.as_bytes(), id.as_bytes(), &mut Vec::new());
            batch.push(&draft);
        }
        appender.append(&[batch]).unwrap();
    }
    appender.settle(true).unwrap();
    let snapshot = store.snapshot().unwrap();
    (folder, snapshot)
}

fn ask(snapshot: &Snapshot, request: &Request) -> Result<Value, QueryError> {
    let budget = Budget::until(Instant::now() + Duration::from_secs(60));
    Ok(run(snapshot, &Ledger::default(), request, &budget)?.document)
}

fn template(key: u32, window: Window) -> Request {
    let at =
        |instant: Micros| (instant != Micros::MIN && instant != Micros::MAX).then_some(Bound::At(instant));
    let span = Span { since: at(window.since), until: at(window.until) };
    Request::Template { key, name: None, span, page: Page { limit: Some(1_000), cursor: None } }
}

#[test]
fn the_other_side_of_a_template_is_that_of_brute_force() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let half = Window { since: START + MICROS_A_DAY / 2, until: START + 2 * MICROS_A_DAY };
    for window in [Window::ALL, half] {
        for key in [HEAD, TAIL, HEAD + (9 << 16), 100_123] {
            let expected: Vec<&Fact> =
                facts.iter().filter(|fact| window.contains(fact.ts) && fact.has(key)).collect();
            let document = ask(&snapshot, &template(key, window)).unwrap();
            assert_eq!(document["events"], expected.len());
            let (mut accounts, mut days) = (BTreeMap::new(), BTreeMap::new());
            for fact in &expected {
                *accounts.entry(&fact.account).or_insert(0_u64) += 1;
                let day: &mut (u64, BTreeSet<&String>) = days.entry(Day::of(fact.ts).0).or_default();
                day.0 += 1;
                day.1.insert(&fact.account);
            }
            let mut ranked: Vec<(u64, &String)> = accounts.iter().map(|(name, n)| (*n, *name)).collect();
            ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
            let list = document["accounts"]["list"].as_array().unwrap();
            let named =
                |one: &Value| (one["events"].as_u64().unwrap(), one["account"].as_str().unwrap().to_owned());
            let found: Vec<(u64, String)> = list.iter().map(named).collect();
            assert!(found.iter().map(|(n, name)| (*n, name)).eq(ranked.iter().copied()), "{key}");
            let by_day = days.iter().map(|(day, (events, accounts))| {
                json!({"day": super::render::time(Day(*day).start()), "events": events, "accounts": accounts.len()})
            });
            assert_eq!(document["days"], by_day.collect::<Value>(), "{key}");
            let heads = expected.iter().filter(|fact| fact.head == Some(key)).count();
            assert_eq!(document["found_in"]["head"], heads);
            let first = expected.iter().map(|fact| fact.ts).min().unwrap();
            assert_eq!(document["first_seen"], super::render::time(first));
        }
    }
    let nobody = ask(&snapshot, &template(1, Window::ALL));
    assert!(matches!(nobody, Err(QueryError::NotFound { what: "template", .. })), "{nobody:?}");
}

#[test]
fn keys_at_two_places_of_a_prompt_are_one_template_that_two_accounts_share() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let why = |a: &str, b: &str| {
        let request = Request::Why { a: a.into(), b: b.into(), span: Span::default() };
        let shared = ask(&snapshot, &request).unwrap()["shared"].as_array().unwrap().clone();
        shared.into_iter().filter(|thing| thing["via"] == "template").collect::<Vec<_>>()
    };
    let both = why("acct-003", "acct-021");
    let of = |key: u32| {
        let key = key.to_string();
        both.iter().find(|thing| thing["value"] == key.as_str()).unwrap()
    };
    let everybody: BTreeSet<&String> =
        facts.iter().filter(|fact| fact.has(HEAD + (9 << 16))).map(|fact| &fact.account).collect();
    assert_eq!(both.len(), 2, "the template once, and the text that everybody uses: {both:?}");
    assert_eq!((&of(HEAD)["accounts"], &of(HEAD)["also"]), (&json!(40), &json!([TAIL.to_string()])));
    assert_eq!(of(HEAD + (9 << 16))["accounts"], everybody.len());
    for (side, account) in [("a", "acct-003"), ("b", "acct-021")] {
        let events =
            facts.iter().filter(|fact| fact.account == account && (fact.has(HEAD) || fact.has(TAIL)));
        assert_eq!(of(HEAD)[side]["events"], events.count());
    }
    // Who has nothing of it shares nothing of it.
    assert!(why("acct-003", "acct-500").iter().all(|thing| thing["accounts"] != 40));
}
