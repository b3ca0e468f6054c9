//! Log sources: each turns one record, as one kind of sender writes it, into an event.
//!
//! One file a source. [`native`] reads JSON whose field names are those of the contract, in one pass.
//! Every other one is a table from paths of a [`Flat`] record to those fields.

pub(super) mod hints;
pub(super) mod native;
pub(super) mod record;

use super::Context;
use super::flat::Flat;
use super::reject::Wrong;
use super::sketch::Systems;
use super::value::Scalar;
use crate::event::{EventBatch, Micros};
use record::{Names, Record};
use std::borrow::Cow;

/// Buffers that are used again for each event.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What the identity is the hash of.
    identity: Vec<u8>,
    /// Unknown fields as one JSON object.
    extra: String,
    /// System prompts that were just sketched.
    systems: Systems,
}

/// A log source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The field names of the contract.
    Native,
}

impl Kind {
    /// Every source.
    pub const ALL: [Self; 1] = [Self::Native];

    /// The name by which a request forces the source.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg_attr(not(test), expect(dead_code, reason = "the protocols that use it come with their own change"))]
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
}

#[cfg_attr(not(test), expect(dead_code, reason = "the protocols that use it come with their own change"))]
/// Adds the event that a record stands for to the batch, and says which source it was taken for.
pub(in crate::ingest) fn event_of_flat(
    flat: &Flat<'_>,
    envelope: Envelope<'_>,
    context: Context,
    scratch: &mut Scratch,
    batch: &mut EventBatch,
) -> Result<Kind, Wrong> {
    let kind = envelope.forced.unwrap_or(Kind::Native);
    let mut record = Record::new();
    for (path, value) in flat.iter() {
        if let Some(slot) = native::Native::number(path).and_then(|number| record.values.get_mut(number)) {
            *slot = borrowed(value);
        }
    }
    let slots = [
        ("ts", envelope.ts.map(|ts| Scalar::Whole(ts as u64))),
        ("request_id", Some(Scalar::Text(Cow::Borrowed(envelope.id)))),
    ];
    for (name, value) in slots {
        if let Some(slot) = native::Native::number(name).and_then(|number| record.values.get_mut(number))
            && slot.is_missing()
        {
            *slot = value.unwrap_or(Scalar::Missing);
        }
    }
    let canonical = canonical(flat);
    native::assemble(&mut record, canonical.as_bytes(), envelope.line, context, scratch, batch)?;
    Ok(kind)
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

/// All fields as one text that does not depend on their order: the same record gives the same text.
fn canonical(flat: &Flat<'_>) -> String {
    let mut fields: Vec<String> = flat.iter().map(|(path, value)| format!("{path}\0{value:?}")).collect();
    fields.sort_unstable();
    fields.join("\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_record_with_native_names_is_an_event() {
        let json = br#"{"ts":1795426307,"account":"alice","ip":"203.0.113.21"}"#;
        let (flat, _) = Flat::from_json(json).expect("valid");
        let context = Context { seed: 1, now: 1_800_000_000_000_000, keep_extra: false };
        let mut batch = EventBatch::default();
        let taken = event_of_flat(&flat, Envelope::default(), context, &mut Scratch::default(), &mut batch);
        assert_eq!(taken, Ok(Kind::Native));
        assert_eq!(batch.iter().next().map(crate::event::Event::ts), Some(1_795_426_307_000_000));
    }
}
