//! Loki push requests: lines of text with labels, as JSON or as protobuf in a snappy block.
//!
//! A field is looked for in the line first, then in its structured metadata, then in the labels: shippers move
//! fields out of the line when they make labels of them. Source: `push.proto` of Grafana Loki.

use super::each::each;
use super::unpack::snappy_block;
use super::wire::{Fields, Malformed, Value, messages, text};
use super::{Out, Wrong, add_text};
use crate::event::Micros;
use crate::ingest::flat::Flat;
use crate::ingest::value::Scalar;
use crate::limits::FLAT_FIELDS_MAX;
use crate::privacy::json_error;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Streams<'a> {
    #[serde(borrow)]
    streams: Option<&'a RawValue>,
}

type Labels<'a> = BTreeMap<Cow<'a, str>, Text<'a>>;

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow, default)]
    stream: Labels<'a>,
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
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
            Ok(streams) => return each(streams.streams, |stream| take_json(&stream, out)),
            // A snappy block whose length is that of `{` begins so too.
            Err(error) if snappy_block(body).is_none() => {
                return Err(format!("not taken as JSON: {}", json_error(&error)));
            }
            Err(_) => {}
        }
    }
    out.summary.protobuf = true;
    let unpacked = snappy_block(body);
    let body = unpacked.as_deref().unwrap_or(body);
    if messages(body, 1).any(|stream| stream.is_err_and(|Malformed| true)) {
        return Err("neither JSON nor a Loki push request in protobuf, with snappy or without".to_owned());
    }
    messages(body, 1).flatten().try_for_each(|stream| take_protobuf(stream, out))
}

fn take_json(stream: &Stream<'_>, out: &mut Out) -> Result<(), String> {
    each(stream.values, |value: &RawValue| {
        out.next()?;
        let Ok(Entry(ts, line, metadata)) = entry(value) else {
            out.refuse(Wrong::whole(
                "a value is [\"nanoseconds\", \"line\"], perhaps with an object after them",
            ));
            return Ok(());
        };
        let mut flat = Flat::new();
        add_text(&mut flat, &line.0);
        for (name, value) in metadata.iter().chain(&stream.stream).take(FLAT_FIELDS_MAX) {
            flat.push(name, Scalar::Text(Cow::Borrowed(&value.0)));
        }
        let ts: Option<Micros> = ts.0.parse::<i64>().ok().map(|nanos| nanos / 1_000);
        out.record(&flat, ts, "");
        Ok(())
    })
}

fn entry(value: &RawValue) -> Result<Entry<'_>, serde_json::Error> {
    serde_json::from_str::<Entry<'_>>(value.get()).or_else(|_| {
        let (ts, line) = serde_json::from_str::<(Text<'_>, Text<'_>)>(value.get())?;
        Ok(Entry(ts, line, Labels::new()))
    })
}

/// Takes a stream: labels as one text, and entries.
fn take_protobuf(stream: &[u8], out: &mut Out) -> Result<(), String> {
    let labels = messages(stream, 1).flatten().last().unwrap_or_default();
    let labels = labels_of(&text(labels));
    for entry in messages(stream, 2) {
        out.next()?;
        let mut flat = Flat::new();
        let Ok(ts) = entry.and_then(|entry| fill(entry, &mut flat)) else {
            out.refuse(Wrong::whole("the entry is no protobuf message"));
            continue;
        };
        for (name, value) in labels.iter().take(FLAT_FIELDS_MAX) {
            flat.push(name, Scalar::Text(Cow::Borrowed(value)));
        }
        out.record(&flat, ts, "");
    }
    Ok(())
}

/// Takes an entry apart: time, line, structured metadata.
fn fill<'a>(entry: &'a [u8], flat: &mut Flat<'a>) -> Result<Option<Micros>, Malformed> {
    let (mut ts, mut line) = (None, &[][..]);
    for field in Fields::of(entry) {
        match field? {
            (1, Value::Bytes(bytes)) => ts = Some(instant(bytes)?),
            (2, Value::Bytes(bytes)) => line = bytes,
            _ => {}
        }
    }
    match text(line) {
        Cow::Borrowed(line) => add_text(flat, line),
        damaged @ Cow::Owned(_) => flat.push("message", Scalar::Text(damaged)),
    }
    for label in messages(entry, 3) {
        let (mut name, mut value) = (&[][..], &[][..]);
        for field in Fields::of(label?) {
            match field? {
                (1, Value::Bytes(bytes)) => name = bytes,
                (2, Value::Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        flat.push(&text(name), Scalar::Text(text(value)));
    }
    Ok(ts)
}

/// Seconds and nanoseconds as microseconds.
fn instant(timestamp: &[u8]) -> Result<Micros, Malformed> {
    let mut micros: Micros = 0;
    for field in Fields::of(timestamp) {
        match field? {
            (1, Value::Varint(seconds)) => {
                micros = micros.saturating_add((seconds as i64).saturating_mul(1_000_000));
            }
            (2, Value::Varint(nanos)) => micros = micros.saturating_add(nanos as i64 / 1_000),
            _ => {}
        }
    }
    Ok(micros)
}

/// Names and values of `{name="value", other="value"}`, in which values are quoted like Go strings.
fn labels_of(text: &str) -> Vec<(String, String)> {
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
