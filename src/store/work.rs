//! The worker: one thread that turns full segments and past days into the bytes that the next commit
//! stores, so that the appender never stops for it.

use super::days::{self, Run, RunRows};
use super::error::StoreError;
use super::read::{Part, Snapshot};
use super::rows::Rows;
use super::segment::{self, Sealed};
use super::shared::Shared;
use super::view::View;
use crate::event::{Aspect, Day, Number, Window};
use crate::limits::{RUN_ROWS_MAX, SEGMENT_ROWS};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

/// Something to do. At most `SEALING_MAX` are under way, so the queue needs no bound of its own.
pub(super) enum Task {
    Seal { number: u32, pieces: Vec<Arc<Rows>> },
    Run { day: Day, view: Arc<View> },
}

/// Something done.
pub(super) enum Done {
    Segment(Box<Sealed>),
    Run(Box<Run>),
    Failed(StoreError),
}

/// The thread and its two queues.
pub(super) struct Worker {
    tasks: Option<Sender<Task>>,
    done: Receiver<Result<Done, StoreError>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(shared: Arc<Shared>) -> Result<Self, StoreError> {
        let (tasks, to_do) = channel::<Task>();
        let (report, done) = channel();
        let run = move || {
            for task in to_do {
                let result = match task {
                    Task::Seal { number, pieces } => {
                        let pieces: Vec<&Rows> = pieces.iter().map(|rows| &**rows).collect();
                        segment::seal(number, &pieces).map(|sealed| Done::Segment(Box::new(sealed)))
                    }
                    Task::Run { day, view } => Ok(build_run(&shared, day, view)
                        .map_or_else(Done::Failed, |run| Done::Run(Box::new(run)))),
                };
                if report.send(result).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("cahoots-sealer".to_owned()).spawn(run)?;
        Ok(Self { tasks: Some(tasks), done, thread: Some(thread) })
    }

    pub(super) fn give(&self, task: Task) -> Result<(), StoreError> {
        let sent = self.tasks.as_ref().is_some_and(|tasks| tasks.send(task).is_ok());
        if sent { Ok(()) } else { Err(gone()) }
    }

    /// One finished task, if there is one or after waiting for it.
    pub(super) fn take(&self, wait: bool) -> Result<Option<Done>, StoreError> {
        if wait {
            return self.done.recv().map_err(|_| gone())?.map(Some);
        }
        match self.done.try_recv() {
            Ok(result) => result.map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(gone()),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // A panic in the worker has been reported by then: every `take` after it fails.
            let _ended = thread.join();
        }
    }
}

fn gone() -> StoreError {
    StoreError::Io("the thread that seals segments has ended".to_owned())
}

/// Makes the next run of a day from the rows in sealed segments that no run covers.
fn build_run(shared: &Shared, day: Day, view: Arc<View>) -> Result<Run, StoreError> {
    let snapshot = shared.snapshot_of(view)?;
    let covered = snapshot.view.covered_until(day.0);
    let mut until_row = covered;
    let mut rows = 0;
    for (number, header) in snapshot.view.segments.iter().enumerate() {
        let first_row = (number * SEGMENT_ROWS) as u64;
        if first_row < covered {
            continue;
        }
        if rows >= RUN_ROWS_MAX as u64 {
            break;
        }
        let of_day = header.days.iter().filter(|(other, _)| *other == day.0);
        rows += of_day.map(|(_, rows)| u64::from(*rows)).sum::<u64>();
        until_row = first_row + SEGMENT_ROWS as u64;
    }
    let run = snapshot.view.runs.get(&day.0).map_or(0, |runs| runs.len() as u32);
    let rows = rows_of_day(&snapshot, day, covered, until_row)?;
    // The lock on redb's pages ends here, before the sorting.
    drop(snapshot);
    Ok(days::build(day, run, until_row, &rows))
}

/// Rows of a day that arrived in a range of rows; the range begins and ends with segments.
pub(super) fn rows_of_day(
    snapshot: &Snapshot,
    day: Day,
    from_row: u64,
    until_row: u64,
) -> Result<RunRows, StoreError> {
    let mut rows = RunRows::default();
    let window = Window { since: day.start(), until: day.end() };
    let in_range = |part: &Part| (from_row..until_row).contains(&part.first_row());
    for part in snapshot.parts(window).into_iter().filter(in_range) {
        let mut reader = part.reader();
        let ts = reader.all_ts()?;
        let is_inside = |row: &usize| ts.get(*row).is_some_and(|ts| window.contains(*ts));
        let inside: Vec<usize> = (0..ts.len()).filter(is_inside).collect();
        let pick =
            |column: &[u32], to: &mut Vec<u32>| to.extend(inside.iter().filter_map(|row| column.get(*row)));
        rows.ts.extend(inside.iter().filter_map(|row| ts.get(*row)));
        for (aspect, column) in Aspect::ALL.into_iter().zip(&mut rows.keys) {
            pick(&reader.all_keys(aspect)?, column);
        }
        pick(&reader.all_numbers(Number::InputTokens)?, &mut rows.input_tokens);
        pick(&reader.all_numbers(Number::OutputTokens)?, &mut rows.output_tokens);
    }
    Ok(rows)
}
