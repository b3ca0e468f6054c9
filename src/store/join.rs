//! The appender's part in joining: halves wait, meet, and are released, each in the commit that stores the
//! events which come of it.
//!
//! One request, two records: the one with the account is the event and is stored once, with what the other
//! one says of where it came from. Which comes first makes no difference. Nothing is joined but by an id.

use super::append::{Appended, Appender, Pieces};
use super::coverage;
use super::error::StoreError;
use super::half::Half;
use super::waiting::JoinFigures;
use crate::clock::Clock;
use crate::event::{Day, Dim, Event, EventBatch, Join, Micros};
use crate::limits::{JOIN_RECENT, JOIN_RELEASED_MAX};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Lines of events that came in an earlier body begin here: nobody waits for an answer about them.
const RELEASED_LINES: u64 = 1 << 48;

impl Appender {
    /// Says when events wait for an edge record, and whose time it is that they wait by.
    pub fn joining(&mut self, join: Join, clock: Arc<dyn Clock>) {
        (self.join, self.clock) = (join, clock);
    }

    /// Events stored.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.shared.view().rows
    }

    /// Whether an event that could have an edge record waits for it.
    fn waits(&self, now: Micros) -> bool {
        match self.join {
            Join::Off => false,
            Join::On => true,
            Join::Auto => {
                self.waiting.book.last_edge.is_some_and(|last| now.saturating_sub(last) <= JOIN_RECENT)
            }
        }
    }

    /// Puts a batch with halves behind the others.
    pub(super) fn place_halves(
        &mut self,
        batch: &EventBatch,
        pieces: &mut Pieces,
    ) -> Result<Appended, StoreError> {
        let now = self.clock.now();
        let (mut joined, mut appended) = (EventBatch::default(), Appended::default());
        for (edge, keys) in batch.edges() {
            if self.waiting.knows(true, edge.identity()) || !self.is_new(edge.ts(), edge.identity())? {
                appended.duplicates += 1;
                continue;
            }
            appended.halves += 1;
            self.waiting.book.last_edge = Some(now);
            coverage::count_edge(&mut self.counted, edge);
            let number = self.waiting.add(Half::of(edge, keys, true, now));
            for event in self.waiting.events_for(number) {
                self.meet_later(event, &mut joined)?;
            }
        }
        let waits = self.waits(now);
        let mut whole = Vec::with_capacity(batch.len());
        let mut taken = 0;
        for (event, keys) in batch.events_with_keys() {
            let is_half = waits && !keys.is_empty();
            if (is_half && self.waiting.knows(false, event.identity()))
                || !self.is_new(event.ts(), event.identity())?
            {
                appended.duplicates += 1;
            } else if is_half {
                taken += 1;
                self.take_event(event, keys, now, &mut joined);
            } else {
                whole.push(event);
            }
        }
        let whole = self.lay(whole, pieces);
        appended.accepted = whole.accepted + taken;
        appended.full = whole.full;
        let refused = self.lay_joined(&joined, pieces);
        let lines: BTreeSet<u64> = refused.iter().map(|(line, _)| *line).collect();
        appended.accepted -= lines.len() as u64;
        appended.full.extend(refused);
        Ok(appended)
    }

    /// Lets an event meet its edge record, or wait for it.
    fn take_event(&mut self, event: Event<'_>, keys: &[u128], now: Micros, joined: &mut EventBatch) {
        let half = Half::of(event, keys, false, now);
        if !self.waiting.meet(&half, event.line(), joined) {
            // It is known by its place in the waiting room, and by its identity again once it is stored.
            self.seen.forget(Day::of(event.ts()), event.identity());
            self.waiting.add(half);
        }
    }

    /// Lets an event that waits meet the edge record that has come.
    fn meet_later(&mut self, number: u64, joined: &mut EventBatch) -> Result<(), StoreError> {
        let Some(half) = self.waiting.half(number).cloned() else { return Ok(()) };
        if !self.is_new(half.ts, half.identity)? {
            // The same event came whole meanwhile.
            self.waiting.remove(number);
        } else if self.waiting.meet(&half, RELEASED_LINES + joined.len() as u64, joined) {
            self.waiting.remove(number);
        } else {
            self.seen.forget(Day::of(half.ts), half.identity);
        }
        Ok(())
    }

    /// Puts joined or released events behind the others. Gives the lines of this body that did not fit.
    fn lay_joined(&mut self, joined: &EventBatch, pieces: &mut Pieces) -> Vec<(u64, Dim)> {
        if joined.is_empty() {
            return Vec::new();
        }
        let (own, earlier): (Vec<_>, Vec<_>) = self
            .lay(joined.iter().collect(), pieces)
            .full
            .into_iter()
            .partition(|(line, _)| *line < RELEASED_LINES);
        if let Some((_, dim)) = earlier.first() {
            let (events, dim) = (earlier.len(), dim.name());
            tracing::error!(
                events,
                dim,
                "events that had waited were lost: the database holds as many names as it can"
            );
        }
        own
    }

    /// Releases halves whose time is up, some at a time.
    pub(super) fn release_due(&mut self, pieces: &mut Pieces) -> Result<(), StoreError> {
        let now = if self.join == Join::Off { Micros::MAX } else { self.clock.now() };
        let mut released = EventBatch::default();
        for _ in 0..JOIN_RELEASED_MAX {
            let Some(number) = self.waiting.due(now) else { break };
            self.release(number, &mut released)?;
        }
        self.lay_joined(&released, pieces);
        Ok(())
    }

    /// Releases the oldest halves while there are too many.
    pub(super) fn release_early(&mut self, pieces: &mut Pieces) -> Result<(), StoreError> {
        let mut released = EventBatch::default();
        while let Some(number) = self.waiting.too_many() {
            self.waiting.book.early += 1;
            self.release(number, &mut released)?;
        }
        self.lay_joined(&released, pieces);
        Ok(())
    }

    /// Takes a half out of the waiting room: an event is stored as it is, an edge record is none.
    fn release(&mut self, number: u64, released: &mut EventBatch) -> Result<(), StoreError> {
        let Some(half) = self.waiting.remove(number) else { return Ok(()) };
        if half.edge {
            self.waiting.book.unmet_edges += u64::from(!half.met);
        } else {
            self.waiting.book.unmet_events += 1;
            if self.is_new(half.ts, half.identity)? {
                half.push(None, RELEASED_LINES + released.len() as u64, released);
            }
        }
        Ok(())
    }

    /// Stores every event that waits as it is now, for an analysis of all that has come. When this returns
    /// `Ok`, all of it is fsynced. Edge records go on waiting.
    pub fn release_events(&mut self) -> Result<(), StoreError> {
        loop {
            self.settle(false)?;
            let events = self.waiting.events(JOIN_RELEASED_MAX);
            if events.is_empty() {
                return Ok(());
            }
            let mut pieces = self.no_pieces();
            let mut released = EventBatch::default();
            for number in events {
                self.release(number, &mut released).inspect_err(|_| self.undo())?;
            }
            self.lay_joined(&released, &mut pieces);
            self.store(pieces)?;
        }
    }

    /// What waits, and what became of others.
    pub(super) fn publish_figures(&self) {
        let figures: JoinFigures = self.waiting.figures();
        self.shared.publish_joins(figures);
    }
}
