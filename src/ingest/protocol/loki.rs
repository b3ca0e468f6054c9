//! Loki push requests: lines of text with labels, as JSON or as protobuf in a snappy block.
//!
//! A field is looked for in the line first, then in its structured metadata, then in the labels: shippers move
//! fields out of the line when they make labels of them. Source: `push.proto` of Grafana Loki.

use super::unpack::snappy_block;
use super::{Out, Wrong, add_text};
use crate::event::Micros;
use crate::ingest::flat::Flat;
use crate::ingest::value::Scalar;
use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<StreamProto>,
}

#[derive(Clone, PartialEq, Message)]
struct StreamProto {
    /// `{name="value", ...}`
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<EntryProto>,
}

#[derive(Clone, PartialEq, Message)]
struct EntryProto {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<TimestampProto>,
    #[prost(string, tag = "2")]
    line: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<LabelProto>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct TimestampProto {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct LabelProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Deserialize)]
struct Streams<'a> {
    #[serde(borrow)]
    streams: Vec<Stream<'a>>,
}

type Labels<'a> = BTreeMap<Cow<'a, str>, Text<'a>>;

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow, default)]
    stream: Labels<'a>,
    #[serde(borrow, default)]
    values: Vec<&'a RawValue>,
}

/// A text that may have escapes in it.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Entry<'a>(#[serde(borrow)] Text<'a>, #[serde(borrow)] Text<'a>, #[serde(borrow, default)] Labels<'a>);

pub(super) fn push(body: &[u8], out: &mut Out) -> Result<(), String> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    if body.trim_ascii_start().starts_with(b"{") {
        match serde_json::from_slice::<Streams<'_>>(body) {
            Ok(streams) => {
                streams.streams.iter().for_each(|stream| take_json(stream, out));
                return Ok(());
            }
            // A snappy block whose length is that of `{` begins so too.
            Err(error) if snappy_block(body).is_none() => return Err(format!("not taken as JSON: {error}")),
            Err(_) => {}
        }
    }
    out.summary.protobuf = true;
    let unpacked = snappy_block(body);
    let request = PushRequest::decode(unpacked.as_deref().unwrap_or(body))
        .map_err(|_| "neither JSON nor a Loki push request in protobuf, with snappy or without".to_owned())?;
    request.streams.iter().for_each(|stream| take_protobuf(stream, out));
    Ok(())
}

fn take_json(stream: &Stream<'_>, out: &mut Out) {
    for value in &stream.values {
        out.next();
        let Ok(Entry(ts, line, metadata)) = entry(value) else {
            out.refuse(Wrong::whole(
                "a value is [\"nanoseconds\", \"line\"], perhaps with an object after them",
            ));
            continue;
        };
        let mut flat = Flat::new();
        add_text(&mut flat, &line.0);
        for (name, value) in metadata.iter().chain(&stream.stream) {
            flat.push(name, Scalar::Text(Cow::Borrowed(&value.0)));
        }
        let ts: Option<Micros> = ts.0.parse::<i64>().ok().map(|nanos| nanos / 1_000);
        out.record(&flat, ts, "");
    }
}

fn entry(value: &RawValue) -> Result<Entry<'_>, serde_json::Error> {
    serde_json::from_str::<Entry<'_>>(value.get()).or_else(|_| {
        let (ts, line) = serde_json::from_str::<(Text<'_>, Text<'_>)>(value.get())?;
        Ok(Entry(ts, line, Labels::new()))
    })
}

fn take_protobuf(stream: &StreamProto, out: &mut Out) {
    let labels = labels(&stream.labels);
    for entry in &stream.entries {
        out.next();
        let mut flat = Flat::new();
        add_text(&mut flat, &entry.line);
        for label in &entry.metadata {
            flat.push(&label.name, Scalar::Text(Cow::Borrowed(&label.value)));
        }
        for (name, value) in &labels {
            flat.push(name, Scalar::Text(Cow::Borrowed(value)));
        }
        let ts = entry
            .timestamp
            .map(|ts| ts.seconds.saturating_mul(1_000_000).saturating_add(i64::from(ts.nanos) / 1_000));
        out.record(&flat, ts, "");
    }
}

/// Names and values of `{name="value", other="value"}`, in which values are quoted like Go strings.
fn labels(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = text.trim().trim_start_matches('{');
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut end = after.len();
        let mut chars = after.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, other)) => value.push(other),
                    None => {}
                },
                other => value.push(other),
            }
        }
        labels.push((name.trim_matches([',', ' ']).to_owned(), value));
        rest = after.get(end..).unwrap_or_default();
    }
    labels
}
