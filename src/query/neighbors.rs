//! Accounts that share attributes with one, the rarest things first; and pairs that share several.
//!
//! Sharing is no accusation: each thing comes with how many others share it.

use super::pivot::{Hub, Shared, rarity_weight, sharing, subjects_of, subjects_of_accounts};
use super::{Answer, Budget, Page, QueryError, Table, cursor, render};
use crate::event::{Aspect, Dim, Window};
use crate::limits::{HUB_MAX_DEFAULT, LIMIT_MAX, PAIR_HUB_MAX_DEFAULT, PAIRS_MAX};
use crate::store::Snapshot;
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a neighbor was found by.
#[derive(Default)]
struct Found {
    hops: u8,
    weight: f64,
    /// Places in the list of shared things.
    shared: Vec<usize>,
}

/// Answers `neighbors`.
pub(super) fn answer(
    snapshot: &Snapshot,
    account: &str,
    via: &[Dim],
    window: Window,
    (hops, hub_max): (u8, Option<u64>),
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let subjects = subjects_of(snapshot, account)?;
    let plan = snapshot.plan(window);
    let hub_max = hub_max.unwrap_or(HUB_MAX_DEFAULT);
    let own = snapshot.catalog().find(Dim::Account, account.as_bytes()).unwrap_or(u32::MAX);
    let first = sharing(snapshot, &plan, &subjects, via, hub_max, budget)?;
    let mut found: BTreeMap<u32, Found> = BTreeMap::new();
    collect(&first.shared, 1, own, &mut found);
    let (mut shared, mut hubs) = (first.shared, first.hubs);
    if hops == 2 {
        let reached: RoaringBitmap = found.keys().copied().collect();
        let subjects = subjects_of_accounts(snapshot, &reached);
        let second = sharing(snapshot, &plan, &subjects, via, hub_max, budget)?;
        let before = shared.len();
        shared.extend(second.shared);
        let mut next: BTreeMap<u32, Found> = BTreeMap::new();
        collect_from(&shared, before, 2, own, &mut next);
        for (account, further) in next {
            found.entry(account).or_insert(further);
        }
        hubs.extend(second.hubs);
    }
    present(snapshot, account, window, found, &shared, &hubs, page)
}

fn collect(shared: &[Shared], hops: u8, own: u32, found: &mut BTreeMap<u32, Found>) {
    collect_from(shared, 0, hops, own, found);
}

/// Adds the holders of each shared thing from a place on.
fn collect_from(shared: &[Shared], start: usize, hops: u8, own: u32, found: &mut BTreeMap<u32, Found>) {
    for (at, thing) in shared.iter().enumerate().skip(start) {
        let weight = rarity_weight(thing.accounts.len() as u64);
        for account in thing.accounts.iter().filter(|account| **account != own) {
            let entry = found.entry(*account).or_default();
            entry.hops = hops;
            entry.weight += weight;
            entry.shared.push(at);
        }
    }
}

fn present(
    snapshot: &Snapshot,
    account: &str,
    window: Window,
    found: BTreeMap<u32, Found>,
    shared: &[Shared],
    hubs: &[Hub],
    page: &Page,
) -> Result<Answer, QueryError> {
    let catalog = snapshot.catalog();
    let mut ranked: Vec<(&[u8], Found)> =
        found.into_iter().map(|(name, found)| (catalog.value(Dim::Account, name), found)).collect();
    ranked.sort_by(|(a_name, a), (b_name, b)| {
        a.hops.cmp(&b.hops).then(b.weight.total_cmp(&a.weight)).then(a_name.cmp(b_name))
    });
    let total = ranked.len();
    let (start, end, next) = cursor::slice(page, &["neighbors", account], total)?;
    let mut table =
        Table { columns: vec!["account", "hops", "weight", "shared_count", "shares"], rows: Vec::new() };
    let mut list = Vec::new();
    for (name, found) in ranked.get(start..end).unwrap_or_default() {
        let things: Vec<&Shared> = found.shared.iter().filter_map(|at| shared.get(*at)).collect();
        let value = |thing: &Shared| render::value(thing.dim, catalog.value(thing.dim, thing.name));
        let name = String::from_utf8_lossy(name);
        let weight = (found.weight * 1e6).round() / 1e6;
        let shares: Vec<Value> = things
            .iter()
            .map(|thing| json!({ "via": thing.dim.name(), "value": value(thing), "accounts": thing.accounts.len() }))
            .collect();
        let words: Vec<String> = things
            .iter()
            .take(3)
            .map(|thing| {
                format!("{} {} ({} accounts)", thing.dim.name(), plain(&value(thing)), thing.accounts.len())
            })
            .collect();
        let more = things.len().saturating_sub(3);
        let words = words.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
        table.rows.push(vec![
            json!(name),
            found.hops.into(),
            weight.into(),
            things.len().into(),
            words.into(),
        ]);
        list.push(json!({
            "account": name, "hops": found.hops, "weight": weight, "shared_count": things.len(), "shared": shares,
        }));
    }
    let skipped: Vec<Value> = hubs
        .iter()
        .map(|hub| {
            let value = render::value(hub.dim, catalog.value(hub.dim, hub.name));
            json!({ "via": hub.dim.name(), "value": value, "accounts": hub.accounts })
        })
        .collect();
    let document = json!({
        "account": account, "window": render::window(window), "total": total, "neighbors": list,
        "skipped": skipped, "next": next,
    });
    Ok(Answer { document, table, next })
}

/// A JSON value without quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Answers `pairs`.
pub(super) fn pairs(
    snapshot: &Snapshot,
    via: Dim,
    min: u32,
    hub_max: Option<u64>,
    window: Window,
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let hub_max = hub_max.unwrap_or(PAIR_HUB_MAX_DEFAULT);
    let incidences = incidences(snapshot, via, window, budget)?;
    let mut pairs: Vec<u64> = Vec::new();
    let mut hubs = 0_u64;
    for group in incidences.chunk_by(|a, b| a >> 32 == b >> 32) {
        if group.len() as u64 > hub_max {
            hubs += 1;
            continue;
        }
        budget.check()?;
        for (at, a) in group.iter().enumerate() {
            let others = group.iter().skip(at + 1);
            pairs.extend(others.map(|b| (a & 0xffff_ffff) << 32 | (b & 0xffff_ffff)));
        }
        if pairs.len() > PAIRS_MAX {
            let reason = format!("more than {PAIRS_MAX} pairs come up: narrow the window, or lower hub_max");
            return Err(QueryError::Parameter { field: "hub_max", reason });
        }
    }
    pairs.sort_unstable();
    let catalog = snapshot.catalog();
    let name = |account: u64| catalog.value(Dim::Account, account as u32);
    let mut ranked: Vec<(usize, &[u8], &[u8])> = Vec::new();
    for group in pairs.chunk_by(|a, b| a == b).filter(|group| group.len() >= min as usize) {
        let pair = group.first().copied().unwrap_or_default();
        let (a, b) = (name(pair >> 32), name(pair & 0xffff_ffff));
        ranked.push((group.len(), a.min(b), a.max(b)));
    }
    ranked.sort_by(|x, y| y.0.cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let total = ranked.len();
    let (start, end, next) = cursor::slice(page, &["pairs", via.name()], total)?;
    let mut table = Table { columns: vec!["a", "b", "shared"], rows: Vec::new() };
    let mut list = Vec::new();
    for (shared, a, b) in ranked.get(start..end).unwrap_or_default() {
        let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
        list.push(json!({ "a": a, "b": b, "shared": shared }));
        table.rows.push(vec![json!(a), json!(b), (*shared).into()]);
    }
    let document = json!({
        "via": via.name(), "min": min, "hub_max": hub_max, "window": render::window(window), "total": total,
        "pairs": list, "hubs_skipped": hubs, "next": next,
    });
    debug_assert!(end - start <= LIMIT_MAX);
    Ok(Answer { document, table, next })
}

/// Every (value, account) of a dimension in a window, as `name << 32 | account`, sorted, each once.
fn incidences(
    snapshot: &Snapshot,
    via: Dim,
    window: Window,
    budget: &Budget,
) -> Result<Vec<u64>, QueryError> {
    let plan = snapshot.plan(window);
    let aspect = via.aspect();
    let keys: RoaringBitmap = (0..snapshot.catalog().keys(aspect)).collect();
    let mut of_keys: Vec<u64> = Vec::new();
    let pack = |key: u32, subject: u32| u64::from(key) << 32 | u64::from(subject);
    for run in &plan.runs {
        budget.check()?;
        snapshot.entries(run, aspect, &keys, &mut |key, entry| match aspect {
            Aspect::Subject => of_keys.push(pack(key, key)),
            _ => {
                of_keys
                    .extend(entry.links[Aspect::Subject.index()].iter().map(|subject| pack(key, *subject)));
            }
        })?;
    }
    for part in &plan.parts {
        budget.check()?;
        let mut reader = part.reader();
        let (ts, own, subjects) =
            (reader.all_ts()?, reader.all_keys(aspect)?, reader.all_keys(Aspect::Subject)?);
        let rows = ts.iter().zip(own).zip(subjects).enumerate();
        let kept = rows.filter(|(row, ((ts, _), _))| plan.keeps(part.first_row() + *row as u64, **ts));
        of_keys.extend(kept.map(|(_, ((_, key), subject))| pack(key, subject)));
    }
    of_keys.sort_unstable();
    of_keys.dedup();
    budget.check()?;
    let catalog = snapshot.catalog();
    let named = |pair: &u64| {
        let name = catalog.name_of(via, (pair >> 32) as u32)?;
        Some(pack(name, catalog.name_of(Dim::Account, *pair as u32)?))
    };
    let mut names: Vec<u64> = of_keys.iter().filter_map(named).collect();
    drop(catalog);
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
