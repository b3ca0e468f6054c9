//! The accounts of a window, in the order of their names, and which of them are established.

use super::Account;
use crate::detect::facts::DayFacts;
use crate::detect::history::History;
use crate::detect::records::Records;
use crate::event::Dim;
use crate::limits::{LOG_BEGINS_DAYS, MATURE_ACTIVE_DAYS, MATURE_AGE_DAYS};
use crate::store::Snapshot;

/// Accounts by rank, and ranks by ordinal.
pub(super) fn accounts(
    snapshot: &Snapshot,
    days: &[&DayFacts],
    (history, records): (&History, &Records),
    day: i32,
) -> (Vec<Account>, Vec<u32>) {
    let mut ordinals: Vec<u32> = days.iter().flat_map(|f| f.accounts.iter().map(|a| a.account)).collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let mut created: Vec<i32> = vec![i32::MIN; ordinals.len()];
    for of_day in days.iter().flat_map(|facts| &facts.accounts) {
        if let Some(slot) = ordinals.binary_search(&of_day.account).ok().and_then(|at| created.get_mut(at)) {
            *slot = (*slot).max(of_day.created);
        }
    }
    let names: Vec<String> = {
        let catalog = snapshot.catalog();
        let name =
            |ordinal: &u32| String::from_utf8_lossy(catalog.value(Dim::Account, *ordinal)).into_owned();
        ordinals.iter().map(name).collect()
    };
    let mut accounts: Vec<Account> = ordinals
        .iter()
        .zip(created)
        .zip(names)
        .map(|((ordinal, created), name)| {
            let first_seen = history.first_seen(*ordinal).unwrap_or(day);
            let told = records.get(&name);
            // What events say comes first; a record fills in for those that say nothing.
            let created = (created != i32::MIN).then_some(created).or(told.and_then(|told| told.created));
            let organisation = told.and_then(|told| told.organisation.clone());
            // An account that turns up in the middle of a log was most likely made then.
            let born = created.or((first_seen > history.log_start() + LOG_BEGINS_DAYS).then_some(first_seen));
            Account {
                ordinal: *ordinal,
                name,
                created: born,
                first_seen,
                active_days: 0,
                events: 0,
                output_per_input: None,
                asn: 0,
                stratum: 0,
                mature: is_mature(*ordinal, born.unwrap_or(first_seen), history, day),
                labelled: 0,
                target: 0,
                hours: 0,
                roaming_days: 0,
                organisation,
            }
        })
        .collect();
    accounts.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let mut ranks = vec![u32::MAX; ordinals.last().map_or(0, |last| *last as usize + 1)];
    for (rank, account) in accounts.iter().enumerate() {
        if let Some(slot) = ranks.get_mut(account.ordinal as usize) {
            *slot = rank as u32;
        }
    }
    (accounts, ranks)
}

/// Old by its own date, active on several days, and in no confirmed cluster. A log that is younger than
/// the usual number of days asks for half of its own.
fn is_mature(ordinal: u32, created: i32, history: &History, day: i32) -> bool {
    let log_days = (day - history.log_start() + 1).max(1) as u32;
    let needed = MATURE_ACTIVE_DAYS.min(log_days.div_ceil(2));
    day - created >= MATURE_AGE_DAYS
        && history.active_days(ordinal) >= needed
        && !history.is_clustered(ordinal)
}
