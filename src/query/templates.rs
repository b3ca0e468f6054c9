//! Templates: the phrase keys that prompts have in common. Who sent one, when, and which two accounts share.
//!
//! Keys are columns without an index: the events of a window are read through, so a narrow window is a fast
//! answer. What a key is, and how to compute it from a text, is said in `ingest/sketch`.

use super::cursor::Pager;
use super::newest::Row;
use super::pivot::accounts_of;
use super::render;
use super::scan::{Scan, through_catalog, valued};
use super::{Answer, Budget, QueryError, Table};
use crate::detect::Ledger;
use crate::event::{Aspect, Day, Dim, Micros, Number, Window};
use crate::limits::{GATHERED_MAX, TEMPLATE_ACCOUNTS_MAX, WHY_PROMPTS_MAX, WHY_TEMPLATES_MAX};
use crate::store::{Part, Snapshot};
use roaring::RoaringBitmap;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// Where in a prompt a key can be from.
pub(super) const PLACES: [Number; 4] = [Number::Head, Number::Tail, Number::Body, Number::System];

/// What a key says and what not.
const NOTE: &str = "a key says that prompts have a phrase of eight words in common, or a whole system prompt, and holds none \
     of the words; it has 32 bits, so that of a million different phrases one in 4,300 shares its key with another";

/// Overlap of holders from which two keys are one template, seen at two places of the prompt.
const SAME_TEMPLATE: f64 = 0.9;

/// Keys that are looked for.
struct Wanted {
    /// Ascending.
    keys: Vec<u32>,
    /// A bit for the low half of each key: most events are passed over by one look.
    low: Vec<u64>,
}

impl Wanted {
    fn new(mut keys: Vec<u32>) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let mut low = vec![0; (1 << 16) / 64];
        for key in &keys {
            low[(*key as u16 / 64) as usize] |= 1_u64 << (key % 64);
        }
        Self { keys, low }
    }

    fn find(&self, key: u32) -> Option<u32> {
        let may_be = self.low[(key as u16 / 64) as usize] & (1 << (key % 64)) != 0;
        if may_be { self.keys.binary_search(&key).ok().map(|at| at as u32) } else { None }
    }
}

/// An event that carries one of the keys.
struct Hit {
    row: u32,
    ts: Micros,
    /// Which of the keys.
    key: u32,
    /// Where, a bit for each of [`PLACES`].
    places: u8,
}

/// Calls `each` with every event of a window that carries one of the keys, once for each key, part by part.
fn scan(
    snapshot: &Snapshot,
    window: Window,
    wanted: &Wanted,
    budget: &Budget,
    mut each: impl FnMut(&mut Scan, &Hit) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    for part in snapshot.parts(window) {
        let mut scan = Scan::of(&part);
        let mut found: Vec<(u32, u32, u8)> = Vec::new();
        for (place, number) in PLACES.into_iter().enumerate() {
            budget.check()?;
            let column = scan.reader.all_numbers(number)?;
            let hits = column.into_iter().enumerate().filter(|(_, key)| *key != 0);
            found.extend(hits.filter_map(|(row, key)| Some((row as u32, wanted.find(key)?, 1 << place))));
        }
        found.sort_unstable();
        scan.expect(found.len() as u64);
        for same in found.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some((row, key, _)) = same.first().copied() else { continue };
            let ts = scan.ts(row)?;
            if window.contains(ts) {
                let places = same.iter().fold(0, |all, (_, _, place)| all | place);
                each(&mut scan, &Hit { row, ts, key, places })?;
            }
        }
    }
    Ok(())
}

/// How an account, or all of them, were seen with a template.
#[derive(Clone, Copy)]
struct Seen {
    events: u64,
    first: Micros,
    last: Micros,
}

impl Seen {
    const NONE: Self = Self { events: 0, first: Micros::MAX, last: Micros::MIN };

    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    fn times(self) -> [Value; 2] {
        let time = |instant| if self.events == 0 { Value::Null } else { render::time(instant) };
        [time(self.first), time(self.last)]
    }
}

/// Everything that a window has of one template.
#[derive(Default)]
struct Sightings {
    by_subject: HashMap<u32, Seen>,
    days: BTreeMap<i32, (u64, RoaringBitmap)>,
    places: [u64; PLACES.len()],
}

/// Answers the other side of a template. `name` is what it was asked by, if not by its key.
pub(super) fn answer(
    snapshot: &Snapshot,
    ledger: &Ledger,
    (key, name): (u32, Option<&str>),
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let all = sightings(snapshot, key, pager.window, budget)?;
    if all.by_subject.is_empty() && pager.window == Window::ALL {
        let name = name.map_or_else(|| key.to_string(), str::to_owned);
        return Err(QueryError::NotFound { what: "template", name });
    }
    let subjects = all.by_subject.iter().map(|(subject, seen)| (*subject, *seen));
    let of_subjects = through_catalog(snapshot, subjects, budget, |catalog, (subject, seen)| {
        Some((catalog.name_of(Dim::Account, subject)?, seen))
    })?;
    let (mut by_account, mut total) = (BTreeMap::new(), Seen::NONE);
    for (account, seen) in of_subjects {
        by_account.entry(account).or_insert(Seen::NONE).merge(seen);
        total.merge(seen);
    }
    let mut ranked = valued(snapshot, Dim::Account, by_account, budget)?;
    ranked.sort_unstable_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(&b.0)));
    let clusters: HashMap<&[u8], &str> = ledger
        .current()
        .flat_map(|cluster| cluster.members.iter().map(|m| (m.account.as_bytes(), cluster.id.as_str())))
        .collect();
    let mut in_clusters: BTreeMap<&str, u64> = BTreeMap::new();
    for id in ranked.iter().filter_map(|(account, _)| clusters.get(&**account)) {
        *in_clusters.entry(id).or_default() += 1;
    }
    let (start, end, next) = pager.slice(ranked.len())?;
    let columns = vec!["account", "events", "first_seen", "last_seen", "cluster"];
    let mut table = Table::new(columns, Vec::new());
    for (account, seen) in ranked.get(start..end).unwrap_or_default() {
        let [first, last] = seen.times();
        let cluster = clusters.get(&**account).copied();
        let account = String::from_utf8_lossy(account);
        table.rows.push(vec![account.into(), seen.events.into(), first, last, cluster.into()]);
    }
    let [first, last] = total.times();
    let found_in =
        PLACES.iter().zip(all.places).map(|(place, events)| (place.name().to_owned(), events.into()));
    let clusters: Vec<Value> =
        in_clusters.into_iter().map(|(id, accounts)| json!({"id": id, "accounts": accounts})).collect();
    let document = json!({
        "template": key.to_string(),
        "name": name,
        "window": render::window(pager.window),
        "events": total.events,
        "first_seen": first,
        "last_seen": last,
        "found_in": found_in.collect::<Map<String, Value>>(),
        "accounts": { "total": ranked.len(), "list": table.objects() },
        "days": days(snapshot, &all.days, budget)?,
        "clusters": clusters,
        "next": next,
        "note": NOTE,
    });
    table.notes = vec![format!(
        "template {key}: {} requests of {} accounts; by day, and where in the prompt: -o json",
        total.events,
        ranked.len()
    )];
    Ok(Answer { document, table, next })
}

fn sightings(
    snapshot: &Snapshot,
    key: u32,
    window: Window,
    budget: &Budget,
) -> Result<Sightings, QueryError> {
    let mut all = Sightings::default();
    scan(snapshot, window, &Wanted::new(vec![key]), budget, |scan, hit| {
        let subject = scan.key(Aspect::Subject, hit.row)?;
        let seen = Seen { events: 1, first: hit.ts, last: hit.ts };
        all.by_subject.entry(subject).or_insert(Seen::NONE).merge(seen);
        if all.by_subject.len() > TEMPLATE_ACCOUNTS_MAX {
            let reason =
                format!("more than {TEMPLATE_ACCOUNTS_MAX} accounts sent it: make the window narrower");
            return Err(QueryError::Parameter { field: "since", reason });
        }
        let (events, subjects) = all.days.entry(Day::of(hit.ts).0).or_default();
        *events += 1;
        subjects.insert(subject);
        for (place, events) in all.places.iter_mut().enumerate() {
            *events += u64::from(hit.places >> place & 1);
        }
        Ok(())
    })?;
    Ok(all)
}

/// Events and accounts by day.
pub(super) fn days(
    snapshot: &Snapshot,
    days: &BTreeMap<i32, (u64, RoaringBitmap)>,
    budget: &Budget,
) -> Result<Vec<Value>, QueryError> {
    let of_day = |(day, (events, subjects)): (&i32, &(u64, RoaringBitmap))| {
        let accounts = accounts_of(snapshot, subjects, budget)?.len();
        Ok(json!({"day": render::time(Day(*day).start()), "events": events, "accounts": accounts}))
    };
    days.iter().map(of_day).collect()
}

/// The newest events of an account, and the parts that hold them.
pub(super) type Events<'e> = (&'e [Row], &'e [Part]);

/// A template that two accounts share: its keys, the one with most events first, and how many accounts had it.
pub(super) struct Common {
    pub(super) keys: Vec<u32>,
    pub(super) accounts: u64,
}

/// What two accounts have in common of prompts.
pub(super) struct InCommon {
    pub(super) templates: Vec<Common>,
    /// Keys that were left out because there are more than are looked at.
    pub(super) left_out: usize,
}

/// The templates that two accounts share, by their newest events, and how many accounts have each in a window.
pub(super) fn in_common(
    snapshot: &Snapshot,
    window: Window,
    (of_a, of_b): (Events<'_>, Events<'_>),
    budget: &Budget,
) -> Result<InCommon, QueryError> {
    let (of_a, of_b) = (keys_of(of_a, budget)?, keys_of(of_b, budget)?);
    let both = of_a.iter().filter_map(|(key, a)| Some((*of_b.get(key)?.min(a), *key)));
    let mut both: Vec<(u64, u32)> = both.collect();
    both.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let left_out = both.len().saturating_sub(WHY_TEMPLATES_MAX);
    both.truncate(WHY_TEMPLATES_MAX);
    let mut templates: Vec<(Vec<u32>, RoaringBitmap)> = Vec::new();
    let holders = holders(snapshot, window, both.iter().map(|(_, key)| *key).collect(), budget)?;
    for (_, key) in both {
        let Some(accounts) = holders.get(&key) else { continue };
        let is_same = |known: &RoaringBitmap| {
            known.intersection_len(accounts) as f64 >= SAME_TEMPLATE * known.union_len(accounts) as f64
        };
        match templates.iter_mut().find(|(_, known)| is_same(known)) {
            Some((keys, _)) => keys.push(key),
            None => templates.push((vec![key], accounts.clone())),
        }
    }
    let templates = templates.into_iter();
    let templates = templates.map(|(keys, accounts)| Common { keys, accounts: accounts.len() }).collect();
    Ok(InCommon { templates, left_out })
}

/// The keys of an account's newest events, with how many events carry each.
fn keys_of((rows, parts): Events<'_>, budget: &Budget) -> Result<HashMap<u32, u64>, QueryError> {
    let mut rows: Vec<&Row> = rows.iter().take(WHY_PROMPTS_MAX).collect();
    rows.sort_by_key(|row| row.part);
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for group in rows.chunk_by(|a, b| a.part == b.part) {
        budget.check()?;
        let Some(part) = group.first().and_then(|row| parts.get(row.part)) else { continue };
        let mut scan = Scan::of(part);
        scan.expect(group.len() as u64);
        for row in group {
            for key in row_keys(&mut scan, (row.number - part.first_row()) as u32)? {
                *counts.entry(key).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

/// The distinct keys of a row.
pub(super) fn row_keys(scan: &mut Scan, row: u32) -> Result<impl Iterator<Item = u32> + use<>, QueryError> {
    let mut keys = [0; PLACES.len()];
    for (key, number) in keys.iter_mut().zip(PLACES) {
        *key = scan.number(number, row)?;
    }
    Ok((0..keys.len()).map(move |at| (at, keys)).filter_map(|(at, keys)| {
        let key = keys[at];
        (key != 0 && !keys[..at].contains(&key)).then_some(key)
    }))
}

/// The accounts that carry each of some keys in a window.
fn holders(
    snapshot: &Snapshot,
    window: Window,
    keys: Vec<u32>,
    budget: &Budget,
) -> Result<BTreeMap<u32, RoaringBitmap>, QueryError> {
    let wanted = Wanted::new(keys);
    let mut subjects = vec![RoaringBitmap::new(); wanted.keys.len()];
    let mut gathered = 0;
    if !wanted.keys.is_empty() {
        scan(snapshot, window, &wanted, budget, |scan, hit| {
            let subject = scan.key(Aspect::Subject, hit.row)?;
            gathered += usize::from(subjects.get_mut(hit.key as usize).is_some_and(|of| of.insert(subject)));
            if gathered > GATHERED_MAX {
                let reason = "too many accounts have what they share: make the window narrower".to_owned();
                return Err(QueryError::Parameter { field: "since", reason });
            }
            Ok(())
        })?;
    }
    let each = wanted.keys.iter().zip(&subjects);
    each.map(|(key, subjects)| Ok((*key, accounts_of(snapshot, subjects, budget)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn wanted_keys_are_found_and_others_with_the_same_low_half_are_not() {
        let wanted = Wanted::new(vec![7 << 16 | 5, 5, 0xffff_ffff, 5]);
        assert_eq!(wanted.keys.len(), 3);
        for (at, key) in wanted.keys.iter().enumerate() {
            assert_eq!(wanted.find(*key), Some(at as u32));
        }
        for other in [8 << 16 | 5, 6, 0, 0xfffe_ffff] {
            assert_eq!(wanted.find(other), None);
        }
    }
}
