//! Profiles: an account, an address or network, a fingerprint, each seen from its own side.
//!
//! Counts are exact for the window. What is ranked by events on one value (the accounts of an address)
//! is ranked over the newest rows only, and the answer says over how many.

use super::clusters::of_account;
use super::cursor::Pager;
use super::newest::{self, Wish};
use super::pivot::{accounts_of, subjects_of, together};
use super::scan::{first_values, names_in, through_catalog, valued};
use super::{Answer, Budget, QueryError, Table, render};
use crate::detect::Ledger;
use crate::event::{Aspect, Dim, MICROS_A_DAY, Window};
use crate::limits::{PROFILE_ROWS_MAX, PROFILE_VALUES_MAX};
use crate::privacy::Network;
use crate::store::{AccountRecord, Counters, Snapshot};
use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Answers the profile of an account.
pub(super) fn account(
    snapshot: &Snapshot,
    ledger: &Ledger,
    account: &str,
    window: Window,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let record = snapshot.account_record(account)?.map(|record| told(snapshot, record));
    let subjects = match (subjects_of(snapshot, account), &record) {
        // No event has come, but the operator knows of it.
        (Err(QueryError::NotFound { .. }), Some(_)) => RoaringBitmap::new(),
        (subjects, _) => subjects?,
    };
    let all = together(snapshot, &snapshot.plan(window), Aspect::Subject, &subjects, budget)?;
    let wish = Wish { window, after: None, limit: PROFILE_ROWS_MAX };
    let (rows, _) = newest::rows(snapshot, Aspect::Subject, &subjects, wish, budget)?;
    let mut hours = [0_u64; 24];
    for row in &rows {
        hours[(row.ts.rem_euclid(MICROS_A_DAY) / (MICROS_A_DAY / 24)) as usize] += 1;
    }
    let mut document = counters(&all.counters);
    document.insert("account".into(), account.into());
    document.insert("cluster".into(), of_account(ledger, account));
    document.insert("window".into(), render::window(window));
    for (name, dim) in ACCOUNT_LISTS {
        let keys = all.keys(Aspect::Subject, dim.aspect());
        document.insert(name.into(), values(snapshot, dim, keys, budget)?);
    }
    document.insert("record".into(), record.into());
    document.insert("hours_utc".into(), json!({ "counts": hours, "over_newest_events": rows.len() }));
    Ok(single(document))
}

/// What the operator said of an account.
fn told(snapshot: &Snapshot, record: AccountRecord) -> Value {
    let AccountRecord { created, plan, payment, email_domain, signup_ip, organisation, verified } = record;
    json!({
        "created": created.map(render::time),
        "plan": plan,
        "payment": payment,
        "email_domain": email_domain,
        "signup_ip": signup_ip.map(|ip| snapshot.privacy().shown_address(ip)),
        "organisation": organisation,
        "verified": verified,
    })
}

/// The lists of an account's profile.
const ACCOUNT_LISTS: [(&str, Dim); 16] = [
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
    ("statuses", Dim::Status),
    ("topics", Dim::Topic),
];

/// Answers the profile of an address or a network.
pub(super) fn ip(
    snapshot: &Snapshot,
    asked: Network,
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let name = asked.to_string();
    let ips = snapshot.catalog().ips_within(asked.net);
    if ips.is_empty() {
        return Err(QueryError::NotFound { what: if asked.is_address() { "ip" } else { "network" }, name });
    }
    let mut keys: Vec<u32> = Vec::with_capacity(ips.len());
    through_catalog(snapshot, ips, budget, |catalog, ip| {
        keys.extend(catalog.keys_with(Dim::Ip, ip));
        None::<()>
    })?;
    keys.sort_unstable();
    let lists = [
        ("fingerprints", Dim::Fingerprint),
        ("user_agents", Dim::UserAgent),
        ("asns", Dim::Asn),
        ("countries", Dim::Country),
        ("ips", Dim::Ip),
    ];
    side(snapshot, (Aspect::Origin, "ip", &name), &keys.into_iter().collect(), &lists, pager, budget)
}

/// Answers the profile of a fingerprint.
pub(super) fn fingerprint(
    snapshot: &Snapshot,
    fingerprint: &str,
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let keys = {
        let catalog = snapshot.catalog();
        let name = catalog.find(Dim::Fingerprint, fingerprint.as_bytes());
        name.map(|name| catalog.keys_with(Dim::Fingerprint, name))
    };
    let name = || QueryError::NotFound { what: "fingerprint", name: fingerprint.to_owned() };
    let keys = keys.ok_or_else(name)?;
    let lists = [
        ("ips", Dim::Ip),
        ("prefixes", Dim::Net),
        ("asns", Dim::Asn),
        ("countries", Dim::Country),
        ("user_agents", Dim::UserAgent),
    ];
    side(snapshot, (Aspect::Client, "fingerprint", fingerprint), &keys, &lists, pager, budget)
}

/// A profile of keys that are not an account: counters, its accounts, and lists of values.
fn side(
    snapshot: &Snapshot,
    (aspect, what, name): (Aspect, &'static str, &str),
    keys: &RoaringBitmap,
    lists: &[(&'static str, Dim)],
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let all = together(snapshot, &snapshot.plan(pager.window), aspect, keys, budget)?;
    let accounts = accounts_of(snapshot, all.keys(aspect, Aspect::Subject), budget)?;
    let wish = Wish { window: pager.window, after: None, limit: PROFILE_ROWS_MAX };
    let (rows, _) = newest::rows(snapshot, aspect, keys, wish, budget)?;
    let subjects = rows.iter().map(|row| row.subject);
    let of_rows =
        through_catalog(snapshot, subjects, budget, |catalog, key| catalog.name_of(Dim::Account, key))?;
    let mut recent: BTreeMap<u32, u64> = BTreeMap::new();
    for account in of_rows {
        *recent.entry(account).or_default() += 1;
    }
    let counted = accounts.iter().map(|account| (account, recent.get(&account).copied().unwrap_or(0)));
    let mut ranked = valued(snapshot, Dim::Account, counted, budget)?;
    ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let (start, end, next) = pager.slice(ranked.len())?;
    let mut table = Table::new(vec!["account", "events_among_newest"], Vec::new());
    let mut list = Vec::new();
    for (account, events) in ranked.get(start..end).unwrap_or_default() {
        let account = String::from_utf8_lossy(account);
        list.push(json!({ "account": account, "events_among_newest": events }));
        table.rows.push(vec![json!(account), (*events).into()]);
    }
    let mut document = counters(&all.counters);
    document.insert(what.into(), name.into());
    document.insert("window".into(), render::window(pager.window));
    document.insert(
        "accounts".into(),
        json!({ "total": ranked.len(), "list": list, "ranked_over_newest_events": rows.len() }),
    );
    for (name, dim) in lists {
        let keys = all.keys(aspect, dim.aspect());
        document.insert((*name).into(), values(snapshot, *dim, keys, budget)?);
    }
    document.insert("next".into(), next.clone().into());
    Ok(Answer { document: document.into(), table, next })
}

/// Counters as members of a document.
fn counters(counters: &Counters) -> Map<String, Value> {
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
fn values(snapshot: &Snapshot, dim: Dim, keys: &RoaringBitmap, budget: &Budget) -> Result<Value, QueryError> {
    let names = names_in(snapshot, dim, keys, budget)?;
    let first = first_values(snapshot, dim, &names, PROFILE_VALUES_MAX, budget)?;
    let list: Vec<Value> = first.iter().map(|value| render::value(snapshot.privacy(), dim, value)).collect();
    Ok(json!({ "total": names.len(), "list": list }))
}

/// A profile as an answer whose table has one line for each member, those that matter most first.
fn single(document: Map<String, Value>) -> Answer {
    const FIRST: [&str; 5] = ["account", "cluster", "events", "first_seen", "last_seen"];
    let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    let mut members: Vec<(&String, &Value)> = document.iter().collect();
    members.sort_by_key(|(name, _)| place(name));
    let line = |(name, value): (&String, &Value)| {
        let value = if name == "cluster" { membership(value) } else { short(value) };
        vec![name.clone().into(), value]
    };
    let rows = members.into_iter().map(line).collect();
    Answer { document: document.into(), table: Table::new(vec!["field", "value"], rows), next: None }
}

/// The cluster of an account on one line.
fn membership(cluster: &Value) -> Value {
    let text = |name: &str| cluster.get(name).and_then(Value::as_str).unwrap_or_default();
    if cluster.is_null() {
        return "none".into();
    }
    let families = cluster.get("agreements").and_then(Value::as_array);
    let families: Vec<&str> = families.into_iter().flatten().filter_map(Value::as_str).collect();
    let by = match (families.is_empty(), text("succeeds")) {
        (false, _) => format!("agrees in {}", families.join(" ")),
        (true, "") => "known by the cluster's signature".to_owned(),
        (true, before) => format!("took the place of {before}"),
    };
    let (id, status, verdict, since) = (text("id"), text("status"), text("verdict"), text("flagged_at"));
    format!("{id}, {status}: {verdict}; member since {since}, {by}").into()
}

/// A member of a profile on one line.
fn short(value: &Value) -> Value {
    let Some(list) = value.get("list").and_then(Value::as_array) else {
        return if value.is_object() || value.is_array() { value.to_string().into() } else { value.clone() };
    };
    let total = value.get("total").and_then(Value::as_u64).unwrap_or(0);
    let words: Vec<String> = list.iter().take(5).map(render::plain).collect();
    let more = total.saturating_sub(words.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{total}: {}{more}", words.join(", ")).into()
}
