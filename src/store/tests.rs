//! The store against a model: random histories of batches, late events, duplicates and reopenings,
//! each compared with plain maps.

use super::{Appender, Counters, DayEntry, Store, StoreError, check};
use crate::event::{
    Aspect, Day, Dim, Draft, EventBatch, MICROS_A_DAY, Micros, Text, Window, identity_of_request,
    identity_of_text, ip_bytes,
};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

const SEED: u64 = 99;

/// An event as the model keeps it.
#[derive(Clone, Debug)]
struct Fact {
    ts: Micros,
    account: String,
    ip: IpAddr,
    fingerprint: String,
    request_id: String,
    tokens: u32,
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

fn fact(random: &mut Random, number: u64, ts: Micros) -> Fact {
    let account = random.below(3_000).min(random.below(3_000));
    Fact {
        ts,
        account: format!("acct-{account}"),
        ip: Ipv4Addr::from(0xCB00_7100 + random.below(20 * 256) as u32).into(),
        fingerprint: format!("fp-{}", random.below(40)),
        request_id: if number.is_multiple_of(5) { String::new() } else { format!("req-{number:08x}") },
        tokens: random.below(5_000) as u32,
    }
}

fn push(batch: &mut EventBatch, fact: &Fact) {
    let ip = ip_bytes(fact.ip);
    let mut draft = Draft { ts: fact.ts, ..Draft::default() };
    draft.dims[Dim::Account.index()] = fact.account.as_bytes();
    draft.dims[Dim::Ip.index()] = &ip;
    draft.dims[Dim::Fingerprint.index()] = fact.fingerprint.as_bytes();
    draft.texts[Text::RequestId.index()] = &fact.request_id;
    draft.numbers[0] = Some(fact.tokens);
    draft.identity = if fact.request_id.is_empty() {
        identity_of_text(SEED, format!("{fact:?}").as_bytes())
    } else {
        identity_of_request(SEED, fact.account.as_bytes(), fact.request_id.as_bytes(), &mut Vec::new())
    };
    batch.push(&draft);
}

fn batch_of(facts: &[Fact]) -> EventBatch {
    let mut batch = EventBatch::default();
    for fact in facts {
        push(&mut batch, fact);
    }
    batch
}

fn open(folder: &Path) -> (Store, Appender) {
    Store::open(folder, SEED).expect("opens")
}

/// Accounts by ip, and counters by account, of the facts in a window.
type Model = (BTreeMap<IpAddr, BTreeSet<String>>, BTreeMap<String, Counters>);

fn model(facts: &[Fact], window: Window) -> Model {
    let (mut by_ip, mut by_account): Model = Model::default();
    for fact in facts.iter().filter(|fact| window.contains(fact.ts)) {
        by_ip.entry(fact.ip).or_default().insert(fact.account.clone());
        by_account.entry(fact.account.clone()).or_default().add(fact.ts, u64::from(fact.tokens), 0);
    }
    (by_ip, by_account)
}

/// The same from the store, through the plan of the window.
fn measured(store: &Store, window: Window) -> Model {
    let snapshot = store.snapshot().expect("reads");
    let plan = snapshot.plan(window);
    let (mut by_ip, mut by_account): Model = Model::default();
    let account = |subject: u32| {
        let catalog = snapshot.catalog();
        let name = catalog.name_of(Dim::Account, subject).expect("an account");
        String::from_utf8(catalog.value(Dim::Account, name).to_vec()).expect("text")
    };
    let ip = |origin: u32| {
        let catalog = snapshot.catalog();
        let name = catalog.name_of(Dim::Ip, origin).expect("an ip");
        crate::event::ip_from_bytes(catalog.value(Dim::Ip, name).try_into().expect("16 bytes"))
    };
    let subjects: RoaringBitmap = (0..snapshot.catalog().keys(Aspect::Subject)).collect();
    let origins: RoaringBitmap = (0..snapshot.catalog().keys(Aspect::Origin)).collect();
    for run in &plan.runs {
        let mut each =
            |key: u32, entry: DayEntry| by_account.entry(account(key)).or_default().merge(&entry.counters);
        snapshot.entries(run, Aspect::Subject, &subjects, &mut each).expect("reads");
        let mut each = |key: u32, entry: DayEntry| {
            let seen = entry.links[Aspect::Subject.index()].iter().map(|subject| account(*subject));
            by_ip.entry(ip(key)).or_default().extend(seen);
        };
        snapshot.entries(run, Aspect::Origin, &origins, &mut each).expect("reads");
    }
    for part in &plan.parts {
        let mut reader = part.reader();
        for row in 0..part.len() {
            let ts = reader.ts(row).expect("reads");
            if !plan.keeps(part.first_row() + u64::from(row), ts) {
                continue;
            }
            let name = account(reader.key(Aspect::Subject, row).expect("reads"));
            let tokens = reader.number(crate::event::Number::InputTokens, row).expect("reads").unwrap_or(0);
            by_account.entry(name.clone()).or_default().add(ts, u64::from(tokens), 0);
            by_ip.entry(ip(reader.key(Aspect::Origin, row).expect("reads"))).or_default().insert(name);
        }
    }
    (by_ip, by_account)
}

#[test]
fn a_random_history_reads_as_its_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(1);
    let start = Day(20_000).start();
    // Four days of event time in order, with every 50th event up to three days late, sent in batches
    // of any size, one in ten of them twice, and the store reopened now and then.
    let total = 230_000_u64;
    let mut facts: Vec<Fact> = Vec::new();
    for number in 0..total {
        let now = start + (number as i64 * 4 * MICROS_A_DAY / total as i64) / 1_000 * 1_000;
        let late = if number.is_multiple_of(50) { random.below(3 * MICROS_A_DAY as u64) as i64 } else { 0 };
        facts.push(fact(&mut random, number, now - late));
    }
    let (mut store, mut appender) = open(folder.path());
    let mut sent = 0;
    let mut duplicates = 0;
    while sent < facts.len() {
        let size = [1, 7, 300, 8_192, 30_000][random.below(5) as usize].min(facts.len() - sent);
        let batch = batch_of(&facts[sent..sent + size]);
        let outcome = appender.append(std::slice::from_ref(&batch)).expect("appends");
        assert_eq!((outcome[0].accepted, outcome[0].duplicates), (size as u64, 0));
        if random.below(10) == 0 {
            let outcome = appender.append(&[batch]).expect("appends");
            assert_eq!((outcome[0].accepted, outcome[0].duplicates), (0, size as u64));
            duplicates += size;
        }
        sent += size;
        if random.below(8) == 0 {
            drop((store, appender));
            (store, appender) = open(folder.path());
        }
    }
    assert!(duplicates > 0);
    appender.settle(true).expect("settles");
    let status = store.status();
    assert_eq!((status.rows, status.segments), (total, total / 65_536));
    assert!(status.runs >= 3, "three days have passed, {} runs", status.runs);

    let windows = [
        Window::ALL,
        Window { since: start + MICROS_A_DAY / 3, until: start + 3 * MICROS_A_DAY },
        Window { since: start + 2 * MICROS_A_DAY + 5, until: start + 2 * MICROS_A_DAY + 3_600_000_000 },
        Window { since: start - MICROS_A_DAY, until: start },
    ];
    for window in windows {
        assert_eq!(measured(&store, window), model(&facts, window), "{window:?}");
    }

    // Every field of some rows, by random access.
    let snapshot = store.snapshot().expect("reads");
    for part in snapshot.parts(Window::ALL) {
        let mut reader = part.reader();
        for row in (0..part.len()).step_by(997) {
            let fact = &facts[part.first_row() as usize + row as usize];
            assert_eq!(reader.ts(row).expect("reads"), fact.ts);
            assert_eq!(reader.text(Text::RequestId, row).expect("reads"), fact.request_id);
        }
    }
    drop((snapshot, store, appender));
    let report = check(folder.path()).expect("walks");
    assert_eq!((report.problems, report.events, report.segments), (vec![], total, total / 65_536));
}

#[test]
fn an_old_log_sent_again_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = Random(2);
    let old: Vec<Fact> = (0..500).map(|n| fact(&mut random, n, Day(100).start() + n as i64)).collect();
    let new: Vec<Fact> = (500..600).map(|n| fact(&mut random, n, Day(160).start() + n as i64)).collect();
    let (store, mut appender) = open(folder.path());
    appender.append(&[batch_of(&old), batch_of(&new)]).expect("appends");
    drop((store, appender));
    let (store, mut appender) = open(folder.path());
    let outcome = appender.append(&[batch_of(&old), batch_of(&new)]).expect("appends");
    assert_eq!((outcome[0].duplicates, outcome[1].duplicates), (500, 100));
    assert_eq!(store.status().rows, 600);
}

#[test]
fn a_second_opener_is_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = open(folder.path());
    let Err(StoreError::Open(message)) = Store::open(folder.path(), SEED) else { panic!("opened twice") };
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
}

#[test]
fn files_of_others_and_of_the_future_are_refused_in_a_sentence() {
    let message = |folder: &Path| match Store::open(folder, SEED) {
        Err(StoreError::Open(message)) => message,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("opened"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(super::file::database_path(folder.path()), b"SQLite format 3\0 and so on".repeat(400))
        .expect("writes");
    assert!(message(folder.path()).contains("is not a cahoots database"), "{}", message(folder.path()));

    let folder = tempfile::tempdir().expect("a folder");
    let database = redb::Database::create(super::file::database_path(folder.path())).expect("creates");
    let transaction = database.begin_write().expect("begins");
    let table: redb::TableDefinition<'_, u64, u64> = redb::TableDefinition::new("bookings");
    transaction.open_table(table).expect("opens");
    transaction.commit().expect("commits");
    drop(database);
    assert!(message(folder.path()).contains("another program"), "{}", message(folder.path()));

    for (format, expected) in [(super::version::FORMAT + 1, "newer cahoots"), (0, "")] {
        let folder = tempfile::tempdir().expect("a folder");
        drop(open(folder.path()));
        let database = redb::Database::create(super::file::database_path(folder.path())).expect("opens");
        let transaction = database.begin_write().expect("begins");
        super::version::write(&transaction, &super::version::Meta { format, seed: SEED }).expect("writes");
        transaction.commit().expect("commits");
        drop(database);
        if expected.is_empty() {
            // The first rung of the ladder: an old format is opened and written down as the present one.
            drop(open(folder.path()));
            drop(open(folder.path()));
        } else {
            assert!(message(folder.path()).contains(expected), "{}", message(folder.path()));
        }
    }
}

#[test]
fn a_database_that_lost_rows_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(open(folder.path()));
    std::fs::write(super::file::high_water_path(folder.path()), "131072\n").expect("writes");
    let Err(StoreError::Open(message)) = Store::open(folder.path(), SEED) else { panic!("opened") };
    assert!(message.contains("has 0 rows but had 131072"), "{message}");
}
