//! The one thread that commits: batches from many requests gather while a commit runs, and the next
//! commit takes them all, so that a thousand tiny requests cost a few fsyncs.
//!
//! ```text
//! request A  submit --+                      +--> answer A
//! request B  submit --+--> queue --> append -+--> answer B     one commit, one fsync
//! request C  submit ----------> (next commit)
//! ```
//!
//! Nothing waits for company: an idle writer commits what comes at once. The queue has no bound of
//! its own; each batch carries a [`Permit`], and their [`Budget`](super::Budget) is the bound.
//!
//! An error goes to all whose batches were in that commit, and the next commit is tried as usual: the
//! store knows whether it can write again. A panic in the store ends that: nobody knows in what state
//! it left things, so the writer answers errors from then on.

use super::{Permit, Reject};
use crate::event::EventBatch;
use crate::limits::{COMMIT_EVENTS_MAX, IDLE_WAIT};
use crate::store::StoreError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What became of the events of one batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events that are stored now and were not before, or wait for an edge record.
    pub accepted: u64,
    /// Events that were stored before, in this batch or earlier.
    pub duplicates: u64,
    /// Edge records taken: halves of events, and none by themselves.
    pub halves: u64,
    /// Events that the store refused, such as those past a bound on names.
    pub rejected: Vec<Reject>,
}

/// The store, as the writer sees it.
pub trait Append: Send + 'static {
    /// Commits batches. After `Ok`, which holds one outcome for each batch in order, all is on disk.
    fn append(&mut self, batches: &[EventBatch]) -> Result<Vec<Outcome>, StoreError>;

    /// Called whenever nothing is queued, at once and then every `IDLE_WAIT`. Commits wait for it.
    fn idle(&mut self) -> Result<(), StoreError>;

    /// Stores what waits for its other half as it is. After `Ok` all is on disk.
    fn release(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Called last, when everything queued was answered.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

type Answer = Result<Outcome, StoreError>;

struct Job {
    batch: EventBatch,
    /// Returned when the job is answered.
    permit: Permit,
    answer: oneshot::Sender<Answer>,
}

/// An order to the thread.
enum Order {
    Commit(Job),
    Release(std::sync::mpsc::SyncSender<Result<(), StoreError>>),
}

/// The write queue and its thread.
#[derive(Debug)]
pub struct Writer {
    queue: Mutex<Option<Sender<Order>>>,
    thread: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    failed: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(appender: Box<dyn Append>) -> Result<Self, StoreError> {
        let (sender, receiver) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let committer = Committer { appender: Some(appender), failed: Arc::clone(&failed), idle_error: None };
        let thread = std::thread::Builder::new()
            .name("cahoots-writer".to_owned())
            .spawn(move || committer.run(&receiver))
            .map_err(|error| StoreError::Open(format!("the writer thread did not start: {error}")))?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), failed })
    }

    /// Queues a batch now; the future ends when it is on disk or cannot be. Dropping the future does
    /// not take the batch back. The permit is returned with the answer.
    pub fn submit(
        &self,
        batch: EventBatch,
        permit: Permit,
    ) -> impl Future<Output = Result<Outcome, StoreError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        // A closed writer, or a dead thread, drops the job and with it the sender: the wait ends at once.
        if let Some(queue) = &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            drop(queue.send(Order::Commit(Job { batch, permit, answer })));
        }
        async move { answered.await.unwrap_or_else(|_| Err(stopped())) }
    }

    /// Stores what waits for its other half as it is, after everything queued before. Blocks.
    pub fn release(&self) -> Result<(), StoreError> {
        let (done, answered) = std::sync::mpsc::sync_channel(1);
        if let Some(queue) = &*self.queue.lock().unwrap_or_else(PoisonError::into_inner) {
            drop(queue.send(Order::Release(done)));
        }
        answered.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Whether the store panicked: nothing is written until a restart.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Commits and answers what is queued, closes the store's appender, ends the thread. Blocks. Later
    /// submits get an error; a second call does nothing.
    pub fn close(&self) -> Result<(), StoreError> {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        match self.thread.lock().unwrap_or_else(PoisonError::into_inner).take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(closed)) => closed,
            Some(Err(_)) => Err(panicked()),
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Io("the writer has stopped; nothing of this batch is promised".to_owned())
}

fn panicked() -> StoreError {
    StoreError::Io("the writer failed and stays down; restart the server".to_owned())
}

/// The thread's side.
struct Committer {
    /// Gone after a panic.
    appender: Option<Box<dyn Append>>,
    failed: Arc<AtomicBool>,
    /// So that an error which stays is logged once.
    idle_error: Option<String>,
}

impl Committer {
    fn run(mut self, queue: &Receiver<Order>) -> Result<(), StoreError> {
        let mut left_over = None;
        while let Some(first) = left_over.take().or_else(|| self.next(queue)) {
            match first {
                Order::Commit(first) => {
                    let jobs;
                    (jobs, left_over) = gather(first, queue);
                    self.commit(jobs);
                }
                Order::Release(done) => drop(done.send(self.guarded(Append::release))),
            }
        }
        let Some(appender) = self.appender.take() else { return Err(panicked()) };
        catch_unwind(AssertUnwindSafe(|| appender.close())).unwrap_or_else(|_| Err(panicked()))
    }

    /// The next order, `None` when the queue is closed and empty.
    fn next(&mut self, queue: &Receiver<Order>) -> Option<Order> {
        match queue.try_recv() {
            Ok(order) => return Some(order),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        loop {
            self.idle();
            match queue.recv_timeout(IDLE_WAIT) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn idle(&mut self) {
        if self.appender.is_none() {
            return;
        }
        let error = self.guarded(Append::idle).err().map(|error| error.to_string());
        if let Some(error) = &error
            && self.idle_error.as_ref() != Some(error)
        {
            tracing::error!(error, "the store could not do its idle work");
        }
        self.idle_error = error;
    }

    fn commit(&mut self, jobs: Vec<Job>) {
        let mut batches = Vec::with_capacity(jobs.len());
        let mut waiters = Vec::with_capacity(jobs.len());
        for Job { batch, permit, answer } in jobs {
            batches.push(batch);
            waiters.push((answer, permit));
        }
        let done = self.guarded(|appender| appender.append(&batches));
        // Memory is free before the permits say so.
        drop(batches);
        let outcomes = match done {
            Ok(outcomes) if outcomes.len() == waiters.len() => {
                outcomes.into_iter().map(Ok).collect::<Vec<_>>()
            }
            Ok(_) => waiters
                .iter()
                .map(|_| Err(StoreError::Io("answers do not match batches".to_owned())))
                .collect(),
            Err(error) => waiters.iter().map(|_| Err(copy(&error))).collect(),
        };
        for ((answer, permit), outcome) in waiters.into_iter().zip(outcomes) {
            drop(permit);
            // Whoever went away does not hear it; the events are stored all the same.
            drop(answer.send(outcome));
        }
    }

    /// Calls the store unless it has panicked before, and sees to it that a panic is an error.
    fn guarded<T>(
        &mut self,
        call: impl FnOnce(&mut dyn Append) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(appender) = &mut self.appender else { return Err(panicked()) };
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| call(appender.as_mut()))) {
            return result;
        }
        self.failed.store(true, Ordering::Release);
        tracing::error!("the store panicked: nothing more is written until a restart");
        let broken = self.appender.take();
        // What is broken may break again while it is dropped.
        drop(catch_unwind(AssertUnwindSafe(|| drop(broken))));
        Err(panicked())
    }
}

/// What is queued, up to the bound of one commit, and the order that did not fit any more.
fn gather(first: Job, queue: &Receiver<Order>) -> (Vec<Job>, Option<Order>) {
    let mut events = first.batch.len();
    let mut jobs = vec![first];
    while let Ok(order) = queue.try_recv() {
        let job = match order {
            Order::Commit(job) if events + job.batch.len() <= COMMIT_EVENTS_MAX => job,
            other => return (jobs, Some(other)),
        };
        events += job.batch.len();
        jobs.push(job);
    }
    (jobs, None)
}

/// One error for each of several waiters.
fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::DiskFull => StoreError::DiskFull,
        StoreError::Io(reason) => StoreError::Io(reason.clone()),
        StoreError::Corrupt { place, reason } => {
            StoreError::Corrupt { place: place.clone(), reason: reason.clone() }
        }
        StoreError::Open(reason) => StoreError::Open(reason.clone()),
    }
}
