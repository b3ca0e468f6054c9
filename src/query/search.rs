//! Search: a set of rows by set algebra, then what to make of it.

use super::cursor::Pager;
use super::events::{present, wish};
use super::newest;
use super::pivot::counted;
use super::resolve::{Node, resolve};
use super::scan::{Scan, through_catalog, valued};
use super::{Answer, Budget, QueryError, Select, Table, expr, render};
use crate::event::{Aspect, Dim, MICROS_A_DAY, Micros, Window};
use crate::limits::TIMELINE_HOURS_MAX;
use crate::store::{Counters, Part, Snapshot};
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

const MICROS_AN_HOUR: Micros = MICROS_A_DAY / 24;

/// Up to this many rows, a further condition is asked of each row instead of its postings.
const ROWS_ASKED_MAX: u64 = 4_096;

/// Answers `search`.
pub(super) fn answer(
    snapshot: &Snapshot,
    expression: &str,
    select: Select,
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let node = resolve(snapshot, &expr::parse(expression)?, budget)?;
    let search = Search { snapshot, node: &node, window: pager.window, budget };
    match select {
        Select::Accounts => search.grouped(Dim::Account, "accounts", pager),
        Select::Ips => search.grouped(Dim::Ip, "ips", pager),
        Select::Fingerprints => search.grouped(Dim::Fingerprint, "fingerprints", pager),
        Select::Events => search.events(pager),
        Select::Count => search.count(),
        Select::Timeline => search.timeline(),
    }
}

struct Search<'s> {
    snapshot: &'s Snapshot,
    node: &'s Node,
    window: Window,
    budget: &'s Budget,
}

impl Search<'_> {
    /// The single set of keys that the expression comes down to, if days keep entries of its aspect.
    fn single(&self) -> Option<(Aspect, &RoaringBitmap)> {
        match self.node {
            Node::Keys(aspect, keys) if *aspect != Aspect::Route => Some((*aspect, keys)),
            _ => None,
        }
    }

    /// Calls `each` with the counters of every key in `single`, once for each day and once for each row
    /// that is in no day.
    fn counted(
        &self,
        single: (Aspect, &RoaringBitmap),
        each: impl FnMut(u32, &Counters),
    ) -> Result<(), QueryError> {
        counted(self.snapshot, &self.snapshot.plan(self.window), single, self.budget, each)
    }

    /// Calls `each` with the matching rows of every part of the window.
    fn parts(
        &self,
        mut each: impl FnMut(&mut Scan, RoaringBitmap) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        for part in self.snapshot.parts(self.window) {
            self.budget.check()?;
            let mut scan = Scan::of(&part);
            let mut rows = matching(&part, &mut scan, self.node)?;
            scan.expect(rows.len());
            if !self.window.covers(part.span().0, part.span().1) {
                let mut inside = RoaringBitmap::new();
                for row in rows {
                    if self.window.contains(scan.ts(row)?) {
                        inside.insert(row);
                    }
                }
                rows = inside;
            }
            each(&mut scan, rows)?;
        }
        Ok(())
    }

    /// Rows grouped by a value, ranked by events.
    fn grouped(&self, dim: Dim, list_name: &'static str, pager: &Pager) -> Result<Answer, QueryError> {
        let aspect = dim.aspect();
        let mut by_key: HashMap<u32, Counters> = HashMap::new();
        match self.single() {
            Some(single) if single.0 == aspect => {
                self.counted(single, |key, counters| by_key.entry(key).or_default().merge(counters))?;
            }
            _ => self.parts(|scan, rows| {
                for row in rows {
                    let ts = scan.ts(row)?;
                    by_key.entry(scan.key(aspect, row)?).or_default().add(ts, 0, 0);
                }
                Ok(())
            })?,
        }
        let named = through_catalog(self.snapshot, by_key, self.budget, |catalog, (key, counters)| {
            Some((catalog.name_of(dim, key)?, counters))
        })?;
        let mut by_name: HashMap<u32, Counters> = HashMap::new();
        for (name, counters) in named {
            by_name.entry(name).or_default().merge(&counters);
        }
        let mut ranked = valued(self.snapshot, dim, by_name, self.budget)?;
        ranked.sort_unstable_by(|a, b| b.1.events.cmp(&a.1.events).then_with(|| a.0.cmp(&b.0)));
        let total = ranked.len();
        let (start, end, next) = pager.slice(total)?;
        let columns = vec![dim.name(), "events", "first_seen", "last_seen"];
        let mut table = Table::new(columns, Vec::new());
        let mut list = Vec::new();
        for (value, counters) in ranked.get(start..end).unwrap_or_default() {
            let value = render::value(self.snapshot.privacy(), dim, value);
            let (first, last) = (render::time(counters.first), render::time(counters.last));
            list.push(json!({ dim.name(): value, "events": counters.events, "first_seen": first, "last_seen": last }));
            table.rows.push(vec![value, counters.events.into(), first, last]);
        }
        let window = render::window(self.window);
        let document = json!({ "window": window, "total": total, list_name: list, "next": next });
        Ok(Answer { document, table, next })
    }

    fn events(&self, pager: &Pager) -> Result<Answer, QueryError> {
        let matching = |part: &Part, scan: &mut Scan| matching(part, scan, self.node);
        let found = newest::rows_by(self.snapshot, wish(pager)?, self.budget, matching)?;
        present(self.snapshot, found, pager, None, self.budget)
    }

    fn count(&self) -> Result<Answer, QueryError> {
        let mut events = 0_u64;
        match self.single() {
            Some(single) => self.counted(single, |_, counters| events += counters.events)?,
            None => self.parts(|_, rows| {
                events += rows.len();
                Ok(())
            })?,
        }
        let table = Table::new(vec!["events"], vec![vec![events.into()]]);
        let document = json!({ "window": render::window(self.window), "events": events });
        Ok(Answer { document, table, next: None })
    }

    /// Events by hour for up to three days, by day beyond.
    fn timeline(&self) -> Result<Answer, QueryError> {
        let parts = self.snapshot.parts(self.window);
        let first = parts.iter().map(|part| part.span().0).min().unwrap_or(0).max(self.window.since);
        let last = parts.iter().map(|part| part.span().1).max().unwrap_or(0).min(self.window.until);
        let by_hour = last.saturating_sub(first) <= TIMELINE_HOURS_MAX * MICROS_AN_HOUR;
        let width = if by_hour { MICROS_AN_HOUR } else { MICROS_A_DAY };
        let mut buckets: BTreeMap<Micros, u64> = BTreeMap::new();
        let mut add = |ts: Micros, events: u64| {
            *buckets.entry(ts.div_euclid(width) * width).or_default() += events;
        };
        match self.single().filter(|_| !by_hour) {
            // What is counted together lies within one day.
            Some(single) => self.counted(single, |_, counters| add(counters.first, counters.events))?,
            None => self.parts(|scan, rows| {
                for row in rows {
                    add(scan.ts(row)?, 1);
                }
                Ok(())
            })?,
        }
        let rows = buckets.iter().map(|(start, events)| vec![render::time(*start), (*events).into()]);
        let table = Table::new(vec!["start", "events"], rows.collect());
        let list: Vec<Value> = buckets
            .iter()
            .map(|(start, events)| json!({ "start": render::time(*start), "events": events }))
            .collect();
        let bucket = if by_hour { "hour" } else { "day" };
        let document = json!({ "window": render::window(self.window), "bucket": bucket, "timeline": list });
        Ok(Answer { document, table, next: None })
    }
}

/// The rows of a part that match, whatever their time.
fn matching(part: &Part, scan: &mut Scan, node: &Node) -> Result<RoaringBitmap, QueryError> {
    match node {
        Node::Keys(aspect, keys) => Ok(part.rows_with(*aspect, keys)?),
        Node::And(parts) => {
            // What is rare first: addresses and accounts, then clients, then routes.
            let mut parts: Vec<&Node> = parts.iter().collect();
            parts.sort_by_key(|part| rank(part));
            let mut parts = parts.into_iter();
            let mut rows = match parts.next() {
                Some(first) => matching(part, scan, first)?,
                None => return Ok(every(part)),
            };
            for other in parts {
                if rows.is_empty() {
                    break;
                }
                rows = match other {
                    Node::Keys(aspect, keys) if rows.len() <= ROWS_ASKED_MAX => {
                        asked(&rows, scan, *aspect, keys)?
                    }
                    _ => rows & matching(part, scan, other)?,
                };
            }
            Ok(rows)
        }
        Node::Or(parts) => {
            let mut rows = RoaringBitmap::new();
            for other in parts {
                rows |= matching(part, scan, other)?;
            }
            Ok(rows)
        }
        Node::Not(inner) => Ok(every(part) - matching(part, scan, inner)?),
    }
}

/// All rows of a part.
fn every(part: &Part) -> RoaringBitmap {
    let mut all = RoaringBitmap::new();
    all.insert_range(0..part.len());
    all
}

/// Those of a few rows whose key is in a set.
fn asked(
    rows: &RoaringBitmap,
    scan: &mut Scan,
    aspect: Aspect,
    keys: &RoaringBitmap,
) -> Result<RoaringBitmap, QueryError> {
    let mut kept = RoaringBitmap::new();
    for row in rows {
        if keys.contains(scan.key(aspect, row)?) {
            kept.insert(row);
        }
    }
    Ok(kept)
}

fn rank(node: &Node) -> u8 {
    match node {
        Node::Keys(Aspect::Subject, _) => 0,
        Node::Keys(Aspect::Origin, _) => 1,
        Node::Keys(Aspect::Client, _) => 2,
        Node::Keys(Aspect::Route, _) => 3,
        _ => 4,
    }
}
