//! Accounts that share attributes with one, the rarest things first.
//!
//! Sharing is no accusation: each thing comes with how many others share it. What very many share is
//! listed as skipped, with its size, and never left out in silence.

use super::cursor::Pager;
use super::pivot::{
    Hub, Hubs, Shared, attributes, check_shareable, family, holders, rarity_weight, subjects_of,
    subjects_of_accounts,
};
use super::scan::valued;
use super::{Answer, Budget, QueryError, Table, render};
use crate::event::Dim;
use crate::limits::HUB_MAX_DEFAULT;
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
    (hops, hub_max): (u8, Option<u64>),
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    check_shareable(via)?;
    let subjects = subjects_of(snapshot, account)?;
    let plan = snapshot.plan(pager.window);
    let limit = Hubs { over: hub_max.unwrap_or(HUB_MAX_DEFAULT), at_least: true };
    let own = snapshot.catalog().find(Dim::Account, account.as_bytes()).unwrap_or(u32::MAX);
    let near = attributes(snapshot, &plan, &subjects, via, budget)?;
    let mut all = holders(snapshot, &plan, &near, limit, budget)?;
    let mut found = collect(&all.shared, 0, 1, own);
    if hops == 2 {
        let reached: RoaringBitmap = found.keys().copied().collect();
        let subjects = subjects_of_accounts(snapshot, &reached, budget)?;
        // What the account has itself reaches nobody new.
        let far = attributes(snapshot, &plan, &subjects, via, budget)?.difference(&near).copied().collect();
        let further = holders(snapshot, &plan, &far, limit, budget)?;
        let before = all.shared.len();
        all.shared.extend(further.shared);
        all.hubs.extend(further.hubs);
        for (account, further) in collect(&all.shared, before, 2, own) {
            found.entry(account).or_insert(further);
        }
    }
    let mut ranked = valued(snapshot, Dim::Account, found, budget)?;
    ranked.sort_by(|(a_name, a), (b_name, b)| {
        a.hops.cmp(&b.hops).then(b.weight.total_cmp(&a.weight)).then(a_name.cmp(b_name))
    });
    present(snapshot, account, &ranked, &all.shared, &all.hubs, pager)
}

/// The holders of each shared thing from a place on.
fn collect(shared: &[Shared], start: usize, hops: u8, own: u32) -> BTreeMap<u32, Found> {
    let mut found: BTreeMap<u32, Found> = BTreeMap::new();
    for (at, thing) in shared.iter().enumerate().skip(start) {
        let weight = rarity_weight(thing.accounts.len() as u64);
        for account in thing.accounts.iter().filter(|account| **account != own) {
            let entry = found.entry(*account).or_default();
            entry.hops = hops;
            entry.weight += weight;
            entry.shared.push(at);
        }
    }
    found
}

fn present(
    snapshot: &Snapshot,
    account: &str,
    ranked: &[(Box<[u8]>, Found)],
    shared: &[Shared],
    hubs: &[Hub],
    pager: &Pager,
) -> Result<Answer, QueryError> {
    let (start, end, next) = pager.slice(ranked.len())?;
    let columns = vec!["account", "hops", "weight", "shared_count", "shares"];
    let mut table = Table::new(columns, Vec::new());
    for (name, found) in ranked.get(start..end).unwrap_or_default() {
        // The rarest first.
        let mut things: Vec<&Shared> = found.shared.iter().filter_map(|at| shared.get(*at)).collect();
        things.sort_by_key(|thing| (thing.accounts.len(), thing.dim, thing.name));
        let values: Vec<Value> =
            things.iter().map(|thing| value_of(snapshot, thing.dim, thing.name)).collect();
        let name = String::from_utf8_lossy(name);
        let weight = (found.weight * 1e6).round() / 1e6;
        let count = things.len();
        table.rows.push(vec![
            json!(name),
            found.hops.into(),
            weight.into(),
            count.into(),
            words(&things, &values),
        ]);
        let shares: Vec<Value> = things
            .iter()
            .zip(&values)
            .map(|(thing, value)| thing_of(thing.dim, value, thing.accounts.len() as u64))
            .collect();
        table.lines.push(json!({
            "account": name, "hops": found.hops, "weight": weight, "shared_count": count, "shared": shares,
        }));
    }
    let skipped: Vec<Value> = hubs
        .iter()
        .map(|hub| {
            let mut thing = thing_of(hub.dim, &value_of(snapshot, hub.dim, hub.name), hub.accounts);
            thing["at_least"] = hub.at_least.into();
            thing
        })
        .collect();
    if !hubs.is_empty() {
        table
            .notes
            .push(format!("{} things that too many share are skipped: -o json names them", hubs.len()));
    }
    let document = json!({
        "account": account, "window": render::window(pager.window), "total": ranked.len(),
        "neighbors": table.lines, "skipped": skipped, "next": next,
    });
    Ok(Answer { document, table, next })
}

fn value_of(snapshot: &Snapshot, dim: Dim, name: u32) -> Value {
    render::value(snapshot.privacy(), dim, snapshot.catalog().value(dim, name))
}

fn thing_of(dim: Dim, value: &Value, accounts: u64) -> Value {
    let weight = (rarity_weight(accounts) * 1e6).round() / 1e6;
    json!({ "family": family(dim).name(), "via": dim.name(), "value": value, "accounts": accounts, "weight": weight })
}

/// Shared things in words, one each.
fn words(things: &[&Shared], values: &[Value]) -> Value {
    let word = |(thing, value): (&&Shared, &Value)| {
        let accounts = thing.accounts.len();
        let (family, via) = (family(thing.dim).name(), thing.dim.name());
        format!(
            "{family} {via} {} ({accounts} accounts, {:.3})",
            render::plain(value),
            rarity_weight(accounts as u64)
        )
    };
    things.iter().zip(values).map(word).collect()
}
