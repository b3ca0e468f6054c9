//! The JSON form of OTLP: the same records, with 64-bit numbers as text, ids in hexadecimal, values by type.
//!
//! Lists are read an element at a time, so that a million empty records cost no memory.

use super::each::each;
use super::otlp::{About, Signal, whole};
use super::{Out, add_text};
use crate::ingest::flat::Flat;
use crate::ingest::value::Scalar;
use crate::limits::{FLAT_ARRAY_FIELDS_MAX, NESTING_MAX};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default, alias = "resourceSpans", rename = "resourceLogs")]
    resources: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OfResource<'a> {
    #[serde(borrow, default)]
    resource: Option<Resource<'a>>,
    #[serde(borrow, default, alias = "scopeSpans", rename = "scopeLogs")]
    scopes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Scope<'a> {
    #[serde(borrow, default, alias = "spans", rename = "logRecords")]
    records: Option<&'a RawValue>,
}

/// A log record or a span.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Record<'a> {
    #[serde(deserialize_with = "number")]
    time_unix_nano: u64,
    #[serde(deserialize_with = "number")]
    observed_time_unix_nano: u64,
    #[serde(deserialize_with = "number")]
    start_time_unix_nano: u64,
    #[serde(deserialize_with = "number")]
    end_time_unix_nano: u64,
    #[serde(borrow)]
    body: Option<AnyValue<'a>>,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(deserialize_with = "hex")]
    trace_id: Vec<u8>,
    #[serde(deserialize_with = "hex")]
    span_id: Vec<u8>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Default for Record<'_> {
    fn default() -> Self {
        Self {
            time_unix_nano: 0,
            observed_time_unix_nano: 0,
            start_time_unix_nano: 0,
            end_time_unix_nano: 0,
            body: None,
            attributes: None,
            events: None,
            trace_id: Vec::new(),
            span_id: Vec::new(),
            name: Cow::Borrowed(""),
        }
    }
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default)]
    value: Option<AnyValue<'a>>,
}

#[derive(Deserialize)]
struct AnyValue<'a> {
    #[serde(borrow, default, rename = "stringValue")]
    text: Option<Text<'a>>,
    #[serde(default, rename = "boolValue")]
    truth: Option<bool>,
    #[serde(borrow, default, rename = "intValue")]
    int: Option<TextOr<'a, i64>>,
    #[serde(default, rename = "doubleValue")]
    double: Option<f64>,
    #[serde(borrow, default, rename = "arrayValue")]
    array: Option<List<'a>>,
    #[serde(borrow, default, rename = "kvlistValue")]
    list: Option<List<'a>>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
}

/// A text that may have escapes in it.
#[derive(Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOr<'a, T> {
    Other(T),
    Text(#[serde(borrow)] Cow<'a, str>),
}

/// A number, or a text that holds one; 0 for anything else.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match TextOr::<u64>::deserialize(deserializer)? {
        TextOr::Other(number) => number,
        TextOr::Text(text) => text.parse().unwrap_or(0),
    })
}

/// Bytes from hexadecimal digits; what is no pair of digits is left out.
fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(pair.first()?)? * 16 + digit(pair.get(1)?)?) as u8);
    Ok(text.as_bytes().chunks(2).filter_map(pair).collect())
}

/// The records of a request.
pub(super) fn request<'a>(signal: Signal, request: &'a RawValue, out: &mut Out) -> Result<(), String> {
    let request: Request<'a> = serde_json::from_str(request.get())
        .map_err(|error| format!("not taken as JSON: {}", crate::privacy::json_error(&error)))?;
    each(request.resources, |of_resource: OfResource<'a>| {
        let resource = of_resource.resource.and_then(|resource| resource.attributes);
        each(of_resource.scopes, |scope: Scope<'a>| {
            each(scope.records, |record: Record<'a>| {
                out.next()?;
                take(signal, record, resource, out)
            })
        })
    })
}

fn take(
    signal: Signal,
    record: Record<'_>,
    resource: Option<&RawValue>,
    out: &mut Out,
) -> Result<(), String> {
    let (words, list) = match record.body {
        Some(AnyValue { text: Some(Text(words)), .. }) => (words, None),
        Some(AnyValue { list, .. }) => (Cow::Borrowed(""), list),
        None => (Cow::Borrowed(""), None),
    };
    let mut flat = Flat::new();
    add_all(&mut flat, "", record.attributes, LEVELS_MAX)?;
    // Older instrumentation puts prompts into events of the span.
    each(record.events, |event: Resource<'_>| add_all(&mut flat, "", event.attributes, LEVELS_MAX))?;
    if !words.is_empty() {
        add_text(&mut flat, &words);
    }
    add_all(&mut flat, "", list.and_then(|list| list.values), LEVELS_MAX)?;
    let [log, observed, start] =
        [record.time_unix_nano, record.observed_time_unix_nano, record.start_time_unix_nano];
    let about = About {
        nanos: [start, log, observed].into_iter().find(|nanos| *nanos > 0).unwrap_or(0),
        end_nanos: record.end_time_unix_nano,
        trace: record.trace_id.into(),
        span: record.span_id.into(),
        name: record.name,
    };
    if about.finish(signal, &mut flat) {
        add_all(&mut flat, "resource.", resource, LEVELS_MAX)?;
    }
    about.take(signal, &flat, out);
    Ok(())
}

/// Levels of a value within a value: each takes three of JSON's.
const LEVELS_MAX: usize = NESTING_MAX / 3;

fn add_all<'a>(
    flat: &mut Flat<'a>,
    path: &str,
    list: Option<&'a RawValue>,
    levels_left: usize,
) -> Result<(), String> {
    each(list, |named: KeyValue<'a>| match named.value {
        Some(value) => add(flat, &format!("{path}{}", named.key.0), value, levels_left),
        None => Ok(()),
    })
}

fn add<'a>(flat: &mut Flat<'a>, path: &str, value: AnyValue<'a>, levels_left: usize) -> Result<(), String> {
    let int = value.int.and_then(|int| match int {
        TextOr::Other(number) => Some(number),
        TextOr::Text(text) => text.parse().ok(),
    });
    match value {
        AnyValue { text: Some(Text(text)), .. } => flat.push(path, Scalar::Text(text)),
        AnyValue { truth: Some(truth), .. } => flat.push(path, Scalar::Bool(truth)),
        _ if int.is_some() => flat.push(path, whole(int.unwrap_or_default())),
        AnyValue { double: Some(number), .. } => flat.push(path, Scalar::Double(number)),
        // What lies too deep is left out.
        _ if levels_left == 0 => {}
        AnyValue { array: Some(array), .. } => {
            let mut at = 0;
            return each(array.values, |value: AnyValue<'a>| {
                at += 1;
                if at > FLAT_ARRAY_FIELDS_MAX {
                    return Ok(());
                }
                add(flat, &format!("{path}.{}", at - 1), value, levels_left - 1)
            });
        }
        AnyValue { list: Some(list), .. } => {
            return add_all(flat, &format!("{path}."), list.values, levels_left - 1);
        }
        _ => {}
    }
    Ok(())
}
