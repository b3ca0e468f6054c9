//! What the server says about itself: status, health, readiness, metrics, and the description of
//! its interface.

use crate::http::error::Problem;
use crate::http::handle::{Reply, coverage, query};
use crate::http::negotiate::Format;
use crate::http::service::State;
use crate::query::{Answer, Table};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

/// The process lives. Asks nothing of the floors below.
pub(crate) fn health() -> Reply {
    Reply::ok("application/json", "{\"healthy\":true}\n")
}

/// Events can be taken.
pub(crate) fn ready(state: &State) -> Result<Reply, Problem> {
    match state.engine.status()?.unwritable {
        None => Ok(Reply::ok("application/json", "{\"ready\":true}\n")),
        Some(reason) => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", reason).retry_after(10))
        }
    }
}

/// Figures for people and programs.
pub(crate) fn status(state: &State, format: Format) -> Result<Reply, Problem> {
    let status = state.engine.status()?;
    let newest = status.newest.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    let mut document = Map::new();
    document.insert("version".into(), env!("CARGO_PKG_VERSION").into());
    document.insert("uptime_s".into(), state.started.elapsed().as_secs().into());
    document.insert("ready".into(), status.unwritable.is_none().into());
    if let Some(reason) = status.unwritable {
        document.insert("reason".into(), reason.into());
    }
    document.insert("events".into(), status.rows.into());
    document.insert("newest_event".into(), newest.map(|newest| newest.to_string()).into());
    document.insert("file_bytes".into(), status.file_bytes.into());
    document.insert("commits".into(), status.commits.into());
    document.insert("inflight_bytes".into(), state.inflight_bytes().into());
    let joins = status.joins;
    let joins = json!({
        "waiting_events": joins.waiting_events,
        "waiting_edge_records": joins.waiting_edges,
        "met": joins.book.met,
        "never_met_events": joins.book.unmet_events,
        "never_met_edge_records": joins.book.unmet_edges,
        "released_early": joins.book.early,
    });
    document.insert("join".into(), joins);
    if !status.analysis.is_null() {
        document.insert("analysis".into(), status.analysis);
    }
    if !status.details.is_null() {
        document.insert("store".into(), status.details);
    }
    let mut rows = Vec::new();
    for (name, value) in &document {
        match value {
            Value::Object(inner) => {
                rows.extend(
                    inner.iter().map(|(part, value)| vec![format!("{name}.{part}").into(), value.clone()]),
                );
            }
            value => rows.push(vec![name.clone().into(), value.clone()]),
        }
    }
    for (name, value) in coverage::lines(&status.coverage) {
        rows.push(vec![name.into(), value.into()]);
    }
    // What the counters of sources do not know was stored before there were any.
    let counted: u64 = status.coverage.values().map(|covered| covered.events).sum();
    if let Some(earlier @ 1..) = status.rows.checked_sub(counted) {
        let value = format!("{earlier} events, stored before sources were counted");
        rows.push(vec!["source (earlier)".into(), value.into()]);
        document.insert("events_before_sources".into(), earlier.into());
    }
    document.insert("sources".into(), coverage::document(&status.coverage));
    let table = Table::new(vec!["name", "value"], rows);
    query::reply(&Answer { document: Value::from(document), table, next: None }, format)
}

/// Figures for Prometheus.
pub(crate) fn metrics(state: &State) -> Result<Reply, Problem> {
    let text = state.metrics.text(&state.engine.status()?, state.inflight_bytes());
    Ok(Reply::ok("text/plain; version=0.0.4; charset=utf-8", text))
}

/// The description of the interface.
pub(crate) fn openapi() -> Reply {
    Reply::ok("application/json", include_str!("../openapi.json"))
}
