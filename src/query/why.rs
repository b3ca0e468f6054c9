//! Why two accounts are neighbors: every thing that they share, how many others share it, and when each
//! of the two was seen with it.

use super::newest::{Row, rows_and_parts};
use super::pivot::{rarity_weight, sharing, subjects_of};
use super::{Answer, Budget, QueryError, Table, render};
use crate::event::{Aspect, Dim, Micros, Text, Window};
use crate::limits::{HUB_MAX_DEFAULT, PROFILE_ROWS_MAX};
use crate::store::{Part, Snapshot};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Everything that accounts can share.
const VIA_ALL: [Dim; 9] = [
    Dim::Ip,
    Dim::Net,
    Dim::Site,
    Dim::Asn,
    Dim::Fingerprint,
    Dim::UserAgent,
    Dim::ApiKey,
    Dim::Payment,
    Dim::EmailDomain,
];

/// Request ids shown for each account and thing.
const SAMPLES_MAX: usize = 3;

/// How one of the two was seen with a thing.
#[derive(Default)]
struct Sight {
    first: Option<Micros>,
    last: Option<Micros>,
    events: u64,
    samples: Vec<String>,
}

/// Answers `why`.
pub(super) fn answer(
    snapshot: &Snapshot,
    (a, b): (&str, &str),
    window: Window,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let (of_a, of_b) = (subjects_of(snapshot, a)?, subjects_of(snapshot, b)?);
    let plan = snapshot.plan(window);
    let name = |account: &str| snapshot.catalog().find(Dim::Account, account.as_bytes()).unwrap_or(u32::MAX);
    let (name_a, name_b) = (name(a), name(b));
    // Also what very many share is listed here: the question is about two accounts, not about who else.
    let all = sharing(snapshot, &plan, &of_a, &VIA_ALL, u64::MAX, budget)?;
    let mut shared: Vec<(f64, Dim, u32, u64)> = Vec::new();
    for thing in all.shared {
        let has = |account: u32| thing.accounts.binary_search(&account).is_ok();
        if name_a != name_b && has(name_a) && has(name_b) {
            let accounts = thing.accounts.len() as u64;
            shared.push((rarity_weight(accounts), thing.dim, thing.name, accounts));
        }
    }
    shared.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let rows = |subjects| {
        rows_and_parts(snapshot, Aspect::Subject, subjects, (window, None), PROFILE_ROWS_MAX, budget)
    };
    let (rows_a, parts) = rows(&of_a)?;
    let (rows_b, _) = rows(&of_b)?;
    let sights_a = sights(snapshot, &rows_a, &parts, &shared, budget)?;
    let sights_b = sights(snapshot, &rows_b, &parts, &shared, budget)?;
    let catalog = snapshot.catalog();
    let mut table = Table {
        columns: vec!["via", "value", "accounts", "weight", "a_first", "a_last", "b_first", "b_last"],
        rows: Vec::new(),
    };
    let mut list = Vec::new();
    for (at, (weight, dim, name, accounts)) in shared.iter().enumerate() {
        let value = render::value(*dim, catalog.value(*dim, *name));
        let weight = (weight * 1e6).round() / 1e6;
        let (sight_a, sight_b) = (document(sights_a.get(at)), document(sights_b.get(at)));
        let time = |sight: &Value, name: &str| sight.get(name).cloned().unwrap_or(Value::Null);
        let mut row = vec![dim.name().into(), value.clone(), (*accounts).into(), weight.into()];
        for sight in [&sight_a, &sight_b] {
            row.extend(["first_seen", "last_seen"].map(|name| time(sight, name)));
        }
        table.rows.push(row);
        list.push(json!({
            "via": dim.name(), "value": value, "accounts": accounts, "others": accounts.saturating_sub(2),
            "common": *accounts > HUB_MAX_DEFAULT, "weight": weight, "a": sight_a, "b": sight_b,
        }));
    }
    let total: f64 = shared.iter().map(|(weight, ..)| weight).sum();
    let document = json!({
        "a": a, "b": b, "window": render::window(window), "shared": list,
        "weight": (total * 1e6).round() / 1e6,
        "seen_over_newest_events": { "a": rows_a.len(), "b": rows_b.len() },
        "note": "sharing is what was observed; it says nothing yet of coordination",
    });
    Ok(Answer { document, table, next: None })
}

fn document(sight: Option<&Sight>) -> Value {
    let Some(sight) = sight else { return Value::Null };
    let time = |instant: Option<Micros>| instant.map_or(Value::Null, render::time);
    json!({
        "events": sight.events, "first_seen": time(sight.first), "last_seen": time(sight.last),
        "sample_request_ids": sight.samples,
    })
}

/// How an account's rows saw each of the shared things, in the order of the things.
fn sights(
    snapshot: &Snapshot,
    rows: &[Row],
    parts: &[Part],
    shared: &[(f64, Dim, u32, u64)],
    budget: &Budget,
) -> Result<Vec<Sight>, QueryError> {
    let mut sights: Vec<Sight> = shared.iter().map(|_| Sight::default()).collect();
    let mut readers = HashMap::new();
    for row in rows {
        budget.check()?;
        let Some(part) = parts.get(row.part) else { continue };
        let reader = readers.entry(row.part).or_insert_with(|| part.reader());
        let at = (row.number - part.first_row()) as u32;
        let keys = [row.subject, reader.key(Aspect::Origin, at)?, reader.key(Aspect::Client, at)?];
        for ((_, dim, name, _), sight) in shared.iter().zip(&mut sights) {
            let key = keys.get(dim.aspect().index()).copied();
            let seen = key.and_then(|key| snapshot.catalog().name_of(*dim, key));
            if seen != Some(*name) {
                continue;
            }
            sight.events += 1;
            // Rows come newest first.
            sight.last = sight.last.or(Some(row.ts));
            sight.first = Some(row.ts);
            if sight.samples.len() < SAMPLES_MAX {
                let id = reader.text(Text::RequestId, at)?;
                sight.samples.extend(Some(id).filter(|id| !id.is_empty()));
            }
        }
    }
    Ok(sights)
}
