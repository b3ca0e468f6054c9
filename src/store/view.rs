//! A view: what is in the database at one moment, as an immutable value that is swapped whole.
//!
//! Queries hold on to one; the appender publishes the next after each commit. It lists the sealed
//! segments and the day runs (their content is on disk) and holds the rows that are in no segment yet.

use super::days::RunHeader;
use super::rows::Rows;
use super::segment::Header;
use crate::event::{Day, Micros};
use crate::limits::{MICROS_AFTER_DAY, RUN_ROWS_MAX, SEGMENT_ROWS};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pieces of open rows up to this size are joined, so that many tiny commits stay few pieces.
const JOINED_ROWS_MAX: usize = 4_096;

/// Rows that are in no segment yet. A piece never straddles two segments.
#[derive(Clone)]
pub(super) struct Piece {
    pub(super) first_row: u64,
    pub(super) rows: Arc<Rows>,
}

impl Piece {
    pub(super) fn segment(&self) -> u32 {
        (self.first_row / SEGMENT_ROWS as u64) as u32
    }
}

/// What is in the database.
#[derive(Clone, Default)]
pub(super) struct View {
    /// Sealed segments by number.
    pub(super) segments: Vec<Arc<Header>>,
    /// In order of arrival.
    pub(super) open: Vec<Piece>,
    /// Runs by day, in order of runs.
    pub(super) runs: BTreeMap<i32, Vec<Arc<RunHeader>>>,
    /// Latest event time.
    pub(super) newest: Option<Micros>,
    /// Rows in all.
    pub(super) rows: u64,
}

impl View {
    /// Rows in sealed segments.
    pub(super) fn sealed_rows(&self) -> u64 {
        self.segments.len() as u64 * SEGMENT_ROWS as u64
    }

    /// Rows of a day below this number are in its runs.
    pub(super) fn covered_until(&self, day: i32) -> u64 {
        self.runs.get(&day).and_then(|runs| runs.last()).map_or(0, |run| run.until_row)
    }

    /// Adds rows behind all others.
    pub(super) fn push(&mut self, rows: Rows) {
        if rows.len() == 0 {
            return;
        }
        self.newest = self.newest.max(rows.ts.iter().copied().max());
        let piece = Piece { first_row: self.rows, rows: Arc::new(rows) };
        self.rows += piece.rows.len() as u64;
        self.open.push(piece);
        self.join_small();
    }

    fn join_small(&mut self) {
        while let [.., before, last] = &self.open[..] {
            let (left, right) = (before.rows.len(), last.rows.len());
            let small = left <= JOINED_ROWS_MAX && left <= 2 * right && before.segment() == last.segment();
            if !small {
                return;
            }
            let joined = Rows::copy_of(&[(&before.rows, 0..left), (&last.rows, 0..right)]);
            let piece = Piece { first_row: before.first_row, rows: Arc::new(joined) };
            self.open.truncate(self.open.len() - 2);
            self.open.push(piece);
        }
    }

    /// The pieces of a segment, if all its rows are there.
    pub(super) fn full_segment(&self, number: u32) -> Option<Vec<Arc<Rows>>> {
        let pieces = self.open.iter().filter(|piece| piece.segment() == number);
        let pieces: Vec<_> = pieces.map(|piece| Arc::clone(&piece.rows)).collect();
        let rows: usize = pieces.iter().map(|rows| rows.len()).sum();
        (rows == SEGMENT_ROWS).then_some(pieces)
    }

    /// Replaces the open pieces of the next segment by its sealed form.
    pub(super) fn seal(&mut self, header: Arc<Header>) {
        let number = self.segments.len() as u32;
        self.open.retain(|piece| piece.segment() != number);
        self.segments.push(header);
    }

    /// Adds a run.
    pub(super) fn add_run(&mut self, run: Arc<RunHeader>) {
        self.runs.entry(run.day).or_default().push(run);
    }

    /// The day whose next run should be written now, if any: the earliest day that has passed and has
    /// rows in no run, and for events that come late only once there are enough of them.
    pub(super) fn due_run(&self) -> Option<Day> {
        let newest = self.newest?;
        let mut uncovered: BTreeMap<i32, u64> = BTreeMap::new();
        for (number, header) in self.segments.iter().enumerate() {
            let first_row = (number * SEGMENT_ROWS) as u64;
            for (day, rows) in &header.days {
                if first_row >= self.covered_until(*day) {
                    *uncovered.entry(*day).or_default() += u64::from(*rows);
                }
            }
        }
        let is_due = |day: i32, rows: u64| {
            let passed = newest >= Day(day).end().saturating_add(MICROS_AFTER_DAY);
            let first = !self.runs.contains_key(&day);
            rows >= RUN_ROWS_MAX as u64 || (passed && (first || rows >= SEGMENT_ROWS as u64))
        };
        uncovered.into_iter().find(|(day, rows)| is_due(*day, *rows)).map(|(day, _)| Day(day))
    }
}
