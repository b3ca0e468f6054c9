//! Events of a cluster's members by day, over all days of the log or a window.

use super::find;
use crate::detect::Ledger;
use crate::event::{Aspect, Day, Dim, Window};
use crate::query::pivot::{kept_rows, subjects_of_accounts};
use crate::query::scan::through_catalog;
use crate::query::{Answer, Budget, QueryError, Table, render, templates};
use crate::store::Snapshot;
use roaring::RoaringBitmap;
use serde_json::json;
use std::collections::BTreeMap;

/// Answers the timeline of a cluster.
pub(in crate::query) fn timeline(
    snapshot: &Snapshot,
    ledger: &Ledger,
    id: &str,
    window: Window,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let cluster = find(ledger, id)?;
    let accounts = through_catalog(snapshot, &cluster.members, budget, |catalog, member| {
        catalog.find(Dim::Account, member.account.as_bytes())
    })?;
    let subjects = subjects_of_accounts(snapshot, &accounts.into_iter().collect(), budget)?;
    let plan = snapshot.plan(window);
    let mut days: BTreeMap<i32, (u64, RoaringBitmap)> = BTreeMap::new();
    for run in &plan.runs {
        budget.check()?;
        snapshot.counters(run, Aspect::Subject, &subjects, &mut |key, counters| {
            let (events, active) = days.entry(run.day().0).or_default();
            *events += counters.events;
            active.insert(key);
        })?;
    }
    kept_rows(&plan, (Aspect::Subject, &subjects), budget, |scan, row, ts| {
        let (events, active) = days.entry(Day::of(ts).0).or_default();
        *events += 1;
        active.insert(scan.key(Aspect::Subject, row)?);
        Ok(())
    })?;
    let list = templates::days(snapshot, &days, budget)?;
    let columns = ["day", "events", "accounts"];
    let row = |day: &serde_json::Value| {
        columns.iter().map(|column| day.get(column).cloned().unwrap_or_default()).collect()
    };
    let table = Table::new(columns.to_vec(), list.iter().map(row).collect());
    let document = json!({"id": cluster.id, "window": render::window(window), "timeline": list});
    Ok(Answer { document, table, next: None })
}
