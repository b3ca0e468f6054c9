//! Reads one JSON object into the values of known fields, in one pass and without copying.
//!
//! What is wrong with the JSON itself ends the reading with serde's error. What is wrong with the
//! object (a field given twice) is noted, and reading goes on to its end, so that it costs only itself.

use super::super::reject::Wrong;
use super::super::value::{Scalar, ScalarSeed, Skip};
use super::Kind;
use crate::limits::EXTRA_BYTES_MAX;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The known fields of a log source: a number below 32 for each.
pub(in crate::ingest) trait Names {
    /// The field's number.
    fn number(name: &str) -> Option<usize>;
    /// The field's name, for errors.
    fn name(number: usize) -> &'static str;
    /// Whether a name that is no field's is one by which another source is known.
    fn is_foreign(name: &str) -> bool;
}

/// Most fields that a source may know.
pub(in crate::ingest) const FIELDS_MAX: usize = 26;

/// What one object holds.
#[derive(Debug)]
pub(in crate::ingest) struct Record<'de> {
    /// Values by the number of their field.
    pub(in crate::ingest) values: [Scalar<'de>; FIELDS_MAX],
    /// The first thing that is wrong with the object as such.
    pub(in crate::ingest) wrong: Option<Wrong>,
    /// Whether a name came by which another source is known.
    pub(in crate::ingest) foreign: bool,
    /// Whether the client may have written the request id, so that two records with the same one may be two
    /// requests: whoever repeats an id would otherwise make its own traffic vanish.
    pub(in crate::ingest) weak_id: bool,
    /// Name of the source that it was taken for.
    pub(in crate::ingest) source: &'static str,
    /// Whether any field may hold a key or a token.
    pub(in crate::ingest) may_hold_secrets: bool,
    /// Join keys that the record holds besides its request id.
    pub(in crate::ingest) keys: Vec<u128>,
}

impl Record<'_> {
    /// A record without values.
    pub(in crate::ingest) fn new() -> Self {
        Self {
            values: [const { Scalar::Missing }; FIELDS_MAX],
            wrong: None,
            foreign: false,
            weak_id: false,
            source: Kind::Native.name(),
            may_hold_secrets: true,
            keys: Vec::new(),
        }
    }
}

/// Reads into a record, in place: it is large, and moving it through five results costs a tenth of the
/// rate. Unknown fields are kept in `extra`, when there is one, as the inside of an object.
pub(in crate::ingest) struct RecordSeed<'a, 'de, N> {
    pub(in crate::ingest) record: &'a mut Record<'de>,
    pub(in crate::ingest) extra: Option<&'a mut String>,
    pub(in crate::ingest) names: PhantomData<N>,
}

impl<'de, N: Names> DeserializeSeed<'de> for RecordSeed<'_, 'de, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, N: Names> Visitor<'de> for RecordSeed<'_, 'de, N> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let record = self.record;
        let mut seen = 0_u32;
        while let Some(key) = map.next_key_seed(KeySeed::<N>(PhantomData))? {
            match key {
                Key::Known(number) => {
                    let value = map.next_value_seed(ScalarSeed)?;
                    if seen & (1 << number) != 0 && record.wrong.is_none() {
                        let name = N::name(number);
                        record.wrong = Some(Wrong::new(name, format!("{name} is given twice")));
                    }
                    seen |= 1 << number;
                    if let Some(slot) = record.values.get_mut(number) {
                        *slot = value;
                    }
                }
                Key::Unknown(name) => {
                    record.foreign |= N::is_foreign(&name);
                    match &mut self.extra {
                        None => map.next_value_seed(Skip::FIELD)?,
                        Some(extra) => keep(extra, &name, map.next_value()?).map_err(A::Error::custom)?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds a field to the kept ones unless it would be too much.
fn keep(extra: &mut String, name: &str, value: &RawValue) -> Result<(), serde_json::Error> {
    // Raw reading counts no levels, so the bound is checked on what it found.
    Skip::FIELD.deserialize(&mut serde_json::Deserializer::from_str(value.get()))?;
    let name = serde_json::to_string(name)?;
    if extra.len() + name.len() + value.get().len() + ",:{}".len() <= EXTRA_BYTES_MAX {
        if !extra.is_empty() {
            extra.push(',');
        }
        extra.push_str(&name);
        extra.push(':');
        extra.push_str(value.get());
    }
    Ok(())
}

enum Key<'de> {
    Known(usize),
    Unknown(Cow<'de, str>),
}

struct KeySeed<N>(PhantomData<N>);

impl<'de, N: Names> DeserializeSeed<'de> for KeySeed<N> {
    type Value = Key<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key<'de>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, N: Names> Visitor<'de> for KeySeed<N> {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key<'de>, E> {
        Ok(N::number(name).map_or(Key::Unknown(Cow::Borrowed(name)), Key::Known))
    }

    fn visit_str<E>(self, name: &str) -> Result<Key<'de>, E> {
        Ok(N::number(name).map_or_else(|| Key::Unknown(Cow::Owned(name.to_owned())), Key::Known))
    }
}
