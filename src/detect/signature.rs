//! Signatures: values that hardly anybody outside a cluster holds, by which newcomers are known.

use super::clusters::{Confirmed, Key};
use super::facts::Kind;
use super::window::Window;
use crate::event::Dim;
use crate::limits::{SIGNATURE_HOLDERS_MIN, SIGNATURE_KEYS_MAX};
use crate::store::Snapshot;

/// Kinds that make signatures.
pub(super) const KINDS: [(Kind, Option<Dim>); 5] = [
    (Kind::Fingerprint, Some(Dim::Fingerprint)),
    (Kind::UserAgent, Some(Dim::UserAgent)),
    (Kind::Payment, Some(Dim::Payment)),
    (Kind::ApiKey, Some(Dim::ApiKey)),
    (Kind::Template, None),
];

/// Share of a value's holders that have to be members.
const EXCLUSIVE: f64 = 0.8;

/// The signature of a cluster.
#[must_use]
pub(super) fn of(snapshot: &Snapshot, window: &Window, cluster: &Confirmed) -> Vec<Key> {
    let mut keys = Vec::new();
    for (kind, dim) in KINDS {
        let items = window.items(kind);
        let mut held: Vec<u32> =
            cluster.members.iter().flat_map(|member| items.of_account.get(*member)).copied().collect();
        held.sort_unstable();
        let exclusive = held.chunk_by(|a, b| a == b).filter_map(|same| {
            let item = *same.first()?;
            let holders = items.holders.get(item).len();
            let is_key =
                same.len() >= SIGNATURE_HOLDERS_MIN && same.len() as f64 >= EXCLUSIVE * holders as f64;
            is_key.then_some((same.len(), *items.values.get(item as usize)?))
        });
        let mut exclusive: Vec<(usize, String)> = {
            let catalog = snapshot.catalog();
            let value = |value: u32| match dim {
                Some(dim) => String::from_utf8_lossy(window.value(&catalog, dim, value)).into_owned(),
                None => value.to_string(),
            };
            exclusive.map(|(size, item)| (size, value(item))).collect()
        };
        exclusive.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        exclusive.truncate(SIGNATURE_KEYS_MAX);
        keys.extend(exclusive.into_iter().map(|(_, value)| Key { kind: kind as u8, value }));
    }
    keys.sort_unstable();
    keys
}

/// Kind and value of the keys of a signature, as far as the database knows them.
#[must_use]
pub(super) fn resolve(snapshot: &Snapshot, keys: &[Key]) -> Vec<(u8, u32)> {
    let catalog = snapshot.catalog();
    let value = |key: &Key| match KINDS.iter().find(|(kind, _)| *kind as u8 == key.kind)?.1 {
        Some(dim) => catalog.find(dim, key.value.as_bytes()),
        None => key.value.parse().ok(),
    };
    keys.iter().filter_map(|key| Some((key.kind, value(key)?))).collect()
}
