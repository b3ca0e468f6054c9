//! Bodies of log shippers, and what their clients ask before they send: answers in each protocol's own form.
//!
//! A record that cannot be taken never costs the others, and never makes a client send it again: most
//! shippers drop a body on any 4xx, and some send it for ever. What fails for the moment is 429 or 503.

use crate::http::body::BodyLimits;
use crate::http::error::Problem;
use crate::http::handle::Reply;
use crate::http::handle::events::{Taken, Tally, take_in};
use crate::http::push_routes::{Elastic, Push};
use crate::http::service::State;
use crate::ingest::{Item, Kind, Protocol, Summary};
use crate::limits::PUSH_BYTES_MAX;
use bytes::Bytes;
use hyper::body::Body;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use prost::Message;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Without it Elasticsearch's own clients stop after their first request.
const PRODUCT: (&str, &str) = ("x-elastic-product", "Elasticsearch");

/// The version that is claimed: bulk has been the same since.
const ELASTIC_VERSION: &str = "8.17.0";

/// The answer to any OTLP export. Source: `opentelemetry/proto/collector/*/v1/*_service.proto`.
#[derive(Clone, PartialEq, Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// Answers a shipper.
pub(crate) async fn receive<B: Body<Data = Bytes> + Unpin>(
    state: &State,
    body: B,
    head: &Parts,
    push: Push,
    source: Option<Kind>,
) -> Result<Reply, Problem> {
    let protocol = match push {
        Push::Body(protocol) => Some(protocol),
        Push::SplunkRaw => None,
        Push::SplunkHealth => return Ok(json_reply(&json!({"text": "HEC is healthy", "code": 17}))),
        Push::SplunkAck => return Ok(bad(&json!({"text": "ACK is disabled", "code": 14}))),
        Push::Metrics => return Ok(metrics(head)),
        Push::Elastic(call) => return Ok(elastic(call, &head.method)),
    };
    let limits = match protocol {
        Some(_) => {
            BodyLimits { sent_bytes_max: PUSH_BYTES_MAX as u64, decoded_bytes_max: PUSH_BYTES_MAX as u64 }
        }
        None => BodyLimits::default(),
    };
    let decoder = state.engine.decoder(protocol, source);
    let taken = take_in(&*state.engine, &state.metrics, body, &head.headers, decoder, limits).await?;
    let Taken { tally, summary, failure } = taken;
    if let Some(problem) = failure {
        return tally.reply(Some(problem));
    }
    match protocol {
        Some(Protocol::OtlpLogs) => otlp("rejectedLogRecords", &tally, &summary),
        Some(Protocol::OtlpTraces) => otlp("rejectedSpans", &tally, &summary),
        Some(Protocol::Bulk) => bulk(&tally, &summary),
        Some(Protocol::Loki) => loki(&tally),
        Some(Protocol::Splunk) | None => Ok(splunk(&tally)),
    }
}

fn json_reply(document: &Value) -> Reply {
    Reply::ok(JSON, document.to_string())
}

fn bad(document: &Value) -> Reply {
    Reply { status: StatusCode::BAD_REQUEST, ..json_reply(document) }
}

/// The first reasons, in one line.
fn reasons(tally: &Tally) -> String {
    let first = tally.errors.iter().take(3).map(|error| format!("{}: {}", error.line, error.reason));
    first.collect::<Vec<_>>().join("; ")
}

fn broken(summary: &Summary) -> Option<Problem> {
    let reason = summary.broken.clone()?;
    Some(Problem::new(StatusCode::BAD_REQUEST, "unreadable-body", reason))
}

fn otlp(rejected: &'static str, tally: &Tally, summary: &Summary) -> Result<Reply, Problem> {
    if let Some(problem) = broken(summary) {
        return Err(problem);
    }
    let partial = (tally.rejected > 0)
        .then(|| PartialSuccess { rejected: tally.rejected as i64, error_message: reasons(tally) });
    Ok(export_response(partial, rejected, summary.protobuf))
}

fn export_response(partial: Option<PartialSuccess>, rejected: &'static str, protobuf: bool) -> Reply {
    if protobuf {
        return Reply::ok(PROTOBUF, ExportResponse { partial_success: partial }.encode_to_vec());
    }
    // 64-bit numbers are text in protobuf's JSON.
    let document = partial.map_or_else(
        || json!({}),
        |partial| {
            json!({"partialSuccess": {rejected: partial.rejected.to_string(), "errorMessage": partial.error_message}})
        },
    );
    json_reply(&document)
}

/// Metrics are not taken. Said with success, or an exporter would send them again for ever.
fn metrics(head: &Parts) -> Reply {
    let is_json = head.headers.get("content-type").is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    let error_message = "cahoots keeps logs and traces; metrics are dropped".to_owned();
    export_response(Some(PartialSuccess { rejected: 0, error_message }), "rejectedDataPoints", !is_json)
}

fn bulk(tally: &Tally, summary: &Summary) -> Result<Reply, Problem> {
    if summary.items.is_empty()
        && let Some(problem) = broken(summary)
    {
        return Err(problem);
    }
    let refused: BTreeSet<u64> = summary.refused.iter().chain(&tally.refused).copied().collect();
    let items = summary.items.iter().zip(1_u64..).map(|(item, number)| {
        let reason = tally.errors.iter().find(|error| error.line == number);
        let reason = reason.map_or("not taken", |error| error.reason.as_str());
        result(item, number, refused.contains(&number).then_some(reason))
    });
    // Written one by one: as one document the answers take ten times the requests.
    let mut text = format!("{{\"took\":0,\"errors\":{},\"items\":[", tally.rejected > 0);
    for (number, item) in items.enumerate() {
        let comma = if number == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{item}");
    }
    text.push_str("]}");
    Ok(Reply { header: Some(PRODUCT), ..Reply::ok(JSON, text) })
}

fn result(item: &Item, number: u64, refused: Option<&str>) -> Value {
    let id = if item.id.is_empty() { number.to_string() } else { item.id.clone() };
    let mut result = json!({"_index": item.index, "_id": id});
    match refused {
        Some(reason) => {
            result["status"] = 400.into();
            result["error"] = json!({"type": "document_parsing_exception", "reason": reason});
        }
        None if item.action == "delete" => {
            result["status"] = 404.into();
            result["result"] = "not_found".into();
        }
        None => {
            result["status"] = 201.into();
            result["result"] = "created".into();
            result["_version"] = 1.into();
            result["_shards"] = json!({"total": 1, "successful": 1, "failed": 0});
        }
    }
    json!({ item.action: result })
}

fn loki(tally: &Tally) -> Result<Reply, Problem> {
    if tally.rejected > 0 && !tally.took_any() {
        return tally.reply(None);
    }
    Ok(Reply { status: StatusCode::NO_CONTENT, ..Reply::ok(JSON, "") })
}

fn splunk(tally: &Tally) -> Reply {
    if tally.rejected > 0 && !tally.took_any() {
        let first = tally.errors.first().map_or(0, |error| error.line.saturating_sub(1));
        let text = format!("Invalid data format: {}", reasons(tally));
        return bad(&json!({"text": text, "code": 6, "invalid-event-number": first}));
    }
    json_reply(&json!({"text": "Success", "code": 0}))
}

fn elastic(call: Elastic, method: &Method) -> Reply {
    let document = match call {
        Elastic::Info => json!({
            "name": "cahoots",
            "cluster_name": "cahoots",
            "cluster_uuid": "cahoots",
            "version": {
                "number": ELASTIC_VERSION,
                "build_flavor": "default",
                "lucene_version": "9.12.0",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        }),
        Elastic::License => json!({
            "license": {"status": "active", "type": "basic", "mode": "basic"},
            "features": {"ilm": {"available": false, "enabled": false}},
        }),
        Elastic::Health => json!({"cluster_name": "cahoots", "status": "green", "timed_out": false}),
        Elastic::CatHealth => {
            return Reply {
                header: Some(PRODUCT),
                ..Reply::ok("text/plain; charset=UTF-8", "cahoots green\n")
            };
        }
        Elastic::Nodes => json!({"cluster_name": "cahoots", "nodes": {}}),
        Elastic::Setup if *method == Method::PUT => json!({"acknowledged": true}),
        Elastic::Setup => json!({}),
    };
    Reply { header: Some(PRODUCT), ..json_reply(&document) }
}
