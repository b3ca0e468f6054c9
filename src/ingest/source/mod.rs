//! Log sources: each turns one record, as one kind of sender writes it, into an event.
//!
//! One file a source. [`native`] reads JSON whose field names are those of the contract, in one pass.
//! Every other one is a table from paths of a [`Flat`] record to those fields.

mod caddy;
mod cloudflare;
mod envoy;
mod explain;
mod field;
mod headers;
mod helicone;
pub(super) mod hints;
mod hop;
mod joins;
mod kong;
mod langfuse;
mod litellm;
mod map;
mod messages;
pub(super) mod native;
mod native_source;
mod nginx;
mod otel;
mod own;
mod portkey;
mod pyrepr;
pub(super) mod record;
mod shape;
mod traefik;
mod unwrap;
mod way;
mod written;

pub use explain::Explained;
pub use own::{Mappings, Own};
pub use shape::Kind;
pub use written::Mapping;

use super::Context;
use super::flat::Flat;
use super::reject::Wrong;
use super::sketch::Systems;
use super::value::Scalar;
use crate::event::{EventBatch, Micros};
use crate::limits::{JOIN_ID_BYTES_MIN, LIST_RECORDS_MAX};
use crate::privacy::json_error;
use field::Field;
use map::Mapped;
use std::borrow::Cow;

/// Buffers that are used again for each event.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What the identity is the hash of.
    identity: Vec<u8>,
    /// Texts in which secrets are looked for.
    texts: Vec<u8>,
    /// Unknown fields as one JSON object.
    extra: String,
    /// System prompts that were just sketched.
    systems: Systems,
}

/// What the envelope of a record says. It counts only where the record itself says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ingest) struct Envelope<'a> {
    /// Which record of the body it is, counted from 1.
    pub(in crate::ingest) line: u64,
    /// The time that the protocol carries (Loki, Splunk, OTLP).
    pub(in crate::ingest) ts: Option<Micros>,
    /// The id that the protocol carries (`_id`, trace and span), empty for none.
    pub(in crate::ingest) id: &'a str,
    /// The source that the request names.
    pub(in crate::ingest) forced: Option<Kind>,
    /// Mappings of the operator's own.
    pub(in crate::ingest) own: Mappings,
}

/// Where events go, and what they need on the way.
pub(in crate::ingest) struct Sink<'s> {
    pub(in crate::ingest) context: &'s Context,
    pub(in crate::ingest) scratch: &'s mut Scratch,
    pub(in crate::ingest) batch: &'s mut EventBatch,
    /// What was found in each record, for `explain-source`.
    pub(in crate::ingest) explained: Option<&'s mut Vec<Explained>>,
}

/// What a record was found to be.
struct Found<'f> {
    /// The source whose shape it has, or that the request names.
    kind: Option<Kind>,
    /// The record that lies in it as a text, and the source of that.
    inner: Option<(Flat<'f>, Kind)>,
}

impl<'f> Found<'f> {
    fn of(flat: &'f Flat<'_>, envelope: Envelope<'_>) -> Self {
        let kind = envelope.forced.or_else(|| envelope.own.told(flat));
        let may_wrap = envelope.forced.is_none() && matches!(kind, None | Some(Kind::Native));
        let inner = if may_wrap { unwrap::text(flat, envelope.own) } else { None };
        Self { kind, inner }
    }

    fn event(self, flat: &Flat<'_>, envelope: Envelope<'_>, sink: &mut Sink<'_>) -> Result<Kind, Wrong> {
        match self.inner {
            Some((inner, kind)) => event_of_whole(&inner, Some(kind), envelope, sink),
            None => event_of_whole(flat, self.kind, envelope, sink),
        }
    }
}

/// Adds the event that a record stands for to the batch, and says which source it was taken for.
pub(in crate::ingest) fn event_of_flat(
    flat: &Flat<'_>,
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
) -> Result<Kind, Wrong> {
    Found::of(flat, envelope).event(flat, envelope, sink)
}

fn event_of_whole(
    flat: &Flat<'_>,
    told: Option<Kind>,
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
) -> Result<Kind, Wrong> {
    let mapped = mapped(flat, told.unwrap_or(Kind::Native), envelope, sink.context);
    event_of_mapped(mapped, envelope, sink)
}

fn event_of_mapped(
    mut mapped: Mapped<'_, '_>,
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
) -> Result<Kind, Wrong> {
    let kind = mapped.kind;
    mapped.record.source = kind.name();
    let explained = sink.explained.is_some().then(|| Explained::of(&mapped, envelope.line));
    let taken = check_needed(&mapped, sink.context).and_then(|()| {
        sink.scratch.extra.clear();
        mapped.record.weak_id = mapped.has_weak_id();
        let by_id = is_told_by_id(&mapped);
        let canonical = if by_id { Vec::new() } else { canonical(mapped.flat, sink.context.seed) };
        let record = &mut mapped.record;
        record.may_hold_secrets = native::may_hold_secrets(record, &mut sink.scratch.texts);
        native::assemble(record, &canonical, envelope.line, sink.context, sink.scratch, sink.batch)
    });
    if let (Some(list), Some(mut explained)) = (sink.explained.as_deref_mut(), explained) {
        explained.problem = taken.as_ref().err().map(|wrong| wrong.reason.clone());
        list.push(explained);
    }
    taken.map(|()| kind).map_err(|wrong| wrong.of(kind.name()))
}

/// Whether a record is told from others by its id alone. Sorting every field takes longer than all else, and an id says
/// as much. Not of an edge record: two proxies on one way log the same id.
fn is_told_by_id(mapped: &Mapped<'_, '_>) -> bool {
    mapped.has(Field::RequestId) && !mapped.has_weak_id() && mapped.has(Field::Account)
}

/// Adds the events of a JSON object that may hold several or lie in a wrapper. What is wrong with one of
/// them is told to `wrong`. Returns whether the object is of a known source; if not, nothing was added.
pub(in crate::ingest) fn events_of_json(
    object: &[u8],
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
    wrong: &mut dyn FnMut(Wrong),
) -> bool {
    let mut flat = Flat::new();
    let elements = unwrap::elements(object);
    if elements.len() > LIST_RECORDS_MAX {
        let more = elements.len() - LIST_RECORDS_MAX;
        wrong(Wrong::whole(format!(
            "{more} records of the list are past its first {LIST_RECORDS_MAX}; send fewer in one"
        )));
    }
    for element in elements.iter().take(LIST_RECORDS_MAX) {
        let element = element.get().as_bytes();
        flat.clear();
        if !event_of_json(&mut flat, element, true, envelope, sink, wrong) {
            wrong(hints::missing(element, true, true));
        }
    }
    !elements.is_empty() || event_of_json(&mut flat, object, false, envelope, sink, wrong)
}

fn event_of_json<'a>(
    flat: &mut Flat<'a>,
    object: &'a [u8],
    native_too: bool,
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
    wrong: &mut dyn FnMut(Wrong),
) -> bool {
    if let Some((_, taken)) = event_of_wanted(object, envelope, sink) {
        if let Err(reason) = taken {
            wrong(reason);
        }
        return true;
    }
    if let Err(error) = flat.add_json("", object) {
        wrong(Wrong::whole(format!("not taken as JSON: {}", json_error(&error))));
        return true;
    }
    if cloudflare::is_challenge(flat) {
        return true;
    }
    let found = Found::of(flat, envelope);
    let known = envelope.forced.is_some()
        || sink.explained.is_some()
        || found.kind.is_some_and(|kind| native_too || kind != Kind::Native)
        || found.inner.is_some();
    if known && let Err(reason) = found.event(flat, envelope, sink) {
        wrong(reason);
    }
    known
}

/// Adds the event of the object at the start of the bytes in one pass, where it is so simple: an object of a known
/// source, that is none of the native one, holds one record, and is whole. Gives where it ends.
pub(in crate::ingest) fn event_at_start(
    bytes: &[u8],
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
) -> Option<(usize, Result<Kind, Wrong>)> {
    if let Some(taken) = event_of_wanted(bytes, envelope, sink) {
        return Some(taken);
    }
    let (flat, end) = Flat::from_json(bytes).ok()?;
    let is_simple = !flat.may_be_native() && !cloudflare::is_challenge(&flat) && sink.explained.is_none();
    if !is_simple || flat.may_hold_list() {
        return None;
    }
    let found = Found::of(&flat, envelope);
    let known = found.inner.is_some() || found.kind.is_some_and(|kind| kind != Kind::Native);
    known.then(|| (end, found.event(&flat, envelope, sink)))
}

/// Adds the event of the object at the start of the bytes where it is of a source of which most is passed over, and what
/// is read of it is enough. Asked before the whole is read, wherever that is: what it takes does not depend on which
/// records came before.
fn event_of_wanted(
    bytes: &[u8],
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
) -> Option<(usize, Result<Kind, Wrong>)> {
    let kind = Kind::LiteLlm;
    let may_be = envelope.forced.is_none_or(|forced| forced == kind);
    if !may_be || !envelope.own.is_empty() || sink.explained.is_some() {
        return None;
    }
    let mark = litellm::MARK.find(bytes)?;
    let (flat, end) = Flat::wanted_from_json(bytes, &litellm::WANTED).ok()?;
    if mark >= end || flat.may_be_native() || flat.may_hold_list() {
        return None;
    }
    if envelope.forced.is_none() && !kind.is_first_told(&flat) {
        return None;
    }
    let mapped = mapped(&flat, kind, envelope, sink.context);
    is_told_by_id(&mapped).then(|| (end, event_of_mapped(mapped, envelope, sink)))
}

/// Adds the event of a line of text. Returns whether it is one.
pub(in crate::ingest) fn event_of_line(
    text: &str,
    envelope: Envelope<'_>,
    sink: &mut Sink<'_>,
) -> Option<Result<Kind, Wrong>> {
    nginx::combined(text).map(|flat| {
        event_of_whole(&flat, envelope.forced.or_else(|| envelope.own.told(&flat)), envelope, sink)
    })
}

/// The fields of a line of an access log, if it is one.
pub(in crate::ingest) fn line_fields(text: &str) -> Option<Vec<(String, Scalar<'_>)>> {
    let flat = nginx::combined(text)?;
    Some(flat.into_fields())
}

/// What the fields of the contract are in a record.
fn mapped<'r, 'f>(
    flat: &'f Flat<'r>,
    kind: Kind,
    envelope: Envelope<'f>,
    context: &Context,
) -> Mapped<'r, 'f> {
    let mut mapped = Mapped::new(kind, kind.table(), flat);
    (kind.source().finish)(&mut mapped);
    hop::settle(&mut mapped, context.proxies());
    if context.join && native::wants_other_half(&mapped.record, context.proxies()) {
        mapped.record.keys = joins::keys(&mapped, context.seed);
    }
    mapped.fill(envelope);
    if kind == Kind::Portkey {
        mapped.arrived(context.now);
    }
    mapped
}

/// Places that a reason names, the likeliest first.
const PLACES_SHOWN_MAX: usize = 4;

/// Says where an account or a time was looked for.
fn check_needed(mapped: &Mapped<'_, '_>, context: &Context) -> Result<(), Wrong> {
    let is_edge = context.join && native::is_edge(&mapped.record);
    for field in [Field::Account, Field::Ts] {
        if mapped.has(field) || (field == Field::Account && is_edge && !mapped.record.keys.is_empty()) {
            continue;
        }
        let name = field.name();
        let places: Vec<&str> =
            mapped.kind.source().ways.iter().filter(|way| way.field == field).map(|way| way.path).collect();
        let kind = mapped.kind.name();
        let shown = places.get(..PLACES_SHOWN_MAX).unwrap_or(&places).join(", ");
        let reason = if places.is_empty() {
            format!("{name} is missing; every event needs account and ts")
        } else if field == Field::Account && is_edge {
            format!(
                "{name} is missing: taken for {kind}, where it is in {shown} (or send account, or an id by which it joins the \
                 record that has the account: x-request-id or traceparent, {JOIN_ID_BYTES_MIN} characters or more)"
            )
        } else {
            format!("{name} is missing: taken for {kind}, where it is in {shown} (or send {name})")
        };
        return Err(Wrong::new(name, reason));
    }
    Ok(())
}

/// The fields of a text that holds a JSON object.
fn flat_of(text: &str) -> Option<(Flat<'_>, usize)> {
    text.trim_start().starts_with('{').then(|| Flat::from_json(text.trim_start().as_bytes()).ok())?
}

/// The same value, borrowed.
fn borrowed<'r>(value: &'r Scalar<'_>) -> Scalar<'r> {
    match value {
        Scalar::Missing => Scalar::Missing,
        Scalar::Text(text) => Scalar::Text(Cow::Borrowed(text)),
        Scalar::Whole(number) => Scalar::Whole(*number),
        Scalar::Negative(number) => Scalar::Negative(*number),
        Scalar::Double(number) => Scalar::Double(*number),
        Scalar::Bool(truth) => Scalar::Bool(*truth),
        Scalar::Nested => Scalar::Nested,
    }
}

/// All fields as bytes that do not depend on their order: the same record gives the same bytes. Each field is a
/// keyed hash, so that nobody can choose two records that give the same.
fn canonical(flat: &Flat<'_>, seed: u64) -> Vec<u8> {
    let mut fields = Vec::with_capacity(flat.len());
    let mut bytes = Vec::new();
    for (path, value) in flat.iter() {
        bytes.clear();
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(0);
        match value {
            Scalar::Missing | Scalar::Nested => continue,
            Scalar::Text(text) => {
                bytes.push(b't');
                bytes.extend_from_slice(text.as_bytes());
            }
            Scalar::Whole(number) => {
                bytes.push(b'w');
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Scalar::Negative(number) => {
                bytes.push(b'n');
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Scalar::Double(number) => {
                bytes.push(b'd');
                bytes.extend_from_slice(&number.to_bits().to_le_bytes());
            }
            Scalar::Bool(truth) => bytes.extend_from_slice(&[b'b', u8::from(*truth)]),
        }
        fields.push(xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, seed));
    }
    fields.sort_unstable();
    fields.into_iter().flat_map(u64::to_le_bytes).collect()
}

#[cfg(test)]
pub(in crate::ingest) mod golden_tests;
#[cfg(test)]
mod tests;
