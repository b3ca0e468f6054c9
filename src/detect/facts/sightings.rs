//! Sightings: which keys of known clusters newcomers were seen with, and in which hour of event time.

use super::Kind;
use super::build::{keys_of, names, resolve_accounts};
use super::read::{Columns, Gathering, Line, read};
use crate::event::Dim;
use crate::store::{Snapshot, StoreError};
use std::collections::BTreeMap;

/// Seconds of an hour.
const HOUR: u32 = 3600;

/// An account held a key. Sorted by account, then by hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sighting {
    /// Ordinal of the account.
    pub account: u32,
    /// Hour of the day.
    pub hour: u32,
    /// Kind and value.
    pub key: (Kind, u32),
}

/// What is looked for in rows.
pub(crate) struct Lookout<'a> {
    /// The rows.
    pub rows: Gathering,
    /// Whether a value is a key.
    pub is_key: &'a (dyn Fn(Kind, u32) -> bool + Sync),
    /// Whether an account is looked at.
    pub is_newcomer: &'a (dyn Fn(u32) -> bool + Sync),
}

/// Keys among the names of some dimensions, by the key of their aspect.
fn keyed(
    snapshot: &Snapshot,
    lookout: &Lookout<'_>,
    aspect_keys: &[u32],
    kinds: [(Kind, Dim); 2],
) -> BTreeMap<u32, Vec<(Kind, u32)>> {
    let mut keyed: BTreeMap<u32, Vec<(Kind, u32)>> = BTreeMap::new();
    for (kind, dim) in kinds {
        for (at, name) in aspect_keys.iter().zip(names(snapshot, dim, aspect_keys)) {
            if let Some(value) = name.filter(|value| (lookout.is_key)(kind, *value)) {
                keyed.entry(*at).or_default().push((kind, value));
            }
        }
    }
    keyed
}

/// All sightings in some rows.
pub(crate) fn sightings(snapshot: &Snapshot, lookout: &Lookout<'_>) -> Result<Vec<Sighting>, StoreError> {
    let mut lines = read(snapshot, &lookout.rows, Columns::Keys)?;
    resolve_accounts(snapshot, &mut lines);
    lines.retain(|line| (lookout.is_newcomer)(line.account));
    let column = |column: fn(&Line) -> u32| keys_of(&lines, column);
    let clients = [(Kind::Fingerprint, Dim::Fingerprint), (Kind::UserAgent, Dim::UserAgent)];
    let clients = keyed(snapshot, lookout, &column(|line| line.client), clients);
    let subjects = [(Kind::Payment, Dim::Payment), (Kind::ApiKey, Dim::ApiKey)];
    let subjects = keyed(snapshot, lookout, &column(|line| line.subject), subjects);
    let mut found = Vec::new();
    for line in &lines {
        let templates = line.keys.iter().filter(|key| **key != 0 && (lookout.is_key)(Kind::Template, **key));
        let held =
            clients.get(&line.client).into_iter().chain(subjects.get(&line.subject)).flatten().copied();
        let held = held.chain(templates.map(|key| (Kind::Template, *key)));
        let (account, hour) = (line.account, (line.second / HOUR).min(23));
        found.extend(held.map(|key| Sighting { account, hour, key }));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
