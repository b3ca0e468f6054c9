//! Clusters, their evidence, and what the operator tells the analysis: bans and releases.

use crate::detect::markdown;
use crate::event::Micros;
use crate::http::error::Problem;
use crate::http::handle::query::reply;
use crate::http::handle::{Reply, events};
use crate::http::negotiate::{Format, choose, choose_or};
use crate::http::service::State;
use crate::limits::{BANS_BYTES_MAX, BANS_MAX, LIMIT_MAX, NAME_BYTES_MAX, RELEASES_MAX, VALUE_BYTES_MAX};
use crate::privacy::json_error;
use crate::query::{Answer, ClusterRequest, Table, report};
use bytes::Bytes;
use hyper::body::Body;
use hyper::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Answers from what the last closing left in memory.
pub(crate) fn answer(
    state: &State,
    mut request: ClusterRequest,
    named: Option<Format>,
    headers: &HeaderMap,
) -> Result<Reply, Problem> {
    let mut format = choose(named, headers);
    if let ClusterRequest::Members { page, .. } = &mut request {
        format = choose_or(named, headers, Format::Ndjson);
        // Lines are for a program, which wants all of them.
        if page.limit.is_none() && matches!(format, Format::Ndjson | Format::Csv) {
            page.limit = Some(LIMIT_MAX);
        }
    }
    let newest = state.engine.status()?.newest.unwrap_or_default();
    let ledger = state.engine.ledger();
    reply(&crate::query::clusters(&ledger, &request, newest)?, format)
}

/// The evidence of a cluster: sealed, as a page for people, or every figure with its place.
pub(crate) async fn evidence(state: &Arc<State>, id: String, format: Format) -> Result<Reply, Problem> {
    let found = blocking(state, move |state| state.engine.evidence(&id)).await??;
    match format {
        Format::Json => Ok(Reply::ok("application/json", format!("{found}\n"))),
        Format::Table => Ok(Reply::ok("text/markdown; charset=utf-8", markdown(&found))),
        Format::Ndjson | Format::Csv => {
            let mut rows = Vec::new();
            figures(&found, &mut String::new(), &mut rows);
            let table = Table::new(vec!["place", "value"], rows);
            reply(&Answer { document: found, table, next: None }, format)
        }
    }
}

/// Every figure of a document with its place as a JSON pointer.
fn figures(value: &Value, place: &mut String, rows: &mut Vec<Vec<Value>>) {
    let mut below = |name: &str, value: &Value| {
        let length = place.len();
        place.push('/');
        place.push_str(&name.replace('~', "~0").replace('/', "~1"));
        figures(value, place, rows);
        place.truncate(length);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value)),
        leaf => rows.push(vec![place.as_str().into(), leaf.clone()]),
    }
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
    let mut bans: Bans = parse(&text, r#"{"accounts":["acct-17"],"at":"2026-05-01T12:00:00Z"}"#)?;
    if let Some(long) =
        bans.accounts.iter().find(|account| account.is_empty() || account.len() > NAME_BYTES_MAX)
    {
        let reason = format!("accounts holds a name of {} bytes; send 1 to {NAME_BYTES_MAX}", long.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "wrong-field", reason).field("accounts"));
    }
    if bans.accounts.is_empty() {
        let detail = "accounts is empty: name at least one";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "wrong-field", detail).field("accounts"));
    }
    // Named twice is banned once.
    bans.accounts.sort_unstable();
    bans.accounts.dedup();
    let known = state.engine.ledger().bans.len();
    if known + bans.accounts.len() > BANS_MAX {
        let detail = format!("accounts: {known} bans are kept already, and at most {BANS_MAX} can be");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too-many", detail).field("accounts"));
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
    if release.model.is_empty() || release.model.len() > VALUE_BYTES_MAX {
        let detail = format!("model has {} bytes; send 1 to {VALUE_BYTES_MAX}", release.model.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "wrong-field", detail).field("model"));
    }
    let known = state.engine.ledger();
    if known.releases.len() >= RELEASES_MAX && !known.releases.contains_key(&release.model) {
        let detail = format!("model: {RELEASES_MAX} releases are kept already, and no more can be");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too-many", detail).field("model"));
    }
    let at = instant(release.at.as_deref())?;
    blocking(state, move |state| state.engine.release(release.model, at)).await??;
    Ok(Reply::ok("application/json", "{\"noted\":true}\n"))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, example: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("the body cannot be read: {}; send for example {example}", json_error(&error));
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
