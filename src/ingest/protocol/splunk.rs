//! Splunk HTTP event collector: objects one after the other, with or without anything between them.
//!
//! `event` is an object, a text that holds one, or words. `host`, `source`, `index` are the shipper's and
//! mean nothing. An object without `event` is taken for a record itself: shippers send raw lines here too.

use super::{Out, Wrong, add_text};
use crate::event::Micros;
use crate::ingest::flat::Flat;
use crate::ingest::time;
use crate::ingest::value::{Scalar, ScalarSeed};
use crate::privacy::json_error;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    fields: Option<&'a RawValue>,
}

/// How winston wraps what was logged.
#[derive(Deserialize)]
struct Winston<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    meta: &'a RawValue,
}

pub(super) fn events(body: &[u8], out: &mut Out) -> Result<(), String> {
    let mut rest = body.trim_ascii_start();
    while !rest.is_empty() {
        out.next()?;
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<&RawValue>();
        match stream.next() {
            Some(Ok(object)) => {
                take(object, out);
                rest = rest.get(stream.byte_offset()..).unwrap_or_default();
            }
            Some(Err(error)) => {
                out.refuse(Wrong::whole(format!("not taken as JSON: {}", json_error(&error))));
                // What follows is found again at the next line.
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                rest = rest.get(end..).unwrap_or_default();
            }
            None => break,
        }
        rest = rest.trim_ascii_start();
    }
    Ok(())
}

fn take(object: &RawValue, out: &mut Out) {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(object.get()) else {
        out.refuse(Wrong::whole("an event is a JSON object with the member event"));
        return;
    };
    let mut flat = Flat::new();
    let words;
    match envelope.event {
        None => {
            if let Err(error) = flat.add_json("", object.get().as_bytes()) {
                out.refuse(Wrong::whole(format!("not taken as JSON: {}", json_error(&error))));
                return;
            }
        }
        Some(event) => match serde_json::from_str::<Cow<'_, str>>(event.get()) {
            Ok(text) => {
                words = text.into_owned();
                add_text(&mut flat, &words);
            }
            Err(_) => add(&mut flat, event),
        },
    }
    if let Some(fields) = envelope.fields {
        add(&mut flat, fields);
    }
    let ts = envelope.time.and_then(|ts| instant(ts, out.context.now));
    out.record(&flat, ts, "");
}

fn add<'a>(flat: &mut Flat<'a>, value: &'a RawValue) {
    if let Ok(Winston { message }) = serde_json::from_str::<Winston<'_>>(value.get()) {
        // An error leaves what came before it, and the value was JSON once already.
        let _unused = flat.add_json("", message.meta.get().as_bytes());
    }
    let _unused = flat.add_json("", value.get().as_bytes());
}

fn instant(value: &RawValue, now: Micros) -> Option<Micros> {
    let mut reader = serde_json::Deserializer::from_str(value.get());
    let scalar: Scalar<'_> = ScalarSeed.deserialize(&mut reader).ok()?;
    time::event_time(&scalar, now).ok().flatten()
}
