//! OpenTelemetry: log records and spans of an export request, in protobuf (here) or JSON (`otlp_json.rs`).
//!
//! Attributes keep their own names, those of the resource come below `resource.`. A body that is a JSON text
//! or a list of keys and values is fields too. Records that are of no source, such as the spans of a
//! database client, are passed over: an exporter sends all it has. Sources: `opentelemetry/proto/*/v1/*.proto`.
//!
//! One record is read at a time, whatever the request claims to hold.

use super::wire::{Fields, Malformed, Value, messages, text};
use super::{Out, add_text, otlp_json};
use crate::event::Micros;
use crate::ingest::flat::Flat;
use crate::ingest::value::Scalar;
use crate::limits::{FLAT_ARRAY_FIELDS_MAX, NESTING_MAX};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Logs,
    Traces,
}

/// What a record says beside its fields.
#[derive(Debug, Default)]
pub(super) struct About<'a> {
    /// When it was, in nanoseconds; 0 for none.
    pub(super) nanos: u64,
    /// When it was over; 0 for none.
    pub(super) end_nanos: u64,
    pub(super) trace: Cow<'a, [u8]>,
    pub(super) span: Cow<'a, [u8]>,
    /// Name of a span.
    pub(super) name: Cow<'a, str>,
}

/// The records of a request, told by its bytes: a protobuf of one resource may begin with a line feed, and
/// then with a brace.
pub(super) fn request(signal: Signal, body: &[u8], out: &mut Out) -> Result<(), String> {
    if body.trim_ascii_start().starts_with(b"{") {
        match serde_json::from_slice::<&RawValue>(body) {
            Ok(request) => return otlp_json::request(signal, request, out),
            Err(error) if !is_request(body) => {
                return Err(format!("not taken as JSON: {}", crate::privacy::json_error(&error)));
            }
            Err(_) => {}
        }
    }
    if !is_request(body) {
        return Err("neither an OTLP request in JSON nor one in protobuf".to_owned());
    }
    out.summary.protobuf = true;
    let (mut flat, mut path) = (Flat::new(), String::new());
    for of_resource in messages(body, 1).flatten() {
        let resource = messages(of_resource, 1).flatten().next();
        for record in messages(of_resource, 2).flatten().flat_map(|scope| messages(scope, 2).flatten()) {
            out.next()?;
            flat.clear();
            path.clear();
            let read = match signal {
                Signal::Logs => log_record(record, &mut flat, &mut path),
                Signal::Traces => span(record, &mut flat, &mut path),
            };
            let Ok(about) = read else {
                out.refuse(super::Wrong::whole("the record is no protobuf message"));
                continue;
            };
            if about.finish(signal, &mut flat) {
                for attribute in resource.into_iter().flat_map(|resource| messages(resource, 1).flatten()) {
                    path.clear();
                    path.push_str("resource.");
                    // Damage costs the attribute.
                    let _ = add(&mut flat, &mut path, attribute, NESTING_MAX);
                }
            }
            about.take(signal, &flat, out);
        }
    }
    Ok(())
}

/// Whether the bytes are messages down to single records.
fn is_request(body: &[u8]) -> bool {
    let holds = |message: &[u8]| -> Result<(), Malformed> {
        for scope in messages(message, 2) {
            Fields::of(scope?).try_for_each(|field| field.map(drop))?;
        }
        Ok(())
    };
    messages(body, 1).all(|of_resource| of_resource.is_ok_and(|of_resource| holds(of_resource).is_ok()))
}

fn log_record<'a>(record: &'a [u8], flat: &mut Flat<'a>, path: &mut String) -> Result<About<'a>, Malformed> {
    let (mut about, mut observed, mut body) = (About::default(), 0, None);
    for field in Fields::of(record) {
        match field? {
            (1, Value::Fixed(nanos)) => about.nanos = nanos,
            (5, Value::Bytes(value)) => body = Some(value),
            (6, Value::Bytes(attribute)) => add(flat, path, attribute, NESTING_MAX)?,
            (9, Value::Bytes(id)) => about.trace = id.into(),
            (10, Value::Bytes(id)) => about.span = id.into(),
            (11, Value::Fixed(nanos)) => observed = nanos,
            _ => {}
        }
    }
    if about.nanos == 0 {
        about.nanos = observed;
    }
    match body.map(any_value).transpose()?.flatten() {
        Some((1, Value::Bytes(bytes))) => match text(bytes) {
            Cow::Borrowed(text) => add_text(flat, text),
            damaged @ Cow::Owned(_) => flat.push("message", Scalar::Text(damaged)),
        },
        Some((6, Value::Bytes(list))) => {
            for named in messages(list, 1) {
                add(flat, path, named?, NESTING_MAX)?;
            }
        }
        _ => {}
    }
    Ok(about)
}

fn span<'a>(record: &'a [u8], flat: &mut Flat<'a>, path: &mut String) -> Result<About<'a>, Malformed> {
    let mut about = About::default();
    for field in Fields::of(record) {
        match field? {
            (1, Value::Bytes(id)) => about.trace = id.into(),
            (2, Value::Bytes(id)) => about.span = id.into(),
            (5, Value::Bytes(name)) => about.name = text(name),
            (7, Value::Fixed(nanos)) => about.nanos = nanos,
            (8, Value::Fixed(nanos)) => about.end_nanos = nanos,
            (9, Value::Bytes(attribute)) => add(flat, path, attribute, NESTING_MAX)?,
            _ => {}
        }
    }
    // Older instrumentation puts prompts into events of the span.
    for event in messages(record, 11) {
        for attribute in messages(event?, 3) {
            add(flat, path, attribute?, NESTING_MAX)?;
        }
    }
    Ok(about)
}

/// Adds a named value.
fn add<'a>(
    flat: &mut Flat<'a>,
    path: &mut String,
    named: &'a [u8],
    levels_left: usize,
) -> Result<(), Malformed> {
    let (mut name, mut value) = (&[][..], None);
    for field in Fields::of(named) {
        match field? {
            (1, Value::Bytes(bytes)) => name = bytes,
            (2, Value::Bytes(bytes)) => value = Some(bytes),
            _ => {}
        }
    }
    match value {
        Some(value) => add_value(flat, path, &text(name), value, levels_left),
        None => Ok(()),
    }
}

fn add_value<'a>(
    flat: &mut Flat<'a>,
    path: &mut String,
    name: &str,
    value: &'a [u8],
    levels_left: usize,
) -> Result<(), Malformed> {
    let start = path.len();
    path.push_str(name);
    match any_value(value)? {
        Some((1, Value::Bytes(bytes))) => flat.push(path, Scalar::Text(text(bytes))),
        Some((2, Value::Varint(truth))) => flat.push(path, Scalar::Bool(truth != 0)),
        Some((3, Value::Varint(number))) => flat.push(path, whole(number as i64)),
        Some((4, Value::Fixed(bits))) => flat.push(path, Scalar::Double(f64::from_bits(bits))),
        // What lies too deep is left out.
        Some((5, Value::Bytes(array))) if levels_left > 0 => {
            path.push('.');
            for (at, value) in messages(array, 1).take(FLAT_ARRAY_FIELDS_MAX).enumerate() {
                add_value(flat, path, &at.to_string(), value?, levels_left - 1)?;
            }
        }
        Some((6, Value::Bytes(list))) if levels_left > 0 => {
            path.push('.');
            for named in messages(list, 1) {
                add(flat, path, named?, levels_left - 1)?;
            }
        }
        // Bytes mean nothing here.
        _ => {}
    }
    path.truncate(start);
    Ok(())
}

/// The value of a type that is told by its field; of several the last.
fn any_value(value: &[u8]) -> Result<Option<(u64, Value<'_>)>, Malformed> {
    Fields::of(value).try_fold(None, |_, field| field.map(Some))
}

/// A whole number of either sign.
pub(super) fn whole(number: i64) -> Scalar<'static> {
    u64::try_from(number).map_or(Scalar::Negative(number), Scalar::Whole)
}

impl About<'_> {
    /// Adds what is no attribute to the fields. Gives whether attributes of the resource have room beside it.
    pub(super) fn finish(&self, signal: Signal, flat: &mut Flat<'_>) -> bool {
        if signal == Signal::Traces {
            flat.push("span.name", Scalar::Text(Cow::Owned(self.name.clone().into_owned())));
            if self.end_nanos > self.nanos {
                flat.push("duration_ns", Scalar::Whole(self.end_nanos - self.nanos));
            }
        }
        for (name, id) in [("trace_id", &self.trace), ("span_id", &self.span)] {
            if id.iter().any(|byte| *byte != 0) {
                flat.push(name, Scalar::Text(Cow::Owned(hex(id))));
            }
        }
        if self.nanos > 0 {
            flat.push("time_unix_nano", Scalar::Whole(self.nanos));
        }
        !flat.is_cut()
    }

    /// Takes the record, if it is of a source.
    pub(super) fn take(&self, signal: Signal, flat: &Flat<'_>, out: &mut Out) {
        let ts: Option<Micros> = (self.nanos > 0).then_some((self.nanos / 1_000) as i64);
        if signal == Signal::Traces && !self.span.is_empty() {
            out.known_record(flat, ts, &format!("{}-{}", hex(&self.trace), hex(&self.span)));
        } else {
            out.known_record(flat, ts, "");
        }
    }
}

/// Ids longer than any are cut.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    bytes.iter().take(ID_BYTES_MAX).flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Bytes of a trace or span id that are read; they have 16 and 8.
const ID_BYTES_MAX: usize = 64;
