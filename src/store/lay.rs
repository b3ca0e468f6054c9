//! Events to rows: the appender's way from a batch to ordinals, before the commit.

use super::append::{Appended, Appender, Pieces};
use super::catalog::NONE;
use super::coverage;
use super::rows::Rows;
use crate::event::{Aspect, Day, Dim, Event};
use crate::limits::SEGMENT_ROWS;
use std::collections::BTreeSet;
use std::sync::PoisonError;

impl Appender {
    /// Puts events behind the others. Works through them column by column: each lookup is a wait for memory,
    /// and in a short loop the processor waits for several at once.
    pub(super) fn lay(&mut self, mut fresh: Vec<Event<'_>>, pieces: &mut Pieces) -> Appended {
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
        Appended { accepted: fresh.len() as u64, full, ..Appended::default() }
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
}

/// Adds events to the last piece, starting a new one where a segment ends.
fn push(pieces: &mut Pieces, events: &[Event<'_>], keys: &[Vec<u32>; 4]) {
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
