//! Early: what an open day shows at the end of an hour.
//!
//! The same examination as at a close, of the days before and of what the open day has so far. Groups that no
//! known cluster accounts for are watched until the close, which asks everybody anew. Nobody is flagged by it,
//! and nothing of it outlives the close, so that it does not matter whether anybody looked.

use super::analysis::Ledger;
use super::clusters::{Book, Cluster, Confirmed, Page, Status};
use super::examine::{Given, examine};
use super::facts::{DayFacts, Gathering, gather};
use super::records::Records;
use super::twins;
use super::watch::hour_closes;
use crate::limits::WINDOW_DAYS;
use crate::store::{Snapshot, StoreError};
use std::collections::BTreeMap;

/// Clusters that the days before and an hour of the open day show, and that the book does not know.
pub(super) fn seen(
    snapshot: &Snapshot,
    days: &mut Vec<DayFacts>,
    ledger: &Ledger,
    (open, hour): (&Gathering, u32),
) -> Result<Vec<Cluster>, StoreError> {
    let facts = gather(snapshot, open)?;
    let mut history = ledger.history.clone();
    history.add(&facts);
    let follows = days.last().is_some_and(|last| last.day + 1 == facts.day);
    days.push(facts);
    let first = if follows { days.len().saturating_sub(WINDOW_DAYS) } else { days.len() - 1 };
    let records = Records::load(snapshot, &days[first..]);
    let window: Vec<&DayFacts> = days[first..].iter().collect();
    let found = records.map(|records| {
        let given = Given {
            history: Some(&history),
            first_strong: ledger.first_strong.clone(),
            book: Some(&ledger.book),
            bans: ledger.bans.clone(),
            releases: ledger.releases.clone(),
            records,
            successors: None,
            without_evidence: true,
        };
        let examined = examine(snapshot, &window, &given);
        let is_new = |found: &Confirmed| !ledger.book.knows(&examined.window, found);
        (examined.found.clusters.into_iter().filter(is_new).collect::<Vec<_>>(), examined.window)
    });
    days.pop();
    let (found, window) = found?;
    let twins = found.iter().map(twins::checked).collect();
    let page = Page { window: &window, signatures: Vec::new(), twins, arrived: BTreeMap::new() };
    let mut book = Book::default();
    book.close(&page, &found, &mut history);
    let mut clusters = book.clusters;
    for cluster in &mut clusters {
        (cluster.status, cluster.confirmed, cluster.hour) = (Status::Watch, None, Some(hour));
        cluster.history.truncate(1);
        for member in &mut cluster.members {
            member.flagged = hour_closes(open.day, hour);
        }
    }
    Ok(clusters)
}
