//! Clusters, their evidence, and what the operator tells the analysis: bans and releases.

use crate::event::Micros;
use crate::http::error::Problem;
use crate::http::handle::query::reply;
use crate::http::handle::{Reply, events};
use crate::http::negotiate::Format;
use crate::http::service::State;
use crate::limits::{BANS_BYTES_MAX, NAME_BYTES_MAX};
use crate::query::{Answer, ClusterRequest, Table, report};
use bytes::Bytes;
use hyper::body::Body;
use hyper::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Answers from what the last closing left in memory.
pub(crate) fn answer(state: &State, request: &ClusterRequest, format: Format) -> Result<Reply, Problem> {
    let ledger = state.engine.ledger();
    reply(&crate::query::clusters(&ledger, request)?, format)
}

/// The evidence of a cluster, sealed.
pub(crate) async fn evidence(state: &Arc<State>, id: String) -> Result<Reply, Problem> {
    let found = blocking(state, move |state| state.engine.evidence(&id)).await??;
    Ok(Reply::ok("application/json", format!("{found}\n")))
}

/// Events of a cluster's members by day.
pub(crate) async fn timeline(state: &Arc<State>, id: String, format: Format) -> Result<Reply, Problem> {
    let days = blocking(state, move |state| state.engine.cluster_timeline(&id)).await??;
    let rows = days.iter().map(|(day, events)| vec![day.clone(), (*events).into()]).collect();
    let list: Vec<_> = days.iter().map(|(day, events)| json!({"day": day, "events": events})).collect();
    let table = Table { columns: vec!["day", "events"], rows };
    reply(&Answer { document: json!({ "timeline": list }), table, next: None }, format)
}

/// Closes every day there is, up to an instant.
pub(crate) async fn analyze(state: &Arc<State>, until: Option<Micros>) -> Result<Reply, Problem> {
    let done = blocking(state, move |state| state.engine.analyze(until)).await??;
    Ok(Reply::ok("application/json", format!("{}\n", report(&done))))
}

/// What a ban says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bans {
    accounts: Vec<String>,
    at: Option<String>,
}

/// What a release says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    model: String,
    at: Option<String>,
}

/// Notes that accounts were banned.
pub(crate) async fn ban<B: Body<Data = Bytes> + Unpin>(
    state: &Arc<State>,
    body: B,
    headers: &HeaderMap,
) -> Result<Reply, Problem> {
    let text = events::read_text(body, headers, BANS_BYTES_MAX).await?;
    let bans: Bans = parse(&text, r#"{"accounts":["acct-17"],"at":"2026-05-01T12:00:00Z"}"#)?;
    if let Some(long) =
        bans.accounts.iter().find(|account| account.is_empty() || account.len() > NAME_BYTES_MAX)
    {
        let reason = format!("accounts holds a name of {} bytes; send 1 to {NAME_BYTES_MAX}", long.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "wrong-field", reason).field("accounts"));
    }
    let at = instant(bans.at.as_deref())?;
    let count = bans.accounts.len();
    let new = blocking(state, move |state| state.engine.ban(bans.accounts, at)).await??;
    Ok(Reply::ok(
        "application/json",
        format!("{}\n", json!({"banned": new, "known_before": count - new.min(count)})),
    ))
}

/// Notes that a model came out.
pub(crate) async fn release<B: Body<Data = Bytes> + Unpin>(
    state: &Arc<State>,
    body: B,
    headers: &HeaderMap,
) -> Result<Reply, Problem> {
    let text = events::read_text(body, headers, BANS_BYTES_MAX).await?;
    let release: Release = parse(&text, r#"{"model":"m-next","at":"2026-05-01T12:00:00Z"}"#)?;
    let at = instant(release.at.as_deref())?;
    blocking(state, move |state| state.engine.release(release.model, at)).await??;
    Ok(Reply::ok("application/json", "{\"noted\":true}\n"))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, example: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("the body cannot be read: {error}; send for example {example}");
        Problem::new(StatusCode::BAD_REQUEST, "wrong-body", detail)
    })
}

fn instant(text: Option<&str>) -> Result<Option<Micros>, Problem> {
    let parse = |text: &str| {
        text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_microsecond).map_err(|_| {
            let detail = "at is no instant: send for example 2026-05-01T12:00:00Z";
            Problem::new(StatusCode::BAD_REQUEST, "wrong-field", detail).field("at")
        })
    };
    text.map(parse).transpose()
}

/// Does work where blocking is fine.
async fn blocking<T: Send + 'static>(
    state: &Arc<State>,
    work: impl FnOnce(&State) -> T + Send + 'static,
) -> Result<T, Problem> {
    let state = Arc::clone(state);
    let failed = |failed| Problem::internal(format!("the analysis panicked: {failed}"));
    spawn_blocking(move || work(&state)).await.map_err(failed)
}
