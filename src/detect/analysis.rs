//! The analysis: what is known from day to day, and the closing of one day.
//!
//! The log's own time drives it. A day closes with the first row, in order of arrival, that lies ten
//! minutes past its end; only rows before that one count for the day, so that it does not matter in
//! which batches they came or how late the analysis ran. Where rows of a past day arrived later, the day's
//! facts are made again at the next closing, and the rows count from then on.

use super::clusters::{Book, Frame, Page, find};
use super::extraction::Asking;
use super::facts::{DayFacts, Gathering, Kind, gather};
use super::family::Bench;
use super::groups::{Meetings, stars};
use super::history::History;
use super::null::{Null, Rates};
use super::score::threshold;
use super::window::{Window, prune_templates};
use super::{background, signature, twins};
use crate::event::{Day, MICROS_A_DAY, Micros, Window as Span};
use crate::limits::{MICROS_AFTER_DAY, WINDOW_DAYS};
use crate::store::{Decode, Encode, Keep, Shelf, Snapshot, Store, StoreError};
use std::collections::BTreeMap;
use std::ops::Range;

/// Seed of everything random; it is in the evidence.
pub const SEED: u64 = 0xca40_0715;

/// What is kept besides the facts of days.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Ledger {
    /// The last day that was closed.
    pub closed: Option<i32>,
    /// Rows that were there at its closing.
    pub rows: u64,
    /// What is known of accounts.
    pub history: History,
    /// Clusters.
    pub book: Book,
    /// The day on which each group was first strong, by a hash of what made it.
    pub first_strong: BTreeMap<u64, i32>,
    /// What the last closing did.
    pub report: Report,
}

/// What a closing did, and what it could not say.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Report {
    /// The day.
    pub day: i32,
    /// Days of the window that the log covers.
    pub days: u32,
    /// Accounts in the window.
    pub accounts: u32,
    /// Of them established.
    pub established: u32,
    /// Groups tested.
    pub groups: u32,
    /// Groups that passed the threshold.
    pub passed: u32,
    /// Strongest permuted group.
    pub null_max: f64,
    /// Strength asked of a group on its first day.
    pub threshold: f64,
    /// Permutations.
    pub permutations: u32,
    /// What could not be judged, and why.
    pub abstained: Vec<String>,
}

/// Facts of the window and all that is known.
#[derive(Debug, Default)]
pub struct Analysis {
    /// Facts, oldest first; days follow each other without a gap.
    days: Vec<DayFacts>,
    /// What is kept.
    pub ledger: Ledger,
}

/// A day that can be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The day.
    pub day: i32,
    /// Rows that were there.
    pub rows: u64,
}

impl Analysis {
    /// What the database knows, to go on from there.
    pub fn load(store: &Store) -> Result<Self, StoreError> {
        let ledger: Ledger = store.kept(Shelf::Analysis, 0)?.unwrap_or_default();
        let mut days = Vec::new();
        for day in store.kept_numbers(Shelf::Facts)? {
            if let Some(facts) = store.kept(Shelf::Facts, day)? {
                days.push(facts);
            }
        }
        Ok(Self { days, ledger })
    }

    /// The next day that can be closed, by the log's own time, or all days up to an instant if it is given.
    pub fn due(&self, snapshot: &Snapshot, until: Option<Micros>) -> Result<Option<Due>, StoreError> {
        let Some(day) = self.next_day(snapshot) else { return Ok(None) };
        if let Some(row) = first_row_from(snapshot, self.ledger.rows, Day(day).end() + MICROS_AFTER_DAY)? {
            return Ok(Some(Due { day, rows: row }));
        }
        let newest = snapshot.newest().unwrap_or(Micros::MIN);
        let asked = until.is_some_and(|until| Day(day).start() < until && Day(day).start() <= newest);
        Ok(asked.then(|| Due { day, rows: snapshot.rows() }))
    }

    /// The day after the last closed one, or the first of the log; a gap longer than a window is skipped.
    fn next_day(&self, snapshot: &Snapshot) -> Option<i32> {
        let after = self.ledger.closed.map_or(i32::MIN, |closed| closed + 1);
        let since = if after == i32::MIN { Micros::MIN } else { Day(after).start() };
        let parts = snapshot.parts(Span { since, until: Micros::MAX });
        let first = parts.iter().map(|part| Day::of(part.span().0).0.max(after)).min()?;
        let gap = self.ledger.closed.is_some_and(|_| first > after + WINDOW_DAYS as i32);
        Some(if after == i32::MIN || gap { first } else { after })
    }

    /// Closes a day: reads its rows, analyses the window, and keeps what follows in one transaction.
    pub fn close(&mut self, store: &Store, due: Due) -> Result<(), StoreError> {
        let snapshot = store.snapshot()?;
        let changed = self.take_in(&snapshot, due)?;
        self.judge(&snapshot, due.day);
        drop(snapshot);
        let mut records = vec![Keep::record(Shelf::Analysis, 0, &self.ledger)?];
        let oldest = self.days.first().map_or(due.day, |facts| facts.day);
        let gone = store.kept_numbers(Shelf::Facts)?.into_iter().filter(|day| *day < oldest);
        records.extend(gone.map(|day| Keep::removed(Shelf::Facts, day)));
        for facts in self.days.iter().filter(|facts| changed.contains(&facts.day)) {
            records.push(Keep::record(Shelf::Facts, facts.day, facts)?);
        }
        store.keep(&records)
    }

    /// Adds a day's facts, and late ones to the days before; says which days have changed.
    fn take_in(&mut self, snapshot: &Snapshot, due: Due) -> Result<Vec<i32>, StoreError> {
        let before = self.ledger.rows;
        let mut changed = vec![due.day];
        for facts in &mut self.days {
            let day = Day(facts.day);
            if is_late(snapshot, day, before..due.rows)? {
                *facts = gather(snapshot, &Gathering { day, rows: 0..due.rows })?;
                changed.push(day.0);
            }
        }
        let facts = gather(snapshot, &Gathering { day: Day(due.day), rows: 0..due.rows })?;
        if self.days.last().is_some_and(|last| last.day + 1 != due.day) {
            self.days.clear();
        }
        self.ledger.history.add(&facts);
        self.days.push(facts);
        if self.days.len() > WINDOW_DAYS {
            self.days.remove(0);
        }
        if let Some(pruned) = prune_templates(&mut self.days) {
            changed.push(pruned);
        }
        (self.ledger.closed, self.ledger.rows) = (Some(due.day), due.rows);
        Ok(changed)
    }

    /// Analyses the window that ends with a day.
    fn judge(&mut self, snapshot: &Snapshot, day: i32) {
        let days: Vec<&DayFacts> = self.days.iter().collect();
        let mut window = Window::of(snapshot, &days, &self.ledger.history);
        let meetings = Meetings::of(&window);
        window.set_core(meetings.core());
        let window = window;
        let mut report = Report {
            day,
            days: days.len() as u32,
            accounts: window.accounts.len() as u32,
            established: window.accounts.iter().filter(|account| account.mature).count() as u32,
            ..Report::default()
        };
        if let Err(reason) = super::enough::check(&window, &mut report.abstained) {
            report.abstained.push(reason);
            self.ledger.report = report;
            return;
        }
        let null = Null::of(&window, background::is_young(&window));
        let bench = bench(&window, null);
        let mut groups = stars(&window, &bench.rates);
        groups.extend(meetings.groups());
        let scored = super::score_all(&bench, &groups);
        let base = threshold(groups.len(), 1);
        let names = super::names_of(snapshot, &groups);
        let ledger = &mut self.ledger;
        let thresholds: Vec<f64> = names
            .iter()
            .zip(&scored)
            .map(|(name, scored)| {
                if scored.coordination() < base {
                    return base;
                }
                let first = *ledger.first_strong.entry(*name).or_insert(day);
                threshold(groups.len(), (day - first + 1).max(1) as u32)
            })
            .collect();
        ledger.first_strong.retain(|_, first| day - *first < 60);
        let asking = Asking::of(&window, &days);
        let succeeded = BTreeMap::new();
        let frame = Frame {
            bench: &bench,
            asking: &asking,
            days: &days,
            groups: &groups,
            scored: &scored,
            thresholds: &thresholds,
            successors: &BTreeMap::new(),
            seed: SEED.wrapping_add((day as u64) << 20),
        };
        let found = find(&frame);
        report.groups = groups.len() as u32;
        report.passed = found.passed as u32;
        report.null_max = found.null.max();
        report.threshold = base;
        report.permutations = found.null.runs;
        let signatures = found.clusters.iter().map(|one| signature::of(snapshot, &window, one)).collect();
        let checked = found.clusters.iter().map(twins::checked).collect();
        let page = Page { window: &window, signatures, twins: checked, succeeded: &succeeded };
        ledger.book.close(&page, &found.clusters, &mut ledger.history);
        ledger.report = report;
    }
}

/// The tests of a window with the kinds that count as evidence.
fn bench(window: &Window, null: Null) -> Bench<'_> {
    const EVIDENCE: [(Kind, bool); 6] = [
        (Kind::Fingerprint, true),
        (Kind::UserAgent, true),
        (Kind::Template, true),
        (Kind::Payment, false),
        (Kind::ApiKey, false),
        (Kind::Core, false),
    ];
    let rates = EVIDENCE.map(|(kind, may_be_background)| {
        let items = window.items(kind);
        let background = if may_be_background {
            background::with_standing(window, items)
        } else {
            vec![false; items.len()]
        };
        Rates::of(window, &null, kind, items, background)
    });
    Bench::new(window, null, rates.into())
}

/// Whether rows of a day arrived in a range of rows.
fn is_late(snapshot: &Snapshot, day: Day, rows: Range<u64>) -> Result<bool, StoreError> {
    for part in snapshot.parts(Span { since: day.start(), until: day.end() }) {
        let end = part.first_row() + u64::from(part.len());
        if end <= rows.start || part.first_row() >= rows.end {
            continue;
        }
        let found = part.reader().all_ts()?.iter().enumerate().any(|(at, ts)| {
            Day::of(*ts) == day && rows.contains(&(part.first_row() + at as u64))
        });
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first row, in order of arrival and not before `from`, that lies at or after an instant.
fn first_row_from(snapshot: &Snapshot, from: u64, instant: Micros) -> Result<Option<u64>, StoreError> {
    for part in snapshot.parts(Span { since: instant, until: Micros::MAX }) {
        let end = part.first_row() + u64::from(part.len());
        if end <= from || part.span().1 < instant {
            continue;
        }
        let found = part.reader().all_ts()?.iter().enumerate().find_map(|(at, ts)| {
            let row = part.first_row() + at as u64;
            (row >= from && *ts >= instant).then_some(row)
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

const _: () = assert!(MICROS_AFTER_DAY < MICROS_A_DAY);
