//! The analyst: one thread that closes days as the log's own time passes them.
//!
//! It reads snapshots and never holds ingest up. What it knows is published whole after each closing;
//! whoever asks gets an `Arc` and keeps a consistent view. After an error it goes back to what the
//! database holds and tries again when the next events have come.

use crate::detect::{Analysis, Ledger, Report};
use crate::event::{Day, Micros};
use crate::store::{Store, StoreError};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the thread may sleep although nobody called: a safety net, not a clock.
const REST: Duration = Duration::from_secs(60);

/// Stands for no day.
const NO_DAY: i32 = i32::MIN;

/// An order to the thread.
enum Order {
    /// Events have come.
    Look,
    /// Close everything up to an instant, then answer.
    Analyze { until: Micros, done: SyncSender<Result<Report, StoreError>> },
    /// Note bans, then answer.
    Ban { accounts: Vec<String>, at: Micros, done: SyncSender<Result<usize, StoreError>> },
    /// Note a release, then answer.
    Release { model: String, at: Micros, done: SyncSender<Result<(), StoreError>> },
}

/// The analyst's handle.
pub(super) struct Analyst {
    orders: Mutex<Option<Sender<Order>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    published: Arc<RwLock<Arc<Ledger>>>,
    /// Whether an order to look is on its way, so that a thousand commits send one.
    called: Arc<AtomicBool>,
    /// The day that is being closed.
    closing: Arc<AtomicI32>,
    stopping: Arc<AtomicBool>,
}

impl Analyst {
    /// Loads what is known and starts the thread.
    pub(super) fn start(store: Store) -> Result<Self, StoreError> {
        let analysis = Analysis::load(&store)?;
        let published = Arc::new(RwLock::new(Arc::new(analysis.ledger.clone())));
        let (orders, receiver) = channel();
        let called = Arc::new(AtomicBool::new(true));
        let closing = Arc::new(AtomicI32::new(NO_DAY));
        let stopping = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            store,
            analysis,
            published: Arc::clone(&published),
            called: Arc::clone(&called),
            closing: Arc::clone(&closing),
            stopping: Arc::clone(&stopping),
        };
        let thread = std::thread::Builder::new()
            .name("cahoots-analyst".to_owned())
            .spawn(move || desk.run(&receiver))
            .map_err(|error| StoreError::Open(format!("the analyst thread did not start: {error}")))?;
        let (orders, thread) = (Mutex::new(Some(orders)), Mutex::new(Some(thread)));
        // What came before the last stop may be due.
        let analyst = Self { orders, thread, published, called, closing, stopping };
        analyst.give(Order::Look);
        Ok(analyst)
    }

    /// What is known now.
    pub(super) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last day that was closed, the one that is being closed, and how many clusters there are. Cheap.
    pub(super) fn status(&self) -> Value {
        // Before the ledger, so that a day is never told as open after it was told as being closed.
        let closing = self.closing.load(Ordering::Acquire);
        let ledger = self.ledger();
        let clusters = ledger.book.current().count();
        let accusing = ledger.book.current().filter(|cluster| cluster.verdict.accuses()).count();
        json!({
            "closed": ledger.closed.map(day_name),
            "closing": (closing != NO_DAY).then(|| day_name(closing)),
            "clusters": clusters,
            "accusing": accusing,
            "watched": ledger.watched.len(),
        })
    }

    /// Says that events have come. Cheap.
    pub(super) fn look(&self) {
        if !self.called.swap(true, Ordering::AcqRel) {
            self.give(Order::Look);
        }
    }

    /// Closes every day that begins before an instant, and waits until that is done. Blocks.
    pub(super) fn analyze(&self, until: Micros) -> Result<Report, StoreError> {
        let (done, answer) = sync_channel(1);
        self.give(Order::Analyze { until, done });
        answer.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Notes bans; says how many were new. Blocks.
    pub(super) fn ban(&self, accounts: Vec<String>, at: Micros) -> Result<usize, StoreError> {
        let (done, answer) = sync_channel(1);
        self.give(Order::Ban { accounts, at, done });
        answer.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Notes a release. Blocks.
    pub(super) fn release(&self, model: String, at: Micros) -> Result<(), StoreError> {
        let (done, answer) = sync_channel(1);
        self.give(Order::Release { model, at, done });
        answer.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Ends the thread after the day that it is at.
    pub(super) fn close(&self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.orders.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the analyst panicked; the next start goes on from the last closed day");
        }
    }

    fn give(&self, order: Order) {
        if let Some(orders) = &*self.orders.lock().unwrap_or_else(PoisonError::into_inner) {
            // A thread that has ended answers nobody; whoever waits sees the dropped sender.
            drop(orders.send(order));
        }
    }
}

fn day_name(day: i32) -> String {
    let start = jiff::Timestamp::from_microsecond(Day(day).start());
    start.map_or_else(|_| day.to_string(), |start| start.strftime("%Y-%m-%d").to_string())
}

fn stopped() -> StoreError {
    StoreError::Io("the analyst has stopped".to_owned())
}

/// The thread's side.
struct Desk {
    store: Store,
    analysis: Analysis,
    published: Arc<RwLock<Arc<Ledger>>>,
    called: Arc<AtomicBool>,
    closing: Arc<AtomicI32>,
    stopping: Arc<AtomicBool>,
}

impl Desk {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            match orders.recv_timeout(REST) {
                Ok(Order::Look) | Err(RecvTimeoutError::Timeout) => {
                    self.called.store(false, Ordering::Release);
                    if let Err(error) = self.close_due(None) {
                        tracing::error!(%error, "a day could not be analysed; it is tried again");
                    }
                }
                Ok(Order::Analyze { until, done }) => {
                    let closed = self.close_due(Some(until));
                    let report = closed.map(|()| self.analysis.ledger.report.clone());
                    // Whoever asked may have gone.
                    drop(done.send(report));
                }
                Ok(Order::Ban { accounts, at, done }) => {
                    drop(done.send(self.analysis.ban(&self.store, &accounts, at)));
                    self.publish();
                }
                Ok(Order::Release { model, at, done }) => {
                    drop(done.send(self.analysis.release(&self.store, &model, at)));
                    self.publish();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn close_due(&mut self, until: Option<Micros>) -> Result<(), StoreError> {
        while !self.stopping.load(Ordering::Acquire) {
            let due = self.analysis.due(&self.store.snapshot()?, until)?;
            let Some(due) = due else { return Ok(()) };
            if due.hour.is_none() {
                self.closing.store(due.day, Ordering::Release);
            }
            let step = self.analysis.step(&self.store, due);
            if let Err(error) = step {
                self.closing.store(NO_DAY, Ordering::Release);
                self.analysis = Analysis::load(&self.store)?;
                return Err(error);
            }
            if due.hour.is_none() {
                let report = &self.analysis.ledger.report;
                tracing::info!(
                    day = report.day,
                    accounts = report.accounts,
                    groups = report.groups,
                    passed = report.passed,
                    "day closed"
                );
            }
            self.publish();
            self.closing.store(NO_DAY, Ordering::Release);
        }
        Ok(())
    }

    fn publish(&self) {
        let ledger = Arc::new(self.analysis.ledger.clone());
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = ledger;
    }
}
