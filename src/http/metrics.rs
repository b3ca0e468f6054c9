//! Counters of this floor, and the text that Prometheus reads. No label takes a value from outside: sources have
//! the names of the program and of the settings, and their number is bounded.

use crate::event::PRESENCE;
use crate::http::engine::Status;
use crate::store::{Coverage, edge_source};
use hyper::StatusCode;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Events stored.
    pub accepted: AtomicU64,
    /// Events that were there already.
    pub duplicates: AtomicU64,
    /// Values refused.
    pub rejected: AtomicU64,
    /// Queries that run now.
    pub queries_running: AtomicU64,
    /// Answers by status class, from 1xx to 5xx.
    classes: [AtomicU64; 5],
}

impl Metrics {
    /// Counts an answer.
    pub fn count_answer(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Everything in Prometheus' text format.
    #[must_use]
    pub fn text(&self, status: &Status, inflight_bytes: usize) -> String {
        let mut text = String::with_capacity(2_048);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        family(&mut text, "cahoots_events_total", "counter", "Events received, by what became of them.");
        for (result, counter) in
            [("accepted", &self.accepted), ("duplicate", &self.duplicates), ("rejected", &self.rejected)]
        {
            sample(&mut text, "cahoots_events_total", &format!("{{result=\"{result}\"}}"), read(counter));
        }
        family(&mut text, "cahoots_http_requests_total", "counter", "Requests answered, by status class.");
        for (class, counter) in (1..).zip(&self.classes) {
            let label = format!("{{class=\"{class}xx\"}}");
            sample(&mut text, "cahoots_http_requests_total", &label, read(counter));
        }
        sources(&mut text, &status.coverage);
        joins(&mut text, status);
        let newest = status.newest.map_or(0, |micros| micros.div_euclid(1_000_000).max(0) as u64);
        let writable = u64::from(status.unwritable.is_none());
        for (name, kind, help, value) in [
            ("cahoots_commits_total", "counter", "Commits to the data file.", status.commits),
            ("cahoots_rows", "gauge", "Events in the data file.", status.rows),
            ("cahoots_file_bytes", "gauge", "Size of the data file.", status.file_bytes),
            ("cahoots_newest_event_timestamp_seconds", "gauge", "Time of the newest event.", newest),
            ("cahoots_writable", "gauge", "Whether events can be stored.", writable),
            ("cahoots_inflight_bytes", "gauge", "Bytes between socket and disk.", inflight_bytes as u64),
            ("cahoots_queries_running", "gauge", "Queries that run now.", read(&self.queries_running)),
        ] {
            family(&mut text, name, kind, help);
            sample(&mut text, name, "", value);
        }
        text
    }
}

/// What each log source has brought, over all time.
fn sources(text: &mut String, coverage: &Coverage) {
    let events = || coverage.iter().filter(|(name, _)| edge_source(name).is_none());
    let name = "cahoots_source_events_total";
    family(text, name, "counter", "Events stored, by log source.");
    for (source, covered) in events() {
        sample(text, name, &format!("{{source=\"{source}\"}}"), covered.events);
    }
    let name = "cahoots_source_edge_records_total";
    family(text, name, "counter", "Edge records taken, by log source: halves of events.");
    for (name_of, covered) in coverage {
        if let Some(source) = edge_source(name_of) {
            sample(text, name, &format!("{{source=\"{source}\"}}"), covered.events);
        }
    }
    let name = "cahoots_source_rejected_total";
    family(text, name, "counter", "Records refused, by log source.");
    for (source, covered) in events() {
        sample(text, name, &format!("{{source=\"{source}\"}}"), covered.refused);
    }
    let name = "cahoots_source_newest_event_timestamp_seconds";
    family(text, name, "gauge", "Time of the newest event, by log source.");
    for (source, covered) in events() {
        let newest = covered.newest.map_or(0, |micros| micros.div_euclid(1_000_000).max(0) as u64);
        sample(text, name, &format!("{{source=\"{source}\"}}"), newest);
    }
    let name = "cahoots_source_field_events_total";
    family(text, name, "counter", "Events stored that have a field, by log source.");
    for (source, covered) in events() {
        for (field, with) in PRESENCE.iter().zip(&covered.with) {
            sample(text, name, &format!("{{source=\"{source}\",field=\"{field}\"}}"), *with);
        }
    }
}

/// Halves of events: those that wait, and what became of others.
fn joins(text: &mut String, status: &Status) {
    let (joins, book) = (status.joins, status.joins.book);
    let name = "cahoots_join_waiting";
    family(text, name, "gauge", "Halves of events that wait for the other half.");
    for (half, value) in [("event", joins.waiting_events), ("edge", joins.waiting_edges)] {
        sample(text, name, &format!("{{half=\"{half}\"}}"), value);
    }
    family(text, "cahoots_join_met_total", "counter", "Events that met an edge record.");
    sample(text, "cahoots_join_met_total", "", book.met);
    let name = "cahoots_join_never_met_total";
    family(text, name, "counter", "Halves of events whose other half never came.");
    for (half, value) in [("event", book.unmet_events), ("edge", book.unmet_edges)] {
        sample(text, name, &format!("{{half=\"{half}\"}}"), value);
    }
    family(
        text,
        "cahoots_join_early_total",
        "counter",
        "Halves released before their time, for want of room.",
    );
    sample(text, "cahoots_join_early_total", "", book.early);
}

// Writing to a String cannot fail.
fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(text, "{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::{Metrics, Ordering, PRESENCE, Status, StatusCode};
    use crate::store::Covered;

    #[test]
    fn every_line_is_a_comment_or_a_sample() {
        let metrics = Metrics::default();
        metrics.accepted.store(3, Ordering::Relaxed);
        metrics.count_answer(StatusCode::NOT_FOUND);
        let caddy = Covered { events: 5, with: vec![5; PRESENCE.len()], ..Covered::default() };
        let coverage = [("caddy".to_owned(), caddy)].into();
        let mut status = Status { rows: 9, newest: Some(1_500_000), coverage, ..Status::default() };
        status.joins.waiting_edges = 4;
        status.joins.book.unmet_events = 5;
        let text = metrics.text(&status, 77);
        for line in [
            "cahoots_events_total{result=\"accepted\"} 3",
            "cahoots_http_requests_total{class=\"4xx\"} 1",
            "cahoots_rows 9",
            "cahoots_source_events_total{source=\"caddy\"} 5",
            "cahoots_source_field_events_total{source=\"caddy\",field=\"ip\"} 5",
            "cahoots_newest_event_timestamp_seconds 1",
            "cahoots_inflight_bytes 77",
            "cahoots_join_waiting{half=\"edge\"} 4",
            "cahoots_join_never_met_total{half=\"event\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
        for line in text.lines().filter(|line| !line.starts_with("# ")) {
            let (_, value) = line.rsplit_once(' ').expect("name and value");
            assert!(value.parse::<u64>().is_ok(), "{line}");
        }
    }
}
