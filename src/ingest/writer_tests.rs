//! The writer over stores that are slow, full, broken or gone.

use super::{Append, Budget, Outcome, Permit, Writer};
use crate::event::{Draft, EventBatch};
use crate::limits::COMMIT_EVENTS_MAX;
use crate::store::StoreError;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the store did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Did {
    Append(Vec<usize>),
    Close,
}

/// What the store is to do at its next commit.
enum Do {
    Succeed,
    Fail(StoreError),
    Panic,
}

/// A store that takes each commit's fate from the test and so waits for the test.
struct Scripted {
    did: Arc<Mutex<Vec<Did>>>,
    began: Sender<()>,
    script: Receiver<Do>,
}

impl Append for Scripted {
    fn append(&mut self, batches: &[EventBatch]) -> Result<Vec<Outcome>, StoreError> {
        self.did.lock().unwrap().push(Did::Append(batches.iter().map(EventBatch::len).collect()));
        self.began.send(()).unwrap();
        match self.script.recv().unwrap_or(Do::Succeed) {
            Do::Succeed => {
                let outcome =
                    |batch: &EventBatch| Outcome { accepted: batch.len() as u64, ..Outcome::default() };
                Ok(batches.iter().map(outcome).collect())
            }
            Do::Fail(error) => Err(error),
            Do::Panic => panic!("as the test wants it"),
        }
    }

    fn idle(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.did.lock().unwrap().push(Did::Close);
        Ok(())
    }
}

struct Bench {
    writer: Arc<Writer>,
    budget: Budget,
    did: Arc<Mutex<Vec<Did>>>,
    began: Receiver<()>,
    script: Sender<Do>,
    runtime: tokio::runtime::Runtime,
}

type Waiting = tokio::task::JoinHandle<Result<Outcome, StoreError>>;

impl Bench {
    fn new() -> Self {
        let did = Arc::default();
        let (began_sender, began) = channel();
        let (script, script_receiver) = channel();
        let store = Scripted { did: Arc::clone(&did), began: began_sender, script: script_receiver };
        Self {
            writer: Arc::new(Writer::start(Box::new(store)).unwrap()),
            budget: Budget::new(1_000_000, Duration::from_secs(10)),
            did,
            began,
            script,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_time()
                .build()
                .unwrap(),
        }
    }

    fn permit(&self) -> Permit {
        self.runtime.block_on(self.budget.acquire(1_000)).unwrap()
    }

    fn submit(&self, events: usize) -> Waiting {
        let mut batch = EventBatch::default();
        for _ in 0..events {
            batch.push(&Draft::default());
        }
        self.runtime.spawn(self.writer.submit(batch, self.permit()))
    }

    fn answer(&self, waiting: Waiting) -> Result<u64, String> {
        self.runtime
            .block_on(waiting)
            .unwrap()
            .map(|outcome| outcome.accepted)
            .map_err(|error| error.to_string())
    }

    fn commits(&self) -> Vec<Did> {
        self.did.lock().unwrap().clone()
    }
}

#[test]
fn batches_gather_while_a_commit_runs_and_go_together_in_order() {
    let bench = Bench::new();
    let first = bench.submit(1);
    bench.began.recv().unwrap();
    let others: Vec<Waiting> = (2..=5).map(|events| bench.submit(events)).collect();
    assert!(!first.is_finished(), "no answer before the commit ends");
    assert_eq!(bench.budget.bytes_held(), 5_000);
    bench.script.send(Do::Succeed).unwrap();
    assert_eq!(bench.answer(first), Ok(1));
    bench.script.send(Do::Succeed).unwrap();
    let answers: Vec<_> = others.into_iter().map(|waiting| bench.answer(waiting)).collect();
    assert_eq!(answers, [Ok(2), Ok(3), Ok(4), Ok(5)]);
    assert_eq!(bench.commits(), [Did::Append(vec![1]), Did::Append(vec![2, 3, 4, 5])]);
    assert_eq!(bench.budget.bytes_held(), 0);
}

#[test]
fn a_commit_is_bounded_and_what_does_not_fit_goes_next() {
    let bench = Bench::new();
    let first = bench.submit(1);
    bench.began.recv().unwrap();
    let half = COMMIT_EVENTS_MAX / 2;
    let others = [bench.submit(half), bench.submit(half), bench.submit(1)];
    drop(bench.script);
    let bench = Bench { script: channel().0, ..bench };
    assert_eq!(bench.answer(first), Ok(1));
    for (waiting, events) in others.into_iter().zip([half, half, 1]) {
        assert_eq!(bench.answer(waiting), Ok(events as u64));
    }
    assert_eq!(bench.commits(), [Did::Append(vec![1]), Did::Append(vec![half, half]), Did::Append(vec![1])]);
}

#[test]
fn a_full_disk_fails_all_of_that_commit_and_the_next_one_is_tried() {
    let bench = Bench::new();
    bench.script.send(Do::Succeed).unwrap();
    let first = bench.submit(1);
    bench.began.recv().unwrap();
    assert_eq!(bench.answer(first), Ok(1));
    for error in [StoreError::DiskFull, StoreError::Io("sector 7".to_owned())] {
        let text = error.to_string();
        let blocker = bench.submit(1);
        bench.began.recv().unwrap();
        let pair = [bench.submit(2), bench.submit(3)];
        bench.script.send(Do::Succeed).unwrap();
        assert_eq!(bench.answer(blocker), Ok(1));
        bench.began.recv().unwrap();
        bench.script.send(Do::Fail(error)).unwrap();
        for waiting in pair {
            assert_eq!(bench.answer(waiting), Err(text.clone()));
        }
        assert!(!bench.writer.failed());
    }
    let after = bench.submit(4);
    bench.began.recv().unwrap();
    bench.script.send(Do::Succeed).unwrap();
    assert_eq!(bench.answer(after), Ok(4));
    assert_eq!(bench.budget.bytes_held(), 0);
}

#[test]
fn a_panic_in_the_store_leaves_nobody_waiting_and_marks_the_writer() {
    let bench = Bench::new();
    let first = bench.submit(1);
    bench.began.recv().unwrap();
    let second = bench.submit(2);
    bench.script.send(Do::Panic).unwrap();
    assert!(bench.answer(first).unwrap_err().contains("restart the server"));
    assert!(bench.answer(second).unwrap_err().contains("restart the server"));
    assert!(bench.writer.failed());
    let later = bench.submit(1);
    assert!(bench.answer(later).unwrap_err().contains("restart the server"));
    assert_eq!(bench.budget.bytes_held(), 0);
    assert!(bench.writer.close().is_err());
    assert_eq!(bench.commits(), [Did::Append(vec![1])]);
}

#[test]
fn closing_answers_what_is_queued_then_closes_the_store() {
    let bench = Bench::new();
    let first = bench.submit(1);
    bench.began.recv().unwrap();
    let second = bench.submit(2);
    let closing = bench.runtime.spawn_blocking({
        let writer = Arc::clone(&bench.writer);
        move || writer.close()
    });
    bench.script.send(Do::Succeed).unwrap();
    bench.script.send(Do::Succeed).unwrap();
    assert_eq!((bench.answer(first), bench.answer(second)), (Ok(1), Ok(2)));
    assert!(bench.runtime.block_on(closing).unwrap().is_ok());
    assert_eq!(bench.commits(), [Did::Append(vec![1]), Did::Append(vec![2]), Did::Close]);
    let late = bench.submit(1);
    assert!(bench.answer(late).unwrap_err().contains("has stopped"));
    assert!(bench.writer.close().is_ok());
}

#[test]
fn a_caller_who_went_away_does_not_take_its_batch_along() {
    let bench = Bench::new();
    let first = bench.submit(1);
    bench.began.recv().unwrap();
    let gone = bench.submit(2);
    gone.abort();
    assert!(bench.runtime.block_on(gone).unwrap_err().is_cancelled());
    bench.script.send(Do::Succeed).unwrap();
    bench.script.send(Do::Succeed).unwrap();
    assert_eq!(bench.answer(first), Ok(1));
    assert!(bench.writer.close().is_ok());
    assert_eq!(bench.commits(), [Did::Append(vec![1]), Did::Append(vec![2]), Did::Close]);
}
