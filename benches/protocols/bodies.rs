//! The same events as bodies of each protocol, with the field names that its senders use.

use crate::rig::Failure;
use cahoots::ingest::Protocol;
use prost::Message;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// A form in which events are sent.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// Its name in the report.
    pub(crate) name: &'static str,
    /// Where it is sent.
    pub(crate) path: &'static str,
    /// The decoder; none for records.
    pub(crate) protocol: Option<Protocol>,
    make: fn(&[Map<String, Value>]) -> Vec<u8>,
}

/// A body of some events.
pub(crate) struct Body {
    /// As it is sent, but for the content encoding.
    pub(crate) bytes: Vec<u8>,
}

/// Every form; the first is what the others are measured by.
pub(crate) const FORMS: [Form; 11] = [
    Form { name: "native", path: "/v1/events", protocol: None, make: native },
    Form { name: "otlp-protobuf", path: "/v1/logs", protocol: Some(Protocol::OtlpLogs), make: otlp_protobuf },
    Form { name: "otlp-json", path: "/v1/logs", protocol: Some(Protocol::OtlpLogs), make: otlp_json },
    Form { name: "elasticsearch-bulk", path: "/_bulk", protocol: Some(Protocol::Bulk), make: bulk },
    Form {
        name: "loki-protobuf",
        path: "/loki/api/v1/push",
        protocol: Some(Protocol::Loki),
        make: loki_protobuf,
    },
    Form { name: "loki-json", path: "/loki/api/v1/push", protocol: Some(Protocol::Loki), make: loki_json },
    Form { name: "splunk", path: "/services/collector", protocol: Some(Protocol::Splunk), make: splunk },
    Form { name: "litellm-fields", path: "/v1/events", protocol: None, make: litellm_fields },
    Form { name: "litellm-whole", path: "/v1/events", protocol: None, make: litellm_whole },
    Form { name: "litellm-priced", path: "/v1/events", protocol: None, make: litellm_priced },
    Form { name: "native-as-litellm", path: "/v1/events", protocol: None, make: native_as_litellm },
];

/// A body of native lines in a form.
pub(crate) fn body(form: Form, lines: &[&[u8]]) -> Result<Body, Failure> {
    if form.name == "native" {
        return Ok(Body { bytes: [lines.join(&b'\n'), b"\n".to_vec()].concat() });
    }
    let events: Vec<Map<String, Value>> =
        lines.iter().map(|line| serde_json::from_slice(line)).collect::<Result<_, _>>()?;
    Ok(Body { bytes: (form.make)(&events) })
}

type Event = Map<String, Value>;

fn native(events: &[Event]) -> Vec<u8> {
    lines(events.iter().map(|event| Value::from(event.clone())))
}

fn lines(values: impl Iterator<Item = Value>) -> Vec<u8> {
    let mut body = String::new();
    for value in values {
        // Writing to a String cannot fail.
        let _ = writeln!(body, "{value}");
    }
    body.into_bytes()
}

fn nanos(event: &Event) -> u64 {
    match &event["ts"] {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(0.0);
            let unit = if number < 1e11 {
                1e9
            } else if number < 1e14 {
                1e6
            } else {
                1e3
            };
            (number * unit) as u64
        }
        Value::String(text) => text.parse::<jiff::Timestamp>().map_or(0, |time| time.as_nanosecond() as u64),
        _ => 0,
    }
}

/// The attributes of the semantic conventions, and names of the contract for what these do not have.
fn attributes(event: &Event) -> impl Iterator<Item = (&str, &Value)> {
    event.iter().filter(|(name, _)| *name != "ts").map(|(name, value)| {
        let name = match name.as_str() {
            "account" => "user.id",
            "request_id" => "http.request.id",
            "ip" => "client.address",
            "asn" => "client.as.number",
            "country" => "client.geo.country_iso_code",
            "fingerprint" => "tls.client.ja4",
            "user_agent" => "user_agent.original",
            "model" => "gen_ai.request.model",
            "endpoint" => "url.path",
            "status" => "http.response.status_code",
            "input_tokens" => "gen_ai.usage.input_tokens",
            "output_tokens" => "gen_ai.usage.output_tokens",
            "session" => "gen_ai.conversation.id",
            "latency_ms" => "duration_ms",
            other => other,
        };
        (name, value)
    })
}

#[derive(Clone, PartialEq, Message)]
struct Wrapper {
    #[prost(message, repeated, tag = "1")]
    ones: Vec<Wrapped>,
}

/// A resource's records, one scope's records: the same numbers.
#[derive(Clone, PartialEq, Message)]
struct Wrapped {
    #[prost(message, repeated, tag = "2")]
    twos: Vec<Records>,
}

#[derive(Clone, PartialEq, Message)]
struct Records {
    #[prost(message, repeated, tag = "2")]
    records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
struct LogRecord {
    #[prost(fixed64, tag = "1")]
    time: u64,
    #[prost(message, repeated, tag = "6")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    int: Option<i64>,
    #[prost(double, optional, tag = "4")]
    double: Option<f64>,
}

fn otlp_protobuf(events: &[Event]) -> Vec<u8> {
    let records = events.iter().map(|event| {
        let attributes = attributes(event).map(|(name, value)| {
            let text = value.as_str().map(str::to_owned);
            let int = value.as_i64();
            let double = value.as_f64().filter(|_| int.is_none());
            KeyValue { key: name.to_owned(), value: Some(AnyValue { text, int, double }) }
        });
        LogRecord { time: nanos(event), attributes: attributes.collect() }
    });
    let records = vec![Records { records: records.collect() }];
    Wrapper { ones: vec![Wrapped { twos: records }] }.encode_to_vec()
}

fn otlp_json(events: &[Event]) -> Vec<u8> {
    let records = events.iter().map(|event| {
        let attributes = attributes(event).map(|(name, value)| {
            let value = match value {
                Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
                Value::Number(number) => json!({"doubleValue": number}),
                text => json!({"stringValue": text}),
            };
            json!({"key": name, "value": value})
        });
        let attributes: Vec<Value> = attributes.collect();
        json!({"timeUnixNano": nanos(event).to_string(), "attributes": attributes})
    });
    let records: Vec<Value> = records.collect();
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string().into_bytes()
}

fn bulk(events: &[Event]) -> Vec<u8> {
    let action = json!({"create": {"_index": "requests"}});
    lines(events.iter().flat_map(|event| [action.clone(), Value::from(event.clone())]))
}

fn loki_json(events: &[Event]) -> Vec<u8> {
    let values =
        events.iter().map(|event| json!([nanos(event).to_string(), Value::from(event.clone()).to_string()]));
    let values: Vec<Value> = values.collect();
    json!({"streams": [{"stream": {"job": "gateway"}, "values": values}]}).to_string().into_bytes()
}

#[derive(Clone, PartialEq, Message)]
struct LokiPush {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<LokiStream>,
}

#[derive(Clone, PartialEq, Message)]
struct LokiStream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<LokiEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct LokiEntry {
    #[prost(message, optional, tag = "1")]
    time: Option<LokiTime>,
    #[prost(string, tag = "2")]
    line: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct LokiTime {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn loki_protobuf(events: &[Event]) -> Vec<u8> {
    let entries = events.iter().map(|event| {
        let nanos = nanos(event);
        let (seconds, nanos) = ((nanos / 1_000_000_000) as i64, (nanos % 1_000_000_000) as i32);
        LokiEntry { time: Some(LokiTime { seconds, nanos }), line: Value::from(event.clone()).to_string() }
    });
    let labels = "{job=\"gateway\"}".to_owned();
    let push = LokiPush { streams: vec![LokiStream { labels, entries: entries.collect() }] };
    // What cannot be packed is sent as it is, which is taken too.
    let plain = push.encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&plain).unwrap_or(plain)
}

fn splunk(events: &[Event]) -> Vec<u8> {
    lines(events.iter().map(|event| json!({"time": nanos(event) as f64 / 1e9, "event": event})))
}

/// What `LiteLLM` logs, of which only the fields of the event.
fn litellm(event: &Event) -> Value {
    let get = |name: &str| event.get(name).cloned().unwrap_or_default();
    json!({
        "litellm_call_id": get("request_id"),
        "call_type": "acompletion",
        "status": "success",
        "startTime": nanos(event) as f64 / 1e9,
        "response_time": get("latency_ms").as_f64().unwrap_or(0.0) / 1e3,
        "model_group": get("model"),
        "prompt_tokens": get("input_tokens"),
        "completion_tokens": get("output_tokens"),
        "requester_ip_address": get("ip"),
        "user_agent": get("user_agent"),
        "session_id": get("session"),
        "prompt_hash": get("prompt_hash"),
        "metadata": {
            "user_api_key_user_id": get("account"),
            "user_api_key_hash": get("api_key"),
            "user_api_key_request_route": get("endpoint"),
            "requester_custom_headers": {"x-device-fingerprint": get("fingerprint")},
        },
    })
}

fn litellm_fields(events: &[Event]) -> Vec<u8> {
    lines(events.iter().map(litellm))
}

/// The same in the record that a real proxy sent, with all that is in it besides but for the price list.
fn litellm_whole(events: &[Event]) -> Vec<u8> {
    litellm_in(include_str!("../../tests/fixtures/sources/litellm-single.json"), events)
}

/// The same with the price list of the model, which it sends with every call.
fn litellm_priced(events: &[Event]) -> Vec<u8> {
    litellm_in(include_str!("../../tests/fixtures/captures/litellm-generic-single/001.body"), events)
}

/// In a record of which the words are redacted, as it logs them when it is told to: no other form here has any.
fn litellm_in(record: &str, events: &[Event]) -> Vec<u8> {
    let mut record: Value = serde_json::from_str(record).unwrap_or_default();
    record["messages"] = json!([{"role": "user", "content": "redacted-by-litellm"}]);
    lines(events.iter().map(|event| {
        let mut record = record.clone();
        merge(&mut record, litellm(event));
        record
    }))
}

/// Native lines of the fields that `LiteLLM` logs.
fn native_as_litellm(events: &[Event]) -> Vec<u8> {
    const UNKNOWN: [&str; 6] = ["asn", "country", "payment", "account_created_at", "plan", "topic"];
    lines(events.iter().map(|event| {
        let known = event.iter().filter(|(name, _)| !UNKNOWN.contains(&name.as_str()));
        Value::Object(known.map(|(name, value)| (name.clone(), value.clone())).collect())
    }))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
