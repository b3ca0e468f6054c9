//! Profiles: an account, an address or network, a fingerprint, each seen from its own side.
//!
//! Counts are exact for the window. What is ranked by events on one value (the accounts of an address)
//! is ranked over the newest rows only, and the answer says over how many.

use super::pivot::{Seen, accounts_of, seen, subjects_of};
use super::{Answer, Budget, Page, QueryError, Table, cursor, newest, render};
use crate::event::{Aspect, Dim, MICROS_A_DAY, Window};
use crate::limits::{PROFILE_ROWS_MAX, PROFILE_VALUES_MAX};
use crate::store::{Counters, Snapshot};
use ipnet::IpNet;
use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Answers the profile of an account.
pub(super) fn account(
    snapshot: &Snapshot,
    account: &str,
    window: Window,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let subjects = subjects_of(snapshot, account)?;
    let all = seen(snapshot, &snapshot.plan(window), Aspect::Subject, &subjects, budget)?;
    let rows = newest::rows(snapshot, Aspect::Subject, &subjects, window, PROFILE_ROWS_MAX, budget)?;
    let mut hours = [0_u64; 24];
    for row in &rows {
        hours[(row.ts.rem_euclid(MICROS_A_DAY) / (MICROS_A_DAY / 24)) as usize] += 1;
    }
    let active: RoaringBitmap = all.keys().copied().collect();
    let mut document = counters(&sum(&all));
    document.insert("account".into(), account.into());
    document.insert("window".into(), render::window(window));
    for (name, dim) in ACCOUNT_LISTS {
        let keys = if dim.aspect() == Aspect::Subject { active.clone() } else { linked(&all, dim.aspect()) };
        document.insert(name.into(), values(snapshot, dim, &keys));
    }
    document.insert("hours_utc".into(), json!({ "counts": hours, "over_newest_events": rows.len() }));
    Ok(single(document))
}

/// The lists of an account's profile.
const ACCOUNT_LISTS: [(&str, Dim); 14] = [
    ("ips", Dim::Ip),
    ("prefixes", Dim::Net),
    ("sites", Dim::Site),
    ("asns", Dim::Asn),
    ("countries", Dim::Country),
    ("fingerprints", Dim::Fingerprint),
    ("user_agents", Dim::UserAgent),
    ("api_keys", Dim::ApiKey),
    ("payments", Dim::Payment),
    ("email_domains", Dim::EmailDomain),
    ("plans", Dim::Plan),
    ("created", Dim::Created),
    ("models", Dim::Model),
    ("endpoints", Dim::Endpoint),
];

/// Answers the profile of an address or a network.
pub(super) fn ip(
    snapshot: &Snapshot,
    net: IpNet,
    window: Window,
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let (keys, ips) = {
        let catalog = snapshot.catalog();
        let ips = catalog.ips_within(net);
        (ips.iter().fold(RoaringBitmap::new(), |all, ip| all | catalog.keys_with(Dim::Ip, *ip)), ips.len())
    };
    let single = net.prefix_len() == net.max_prefix_len();
    let name = if single { net.addr().to_string() } else { net.to_string() };
    if ips == 0 {
        return Err(QueryError::NotFound { what: if single { "ip" } else { "network" }, name });
    }
    let lists = [("fingerprints", Dim::Fingerprint), ("user_agents", Dim::UserAgent)];
    let own = [("asns", Dim::Asn), ("countries", Dim::Country), ("ips", Dim::Ip)];
    side(snapshot, (Aspect::Origin, "ip", &name), &keys, (&lists, &own), window, page, budget)
}

/// Answers the profile of a fingerprint.
pub(super) fn fingerprint(
    snapshot: &Snapshot,
    fingerprint: &str,
    window: Window,
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let keys = {
        let catalog = snapshot.catalog();
        let name = catalog.find(Dim::Fingerprint, fingerprint.as_bytes());
        name.map(|name| catalog.keys_with(Dim::Fingerprint, name))
    };
    let name = || QueryError::NotFound { what: "fingerprint", name: fingerprint.to_owned() };
    let keys = keys.ok_or_else(name)?;
    let lists = [("ips", Dim::Ip), ("prefixes", Dim::Net), ("asns", Dim::Asn), ("countries", Dim::Country)];
    let own = [("user_agents", Dim::UserAgent)];
    side(snapshot, (Aspect::Client, "fingerprint", fingerprint), &keys, (&lists, &own), window, page, budget)
}

/// Named lists of dimensions.
type Lists<'a> = &'a [(&'static str, Dim)];

/// A profile of keys that are not an account: counters, its accounts, and lists of linked and own values.
fn side(
    snapshot: &Snapshot,
    (aspect, what, name): (Aspect, &'static str, &str),
    keys: &RoaringBitmap,
    (lists, own): (Lists<'_>, Lists<'_>),
    window: Window,
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let all = seen(snapshot, &snapshot.plan(window), aspect, keys, budget)?;
    let rows = newest::rows(snapshot, aspect, keys, window, PROFILE_ROWS_MAX, budget)?;
    let accounts = accounts_of(snapshot, &linked(&all, Aspect::Subject));
    let active: RoaringBitmap = all.keys().copied().collect();
    let catalog = snapshot.catalog();
    let mut recent: BTreeMap<u32, u64> = BTreeMap::new();
    for account in rows.iter().filter_map(|row| catalog.name_of(Dim::Account, row.subject)) {
        *recent.entry(account).or_default() += 1;
    }
    let mut ranked: Vec<(u64, &[u8])> = accounts
        .iter()
        .map(|account| (recent.get(&account).copied().unwrap_or(0), catalog.value(Dim::Account, account)))
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let (start, end, next) = cursor::slice(page, &[what, name], ranked.len())?;
    let shown = ranked.get(start..end).unwrap_or_default();
    let line = |(events, account): &(u64, &[u8])| (String::from_utf8_lossy(account).into_owned(), *events);
    let list: Vec<Value> = shown
        .iter()
        .map(line)
        .map(|(account, events)| json!({ "account": account, "events_among_newest": events }))
        .collect();
    let rows_of_table =
        shown.iter().map(line).map(|(account, events)| vec![account.into(), events.into()]).collect();
    drop(catalog);
    let mut document = counters(&sum(&all));
    document.insert(what.into(), name.into());
    document.insert("window".into(), render::window(window));
    document.insert(
        "accounts".into(),
        json!({
            "total": ranked_total(&accounts), "list": list, "ranked_over_newest_events": rows.len(),
        }),
    );
    for (name, dim) in lists {
        document.insert((*name).into(), values(snapshot, *dim, &linked(&all, dim.aspect())));
    }
    for (name, dim) in own {
        document.insert((*name).into(), values(snapshot, *dim, &active));
    }
    document.insert("next".into(), next.clone().into());
    let table = Table { columns: vec!["account", "events_among_newest"], rows: rows_of_table };
    Ok(Answer { document: document.into(), table, next })
}

fn ranked_total(accounts: &RoaringBitmap) -> u64 {
    accounts.len()
}

/// All keys of an aspect that were seen with any of these.
fn linked(all: &BTreeMap<u32, Seen>, aspect: Aspect) -> RoaringBitmap {
    all.values().fold(RoaringBitmap::new(), |keys, seen| keys | &seen.links[aspect.index()])
}

fn sum(all: &BTreeMap<u32, Seen>) -> Counters {
    all.values().fold(Counters::default(), |mut sum, seen| {
        sum.merge(&seen.counters);
        sum
    })
}

/// Counters as members of a document.
pub(super) fn counters(counters: &Counters) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("events".into(), counters.events.into());
    members.insert("input_tokens".into(), counters.input_tokens.into());
    members.insert("output_tokens".into(), counters.output_tokens.into());
    let time = |instant| if counters.events == 0 { Value::Null } else { render::time(instant) };
    members.insert("first_seen".into(), time(counters.first));
    members.insert("last_seen".into(), time(counters.last));
    members
}

/// The values of a dimension in aspect keys: how many there are, and the first of them in order of value.
fn values(snapshot: &Snapshot, dim: Dim, keys: &RoaringBitmap) -> Value {
    let catalog = snapshot.catalog();
    let names: BTreeSet<u32> = keys.iter().filter_map(|key| catalog.name_of(dim, key)).collect();
    let mut values: Vec<&[u8]> = names.iter().map(|name| catalog.value(dim, *name)).collect();
    values.sort_unstable();
    let list: Vec<Value> =
        values.iter().take(PROFILE_VALUES_MAX).map(|value| render::value(dim, value)).collect();
    json!({ "total": names.len(), "list": list })
}

/// A profile as an answer whose table has one line for each member.
fn single(document: Map<String, Value>) -> Answer {
    let rows = document.iter().map(|(name, value)| vec![name.clone().into(), short(value)]).collect();
    Answer { document: document.into(), table: Table { columns: vec!["field", "value"], rows }, next: None }
}

/// A member of a profile on one line.
fn short(value: &Value) -> Value {
    let Some(list) = value.get("list").and_then(Value::as_array) else {
        return if value.is_object() || value.is_array() { value.to_string().into() } else { value.clone() };
    };
    let total = value.get("total").and_then(Value::as_u64).unwrap_or(0);
    let words: Vec<String> = list.iter().take(5).map(super::neighbors::plain).collect();
    let more = total.saturating_sub(words.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{total}: {}{more}", words.join(", ")).into()
}
