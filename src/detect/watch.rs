//! The watch: newcomers who hold keys of a known cluster, hour by hour.
//!
//! Between two closings nothing is tested anew; the events of each hour are held against the signatures of
//! confirmed clusters. Whoever holds keys of two families, or three keys, is a provisional member by signature
//! until the day's close, which asks everybody anew.

use super::clusters::{Book, Member, Status, kind_of};
use super::facts::{DayFacts, Kind, halves};
use super::family::Family;
use super::history::History;
use super::signature;
use crate::event::{Dim, Micros};
use crate::limits::NEWCOMER_DAYS;
use crate::store::Snapshot;
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

    /// Looks at some events of a day; newcomers become members as of an instant. Says how many.
    pub(super) fn look(
        &mut self,
        snapshot: &Snapshot,
        facts: &DayFacts,
        (book, history): (&mut Book, &History),
        at: Micros,
    ) -> usize {
        let newcomer =
            |account: u32| history.first_seen(account).is_none_or(|first| facts.day - first < NEWCOMER_DAYS);
        let mut touched = BTreeSet::new();
        let mut meet = |kind: Kind, value: u32, account: u32| {
            let key = (kind as u8, value);
            if let Some(cluster) = self.keys.get(&key)
                && newcomer(account)
            {
                self.met.entry((*cluster, account)).or_default().insert(key);
                touched.insert((*cluster, account));
            }
        };
        for (kind, pairs) in Kind::PAIRED.into_iter().zip(&facts.pairs) {
            pairs.iter().map(|pair| halves(*pair)).for_each(|(account, value)| meet(kind, value, account));
        }
        for (key, account) in facts.templates.iter().map(|pair| halves(*pair)) {
            meet(Kind::Template, key, account);
        }
        let mut joined = 0;
        for (cluster, account) in touched {
            let is_member = self.met.get(&(cluster, account)).is_some_and(suffices);
            if is_member && let Some(cluster) = book.clusters.get_mut(cluster) {
                let name = {
                    let catalog = snapshot.catalog();
                    String::from_utf8_lossy(catalog.value(Dim::Account, account)).into_owned()
                };
                let member = Member {
                    first_seen: history.first_seen(account).unwrap_or(facts.day),
                    account: name,
                    flagged: at,
                    agreements: Vec::new(),
                    by_signature: true,
                    succeeds: None,
                };
                joined += usize::from(cluster.join(member));
            }
        }
        joined
    }
}

fn suffices(met: &BTreeSet<(u8, u32)>) -> bool {
    let families: BTreeSet<Family> =
        met.iter().filter_map(|(kind, _)| kind_of(*kind)).map(Family::of_kind).collect();
    families.len() >= 2 || met.len() >= KEYS_MIN
}
