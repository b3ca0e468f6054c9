//! The analysis: what is known from day to day, and the closing of one day.
//!
//! The log's own time drives it. A day closes with the first row, in order of arrival, that lies ten
//! minutes past its end; only rows before that one count for the day, so that it does not matter in
//! which batches they came or how late the analysis ran. Where rows of a past day arrived later, the day's
//! facts are made again at the next closing, and the rows count from then on.

use super::clusters::{Book, Cluster, Page};
use super::early;
use super::examine::{Given, Report, examine};
use super::facts::{DayFacts, Gathering, gather};
use super::history::History;
use super::records::Records;
use super::side_by_side;
use super::watch::{Arrival, Watch, admit};
use super::window::prune_templates;
use super::{signature, twins};
use crate::event::{Day, MICROS_A_DAY, MICROS_AN_HOUR, Micros, Window as Span};
use crate::limits::{MICROS_AFTER_DAY, STRONG_DAYS, WINDOW_DAYS};
use crate::store::{Decode, Encode, Keep, Shelf, Snapshot, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

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
    /// Accounts that the provider has banned, and when.
    pub bans: BTreeMap<String, Micros>,
    /// Models that came out, and when.
    pub releases: BTreeMap<String, Micros>,
    /// What the last closing did.
    pub report: Report,
    /// Clusters that the open day shows and the book does not know; the close lets go of them.
    pub watched: Vec<Cluster>,
}

impl Ledger {
    /// A cluster by its id, be it in the book or watched; one that was taken up leads to the one that took it.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Cluster> {
        let mut cluster = self.book.find(id);
        while let Some(into) = cluster.and_then(|cluster| cluster.merged_into.as_deref()) {
            cluster = self.book.find(into);
        }
        cluster.or_else(|| self.watched.iter().find(|cluster| cluster.id == id))
    }

    /// Clusters that were not taken up by another, and those that are watched.
    pub fn current(&self) -> impl Iterator<Item = &Cluster> {
        self.book.current().chain(&self.watched)
    }

    /// The cluster that an account is a member of.
    #[must_use]
    pub fn of_account(&self, account: &str) -> Option<&Cluster> {
        self.current().find(|cluster| cluster.member(account).is_some())
    }
}

/// Facts of the window and all that is known.
#[derive(Debug, Default)]
pub struct Analysis {
    /// Facts, oldest first; days follow each other without a gap.
    days: Vec<DayFacts>,
    /// What is kept.
    pub ledger: Ledger,
    /// The watch over the day that is open, and the rows and hours that it has seen. None of it is kept: after
    /// a restart the hours of the open day are gone through again.
    watch: Option<Watch>,
    seen: u64,
    hours: u32,
}

/// A step that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The day.
    pub day: i32,
    /// The hour of it that has passed, or none if all of it has.
    pub hour: Option<u32>,
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
        let seen = ledger.rows;
        Ok(Self { days, ledger, watch: None, seen, hours: 0 })
    }

    /// The next step by the log's own time: a day to close, or hours of the open day to watch; or all days up to
    /// an instant if it is given. Hours of a day that can be closed are not watched: its close says the same.
    pub fn due(&mut self, snapshot: &Snapshot, until: Option<Micros>) -> Result<Option<Due>, StoreError> {
        let Some(day) = self.next_day(snapshot)? else { return Ok(None) };
        if let Some(row) = first_row_from(snapshot, self.ledger.rows, Day(day).end() + MICROS_AFTER_DAY)? {
            return Ok(Some(Due { day, hour: None, rows: row }));
        }
        let newest = snapshot.newest().unwrap_or(Micros::MIN);
        if until.is_some_and(|until| Day(day).start() < until && Day(day).start() <= newest) {
            return Ok(Some(Due { day, hour: None, rows: snapshot.rows() }));
        }
        let hour = (newest - MICROS_AFTER_DAY - Day(day).start()).div_euclid(MICROS_AN_HOUR) - 1;
        let due = hour >= i64::from(self.hours);
        Ok(due.then(|| Due { day, hour: Some(hour.min(22) as u32), rows: snapshot.rows() }))
    }

    /// The day after the last closed one, or the first of the log; a gap longer than a window is skipped.
    fn next_day(&self, snapshot: &Snapshot) -> Result<Option<i32>, StoreError> {
        let Some(closed) = self.ledger.closed else { return first_day_from(snapshot, i32::MIN) };
        let after = closed + 1;
        let Some(first) = first_day_from(snapshot, after)? else { return Ok(None) };
        Ok(Some(if is_after_gap(first, after) { first } else { after }))
    }

    /// Takes a step.
    pub fn step(&mut self, store: &Store, due: Due) -> Result<(), StoreError> {
        match due.hour {
            Some(hour) => self.look(&store.snapshot()?, due, hour),
            None => self.close(store, due),
        }
    }

    /// Holds the events up to an hour's end against what is known.
    fn look(&mut self, snapshot: &Snapshot, due: Due, hour: u32) -> Result<(), StoreError> {
        let Self { days, ledger, watch, .. } = self;
        let day = Day(due.day);
        let watch = watch.get_or_insert_with(|| Watch::of(snapshot, &ledger.book));
        let rows = Gathering { day, rows: self.seen..due.rows };
        let arrivals = watch.look(snapshot, rows, &ledger.history)?;
        admit(&mut ledger.book, &ledger.history, day, arrivals);
        let open = Gathering { day, rows: 0..due.rows };
        ledger.watched = early::seen(snapshot, days, ledger, (&open, hour))?;
        (self.seen, self.hours) = (due.rows, hour + 1);
        Ok(())
    }

    /// Notes bans, and keeps them. Accounts may be unknown; bans of members are in their clusters' history.
    pub fn ban(&mut self, store: &Store, accounts: &[String], at: Micros) -> Result<usize, StoreError> {
        let new: Vec<&String> =
            accounts.iter().filter(|account| !self.ledger.bans.contains_key(*account)).collect();
        self.ledger.book.banned(&new, Day::of(at).0);
        let count = new.len();
        for account in new {
            self.ledger.bans.insert(account.clone(), at);
        }
        store.keep(&[Keep::record(Shelf::Analysis, 0, &self.ledger)?])?;
        Ok(count)
    }

    /// Notes that a model came out, and keeps it.
    pub fn release(&mut self, store: &Store, model: &str, at: Micros) -> Result<(), StoreError> {
        self.ledger.releases.insert(model.to_owned(), at);
        store.keep(&[Keep::record(Shelf::Analysis, 0, &self.ledger)?])
    }

    /// Closes a day: reads its rows, analyses the window, and keeps what follows in one transaction.
    fn close(&mut self, store: &Store, due: Due) -> Result<(), StoreError> {
        let snapshot = store.snapshot()?;
        (self.watch, self.seen, self.hours) = (None, due.rows, 0);
        let changed = self.take_in(&snapshot, due)?;
        let rows = Gathering { day: Day(due.day), rows: 0..due.rows };
        let mut watch = Watch::of(&snapshot, &self.ledger.book);
        let arrivals = watch.look(&snapshot, rows, &self.ledger.history)?;
        let Self { days, ledger, .. } = self;
        ledger.watched.clear();
        let told = Records::load(&snapshot, days)?;
        let changed = days.iter().filter(|facts| changed.contains(&facts.day));
        let (facts, records) = side_by_side(
            || {
                changed
                    .map(|facts| Keep::record(Shelf::Facts, facts.day, facts))
                    .collect::<Result<Vec<_>, _>>()
            },
            || enter(&snapshot, days, ledger, (arrivals, told)),
        );
        drop(snapshot);
        let mut records = records?;
        records.extend(facts?);
        records.push(Keep::record(Shelf::Analysis, 0, &self.ledger)?);
        let oldest = self.days.first().map_or(due.day, |facts| facts.day);
        let gone = store.kept_numbers(Shelf::Facts)?.into_iter().filter(|day| *day < oldest);
        records.extend(gone.map(|day| Keep::removed(Shelf::Facts, day)));
        let renewed: BTreeSet<i32> =
            self.ledger.book.clusters.iter().map(|cluster| cluster.renewed).collect();
        // Those of the day before stay for whoever is reading its evidence now.
        let is_needed = |day: &i32| renewed.contains(day) || *day >= due.day - 1;
        let of_no_evidence = store.kept_numbers(Shelf::Told)?.into_iter().filter(|day| !is_needed(day));
        records.extend(of_no_evidence.map(|day| Keep::removed(Shelf::Told, day)));
        store.keep(&records)
    }

    /// Adds a day's facts, and late ones to the days before; says which days have changed.
    fn take_in(&mut self, snapshot: &Snapshot, due: Due) -> Result<Vec<i32>, StoreError> {
        let before = self.ledger.rows;
        let mut changed = vec![due.day];
        changed.extend(self.reach_back(snapshot, due)?);
        for facts in &mut self.days {
            let day = Day(facts.day);
            if is_late(snapshot, day, before..due.rows)? {
                let extended = gather(snapshot, &Gathering { day, rows: 0..due.rows })?;
                self.ledger.history.add_late(facts, &extended);
                *facts = extended;
                changed.push(day.0);
            }
        }
        if self.days.last().is_some_and(|last| last.day + 1 != due.day) {
            self.days.clear();
            self.ledger.history.begin();
        }
        // The day that leaves the window goes before the new one needs the memory.
        if self.days.len() >= WINDOW_DAYS {
            self.days.remove(0);
        }
        let facts = gather(snapshot, &Gathering { day: Day(due.day), rows: 0..due.rows })?;
        self.ledger.history.add(&facts);
        self.days.push(facts);
        if let Some(pruned) = prune_templates(&mut self.days) {
            changed.push(pruned);
        }
        (self.ledger.closed, self.ledger.rows) = (Some(due.day), due.rows);
        Ok(changed)
    }

    /// Makes room for days of the window before all that are known, from the first of which rows have come since:
    /// where several send old logs at once, a first day may be the second to arrive. Gives the days.
    fn reach_back(&mut self, snapshot: &Snapshot, due: Due) -> Result<Range<i32>, StoreError> {
        let known = self.days.first().map_or(i32::MIN, |facts| facts.day);
        for day in due.day + 1 - WINDOW_DAYS as i32..known {
            if is_late(snapshot, Day(day), self.ledger.rows..due.rows)? {
                self.days.splice(..0, (day..known).map(DayFacts::empty));
                return Ok(day..known);
            }
        }
        Ok(known..known)
    }
}

/// Examines the window that ends with the last day, and enters what was found.
fn enter(
    snapshot: &Snapshot,
    days: &[DayFacts],
    ledger: &mut Ledger,
    (arrivals, told): (Vec<Arrival>, Records),
) -> Result<Vec<Keep>, StoreError> {
    let days: Vec<&DayFacts> = days.iter().collect();
    let given = Given {
        history: Some(&ledger.history),
        first_strong: std::mem::take(&mut ledger.first_strong),
        book: Some(&ledger.book),
        bans: ledger.bans.clone(),
        releases: ledger.releases.clone(),
        records: told,
        successors: None,
        without_evidence: false,
    };
    let examined = examine(snapshot, &days, &given);
    let (window, found) = (&examined.window, &examined.found);
    let day = window.day;
    let Given { mut first_strong, records: told, .. } = given;
    first_strong.extend(examined.strong);
    first_strong.retain(|_, first| day - *first < STRONG_DAYS);
    ledger.first_strong = first_strong;
    let signatures = found.clusters.iter().map(|one| signature::of(snapshot, window, one)).collect();
    let mut arrived: BTreeMap<String, Micros> = BTreeMap::new();
    for Arrival { account: (_, name), at, .. } in arrivals {
        arrived.entry(name).and_modify(|first| *first = at.min(*first)).or_insert(at);
    }
    let twins = found.clusters.iter().map(twins::checked).collect();
    let page = Page { window, signatures, twins, arrived };
    let places = ledger.book.close(&page, &found.clusters, &mut ledger.history);
    ledger.report = examined.report;
    let documents = places.into_iter().zip(&examined.evidence);
    let mut keeps = documents
        .filter_map(|(place, document)| Some((place? as i32, document)))
        .map(|(number, document)| Keep::record(Shelf::Evidence, number, document))
        .collect::<Result<Vec<_>, _>>()?;
    if told.len() > 0 && !keeps.is_empty() {
        keeps.push(Keep::record(Shelf::Told, day, &told)?);
    }
    Ok(keeps)
}

/// Facts of the window that ends with a day, made from all rows there are: what closing day after day came
/// to, as long as nothing came late.
pub(super) fn facts_of_window(snapshot: &Snapshot, last: i32) -> Result<Vec<DayFacts>, StoreError> {
    let mut log_start = first_day_from(snapshot, i32::MIN)?.map_or(last, |first| first.min(last));
    let mut day = log_start;
    while let Some(next) = first_day_from(snapshot, day + 1)?.filter(|next| *next <= last) {
        if is_after_gap(next, day + 1) {
            log_start = next;
        }
        day = next;
    }
    let first = log_start.max(last - WINDOW_DAYS as i32 + 1);
    let mut days: Vec<DayFacts> = Vec::new();
    for day in first..=last {
        days.push(gather(snapshot, &Gathering { day: Day(day), rows: 0..snapshot.rows() })?);
        let _pruned = prune_templates(&mut days);
    }
    Ok(days)
}

/// Whether rows of a day arrived in a range of rows.
fn is_late(snapshot: &Snapshot, day: Day, rows: Range<u64>) -> Result<bool, StoreError> {
    for part in snapshot.parts(Span { since: day.start(), until: day.end() }) {
        let end = part.first_row() + u64::from(part.len());
        if end <= rows.start || part.first_row() >= rows.end {
            continue;
        }
        let found = part
            .reader()
            .all_ts()?
            .iter()
            .enumerate()
            .any(|(at, ts)| Day::of(*ts) == day && rows.contains(&(part.first_row() + at as u64)));
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

/// Whether days without any row between two are so many that the log begins anew after them.
pub(super) fn is_after_gap(first: i32, after: i32) -> bool {
    first > after + WINDOW_DAYS as i32
}

/// The first day that has a row, from a day on. One stray row of long ago may lie in a part with today's, so that
/// what a part spans does not say on which days it has rows.
pub(super) fn first_day_from(snapshot: &Snapshot, day: i32) -> Result<Option<i32>, StoreError> {
    let since = if day == i32::MIN { Micros::MIN } else { Day(day).start() };
    let parts = snapshot.parts(Span { since, until: Micros::MAX });
    let (whole, cut): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.span().0 >= since);
    let mut first = whole.iter().map(|part| part.span().0).min();
    for part in cut {
        if first.is_some_and(|first| Day::of(first).0 == day) {
            break;
        }
        let ts = part.reader().all_ts()?;
        first = ts.iter().copied().filter(|ts| *ts >= since).chain(first).min();
    }
    Ok(first.map(|first| Day::of(first).0))
}

const _: () = assert!(MICROS_AFTER_DAY < MICROS_A_DAY);
