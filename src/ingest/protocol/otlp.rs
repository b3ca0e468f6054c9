//! OpenTelemetry: log records and spans of an export request, in protobuf or JSON.
//!
//! Attributes keep their own names, those of the resource come below `resource.`. A body that is a JSON text
//! or a list of keys and values is fields too. Records that are of no source, such as the spans of a
//! database client, are passed over: an exporter sends all it has. Sources: `opentelemetry/proto/*/v1/*.proto`.

use super::otlp_json as json;
use super::{Out, add_text};
use crate::event::Micros;
use crate::ingest::flat::Flat;
use crate::ingest::value::Scalar;
use crate::limits::{FLAT_ARRAY_FIELDS_MAX, NESTING_MAX};
use prost::{Message, Oneof};
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt::Write;

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LogsRequest {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    time_unix_nano: u64,
    #[prost(message, optional, tag = "5")]
    body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
    #[prost(bytes = "vec", tag = "9")]
    #[serde(deserialize_with = "json::hex")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    #[serde(deserialize_with = "json::hex")]
    span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "json::number")]
    observed_time_unix_nano: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TracesRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    #[serde(deserialize_with = "json::hex")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    #[serde(rename = "spanId", deserialize_with = "json::hex")]
    id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(fixed64, tag = "7")]
    #[serde(deserialize_with = "json::number")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    #[serde(deserialize_with = "json::number")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, repeated, tag = "11")]
    events: Vec<SpanEvent>,
}

/// Older instrumentation puts prompts into events of the span.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct SpanEvent {
    #[prost(message, repeated, tag = "3")]
    attributes: Vec<KeyValue>,
}

/// A named value.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

/// A value of any type.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(super) value: Option<Value>,
}

/// The types of values.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Value {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    List(KeyValueList),
    #[prost(bytes, tag = "7")]
    Bytes(Vec<u8>),
}

/// Values in order.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<AnyValue>,
}

/// Named values in order.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(super) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<KeyValue>,
}

/// Log records of a request.
pub(super) fn logs(body: &[u8], out: &mut Out) -> Result<(), String> {
    let request: LogsRequest = request(body, out)?;
    for of_resource in &request.resource_logs {
        for record in of_resource.scope_logs.iter().flat_map(|scope| &scope.log_records) {
            out.next();
            let mut flat = Flat::new();
            add_all(&mut flat, "", &record.attributes);
            match record.body.as_ref().and_then(|body| body.value.as_ref()) {
                Some(Value::Text(text)) => add_text(&mut flat, text),
                Some(Value::List(list)) => add_all(&mut flat, "", &list.values),
                _ => {}
            }
            let nanos = if record.time_unix_nano == 0 {
                record.observed_time_unix_nano
            } else {
                record.time_unix_nano
            };
            add_ids(&mut flat, &record.trace_id, &record.span_id, nanos);
            add_resource(&mut flat, of_resource.resource.as_ref());
            take(&flat, nanos, "", out);
        }
    }
    Ok(())
}

/// Spans of a request.
pub(super) fn traces(body: &[u8], out: &mut Out) -> Result<(), String> {
    let request: TracesRequest = request(body, out)?;
    for of_resource in &request.resource_spans {
        for span in of_resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
            out.next();
            let mut flat = Flat::new();
            add_all(&mut flat, "", &span.attributes);
            for event in &span.events {
                add_all(&mut flat, "", &event.attributes);
            }
            flat.push("span.name", Scalar::Text(Cow::Borrowed(&span.name)));
            if span.end_time_unix_nano > span.start_time_unix_nano {
                let lasted = span.end_time_unix_nano - span.start_time_unix_nano;
                flat.push("duration_ns", Scalar::Whole(lasted));
            }
            let nanos = span.start_time_unix_nano;
            add_ids(&mut flat, &span.trace_id, &span.id, nanos);
            add_resource(&mut flat, of_resource.resource.as_ref());
            let id = if span.id.is_empty() {
                String::new()
            } else {
                format!("{}-{}", hex(&span.trace_id), hex(&span.id))
            };
            take(&flat, nanos, &id, out);
        }
    }
    Ok(())
}

/// A request, told by its bytes: a protobuf of one resource may begin with a line feed, and then with a brace.
fn request<M: Message + Default + for<'de> Deserialize<'de>>(
    body: &[u8],
    out: &mut Out,
) -> Result<M, String> {
    let mut json_error = None;
    if body.trim_ascii_start().starts_with(b"{") {
        match serde_json::from_slice(body) {
            Ok(request) => return Ok(request),
            Err(error) => json_error = Some(error),
        }
    }
    let decoded = M::decode(body).map_err(|_| match &json_error {
        Some(error) => format!("not taken as JSON: {error}"),
        None => "neither an OTLP request in JSON nor one in protobuf".to_owned(),
    })?;
    out.summary.protobuf = true;
    Ok(decoded)
}

fn take(flat: &Flat<'_>, nanos: u64, id: &str, out: &mut Out) {
    if out.forced.is_none() && out.own.told(flat).is_none() {
        return;
    }
    let ts: Option<Micros> = (nanos > 0).then_some((nanos / 1_000) as i64);
    out.record(flat, ts, id);
}

fn add_ids(flat: &mut Flat<'_>, trace: &[u8], span: &[u8], nanos: u64) {
    for (name, id) in [("trace_id", trace), ("span_id", span)] {
        if id.iter().any(|byte| *byte != 0) {
            flat.push(name, Scalar::Text(Cow::Owned(hex(id))));
        }
    }
    if nanos > 0 {
        flat.push("time_unix_nano", Scalar::Whole(nanos));
    }
}

fn add_resource<'a>(flat: &mut Flat<'a>, resource: Option<&'a Resource>) {
    if let Some(resource) = resource {
        add_all(flat, "resource.", &resource.attributes);
    }
}

fn add_all<'a>(flat: &mut Flat<'a>, below: &str, values: &'a [KeyValue]) {
    let mut path = below.to_owned();
    for named in values {
        add(flat, &mut path, &named.key, named.value.as_ref(), NESTING_MAX);
    }
}

fn add<'a>(
    flat: &mut Flat<'a>,
    path: &mut String,
    name: &str,
    value: Option<&'a AnyValue>,
    levels_left: usize,
) {
    let Some(value) = value.and_then(|value| value.value.as_ref()) else { return };
    let start = path.len();
    path.push_str(name);
    match value {
        Value::Text(text) => flat.push(path, Scalar::Text(Cow::Borrowed(text))),
        Value::Bool(truth) => flat.push(path, Scalar::Bool(*truth)),
        Value::Int(number) => {
            flat.push(path, u64::try_from(*number).map_or(Scalar::Negative(*number), Scalar::Whole));
        }
        Value::Double(number) => flat.push(path, Scalar::Double(*number)),
        Value::Array(array) if levels_left > 0 => {
            path.push('.');
            for (at, value) in array.values.iter().take(FLAT_ARRAY_FIELDS_MAX).enumerate() {
                add(flat, path, &at.to_string(), Some(value), levels_left - 1);
            }
        }
        Value::List(list) if levels_left > 0 => {
            path.push('.');
            for named in &list.values {
                add(flat, path, &named.key, named.value.as_ref(), levels_left - 1);
            }
        }
        // Bytes mean nothing here, and what lies too deep is left out.
        Value::Bytes(_) | Value::Array(_) | Value::List(_) => {}
    }
    path.truncate(start);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
