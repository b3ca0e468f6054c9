//! The appender: events in, one fsynced commit out. There is one for each store, and it is the only
//! thing that writes.
//!
//! A commit carries a journal record, and along with it whatever the worker (`work.rs`) has finished:
//! sealed segments, runs of days. What did not reach the disk is taken back from the memory of seen
//! events, so that it counts when it is sent again.

use super::catalog::NONE;
use super::error::StoreError;
use super::journal;
use super::memo::Memo;
use super::names::{self, Extent};
use super::rows::Rows;
use super::segment::Sealed;
use super::shared::Shared;
use super::tables::{self, ASPECTS, COLUMNS, DAYS, JOURNAL, NAMES, POSTINGS, RUNS, SEGMENTS};
use super::view::View;
use super::work::{Done, Task, Worker};
use super::{codec, coverage, dedup::Seen, identities};
use crate::event::{Aspect, Day, Dim, Event, EventBatch};
use crate::limits::{SEALING_MAX, SEGMENT_ROWS};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// What became of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Events stored.
    pub accepted: u64,
    /// Events that were there already.
    pub duplicates: u64,
    /// Events that did not fit: their line in the body, and the dimension that is full.
    pub full: Vec<(u64, Dim)>,
}

/// Writes events.
pub struct Appender {
    shared: Arc<Shared>,
    worker: Worker,
    memos: [Memo; 4],
    seen: Seen,
    /// Names on disk, in blocks or in the journal.
    durable: Extent,
    /// Names on disk in blocks.
    blocked: Extent,
    /// Finished segments and runs that wait for the next commit, in order.
    finished: Vec<Done>,
    /// Segments and runs given to the worker.
    in_work: usize,
    next_to_seal: u32,
    run_in_work: bool,
    /// Figures by source of what the next commit stores.
    counted: coverage::Coverage,
}

impl Appender {
    /// An appender behind an opened store; reads the identities of the last days.
    pub(super) fn new(shared: Arc<Shared>, durable: Extent, blocked: Extent) -> Result<Self, StoreError> {
        let worker = Worker::start(Arc::clone(&shared))?;
        let seed = shared.seed;
        let snapshot = shared.snapshot()?;
        let seen = identities::of_window(&snapshot, seed)?;
        let next_to_seal = snapshot.view.segments.len() as u32;
        drop(snapshot);
        let mut appender = Self {
            shared,
            worker,
            memos: Aspect::ALL.map(|_| Memo::new(seed)),
            seen,
            durable,
            blocked,
            finished: Vec::new(),
            in_work: 0,
            next_to_seal,
            run_in_work: false,
            counted: coverage::Coverage::new(),
        };
        appender.give_work(&appender.shared.view())?;
        Ok(appender)
    }

    /// Stores batches in one commit and answers for each. When this returns `Ok`, all of it is fsynced;
    /// when it returns an error, none of it is stored.
    pub fn append(&mut self, batches: &[EventBatch]) -> Result<Vec<Appended>, StoreError> {
        self.shared.ready_to_write()?;
        self.collect_work()?;
        self.counted.clear();
        let mut pieces = vec![(self.shared.view().rows, Rows::default())];
        let mut outcomes = Vec::with_capacity(batches.len());
        for batch in batches {
            let outcome = self.place(batch, &mut pieces);
            outcomes.push(outcome.inspect_err(|_| self.seen.undo())?);
        }
        pieces.retain(|(_, rows)| rows.len() > 0);
        if pieces.is_empty() && self.finished.is_empty() {
            return Ok(outcomes);
        }
        match self.commit(pieces) {
            Ok(()) => {
                self.seen.commit();
                let sum = |count: &dyn Fn(&Appended) -> u64| outcomes.iter().map(count).sum::<u64>();
                self.shared.counts.accepted.fetch_add(sum(&|o| o.accepted), Ordering::Relaxed);
                self.shared.counts.duplicates.fetch_add(sum(&|o| o.duplicates), Ordering::Relaxed);
                Ok(outcomes)
            }
            Err(error) => {
                self.seen.undo();
                self.shared.write_failed(&error);
                Err(error)
            }
        }
    }

    /// Stores what the worker has finished, for times without events. Waits for the worker if `wait`.
    pub fn settle(&mut self, wait: bool) -> Result<(), StoreError> {
        loop {
            self.shared.ready_to_write()?;
            if wait && self.finished.is_empty() && self.in_work > 0 {
                self.take_done(true)?;
            }
            self.collect_work()?;
            if self.finished.is_empty() && !coverage::is_behind(&self.shared) {
                return Ok(());
            }
            self.commit(Vec::new()).inspect_err(|error| self.shared.write_failed(error))?;
        }
    }

    /// Puts a batch's events behind the others. Works through the batch column by column: each lookup is a
    /// wait for memory, and in a short loop the processor waits for several at once.
    fn place(&mut self, batch: &EventBatch, pieces: &mut Vec<(u64, Rows)>) -> Result<Appended, StoreError> {
        let mut fresh = self.fresh(batch)?;
        let duplicates = (batch.len() - fresh.len()) as u64;
        let mut full = Vec::new();
        let mut keys = Aspect::ALL.map(|_| Vec::with_capacity(fresh.len()));
        for (aspect, column) in Aspect::ALL.into_iter().zip(&mut keys) {
            self.keys_of(aspect, &fresh, column, &mut full);
        }
        if !full.is_empty() {
            let refused: BTreeSet<u64> = full.iter().map(|(line, _)| *line).collect();
            let is_kept: Vec<bool> = fresh.iter().map(|event| !refused.contains(&event.line())).collect();
            for event in fresh.iter().filter(|event| refused.contains(&event.line())) {
                self.seen.forget(Day::of(event.ts()), event.identity());
                coverage::refuse(
                    &mut self.counted,
                    event.source(),
                    "",
                    "the database holds as many names as it can",
                );
            }
            let mut kept = is_kept.iter();
            fresh.retain(|_| kept.next().is_some_and(|kept| *kept));
            for column in &mut keys {
                let mut kept = is_kept.iter();
                column.retain(|_| kept.next().is_some_and(|kept| *kept));
            }
        }
        coverage::count(&mut self.counted, &fresh);
        push(pieces, &fresh, &keys);
        Ok(Appended { accepted: fresh.len() as u64, duplicates, full })
    }

    /// The events of a batch that were not seen before.
    fn fresh<'b>(&mut self, batch: &'b EventBatch) -> Result<Vec<Event<'b>>, StoreError> {
        let mut fresh = Vec::with_capacity(batch.len());
        for event in batch.iter() {
            let day = Day::of(event.ts());
            if self.seen.wants(day) {
                let identities = identities::of_day(&self.shared.snapshot()?, self.shared.seed, day)?;
                self.seen.load_old(day, &identities);
            }
            if self.seen.insert(day, event.identity()) {
                fresh.push(event);
            }
        }
        Ok(fresh)
    }

    /// Appends the ordinals of the events' keys of one aspect. Events that would need a name too many
    /// are listed with the dimension that is full, and get a key that is not used.
    fn keys_of(
        &mut self,
        aspect: Aspect,
        events: &[Event<'_>],
        keys: &mut Vec<u32>,
        full: &mut Vec<(u64, Dim)>,
    ) {
        let Some(memo) = self.memos.get_mut(aspect.index()) else { return };
        let hashes: Vec<u64> = events.iter().map(|event| memo.hash(event.aspect_key(aspect))).collect();
        let found =
            events.iter().zip(&hashes).map(|(event, hash)| memo.find(*hash, event.aspect_key(aspect)));
        keys.extend(found.map(|found| found.unwrap_or(NONE)));
        for ((event, hash), key) in events.iter().zip(hashes).zip(keys) {
            if *key != NONE {
                continue;
            }
            let bytes = event.aspect_key(aspect);
            if let Some(known) = memo.find(hash, bytes) {
                *key = known;
                continue;
            }
            let mut catalog = self.shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
            match catalog.intern(aspect, bytes) {
                Ok(ordinal) => {
                    *key = ordinal;
                    memo.insert(hash, bytes, ordinal);
                }
                Err(dim) => full.push((event.line(), dim)),
            }
        }
    }

    /// Stores rows, finished work and figures in one transaction.
    fn commit(&mut self, pieces: Vec<(u64, Rows)>) -> Result<(), StoreError> {
        let (counted, behind) = (std::mem::take(&mut self.counted), coverage::take_behind(&self.shared));
        let written = self.write(pieces, &counted, &behind);
        coverage::settle(&self.shared, written.is_ok(), &counted, behind);
        written
    }

    /// Writes journal records and finished work in one transaction, then publishes the new view.
    fn write(
        &mut self,
        pieces: Vec<(u64, Rows)>,
        counted: &coverage::Coverage,
        behind: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let database = self.shared.database()?;
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        let now = self.write_journal(&transaction, &pieces)?;
        let seals = self.finished.iter().any(|done| matches!(done, Done::Segment(_)));
        if seals {
            self.write_names(&transaction, &now)?;
        }
        for done in &self.finished {
            match done {
                Done::Segment(sealed) => write_segment(&transaction, sealed)?,
                Done::Run(run) => {
                    let mut days = transaction.open_table(DAYS)?;
                    for (aspect, first, value) in &run.blocks {
                        let key = tables::day_key(run.header.day, run.header.run, *aspect, *first);
                        days.insert(key, value.as_slice())?;
                    }
                    let key = tables::run_key(run.header.day, run.header.run);
                    transaction.open_table(RUNS)?.insert(key, codec::encode(&run.header)?.as_slice())?;
                }
                Done::Failed(_) => {}
            }
        }
        coverage::write(&self.shared, &transaction, counted, behind)?;
        transaction.commit()?;
        self.durable = now;
        if seals {
            self.blocked = now;
        }
        let view = self.next_view(pieces);
        self.shared.counts.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.publish(Arc::clone(&view));
        if seals {
            self.shared.note_high_water(view.rows);
        }
        // What is committed is committed: that no more segments can be sealed stops later writes, not this one.
        if let Err(error) = self.give_work(&view) {
            self.shared.write_failed(&error);
        }
        Ok(())
    }

    /// Writes the records and gives the extent of names that they bring the disk to.
    fn write_journal(
        &self,
        transaction: &redb::WriteTransaction,
        pieces: &[(u64, Rows)],
    ) -> Result<Extent, StoreError> {
        let catalog = self.shared.catalog.read().unwrap_or_else(PoisonError::into_inner);
        let now = Extent::of(&catalog);
        let mut journal = transaction.open_table(JOURNAL)?;
        // A commit that failed may yet have reached the disk; its rows were given back to their sender.
        journal.retain_in(self.shared.view().rows.., |_, _| false)?;
        let mut from = self.durable;
        for (first_row, rows) in pieces {
            let record = journal::encode(rows, &catalog, &from, &now)?;
            journal.insert(first_row, record.as_slice())?;
            from = now;
        }
        // Without a record the new names stay in memory until the next one.
        Ok(if pieces.is_empty() { self.durable } else { now })
    }

    /// Moves the names of the journal into blocks.
    fn write_names(&self, transaction: &redb::WriteTransaction, to: &Extent) -> Result<(), StoreError> {
        let catalog = self.shared.catalog.read().unwrap_or_else(PoisonError::into_inner);
        let mut table = transaction.open_table(NAMES)?;
        for (number, first, value) in names::name_blocks(&catalog, &self.blocked, to) {
            table.insert(tables::name_key(number, first), value.as_slice())?;
        }
        let mut table = transaction.open_table(ASPECTS)?;
        for (number, first, value) in names::key_blocks(&catalog, &self.blocked, to) {
            table.insert(tables::name_key(number, first), value.as_slice())?;
        }
        Ok(())
    }

    /// The view after a commit.
    fn next_view(&mut self, pieces: Vec<(u64, Rows)>) -> Arc<View> {
        let mut view = View::clone(&self.shared.view());
        for (_, rows) in pieces {
            view.push(rows);
        }
        for done in self.finished.drain(..) {
            match done {
                Done::Segment(sealed) => view.seal(Arc::new(sealed.header)),
                Done::Run(run) => view.add_run(Arc::new(run.header)),
                Done::Failed(_) => {}
            }
        }
        Arc::new(view)
    }

    /// Gives the worker what has become due.
    fn give_work(&mut self, view: &Arc<View>) -> Result<(), StoreError> {
        while let Some(pieces) = view.full_segment(self.next_to_seal) {
            self.worker.give(Task::Seal { number: self.next_to_seal, pieces })?;
            self.next_to_seal += 1;
            self.in_work += 1;
        }
        if !self.run_in_work
            && let Some(day) = view.due_run()
        {
            self.worker.give(Task::Run { day, view: Arc::clone(view) })?;
            self.run_in_work = true;
            self.in_work += 1;
        }
        Ok(())
    }

    /// Takes what the worker has finished; waits for it when too much is unfinished.
    fn collect_work(&mut self) -> Result<(), StoreError> {
        while self.take_done(false)? {}
        while self.in_work >= SEALING_MAX {
            self.take_done(true)?;
        }
        Ok(())
    }

    /// Takes one finished task; false if there is none.
    fn take_done(&mut self, wait: bool) -> Result<bool, StoreError> {
        let Some(done) = self.worker.take(wait)? else { return Ok(false) };
        self.in_work -= 1;
        match done {
            // A day whose relations cannot be written is still answered from its segments, only slower,
            // so this is loud but stops nothing. `run_in_work` stays set: no further run is tried.
            Done::Failed(error) => tracing::error!(%error, "the relations of a day could not be written"),
            Done::Run(_) => {
                self.run_in_work = false;
                self.finished.push(done);
            }
            Done::Segment(_) => self.finished.push(done),
        }
        Ok(true)
    }
}

/// Adds events to the last piece, starting a new one where a segment ends.
fn push(pieces: &mut Vec<(u64, Rows)>, events: &[Event<'_>], keys: &[Vec<u32>; 4]) {
    let mut done = 0;
    while done < events.len() {
        let Some((first_row, rows)) = pieces.last_mut() else { return };
        let next = *first_row + rows.len() as u64;
        let room = SEGMENT_ROWS - (next % SEGMENT_ROWS as u64) as usize;
        if rows.len() > 0 && room == SEGMENT_ROWS {
            pieces.push((next, Rows::default()));
            continue;
        }
        let end = (done + room).min(events.len());
        let keys = keys.each_ref().map(|column| column.get(done..end).unwrap_or_default());
        rows.extend(events.get(done..end).unwrap_or_default(), keys);
        done = end;
    }
}

/// Stores a segment and removes its journal records.
fn write_segment(transaction: &redb::WriteTransaction, sealed: &Sealed) -> Result<(), StoreError> {
    let mut columns = transaction.open_table(COLUMNS)?;
    for (page, value) in sealed.pages.iter().enumerate() {
        columns.insert(tables::column_key(sealed.number, page as u32), value.as_slice())?;
    }
    let mut postings = transaction.open_table(POSTINGS)?;
    for (aspect, first, value) in &sealed.postings {
        postings.insert(tables::posting_key(sealed.number, *aspect, *first), value.as_slice())?;
    }
    transaction.open_table(SEGMENTS)?.insert(sealed.number, codec::encode(&sealed.header)?.as_slice())?;
    let first = u64::from(sealed.number) * SEGMENT_ROWS as u64;
    transaction.open_table(JOURNAL)?.retain_in(first..first + SEGMENT_ROWS as u64, |_, _| false)?;
    Ok(())
}
