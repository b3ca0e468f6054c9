//! One log through the whole: decoder, store, a closing for each day.

use cahoots::detect::{Analysis, Book};
use cahoots::event::Micros;
use cahoots::ingest::{Context, Decoder};
use cahoots::store::Store;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// What came of a log.
pub(crate) struct Outcome {
    book: Book,
    ingest: Duration,
    analysis: Duration,
    events: u64,
}

/// Reads a log and closes its days as they pass.
pub(crate) fn replay(log: &Path) -> Outcome {
    let folder = tempfile::tempdir().expect("folder");
    let (store, mut appender) = Store::open(folder.path(), 1).expect("store");
    let mut decoder = Decoder::new(Context { seed: store.seed(), now: i64::MAX / 4, keep_extra: false });
    let bytes = std::fs::read(log).expect("log");
    let mut analysis = Analysis::load(&store).expect("state");
    let start = Instant::now();
    let mut rest = bytes.as_slice();
    loop {
        let done = if rest.is_empty() {
            decoder.finish()
        } else {
            let used = decoder.feed(rest);
            rest = &rest[used..];
            false
        };
        let batch = decoder.take_batch();
        if !batch.is_empty() {
            appender.append(&[batch]).expect("append");
        }
        if done {
            break;
        }
    }
    let ingest = start.elapsed();
    let start = Instant::now();
    while let Some(due) = analysis.due(&store.snapshot().expect("snapshot"), Some(Micros::MAX)).expect("due")
    {
        let start = Instant::now();
        analysis.close(&store, due).expect("close");
        let report = &analysis.ledger.report;
        println!(
            "day {} accounts {} est {} groups {} passed {} null {:.1} thr {:.1} {:?} {:.2} s",
            report.day,
            report.accounts,
            report.established,
            report.groups,
            report.passed,
            report.null_max,
            report.threshold,
            report.abstained,
            start.elapsed().as_secs_f64()
        );
        for cluster in &analysis.ledger.book.clusters {
            println!(
                "  {} {:?} {:?} n={} {:?} C={:.1} X={:.2}",
                cluster.id,
                cluster.status,
                cluster.verdict,
                cluster.members.len(),
                cluster.families().collect::<Vec<_>>(),
                cluster.coordination,
                cluster.extraction
            );
        }
    }
    let events = store.status().rows;
    Outcome { book: analysis.ledger.book.clone(), ingest, analysis: start.elapsed(), events }
}

impl Outcome {
    /// Prints recall and precision against the truth.
    pub(crate) fn print(&self, truth: &BTreeSet<String>) {
        let accused: BTreeSet<&str> = self
            .book
            .current()
            .filter(|cluster| cluster.verdict.accuses())
            .flat_map(|cluster| cluster.members.iter().map(|member| member.account.as_str()))
            .collect();
        let right = accused.iter().filter(|account| truth.contains(**account)).count();
        println!(
            "events {} ingest {:.1} s analysis {:.1} s; accused {} right {right} of {}",
            self.events,
            self.ingest.as_secs_f64(),
            self.analysis.as_secs_f64(),
            accused.len(),
            truth.len()
        );
    }
}
