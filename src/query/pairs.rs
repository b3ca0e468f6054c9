//! Pairs of accounts that share several values of one dimension.
//!
//! Only values with few accounts make pairs; the others are counted, since one that `n` accounts share
//! would make `n * n / 2` pairs that say nothing.

use super::cursor::Pager;
use super::gather::{Gathered, pack, unpack};
use super::pivot::check_shareable;
use super::scan::{through_catalog, valued};
use super::{Answer, Budget, QueryError, Table, render};
use crate::event::{Aspect, Dim};
use crate::limits::{PAIR_HUB_MAX_DEFAULT, PAIRS_MAX};
use crate::store::Snapshot;
use roaring::RoaringBitmap;
use serde_json::json;
use std::collections::HashMap;

/// Answers `pairs`.
pub(super) fn answer(
    snapshot: &Snapshot,
    via: Dim,
    min: u32,
    hub_max: Option<u64>,
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    check_shareable(&[via])?;
    let hub_max = hub_max.unwrap_or(PAIR_HUB_MAX_DEFAULT);
    let (pairs, hubs) = pairs_of(&incidences(snapshot, via, pager, budget)?, hub_max, budget)?;
    let enough = pairs.chunk_by(|a, b| a == b).filter(|group| group.len() >= min as usize);
    let counted: Vec<(u64, usize)> =
        enough.map(|group| (group.first().copied().unwrap_or_default(), group.len())).collect();
    drop(pairs);
    let mut accounts: Vec<u32> =
        counted.iter().flat_map(|(pair, _)| [(pair >> 32) as u32, *pair as u32]).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let names = valued(snapshot, Dim::Account, accounts.iter().map(|account| (*account, *account)), budget)?;
    let names: HashMap<u32, Box<[u8]>> = names.into_iter().map(|(value, account)| (account, value)).collect();
    let name = |account: u64| names.get(&(account as u32)).map_or(&[][..], |name| &**name);
    let mut ranked: Vec<(usize, &[u8], &[u8])> = Vec::with_capacity(counted.len());
    for (pair, shared) in counted {
        let (a, b) = (name(pair >> 32), name(pair & 0xffff_ffff));
        ranked.push((shared, a.min(b), a.max(b)));
    }
    ranked.sort_unstable_by(|x, y| y.0.cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let total = ranked.len();
    let (start, end, next) = pager.slice(total)?;
    let mut table = Table::new(vec!["a", "b", "shared"], Vec::new());
    let mut list = Vec::new();
    for (shared, a, b) in ranked.get(start..end).unwrap_or_default() {
        let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
        list.push(json!({ "a": a, "b": b, "shared": shared }));
        table.rows.push(vec![json!(a), json!(b), (*shared).into()]);
    }
    let document = json!({
        "via": via.name(), "min": min, "hub_max": hub_max, "window": render::window(pager.window),
        "total": total, "pairs": list, "hubs_skipped": hubs, "next": next,
    });
    Ok(Answer { document, table, next })
}

/// The pairs that each value makes, sorted, once for each value; and how many values were hubs.
fn pairs_of(incidences: &[u64], hub_max: u64, budget: &Budget) -> Result<(Vec<u64>, u64), QueryError> {
    let mut pairs: Vec<u64> = Vec::new();
    let mut hubs = 0_u64;
    for group in incidences.chunk_by(|a, b| a >> 32 == b >> 32) {
        if group.len() as u64 > hub_max {
            hubs += 1;
            continue;
        }
        // Before they are made: a hub_max of a million would make more than memory holds.
        if pairs.len() + group.len() * (group.len() - 1) / 2 > PAIRS_MAX {
            let reason = format!("more than {PAIRS_MAX} pairs come up: narrow the window, or lower hub_max");
            return Err(QueryError::Parameter { field: "hub_max", reason });
        }
        budget.check()?;
        for (at, a) in group.iter().enumerate() {
            let others = group.iter().skip(at + 1);
            pairs.extend(others.map(|b| (a & 0xffff_ffff) << 32 | (b & 0xffff_ffff)));
        }
    }
    pairs.sort_unstable();
    budget.check()?;
    Ok((pairs, hubs))
}

/// Every (value, account) of a dimension in a window, as `name << 32 | account`, sorted, each once.
fn incidences(snapshot: &Snapshot, via: Dim, pager: &Pager, budget: &Budget) -> Result<Vec<u64>, QueryError> {
    let plan = snapshot.plan(pager.window);
    let aspect = via.aspect();
    let mut keys = RoaringBitmap::new();
    keys.insert_range(0..snapshot.catalog().keys(aspect));
    let mut of_keys = Gathered::default();
    for run in &plan.runs {
        budget.check()?;
        match aspect {
            Aspect::Subject => snapshot.counters(run, aspect, &keys, &mut |key, _| {
                of_keys.pairs.push(pack(key, key));
            })?,
            _ => snapshot.links(run, (aspect, Aspect::Subject), &keys, &mut |key, links| {
                of_keys.pairs.extend(links.map(|subject| pack(key, subject)));
            })?,
        }
        of_keys.settle()?;
    }
    for part in &plan.parts {
        budget.check()?;
        let mut reader = part.reader();
        let (ts, own, subjects) =
            (reader.all_ts()?, reader.all_keys(aspect)?, reader.all_keys(Aspect::Subject)?);
        let rows = ts.iter().zip(own).zip(subjects).enumerate();
        let kept = rows.filter(|(row, ((ts, _), _))| plan.keeps(part.first_row() + *row as u64, **ts));
        of_keys.pairs.extend(kept.map(|(_, ((_, key), subject))| pack(key, subject)));
        of_keys.settle()?;
    }
    let mut names = through_catalog(snapshot, of_keys.finish()?, budget, |catalog, pair| {
        let (key, subject) = unpack(pair);
        Some(pack(catalog.name_of(via, key)?, catalog.name_of(Dim::Account, subject)?))
    })?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
