//! Search: a set of rows by set algebra, then what to make of it.

use super::events::{next_of, position, present};
use super::newest::Row;
use super::pivot::counted;
use super::resolve::{Node, resolve};
use super::{Answer, Budget, Page, QueryError, Select, Table, cursor, expr, render};
use crate::event::{Aspect, Day, Dim, MICROS_A_DAY, Micros, Window};
use crate::limits::{LIMIT_DEFAULT, TIMELINE_HOURS_MAX};
use crate::store::{Counters, Part, PartReader, Snapshot};
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MICROS_AN_HOUR: Micros = MICROS_A_DAY / 24;

/// Up to this many rows, a further condition is asked of each row instead of its postings.
const ROWS_ASKED_MAX: u64 = 4_096;

/// Answers `search`.
pub(super) fn answer(
    snapshot: &Snapshot,
    expression: &str,
    select: Select,
    window: Window,
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let expr = expr::parse(expression)?;
    let node = resolve(snapshot, &expr);
    let question = ["search", expression];
    let search = Search { snapshot, node: &node, window, budget };
    match select {
        Select::Accounts => search.grouped(Dim::Account, "accounts", page, &question),
        Select::Ips => search.grouped(Dim::Ip, "ips", page, &question),
        Select::Fingerprints => search.grouped(Dim::Fingerprint, "fingerprints", page, &question),
        Select::Events => search.events(page, &question),
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

    /// Calls `each` with every matching row of the window: reader, row in part, time.
    fn rows(
        &self,
        parts: &[Part],
        mut each: impl FnMut(&mut PartReader, u32, Micros) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        for part in parts {
            self.budget.check()?;
            let mut reader = part.reader();
            let rows = matching(part, &mut reader, self.node)?;
            let inside = self.window.covers(part.span().0, part.span().1);
            let all_ts = if rows.len() > u64::from(part.len()) / 8 { Some(reader.all_ts()?) } else { None };
            for row in rows {
                let ts = match &all_ts {
                    Some(all) => all.get(row as usize).copied().unwrap_or_default(),
                    None => reader.ts(row)?,
                };
                if inside || self.window.contains(ts) {
                    each(&mut reader, row, ts)?;
                }
            }
        }
        Ok(())
    }

    /// Rows grouped by a value, ranked by events.
    fn grouped(
        &self,
        dim: Dim,
        list_name: &'static str,
        page: &Page,
        question: &[&str],
    ) -> Result<Answer, QueryError> {
        let aspect = dim.aspect();
        let mut by_key: BTreeMap<u32, Counters> = BTreeMap::new();
        match self.single() {
            Some((of, keys)) if of == aspect => {
                let plan = self.snapshot.plan(self.window);
                by_key = counted(self.snapshot, &plan, aspect, keys, self.budget)?;
            }
            _ => self.rows(&self.snapshot.parts(self.window), |reader, row, ts| {
                by_key.entry(reader.key(aspect, row)?).or_default().add(ts, 0, 0);
                Ok(())
            })?,
        }
        let catalog = self.snapshot.catalog();
        let mut by_name: BTreeMap<u32, Counters> = BTreeMap::new();
        for (key, counters) in by_key {
            if let Some(name) = catalog.name_of(dim, key) {
                by_name.entry(name).or_default().merge(&counters);
            }
        }
        let mut ranked: Vec<(Counters, &[u8])> =
            by_name.into_iter().map(|(name, counters)| (counters, catalog.value(dim, name))).collect();
        ranked.sort_by(|a, b| b.0.events.cmp(&a.0.events).then(a.1.cmp(b.1)));
        let total = ranked.len();
        let (start, end, next) = cursor::slice(page, question, total)?;
        let columns = vec![dim.name(), "events", "first_seen", "last_seen"];
        let mut table = Table { columns, rows: Vec::new() };
        let mut list = Vec::new();
        for (counters, value) in ranked.get(start..end).unwrap_or_default() {
            let value = render::value(dim, value);
            let (first, last) = (render::time(counters.first), render::time(counters.last));
            list.push(json!({ dim.name(): value, "events": counters.events, "first_seen": first, "last_seen": last }));
            table.rows.push(vec![value, counters.events.into(), first, last]);
        }
        let window = render::window(self.window);
        let document = json!({ "window": window, "total": total, list_name: list, "next": next });
        Ok(Answer { document, table, next })
    }

    fn events(&self, page: &Page, question: &[&str]) -> Result<Answer, QueryError> {
        let before = position(page, question)?;
        let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
        let mut parts = self.snapshot.parts(self.window);
        parts.sort_by_key(|part| std::cmp::Reverse((part.span().1, part.first_row())));
        let mut found: Vec<Row> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if found.len() > limit && found.last().is_some_and(|oldest| part.span().1 < oldest.ts) {
                break;
            }
            self.rows(std::slice::from_ref(part), |reader, row, ts| {
                let number = part.first_row() + u64::from(row);
                if before.is_none_or(|before| (ts, number) < before) {
                    let subject = reader.key(Aspect::Subject, row)?;
                    found.push(Row { ts, number, subject, part: at });
                }
                Ok(())
            })?;
            found.sort_unstable_by_key(|row| std::cmp::Reverse((row.ts, row.number)));
            found.truncate(limit.saturating_add(1));
        }
        let next = next_of(&found, limit, question);
        found.truncate(limit);
        let members = [("window", render::window(self.window))];
        present(self.snapshot, &found, &parts, members.into_iter(), next, self.budget)
    }

    fn count(&self) -> Result<Answer, QueryError> {
        let mut events = 0_u64;
        match self.single() {
            Some((aspect, keys)) => {
                let plan = self.snapshot.plan(self.window);
                let all = counted(self.snapshot, &plan, aspect, keys, self.budget)?;
                events += all.values().map(|counters| counters.events).sum::<u64>();
            }
            None => self.rows(&self.snapshot.parts(self.window), |_, _, _| {
                events += 1;
                Ok(())
            })?,
        }
        let table = Table { columns: vec!["events"], rows: vec![vec![events.into()]] };
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
        let start_of = |ts: Micros| ts.div_euclid(width) * width;
        match self.single().filter(|_| !by_hour) {
            Some((aspect, keys)) => {
                let plan = self.snapshot.plan(self.window);
                for run in &plan.runs {
                    self.budget.check()?;
                    let mut events = 0;
                    self.snapshot
                        .entries(run, aspect, keys, &mut |_, entry| events += entry.counters.events)?;
                    *buckets.entry(run.day().start()).or_default() += events;
                }
                for part in &plan.parts {
                    self.budget.check()?;
                    let mut reader = part.reader();
                    for row in part.rows_with(aspect, keys)? {
                        let ts = reader.ts(row)?;
                        if plan.keeps(part.first_row() + u64::from(row), ts) {
                            *buckets.entry(Day::of(ts).start()).or_default() += 1;
                        }
                    }
                }
                buckets.retain(|_, events| *events > 0);
            }
            None => self.rows(&parts, |_, _, ts| {
                *buckets.entry(start_of(ts)).or_default() += 1;
                Ok(())
            })?,
        }
        let table = Table {
            columns: vec!["start", "events"],
            rows: buckets
                .iter()
                .map(|(start, events)| vec![render::time(*start), (*events).into()])
                .collect(),
        };
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
fn matching(part: &Part, reader: &mut PartReader, node: &Node) -> Result<RoaringBitmap, QueryError> {
    match node {
        Node::Keys(aspect, keys) => Ok(part.rows_with(*aspect, keys)?),
        Node::And(parts) => {
            // What is rare first: addresses and accounts, then clients, then routes.
            let mut parts: Vec<&Node> = parts.iter().collect();
            parts.sort_by_key(|part| rank(part));
            let mut parts = parts.into_iter();
            let mut rows = match parts.next() {
                Some(first) => matching(part, reader, first)?,
                None => return Ok((0..part.len()).collect()),
            };
            for other in parts {
                if rows.is_empty() {
                    break;
                }
                rows = match other {
                    Node::Keys(aspect, keys) if rows.len() <= ROWS_ASKED_MAX => {
                        asked(&rows, reader, *aspect, keys)?
                    }
                    _ => rows & matching(part, reader, other)?,
                };
            }
            Ok(rows)
        }
        Node::Or(parts) => {
            let mut rows = RoaringBitmap::new();
            for other in parts {
                rows |= matching(part, reader, other)?;
            }
            Ok(rows)
        }
        Node::Not(inner) => {
            let all: RoaringBitmap = (0..part.len()).collect();
            Ok(all - matching(part, reader, inner)?)
        }
    }
}

/// Those of a few rows whose key is in a set.
fn asked(
    rows: &RoaringBitmap,
    reader: &mut PartReader,
    aspect: Aspect,
    keys: &RoaringBitmap,
) -> Result<RoaringBitmap, QueryError> {
    let mut kept = RoaringBitmap::new();
    for row in rows {
        if keys.contains(reader.key(aspect, row)?) {
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
