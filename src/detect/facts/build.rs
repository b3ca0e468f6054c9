//! Facts from rows: one pass over the columns of the rows that arrived between two closings.
//!
//! Reading (`read.rs`) is by part and by column, sorting by account; the names of the catalog are resolved for
//! distinct keys only, in short holds of its lock.

use super::digest::{Keys, Sum};
use super::passing::{Shared, passings};
use super::read::{Columns, Gathering, Line, read};
use super::{AccountDay, DayFacts, Kind, Visit, pair};
use crate::detect::side_by_side;
use crate::event::{Aspect, Day, Dim, MICROS_A_SECOND, is_public_bytes, mark};
use crate::limits::{PROMPT_SAMPLE, SESSION_GAP_SECONDS};
use crate::store::{Snapshot, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Facts of the rows of a gathering.
pub(crate) fn gather(snapshot: &Snapshot, wanted: &Gathering) -> Result<DayFacts, StoreError> {
    let mut lines = read(snapshot, wanted, Columns::All)?;
    let mut facts = DayFacts::empty(wanted.day.0);
    facts.events = lines.len() as u64;
    resolve_accounts(snapshot, &mut lines);
    // By account and time; what is sorted is where a line is, and then each is moved once.
    lines.sort_by_cached_key(|line| pair(line.account, line.second));
    let (digest, ()) =
        side_by_side(|| digest(snapshot, wanted.day, &lines), || tell(snapshot, &lines, &mut facts));
    facts.digest = digest;
    Ok(facts)
}

/// What lines say, which are in order of account and time.
fn tell(snapshot: &Snapshot, lines: &[Line], facts: &mut DayFacts) {
    let routes = Routes::of(snapshot, lines);
    facts.accounts = accounts(lines, &routes);
    facts.sessions = sessions(lines);
    (facts.handoffs, facts.failovers) = passings(lines.iter().map(|line| Shared {
        account: line.account,
        second: line.second,
        chars: line.chars,
        prefix: line.prefix,
        exact: line.exact,
        refused: routes.of_key(line.route).refused,
    }));
    facts.templates = templates(lines);
    facts.prompts = distinct(
        lines
            .iter()
            .filter(|line| line.exact != 0 && line.exact % PROMPT_SAMPLE == 1)
            .map(|line| pair(line.account, line.exact)),
    );
    subjects(snapshot, lines, facts);
    clients(snapshot, lines, facts);
    origins(snapshot, lines, facts);
}

/// Pairs of phrase key and account.
fn templates(lines: &[Line]) -> Vec<u64> {
    let keys = |line: &Line| {
        let account = line.account;
        line.keys.into_iter().filter(|key| *key != 0).map(move |key| pair(key, account))
    };
    distinct(lines.iter().flat_map(keys))
}

fn distinct(pairs: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut pairs: Vec<u64> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.shrink_to_fit();
    pairs
}

/// Distinct keys of a column, ascending.
pub(super) fn keys_of(lines: &[Line], column: fn(&Line) -> u32) -> Vec<u32> {
    let mut keys: Vec<u32> = lines.iter().map(column).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn digest(snapshot: &Snapshot, day: Day, lines: &[Line]) -> [u64; 4] {
    let keys = |aspect, column: fn(&Line) -> u32| Keys::of(snapshot, aspect, keys_of(lines, column));
    let subjects = keys(Aspect::Subject, |line| line.subject);
    let origins = keys(Aspect::Origin, |line| line.origin);
    let clients = keys(Aspect::Client, |line| line.client);
    let routes = keys(Aspect::Route, |line| line.route);
    let mut sum = Sum::default();
    for line in lines {
        let aspects = [
            subjects.get(line.subject),
            origins.get(line.origin),
            clients.get(line.client),
            routes.get(line.route),
        ];
        let [head, tail, body, system] = line.keys;
        let sketch = [head, tail, body, system, line.exact, line.prefix, line.marks, line.chars];
        let numbers = [line.input, line.output];
        let micros = day.start() + i64::from(line.second) * MICROS_A_SECOND + i64::from(line.micro);
        sum.add(micros, aspects, &[numbers.as_slice(), &sketch].concat());
    }
    sum.0
}

pub(super) fn resolve_accounts(snapshot: &Snapshot, lines: &mut [Line]) {
    let subjects = keys_of(lines, |line| line.subject);
    let accounts = names(snapshot, Dim::Account, &subjects);
    for line in lines {
        let at = subjects.binary_search(&line.subject).unwrap_or_default();
        line.account = accounts.get(at).copied().flatten().unwrap_or_default();
    }
}

/// Names of a dimension for keys of its aspect.
pub(super) fn names(snapshot: &Snapshot, dim: Dim, keys: &[u32]) -> Vec<Option<u32>> {
    let catalog = snapshot.catalog();
    keys.iter().map(|key| catalog.name_of(dim, *key)).collect()
}

/// What a route says.
#[derive(Clone, Copy, Default)]
struct Route {
    refused: bool,
    labelled: bool,
    target: bool,
}

struct Routes(BTreeMap<u32, Route>);

/// Topics that extraction aims at, by what their label contains. From the published accounts of
/// campaigns: agentic work, tool use, reasoning, grading.
const TARGET_TOPICS: [&str; 8] =
    ["agent", "tool", "reason", "chain", "grading", "rubric", "reward", "trajectory"];

impl Routes {
    fn of(snapshot: &Snapshot, lines: &[Line]) -> Self {
        let keys = keys_of(lines, |line| line.route);
        let catalog = snapshot.catalog();
        let route = |key: u32| {
            let status = catalog.name_of(Dim::Status, key).map(|name| catalog.value(Dim::Status, name));
            let status = status.and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
            let topic = catalog.name_of(Dim::Topic, key).map(|name| catalog.value(Dim::Topic, name));
            let topic = topic.map(|topic| String::from_utf8_lossy(topic).to_lowercase());
            let is = |words: &[&str]| {
                topic.as_ref().is_some_and(|topic| words.iter().any(|word| topic.contains(word)))
            };
            Route {
                refused: matches!(status, Some(403 | 429)),
                labelled: topic.is_some(),
                target: is(&TARGET_TOPICS),
            }
        };
        Self(keys.into_iter().map(|key| (key, route(key))).collect())
    }

    fn of_key(&self, key: u32) -> Route {
        self.0.get(&key).copied().unwrap_or_default()
    }
}

fn accounts(lines: &[Line], routes: &Routes) -> Vec<AccountDay> {
    let mut days = Vec::new();
    for lines in lines.chunk_by(|a, b| a.account == b.account) {
        let Some(account) = lines.first().map(|line| line.account) else { continue };
        let mut day = AccountDay { account, created: i32::MIN, ..AccountDay::default() };
        for line in lines {
            let route = routes.of_key(line.route);
            let aims = line.marks & (mark::REASONING | mark::GRADING | mark::AGENT) != 0;
            day.events += 1;
            day.input += u64::from(line.input);
            day.output += u64::from(line.output);
            day.hours |= 1 << (line.second / 3600).min(23);
            day.labelled += u32::from(route.labelled || line.chars != 0);
            day.target += u32::from(route.target || aims);
        }
        days.push(day);
    }
    // Fourteen days of these stay in memory.
    days.shrink_to_fit();
    days
}

fn sessions(lines: &[Line]) -> Vec<u64> {
    let mut starts = Vec::new();
    let mut before: Option<&Line> = None;
    for line in lines {
        let goes_on = before.is_some_and(|before| {
            before.account == line.account && line.second - before.second <= SESSION_GAP_SECONDS
        });
        if !goes_on {
            starts.push(pair(line.account, line.second));
        }
        before = Some(line);
    }
    starts.shrink_to_fit();
    starts
}

/// Pairs of account and aspect key, distinct.
fn met(lines: &[Line], column: fn(&Line) -> u32) -> Vec<u64> {
    distinct(lines.iter().map(|line| pair(line.account, column(line))))
}

/// Pairs of account and the name of a dimension, from pairs of account and aspect key.
fn named(snapshot: &Snapshot, dim: Dim, met: &[u64]) -> Vec<u64> {
    let catalog = snapshot.catalog();
    let name =
        |pair: &u64| catalog.name_of(dim, *pair as u32).map(|name| (*pair >> 32) << 32 | u64::from(name));
    distinct(met.iter().filter_map(name))
}

fn put(facts: &mut DayFacts, kind: Kind, pairs: Vec<u64>) {
    let at = Kind::PAIRED.iter().position(|paired| *paired == kind);
    if let Some(slot) = at.and_then(|at| facts.pairs.get_mut(at)) {
        *slot = pairs;
    }
}

fn subjects(snapshot: &Snapshot, lines: &[Line], facts: &mut DayFacts) {
    let met = met(lines, |line| line.subject);
    put(facts, Kind::Payment, named(snapshot, Dim::Payment, &met));
    put(facts, Kind::ApiKey, named(snapshot, Dim::ApiKey, &met));
    put(facts, Kind::EmailDomain, named(snapshot, Dim::EmailDomain, &met));
    let catalog = snapshot.catalog();
    let mut created = met.iter().filter_map(|pair| {
        let name = catalog.name_of(Dim::Created, *pair as u32)?;
        let bytes = catalog.value(Dim::Created, name).try_into().ok()?;
        Some(((*pair >> 32) as u32, Day::of(i64::from_be_bytes(bytes)).0))
    });
    let mut next = created.next();
    for day in &mut facts.accounts {
        while let Some((account, at)) = next.filter(|(account, _)| *account <= day.account) {
            if account == day.account {
                day.created = day.created.max(at);
            }
            next = created.next();
        }
    }
}

fn clients(snapshot: &Snapshot, lines: &[Line], facts: &mut DayFacts) {
    let clients = met(lines, |line| line.client);
    put(facts, Kind::Fingerprint, named(snapshot, Dim::Fingerprint, &clients));
    put(facts, Kind::UserAgent, named(snapshot, Dim::UserAgent, &clients));
    put(facts, Kind::Model, named(snapshot, Dim::Model, &met(lines, |line| line.route)));
}

/// Addresses of origins. Those that are not of the public Internet are none: whoever shares one is in no
/// network together.
fn public_ips(snapshot: &Snapshot, origins: &[u32]) -> Vec<Option<u32>> {
    let catalog = snapshot.catalog();
    let is_evidence = |name: &u32| is_public_bytes(catalog.value(Dim::Ip, *name));
    origins.iter().map(|key| catalog.name_of(Dim::Ip, *key).filter(is_evidence)).collect()
}

fn origins(snapshot: &Snapshot, lines: &[Line], facts: &mut DayFacts) {
    let mut met: Vec<(u64, u32)> =
        lines.iter().map(|line| (pair(line.account, line.origin), line.second)).collect();
    met.sort_unstable();
    let origins = keys_of(lines, |line| line.origin);
    let ips = public_ips(snapshot, &origins);
    let numbers: Vec<u32> = {
        let catalog = snapshot.catalog();
        let asn = |key: &u32| {
            let name = catalog.name_of(Dim::Asn, *key)?;
            Some(u32::from_be_bytes(catalog.value(Dim::Asn, name).try_into().ok()?))
        };
        origins.iter().map(|key| asn(key).unwrap_or_default()).collect()
    };
    let countries = names(snapshot, Dim::Country, &origins);
    let mut of_account: BTreeMap<u32, u32> = BTreeMap::new();
    let mut seen: Vec<u32> = Vec::new();
    let mut days = facts.accounts.iter_mut().peekable();
    let mut visits = Vec::new();
    for of_one in met.chunk_by(|a, b| a.0 >> 32 == b.0 >> 32) {
        of_account.clear();
        seen.clear();
        let account = of_one.first().map_or(0, |met| (met.0 >> 32) as u32);
        for same in of_one.chunk_by(|a, b| a.0 == b.0) {
            let (Some(first), Some(last)) = (same.first(), same.last()) else { continue };
            let at = origins.binary_search(&(first.0 as u32)).unwrap_or_default();
            if let Some(ip) = ips.get(at).copied().flatten() {
                let asn = numbers.get(at).copied().unwrap_or_default();
                visits.push(Visit { account, ip, asn, first: first.1, last: last.1 });
            }
            *of_account.entry(numbers.get(at).copied().unwrap_or_default()).or_default() += same.len() as u32;
            seen.extend(countries.get(at).copied().flatten());
        }
        seen.sort_unstable();
        seen.dedup();
        while days.next_if(|day| day.account < account).is_some() {}
        if let Some(day) = days.next_if(|day| day.account == account) {
            // Of equally many events the lower number, so that the order of arrival says nothing.
            let most = of_account.iter().max_by_key(|(asn, events)| (**events, std::cmp::Reverse(**asn)));
            day.asn = most.map_or(0, |(asn, _)| *asn);
            day.countries = seen.len() as u32;
        }
    }
    visits.sort_unstable();
    visits.dedup_by(|next, kept| {
        let same = (next.account, next.ip) == (kept.account, kept.ip);
        if same {
            kept.add(next);
        }
        same
    });
    visits.shrink_to_fit();
    facts.visits = Arc::new(visits);
}
