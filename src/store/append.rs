//! The appender: events in, one fsynced commit out. There is one for each store, and it is the only
//! thing that writes.
//!
//! A commit carries a journal record, and along with it whatever the worker (`work.rs`) has finished:
//! sealed segments, runs of days, halves of events that wait or have met (`join.rs`). What did not reach the
//! disk is taken back from the memory of seen events, so that it counts when it is sent again.

use super::error::StoreError;
use super::journal;
use super::memo::Memo;
use super::names::{self, Extent};
use super::rows::Rows;
use super::shared::Shared;
use super::tables::{self, ASPECTS, JOURNAL, NAMES};
use super::view::View;
use super::waiting::Waiting;
use super::work::{Done, Task, Worker};
use super::{coverage, dedup::Seen, identities};
use crate::clock::{Clock, FixedClock};
use crate::event::{Aspect, Day, Dim, EventBatch, Join, Micros};
use crate::limits::SEALING_MAX;
use redb::ReadableDatabase;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// What became of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Events stored, or waiting for an edge record.
    pub accepted: u64,
    /// Events and edge records that were there already.
    pub duplicates: u64,
    /// Edge records taken, which are no events.
    pub halves: u64,
    /// Events that did not fit: their line in the body, and the dimension that is full.
    pub full: Vec<(u64, Dim)>,
}

/// Rows of a commit by their first number, none across the end of a segment.
pub(super) type Pieces = Vec<(u64, Rows)>;

/// Writes events.
pub struct Appender {
    pub(super) shared: Arc<Shared>,
    worker: Worker,
    pub(super) memos: [Memo; 4],
    pub(super) seen: Seen,
    pub(super) waiting: Waiting,
    pub(super) join: Join,
    pub(super) clock: Arc<dyn Clock>,
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
    pub(super) counted: coverage::Coverage,
}

impl Appender {
    /// An appender behind an opened store; reads the identities of the last days.
    pub(super) fn new(shared: Arc<Shared>, durable: Extent, blocked: Extent) -> Result<Self, StoreError> {
        let worker = Worker::start(Arc::clone(&shared))?;
        let seed = shared.seed;
        let snapshot = shared.snapshot()?;
        let seen = identities::of_window(&snapshot, seed)?;
        let waiting = Waiting::load(&shared.database()?.begin_read()?)?;
        let next_to_seal = snapshot.view.segments.len() as u32;
        drop(snapshot);
        let mut appender = Self {
            shared,
            worker,
            memos: Aspect::ALL.map(|_| Memo::new(seed)),
            seen,
            waiting,
            // Until it is told, nothing waits in vain and nobody's time is up.
            join: Join::Auto,
            clock: Arc::new(FixedClock::default()),
            durable,
            blocked,
            finished: Vec::new(),
            in_work: 0,
            next_to_seal,
            run_in_work: false,
            counted: coverage::Coverage::new(),
        };
        appender.give_work(&appender.shared.view())?;
        appender.publish_figures();
        Ok(appender)
    }

    /// Stores batches in one commit and answers for each. When this returns `Ok`, all of it is fsynced;
    /// when it returns an error, none of it is stored.
    pub fn append(&mut self, batches: &[EventBatch]) -> Result<Vec<Appended>, StoreError> {
        self.shared.ready_to_write()?;
        self.collect_work()?;
        let mut pieces = self.no_pieces();
        let outcomes = self.place_all(batches, &mut pieces).inspect_err(|_| self.undo())?;
        pieces.retain(|(_, rows)| rows.len() > 0);
        if !pieces.is_empty() || !self.finished.is_empty() || self.waiting.is_changed() {
            self.store(pieces)?;
        }
        let sum = |count: &dyn Fn(&Appended) -> u64| outcomes.iter().map(count).sum::<u64>();
        self.shared.counts.accepted.fetch_add(sum(&|o| o.accepted), Ordering::Relaxed);
        self.shared.counts.duplicates.fetch_add(sum(&|o| o.duplicates), Ordering::Relaxed);
        Ok(outcomes)
    }

    /// No rows yet.
    pub(super) fn no_pieces(&self) -> Pieces {
        vec![(self.shared.view().rows, Rows::default())]
    }

    fn place_all(
        &mut self,
        batches: &[EventBatch],
        pieces: &mut Pieces,
    ) -> Result<Vec<Appended>, StoreError> {
        self.counted.clear();
        // First, so that what comes too late is too late in whatever company it comes.
        self.release_due(pieces)?;
        let mut outcomes = Vec::with_capacity(batches.len());
        for batch in batches {
            outcomes.push(if batch.has_halves() {
                self.place_halves(batch, pieces)?
            } else {
                self.place(batch, pieces)?
            });
        }
        self.release_early(pieces)?;
        Ok(outcomes)
    }

    /// Commits rows, finished work, halves and figures. What does not reach the disk is taken back.
    pub(super) fn store(&mut self, mut pieces: Pieces) -> Result<(), StoreError> {
        pieces.retain(|(_, rows)| rows.len() > 0);
        self.commit(pieces).inspect_err(|error| {
            self.undo();
            self.shared.write_failed(error);
        })?;
        self.seen.commit();
        Ok(())
    }

    /// Takes back everything since the last commit.
    pub(super) fn undo(&mut self) {
        self.seen.undo();
        self.waiting.undo();
        self.counted.clear();
    }

    /// Stores what the worker has finished and whose time to wait is up, for times without events. Waits for the
    /// worker if `wait`.
    pub fn settle(&mut self, wait: bool) -> Result<(), StoreError> {
        loop {
            self.shared.ready_to_write()?;
            if wait && self.finished.is_empty() && self.in_work > 0 {
                self.take_done(true)?;
            }
            self.collect_work()?;
            let mut pieces = self.no_pieces();
            self.release_due(&mut pieces).inspect_err(|_| self.undo())?;
            let is_idle = self.finished.is_empty() && !self.waiting.is_changed();
            if is_idle && !coverage::is_behind(&self.shared) {
                return Ok(());
            }
            self.store(pieces)?;
        }
    }

    /// Puts a batch's events behind the others.
    fn place(&mut self, batch: &EventBatch, pieces: &mut Pieces) -> Result<Appended, StoreError> {
        let mut fresh = Vec::with_capacity(batch.len());
        for event in batch.iter() {
            if self.is_new(event.ts(), event.identity())? {
                fresh.push(event);
            }
        }
        let duplicates = (batch.len() - fresh.len()) as u64;
        Ok(Appended { duplicates, ..self.lay(fresh, pieces) })
    }

    /// Notes an event; whether it was not seen before.
    pub(super) fn is_new(&mut self, ts: Micros, identity: u64) -> Result<bool, StoreError> {
        let day = Day::of(ts);
        if self.seen.wants(day) {
            let identities = identities::of_day(&self.shared.snapshot()?, self.shared.seed, day)?;
            self.seen.load_old(day, &identities);
        }
        Ok(self.seen.insert(day, identity))
    }

    /// Stores rows, finished work, halves and figures in one transaction.
    fn commit(&mut self, pieces: Pieces) -> Result<(), StoreError> {
        let (counted, behind) = (std::mem::take(&mut self.counted), coverage::take_behind(&self.shared));
        let written = self.write(pieces, &counted, &behind);
        coverage::settle(&self.shared, written.is_ok(), &counted, behind);
        written
    }

    /// Writes journal records and finished work in one transaction, then publishes the new view.
    fn write(
        &mut self,
        pieces: Pieces,
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
                Done::Segment(sealed) => sealed.write(&transaction)?,
                Done::Run(run) => run.write(&transaction)?,
                Done::Failed(_) => {}
            }
        }
        coverage::write(&self.shared, &transaction, counted, behind)?;
        self.waiting.write(&transaction)?;
        transaction.commit()?;
        self.waiting.commit();
        self.publish_figures();
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
    fn next_view(&mut self, pieces: Pieces) -> Arc<View> {
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
