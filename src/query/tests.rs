//! Answers against brute force over the same events: a store with sealed segments, day relations, late
//! events and open rows, and for each question the plainest loop that answers it.

use super::{Answer, Bound, Budget, Page, QueryError, Request, Select, Span, run};
use crate::detect::Ledger;
use crate::event::{
    Dim, Draft, EventBatch, MICROS_A_DAY, Micros, Text, Window, identity_of_request, ip_bytes,
};
use crate::store::{Snapshot, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const SEED: u64 = 5;
const START: Micros = 20_000 * MICROS_A_DAY;

#[derive(Clone, Debug)]
struct Fact {
    ts: Micros,
    account: String,
    ip: String,
    fingerprint: String,
    model: &'static str,
    payment: String,
    request_id: String,
}

/// 150,000 events over four days, with some that come two days late.
fn facts() -> Vec<Fact> {
    let mut state = 11_u64;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let make = |number: u64| {
        let account = below(900).min(below(900));
        let late = if number.is_multiple_of(40) { 2 * MICROS_A_DAY } else { 0 };
        Fact {
            ts: START + number as i64 * (4 * MICROS_A_DAY / 150_000) / 1_000 * 1_000 - late,
            account: format!("acct-{account:03}"),
            // A few addresses for each account, half of them shared with others, and one hub.
            ip: match below(5) {
                0 => "192.0.2.1".to_owned(),
                1 | 2 => format!("198.51.{}.{}", 100 + account % 3, (account * 7 + below(3)) % 250),
                _ => format!("2001:db8:{:x}::{:x}", account / 4, below(2)),
            },
            fingerprint: format!("fp-{}", if below(2) == 0 { 0 } else { account % 60 }),
            model: ["m-small", "m-large", "m-code"][below(3) as usize],
            payment: if account.is_multiple_of(3) { format!("card-{}", account / 6) } else { String::new() },
            request_id: format!("req-{number}"),
        }
    };
    (0..150_000).map(make).collect()
}

fn store_of(facts: &[Fact]) -> (tempfile::TempDir, Snapshot) {
    let folder = tempfile::tempdir().unwrap();
    let (store, mut appender) = Store::open(folder.path(), SEED).unwrap();
    for chunk in facts.chunks(9_000) {
        let mut batch = EventBatch::default();
        for fact in chunk {
            let ip = ip_bytes(fact.ip.parse().unwrap());
            let mut draft = Draft { ts: fact.ts, ..Draft::default() };
            draft.dims[Dim::Account.index()] = fact.account.as_bytes();
            draft.dims[Dim::Ip.index()] = &ip;
            draft.dims[Dim::Fingerprint.index()] = fact.fingerprint.as_bytes();
            draft.dims[Dim::Model.index()] = fact.model.as_bytes();
            draft.dims[Dim::Payment.index()] = fact.payment.as_bytes();
            draft.texts[Text::RequestId.index()] = &fact.request_id;
            draft.numbers[0] = Some(3);
            draft.identity = identity_of_request(
                SEED,
                fact.account.as_bytes(),
                fact.request_id.as_bytes(),
                &mut Vec::new(),
            );
            batch.push(&draft);
        }
        appender.append(&[batch]).unwrap();
    }
    appender.settle(true).unwrap();
    let snapshot = store.snapshot().unwrap();
    let days = snapshot.plan(Window::ALL).runs.len();
    assert!(days > 0 || facts.len() < 100_000, "the test is to see days");
    (folder, snapshot)
}

fn span(window: Window) -> Span {
    let at =
        |instant: Micros| (instant != Micros::MIN && instant != Micros::MAX).then_some(Bound::At(instant));
    Span { since: at(window.since), until: at(window.until) }
}

fn windows() -> [Window; 3] {
    [
        Window::ALL,
        Window { since: START + MICROS_A_DAY / 2, until: START + 3 * MICROS_A_DAY },
        Window { since: START + 3 * MICROS_A_DAY + 7, until: START + 3 * MICROS_A_DAY + MICROS_A_DAY / 5 },
    ]
}

fn ask(snapshot: &Snapshot, request: &Request) -> Answer {
    run(snapshot, &Ledger::default(), request, &Budget::until(Instant::now() + Duration::from_secs(60)))
        .unwrap()
}

fn all() -> Page {
    Page { limit: Some(100_000), cursor: None }
}

fn inside(facts: &[Fact], window: Window) -> impl Iterator<Item = &Fact> {
    facts.iter().filter(move |fact| window.contains(fact.ts))
}

/// Accounts by value.
fn holders(
    facts: &[Fact],
    window: Window,
    value: impl Fn(&Fact) -> &String,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut holders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for fact in inside(facts, window).filter(|fact| !value(fact).is_empty()) {
        holders.entry(value(fact).clone()).or_default().insert(fact.account.clone());
    }
    holders
}

fn strings(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn neighbors_share_what_brute_force_says_and_weigh_as_the_formula() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    for window in windows() {
        let by_ip = holders(&facts, window, |fact| &fact.ip);
        let by_card = holders(&facts, window, |fact| &fact.payment);
        for account in ["acct-003", "acct-120", "acct-444"] {
            let mut expected: BTreeMap<&String, (f64, usize)> = BTreeMap::new();
            for accounts in
                by_ip.values().chain(by_card.values()).filter(|accounts| accounts.contains(account))
            {
                for other in accounts.iter().filter(|other| *other != account) {
                    let entry = expected.entry(other).or_default();
                    entry.0 += 1.0 / (std::f64::consts::E + accounts.len() as f64).ln();
                    entry.1 += 1;
                }
            }
            let request = Request::Neighbors {
                account: account.into(),
                via: vec![Dim::Ip, Dim::Payment],
                span: span(window),
                hops: 1,
                hub_max: None,
                page: all(),
            };
            let document = ask(&snapshot, &request).document;
            let list = document["neighbors"].as_array().unwrap();
            assert_eq!(list.len(), expected.len(), "{account} {window:?}");
            for item in list {
                let name = item["account"].as_str().unwrap().to_owned();
                let (weight, count) = expected[&name];
                assert!((item["weight"].as_f64().unwrap() - weight).abs() < 1e-5, "{name}");
                assert_eq!(item["shared_count"], count, "{name}");
            }
        }
    }
}

#[test]
fn two_hops_reach_what_brute_force_reaches_and_hubs_are_named() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let window = windows()[2];
    let hub_max = 12;
    let by_ip = holders(&facts, window, |fact| &fact.ip);
    let step = |from: &BTreeSet<String>| -> BTreeSet<String> {
        let small = by_ip.values().filter(|accounts| accounts.len() <= hub_max);
        small.filter(|accounts| !accounts.is_disjoint(from)).flatten().cloned().collect()
    };
    let own = "acct-008".to_owned();
    let first = step(&BTreeSet::from([own.clone()]));
    let mut expected: BTreeSet<String> = step(&first).union(&first).cloned().collect();
    expected.remove(&own);
    let request = Request::Neighbors {
        account: own,
        via: vec![Dim::Ip],
        span: span(window),
        hops: 2,
        hub_max: Some(hub_max as u64),
        page: all(),
    };
    let document = ask(&snapshot, &request).document;
    let found: BTreeSet<String> = strings(&document["neighbors"], "account").into_iter().collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    let hub = by_ip["192.0.2.1"].len();
    let skipped = document["skipped"].as_array().unwrap();
    let skipped = skipped.iter().find(|thing| thing["value"] == "192.0.2.1").expect("the hub is named");
    assert_eq!((&skipped["accounts"], &skipped["at_least"]), (&json!(hub), &json!(false)));
    assert_eq!((&skipped["via"], &skipped["family"]), (&json!("ip"), &json!("NET")));
}

#[test]
fn pairs_are_those_of_brute_force() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    for window in windows() {
        let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
        for accounts in
            holders(&facts, window, |fact| &fact.ip).values().filter(|accounts| accounts.len() <= 30)
        {
            for a in accounts {
                for b in accounts.range(a.clone()..).skip(1) {
                    *expected.entry((a.clone(), b.clone())).or_default() += 1;
                }
            }
        }
        expected.retain(|_, shared| *shared >= 2);
        let request =
            Request::Pairs { via: Dim::Ip, min: 2, hub_max: Some(30), span: span(window), page: all() };
        let document = ask(&snapshot, &request).document;
        let pair = |item: &Value| {
            let name = |member: &str| item[member].as_str().unwrap().to_owned();
            ((name("a"), name("b")), item["shared"].as_u64().unwrap())
        };
        let found: BTreeMap<_, _> = document["pairs"].as_array().unwrap().iter().map(pair).collect();
        assert_eq!(found, expected, "{window:?}");
    }
}

/// What an expression means, told by a closure.
type Meaning = fn(&Fact) -> bool;

#[test]
fn searches_find_the_rows_that_brute_force_finds() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let cases: [(&str, Meaning); 7] = [
        ("ip in 198.51.101.0/24 and fingerprint = fp-0 and not model = m-small", |fact| {
            fact.ip.starts_with("198.51.101.") && fact.fingerprint == "fp-0" && fact.model != "m-small"
        }),
        ("account = \"acct-00*\"", |fact| fact.account.starts_with("acct-00")),
        ("account in (acct-001, acct-002) or payment = card-9", |fact| {
            ["acct-001", "acct-002"].contains(&fact.account.as_str()) || fact.payment == "card-9"
        }),
        ("not (model = m-small or model = m-large)", |fact| fact.model == "m-code"),
        ("prefix = 198.51.102.0/24 and model != m-code", |fact| {
            fact.ip.starts_with("198.51.102.") && fact.model != "m-code"
        }),
        ("site = 2001:db8:3::/48", |fact| fact.ip.starts_with("2001:db8:3::")),
        ("ip = 203.0.113.99", |_| false),
    ];
    for (expression, meaning) in cases {
        for window in windows() {
            let expected: Vec<&Fact> = inside(&facts, window).filter(|fact| meaning(fact)).collect();
            let request = |select| Request::Search {
                expression: expression.into(),
                select,
                span: span(window),
                page: all(),
            };
            let count = ask(&snapshot, &request(Select::Count)).document;
            assert_eq!(count["events"], expected.len(), "{expression} {window:?}");
            let mut by_account: BTreeMap<String, u64> = BTreeMap::new();
            let mut by_bucket: BTreeMap<i64, u64> = BTreeMap::new();
            let timeline = ask(&snapshot, &request(Select::Timeline)).document;
            let width = if timeline["bucket"] == "hour" { MICROS_A_DAY / 24 } else { MICROS_A_DAY };
            for fact in &expected {
                *by_account.entry(fact.account.clone()).or_default() += 1;
                *by_bucket.entry(fact.ts.div_euclid(width) * width).or_default() += 1;
            }
            let accounts = ask(&snapshot, &request(Select::Accounts)).document;
            let found: BTreeMap<String, u64> = accounts["accounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| (item["account"].as_str().unwrap().to_owned(), item["events"].as_u64().unwrap()))
                .collect();
            assert_eq!(found, by_account, "{expression} {window:?}");
            let buckets: Vec<(String, u64)> = timeline["timeline"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| (item["start"].as_str().unwrap().to_owned(), item["events"].as_u64().unwrap()))
                .collect();
            let time = |start: i64| super::render::time(start).as_str().unwrap().to_owned();
            let wanted: Vec<(String, u64)> =
                by_bucket.into_iter().map(|(start, events)| (time(start), events)).collect();
            assert_eq!(buckets, wanted, "{expression} {window:?}");
        }
    }
}

#[test]
fn pages_of_events_follow_each_other_without_gap_or_repeat() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let window = windows()[1];
    let mut expected: Vec<(i64, usize)> = Vec::new();
    for (row, fact) in facts.iter().enumerate().filter(|(_, fact)| window.contains(fact.ts)) {
        if fact.account == "acct-005" {
            expected.push((fact.ts, row));
        }
    }
    expected.sort_unstable_by_key(|row| std::cmp::Reverse(*row));
    let wanted: Vec<String> = expected.iter().map(|(_, row)| facts[*row].request_id.clone()).collect();
    let search = |page| Request::Search {
        expression: "account = acct-005".into(),
        select: Select::Events,
        span: span(window),
        page,
    };
    let events = |page| Request::Events { account: "acct-005".into(), span: span(window), page };
    let (mut from_events, mut from_search) = (Vec::new(), Vec::new());
    for (found, request) in
        [(&mut from_events, &events as &dyn Fn(Page) -> Request), (&mut from_search, &search)]
    {
        let mut cursor = None;
        loop {
            let answer = ask(&snapshot, &request(Page { limit: Some(37), cursor }));
            found.extend(strings(&answer.document["events"], "request_id"));
            cursor = answer.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    assert!(wanted.len() > 100);
    assert_eq!(from_events, wanted);
    assert_eq!(from_search, wanted);
}

#[test]
fn profiles_count_what_brute_force_counts() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    for window in windows() {
        let distinct = |rows: &[&Fact], value: fn(&Fact) -> &str| {
            rows.iter()
                .map(|fact| value(fact))
                .filter(|value| !value.is_empty())
                .collect::<BTreeSet<_>>()
                .len()
        };
        let rows: Vec<&Fact> = inside(&facts, window).filter(|fact| fact.account == "acct-012").collect();
        let account = Request::Account { account: "acct-012".into(), span: span(window) };
        let document = ask(&snapshot, &account).document;
        assert_eq!(document["events"], rows.len());
        assert_eq!(document["input_tokens"], rows.len() * 3);
        assert_eq!(document["ips"]["total"], distinct(&rows, |fact| &fact.ip));
        assert_eq!(document["models"]["total"], distinct(&rows, |fact| fact.model));
        assert_eq!(document["payments"]["total"], distinct(&rows, |fact| &fact.payment));
        let first = rows.iter().map(|fact| fact.ts).min().unwrap();
        assert_eq!(document["first_seen"], super::render::time(first));

        let rows: Vec<&Fact> = inside(&facts, window).filter(|fact| fact.ip == "192.0.2.1").collect();
        let net: ipnet::IpNet = "192.0.2.1/32".parse().unwrap();
        let document = ask(
            &snapshot,
            &Request::Ip { net: crate::privacy::Network::from(net), span: span(window), page: all() },
        )
        .document;
        assert_eq!(document["events"], rows.len());
        assert_eq!(document["accounts"]["total"], distinct(&rows, |fact| &fact.account));
        assert_eq!(document["fingerprints"]["total"], distinct(&rows, |fact| &fact.fingerprint));

        let rows: Vec<&Fact> = inside(&facts, window).filter(|fact| fact.fingerprint == "fp-7").collect();
        let request = Request::Fingerprint { fingerprint: "fp-7".into(), span: span(window), page: all() };
        let document = ask(&snapshot, &request).document;
        assert_eq!(document["events"], rows.len());
        assert_eq!(document["accounts"]["total"], distinct(&rows, |fact| &fact.account));
        assert_eq!(document["ips"]["total"], distinct(&rows, |fact| &fact.ip));
    }
}

#[test]
fn why_lists_everything_two_accounts_share_with_samples() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let answer =
        ask(&snapshot, &Request::Why { a: "acct-006".into(), b: "acct-009".into(), span: Span::default() });
    let shared = answer.document["shared"].as_array().unwrap();
    let card =
        shared.iter().find(|thing| thing["via"] == "payment").expect("acct-006 and acct-009 share card-1");
    assert_eq!(
        (&card["value"], &card["accounts"], &card["others"]),
        (&"card-1".into(), &2.into(), &0.into())
    );
    let of_a: Vec<&Fact> = facts.iter().filter(|fact| fact.account == "acct-006").collect();
    let newest = of_a.iter().map(|fact| fact.ts).max().unwrap();
    assert_eq!(card["a"]["last_seen"], super::render::time(newest));
    let sample = card["a"]["sample_request_ids"][0].as_str().unwrap();
    assert!(of_a.iter().any(|fact| fact.request_id == sample));
    assert!(shared.iter().any(|thing| thing["value"] == "192.0.2.1"), "hubs are listed too");
    assert_eq!(card["family"], "MONEY");
    let weights: Vec<f64> = shared.iter().map(|thing| thing["weight"].as_f64().unwrap()).collect();
    assert!(weights.is_sorted_by(|a, b| a >= b), "the rarest first");
    let families = answer.document["families"].as_array().unwrap();
    let money = families.iter().find(|family| family["family"] == "MONEY").unwrap();
    assert_eq!((&money["things"], &money["weight"]), (&1.into(), &card["weight"]));
}

#[test]
fn a_query_stops_when_its_time_is_up_or_its_client_gone() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts[..9_000]);
    let requests = [
        Request::Account { account: "acct-001".into(), span: Span::default() },
        Request::Pairs { via: Dim::Ip, min: 1, hub_max: None, span: Span::default(), page: all() },
        Request::Why { a: "acct-001".into(), b: "acct-002".into(), span: Span::default() },
        Request::Events { account: "acct-001".into(), span: Span::default(), page: all() },
        Request::Search {
            expression: "model=m-code".into(),
            select: Select::Count,
            span: Span::default(),
            page: all(),
        },
    ];
    for request in &requests {
        let late = Budget::until(Instant::now());
        assert!(
            matches!(run(&snapshot, &Ledger::default(), request, &late), Err(QueryError::TooLong)),
            "{request:?}"
        );
        let gone = Budget::until(Instant::now() + Duration::from_secs(60));
        gone.cancel();
        assert!(
            matches!(run(&snapshot, &Ledger::default(), request, &gone), Err(QueryError::Cancelled)),
            "{request:?}"
        );
    }
}

#[test]
fn a_hub_is_skipped_once_and_the_rarest_thing_comes_first() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let request = |hops| Request::Neighbors {
        account: "acct-008".into(),
        via: vec![Dim::Ip, Dim::Fingerprint],
        span: span(windows()[2]),
        hops,
        hub_max: Some(12),
        page: all(),
    };
    let [near, far] = [1, 2].map(|hops| ask(&snapshot, &request(hops)).document);
    let skipped = far["skipped"].as_array().unwrap();
    let distinct: BTreeSet<String> = skipped.iter().map(Value::to_string).collect();
    assert_eq!(skipped.len(), distinct.len());
    let near_hubs = near["skipped"].as_array().unwrap();
    assert!(!near_hubs.is_empty() && near_hubs.iter().all(|hub| skipped.contains(hub)));
    // The second hop adds, and takes nothing from the first.
    let of_first = |document: &Value| {
        let list = document["neighbors"].as_array().unwrap().clone();
        list.into_iter().filter(|item| item["hops"] == 1).collect::<Vec<_>>()
    };
    assert_eq!(of_first(&far), of_first(&near));
    for item in far["neighbors"].as_array().unwrap() {
        let sizes: Vec<u64> = item["shared"]
            .as_array()
            .unwrap()
            .iter()
            .map(|thing| thing["accounts"].as_u64().unwrap())
            .collect();
        assert!(sizes.is_sorted(), "{item}");
    }
}

#[test]
fn what_accounts_cannot_share_is_refused_instead_of_answered_in_part() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts[..9_000]);
    let refused = |request: &Request| {
        let outcome = run(
            &snapshot,
            &Ledger::default(),
            request,
            &Budget::until(Instant::now() + Duration::from_secs(60)),
        );
        match outcome {
            Err(QueryError::Parameter { field, .. }) => field,
            other => panic!("{request:?}: {other:?}"),
        }
    };
    let none = Span::default();
    let pairs = |hub_max| Request::Pairs { via: Dim::Model, min: 1, hub_max, span: none, page: all() };
    assert_eq!(refused(&pairs(None)), "via");
    let account = || "acct-001".to_owned();
    let via = vec![Dim::Ip, Dim::Status];
    let neighbors =
        Request::Neighbors { account: account(), via, span: none, hops: 1, hub_max: None, page: all() };
    assert_eq!(refused(&neighbors), "via");
    assert_eq!(refused(&Request::Why { a: account(), b: account(), span: none }), "b");
}

#[test]
fn why_says_when_each_of_the_two_was_seen_with_the_thing() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    for window in windows() {
        let request = Request::Why { a: "acct-006".into(), b: "acct-009".into(), span: span(window) };
        let document = ask(&snapshot, &request).document;
        assert_eq!(document["seen_over_all_events"], json!({ "a": true, "b": true }));
        let by_ip = holders(&facts, window, |fact| &fact.ip);
        let is_both =
            |accounts: &BTreeSet<String>| accounts.contains("acct-006") && accounts.contains("acct-009");
        let expected: BTreeSet<&String> =
            by_ip.iter().filter(|(_, accounts)| is_both(accounts)).map(|(ip, _)| ip).collect();
        let shared = document["shared"].as_array().unwrap();
        assert_eq!(document["total"], shared.len());
        let ips: Vec<&Value> = shared.iter().filter(|thing| thing["via"] == "ip").collect();
        assert_eq!(ips.len(), expected.len(), "{window:?}");
        for thing in ips {
            let ip = thing["value"].as_str().unwrap();
            assert_eq!(thing["accounts"], by_ip[ip].len());
            for (side, account) in [("a", "acct-006"), ("b", "acct-009")] {
                let of_side = inside(&facts, window).filter(|fact| fact.account == account && fact.ip == ip);
                let times: Vec<Micros> = of_side.map(|fact| fact.ts).collect();
                assert_eq!(thing[side]["events"], times.len(), "{ip} {account}");
                let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
                assert_eq!(thing[side]["first_seen"], super::render::time(*first));
                assert_eq!(thing[side]["last_seen"], super::render::time(*last));
            }
        }
    }
}

#[test]
fn pages_of_a_ranked_list_join_to_the_whole_list() {
    let facts = facts();
    let (_folder, snapshot) = store_of(&facts);
    let request = |page| Request::Search {
        expression: "not model = m-code".into(),
        select: Select::Accounts,
        span: Span { since: Some(Bound::Ago(MICROS_A_DAY)), until: None },
        page,
    };
    let whole = ask(&snapshot, &request(all()));
    assert!(whole.next.is_none() && whole.table.rows.len() > 500);
    let (mut joined, mut cursor) = (Vec::new(), None);
    loop {
        let answer = ask(&snapshot, &request(Page { limit: Some(101), cursor }));
        assert_eq!(answer.document["window"], whole.document["window"]);
        joined.extend(answer.table.rows);
        cursor = answer.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(joined, whole.table.rows);
    let by_rank = |row: &Vec<Value>| {
        let name = row[0].as_str().unwrap().to_owned();
        (std::cmp::Reverse(row[1].as_u64().unwrap()), name)
    };
    assert!(joined.is_sorted_by_key(by_rank), "ties by name");
}

#[test]
fn sets_of_many_keys_are_answered_from_columns_alike() {
    let facts: Vec<Fact> = (0..40_000_u32)
        .map(|number| Fact {
            ts: START + i64::from(number) * 1_000_000,
            account: format!("{}-{}", if number % 3 == 0 { "bot" } else { "acct" }, number % 15_000),
            ip: format!("10.{}.{}.1", number % 7, number % 200),
            fingerprint: "fp".to_owned(),
            model: ["m-small", "m-large"][number as usize % 2],
            payment: String::new(),
            request_id: format!("req-{number}"),
        })
        .collect();
    let (_folder, snapshot) = store_of(&facts);
    let window = Window { since: START + 5_000_000_000, until: START + 39_000_000_000 };
    let cases: [(&str, Meaning); 4] = [
        ("account = acct*", |fact| fact.account.starts_with("acct")),
        ("not account = acct-1", |fact| fact.account != "acct-1"),
        ("account = acct* and model = m-large", |fact| {
            fact.account.starts_with("acct") && fact.model == "m-large"
        }),
        ("account != acct* and not (ip in 10.3.0.0/16 and model = m-small)", |fact| {
            fact.account.starts_with("bot") && !(fact.ip.starts_with("10.3.") && fact.model == "m-small")
        }),
    ];
    for (expression, meaning) in cases {
        let request = |select| Request::Search {
            expression: expression.into(),
            select,
            span: span(window),
            page: all(),
        };
        let expected: Vec<&Fact> = inside(&facts, window).filter(|fact| meaning(fact)).collect();
        assert_eq!(
            ask(&snapshot, &request(Select::Count)).document["events"],
            expected.len(),
            "{expression}"
        );
        let accounts: BTreeSet<&String> = expected.iter().map(|fact| &fact.account).collect();
        let ips: BTreeSet<&String> = expected.iter().map(|fact| &fact.ip).collect();
        let total = |select| ask(&snapshot, &request(select)).document["total"].clone();
        assert_eq!(total(Select::Accounts), accounts.len(), "{expression}");
        assert_eq!(total(Select::Ips), ips.len(), "{expression}");
        let events = ask(&snapshot, &request(Select::Events)).document;
        let found = strings(&events["events"], "request_id");
        assert!(found.iter().eq(expected.iter().rev().map(|fact| &fact.request_id)), "{expression}");
    }
}
