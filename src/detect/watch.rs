//! The watch: newcomers who hold keys of a known cluster, hour by hour of event time.
//!
//! Between two closings nothing is tested anew; events are held against the signatures of confirmed clusters.
//! Whoever holds keys of two families, or three keys, is a provisional member by signature until the day's close,
//! which asks everybody anew. Who is a member then was flagged at the end of the hour in which the keys came
//! together, whatever the order in which the day's events arrived.

use super::clusters::{Book, Member, Status, kind_of};
use super::facts::{Gathering, Lookout, sightings};
use super::family::Family;
use super::history::History;
use super::signature;
use crate::event::{Day, Dim, MICROS_AN_HOUR, Micros};
use crate::limits::{MICROS_AFTER_DAY, NEWCOMER_DAYS};
use crate::store::{Snapshot, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// Keys of one family, or keys of any, that make a member.
const KEYS_MIN: usize = 3;

/// What was met since the last closing.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By kind and value: place of the cluster in the book.
    keys: BTreeMap<(u8, u32), usize>,
    /// By cluster and account: keys met.
    met: BTreeMap<(usize, u32), BTreeSet<(u8, u32)>>,
}

/// An account that holds enough keys of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// Place of the cluster in the book.
    pub cluster: usize,
    /// Ordinal and name of the account.
    pub account: (u32, String),
    /// Ten minutes past the end of the hour in which it had them.
    pub at: Micros,
}

impl Watch {
    /// A watch over the signatures of a book.
    #[must_use]
    pub(super) fn of(snapshot: &Snapshot, book: &Book) -> Self {
        let mut keys = BTreeMap::new();
        for (at, cluster) in book.clusters.iter().enumerate() {
            let is_known = cluster.status == Status::Confirmed && cluster.verdict.accuses();
            if is_known && cluster.merged_into.is_none() {
                keys.extend(
                    signature::resolve(snapshot, &cluster.signature).into_iter().map(|key| (key, at)),
                );
            }
        }
        Self { keys, met: BTreeMap::new() }
    }

    /// Whether there is anything to look for.
    #[must_use]
    pub(super) fn is_idle(&self) -> bool {
        self.keys.is_empty()
    }

    /// Looks at some rows of a day, and says which newcomers have had enough keys since the watch began.
    pub(super) fn look(
        &mut self,
        snapshot: &Snapshot,
        rows: Gathering,
        history: &History,
    ) -> Result<Vec<Arrival>, StoreError> {
        let day = rows.day;
        if self.is_idle() {
            return Ok(Vec::new());
        }
        let lookout = Lookout {
            rows,
            is_key: &|kind, value| self.keys.contains_key(&(kind as u8, value)),
            is_newcomer: &|account| {
                history.first_seen(account).is_none_or(|first| day.0 - first < NEWCOMER_DAYS)
            },
        };
        let mut arrivals = Vec::new();
        for sighting in sightings(snapshot, &lookout)? {
            let key = (sighting.key.0 as u8, sighting.key.1);
            let Some(cluster) = self.keys.get(&key).copied() else { continue };
            let met = self.met.entry((cluster, sighting.account)).or_default();
            let before = suffices(met);
            if met.insert(key) && !before && suffices(met) {
                let name = {
                    let catalog = snapshot.catalog();
                    String::from_utf8_lossy(catalog.value(Dim::Account, sighting.account)).into_owned()
                };
                let account = (sighting.account, name);
                arrivals.push(Arrival { cluster, account, at: hour_closes(day, sighting.hour) });
            }
        }
        Ok(arrivals)
    }
}

/// Enters arrivals as provisional members.
pub(super) fn admit(book: &mut Book, history: &History, day: Day, arrivals: Vec<Arrival>) {
    for arrival in arrivals {
        let Some(cluster) = book.clusters.get_mut(arrival.cluster) else { continue };
        let (ordinal, account) = arrival.account;
        cluster.join(Member {
            first_seen: history.first_seen(ordinal).unwrap_or(day.0),
            account,
            flagged: arrival.at,
            agreements: Vec::new(),
            by_signature: true,
            succeeds: None,
        });
    }
}

/// Ten minutes past the end of an hour of a day.
pub(super) fn hour_closes(day: Day, hour: u32) -> Micros {
    day.start() + MICROS_AN_HOUR * i64::from(hour + 1) + MICROS_AFTER_DAY
}

fn suffices(met: &BTreeSet<(u8, u32)>) -> bool {
    let families: BTreeSet<Family> =
        met.iter().filter_map(|(kind, _)| kind_of(*kind)).map(Family::of_kind).collect();
    families.len() >= 2 || met.len() >= KEYS_MIN
}
