//! A record as a list of paths and plain values: the common form of what every protocol carries and
//! every log source but the native one reads.
//!
//! `{"a":{"b":[{"c":1}]}}` is `a.b.0.c` = 1. Objects and arrays leave no trace of their own, and `null`
//! is a value that is not there. A key that holds dots (`"user.id"`) and a nested one are the same path:
//! the senders of one convention write both. The first of two equal paths wins.
//!
//! What is left out: what the paths mean (`source`) and how they came here (`protocol`).

use super::value::{Scalar, ScalarSeed, Skip, text_of_first};
use crate::limits::{FLAT_ARRAY_FIELDS_MAX, FLAT_FIELDS_MAX, FLAT_PATH_BYTES_MAX, NESTING_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::de::Read;
use std::fmt::{self, Write};
use std::ops::Range;

/// The upstream's price list, which `LiteLLM` sends with every call: two thirds of its bytes, three quarters of
/// its fields, and nothing of the request.
const PASSED_OVER: &str = "model_map_information";

/// Paths and plain values, in the order in which they came.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Flat<'a> {
    /// All paths, one after the other.
    names: String,
    fields: Vec<(Range<usize>, Scalar<'a>)>,
    cut: bool,
    /// Which of [`NATIVE`] are names of the object itself, whatever their values are.
    native: [bool; NATIVE.len()],
}

/// What every native record has.
const NATIVE: [&str; 2] = ["account", "ts"];

impl<'a> Flat<'a> {
    /// An empty list.
    pub(in crate::ingest) fn new() -> Self {
        Self::default()
    }

    /// The object at the start of the bytes, and where it ends.
    pub(in crate::ingest) fn from_json(bytes: &'a [u8]) -> Result<(Self, usize), serde_json::Error> {
        let mut flat = Self::new();
        let end = flat.add_json("", bytes)?;
        Ok((flat, end))
    }

    /// Adds the fields of the JSON value at the start of the bytes below a path, empty for the top.
    /// Returns where the value ends. After an error the list holds what came before it.
    pub(in crate::ingest) fn add_json(
        &mut self,
        below: &str,
        bytes: &'a [u8],
    ) -> Result<usize, serde_json::Error> {
        // Checked to be text as a whole, strings need not be checked one by one. What is wrong is found again, with its
        // place, by reading bytes.
        let before = (self.names.len(), self.fields.len(), self.cut, self.native);
        if let Some(text) = text_of_first(bytes)
            && let Ok(end) = self.add(below, serde_json::Deserializer::from_str(text))
        {
            return Ok(end);
        }
        self.names.truncate(before.0);
        self.fields.truncate(before.1);
        (self.cut, self.native) = (before.2, before.3);
        self.add(below, serde_json::Deserializer::from_slice(bytes))
    }

    fn add<R: Read<'a>>(
        &mut self,
        below: &str,
        mut reader: serde_json::Deserializer<R>,
    ) -> Result<usize, serde_json::Error> {
        let mut walk = Walk {
            flat: self,
            path: below.to_owned(),
            levels_left: NESTING_MAX,
            fields_max: FLAT_FIELDS_MAX,
        };
        walk.value(&mut reader)?;
        // The only way to ask the reader where it stands.
        Ok(reader.into_iter::<serde::de::IgnoredAny>().byte_offset())
    }

    /// Adds a field. Past the bounds it is dropped, and [`Self::is_cut`] says so.
    pub(in crate::ingest) fn push(&mut self, path: &str, value: Scalar<'a>) {
        if matches!(value, Scalar::Missing | Scalar::Nested) {
            return;
        }
        if self.fields.len() >= FLAT_FIELDS_MAX || path.len() > FLAT_PATH_BYTES_MAX {
            self.cut = true;
            return;
        }
        let start = self.names.len();
        self.names.push_str(path);
        self.fields.push((start..self.names.len(), value));
    }

    /// The value at a path.
    pub(in crate::ingest) fn get(&self, path: &str) -> Option<&Scalar<'a>> {
        // Most names are told from it by their length alone.
        let mut alike = self.fields.iter().filter(|(name, _)| name.len() == path.len());
        alike.find(|(name, _)| self.names.get(name.clone()) == Some(path)).map(|(_, value)| value)
    }

    /// Paths and values, in the order in which they came.
    pub(in crate::ingest) fn iter(&self) -> impl Iterator<Item = (&str, &Scalar<'a>)> {
        self.fields.iter().map(|(name, value)| (self.names.get(name.clone()).unwrap_or_default(), value))
    }

    /// Paths and values as they are.
    pub(in crate::ingest) fn into_fields(self) -> Vec<(String, Scalar<'a>)> {
        let names = self.names;
        let named = |(name, value): (Range<usize>, Scalar<'a>)| (names[name].to_owned(), value);
        self.fields.into_iter().map(named).collect()
    }

    /// How many fields there are.
    pub(in crate::ingest) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether fields were dropped because they were too many or their paths too long.
    pub(in crate::ingest) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether the object itself has names of all that a native record has, so that it may be one.
    pub(in crate::ingest) fn may_be_native(&self) -> bool {
        self.native == [true; NATIVE.len()]
    }

    /// Forgets all fields and keeps the memory.
    pub(in crate::ingest) fn clear(&mut self) {
        self.names.clear();
        self.fields.clear();
        self.cut = false;
        self.native = [false; NATIVE.len()];
    }

    /// Takes fields out from among the others.
    fn remove(&mut self, gone: Range<usize>) {
        let Some((first, _)) = self.fields.get(gone.start) else { return };
        let start = first.start;
        let end = self.fields.get(gone.end).map_or(self.names.len(), |(name, _)| name.start);
        self.names.replace_range(start..end, "");
        self.fields.drain(gone.clone());
        for (name, _) in self.fields.iter_mut().skip(gone.start) {
            *name = name.start - (end - start)..name.end - (end - start);
        }
    }
}

/// A walk over one JSON value.
struct Walk<'w, 'a> {
    flat: &'w mut Flat<'a>,
    /// The path of the value that is read now.
    path: String,
    levels_left: usize,
    /// The list is not filled past this.
    fields_max: usize,
}

impl<'a> Walk<'_, 'a> {
    fn value<D: Deserializer<'a>>(&mut self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(&mut *self)
    }

    fn keep(&mut self, value: Scalar<'a>) {
        if self.flat.len() < self.fields_max {
            self.flat.push(&self.path, value);
        } else {
            self.flat.cut = true;
        }
    }

    fn deeper<E: Error>(&mut self) -> Result<(), E> {
        match self.levels_left.checked_sub(1) {
            Some(left) => self.levels_left = left,
            None => return Err(E::custom(format_args!("nested deeper than {NESTING_MAX} levels"))),
        }
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for &mut Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        self.value(reader)
    }
}

impl<'a> Visitor<'a> for &mut Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<(), E> {
        ScalarSeed.visit_borrowed_str(text).map(|value| self.keep(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        ScalarSeed.visit_str(text).map(|value| self.keep(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        ScalarSeed.visit_u64(number).map(|value| self.keep(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        ScalarSeed.visit_i64(number).map(|value| self.keep(value))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        ScalarSeed.visit_f64(number).map(|value| self.keep(value))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        ScalarSeed.visit_bool(truth).map(|value| self.keep(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut sequence: A) -> Result<(), A::Error> {
        self.deeper()?;
        let (outer_max, path_len) = (self.fields_max, self.path.len());
        let start = self.flat.len();
        // What a client can make long is an array (its messages). Bounded by itself, and with its last
        // element always kept, it cannot push out what the gateway logs after it.
        let full = start + FLAT_ARRAY_FIELDS_MAX;
        self.fields_max = outer_max.min(full + FLAT_ARRAY_FIELDS_MAX);
        let mut last_start = start;
        for index in 0_usize.. {
            let here = self.flat.len();
            self.step_into(path_len, index);
            let more = sequence.next_element_seed(&mut *self)?.is_some();
            self.path.truncate(path_len);
            if !more {
                break;
            }
            last_start = if here >= full && self.flat.len() > here {
                self.flat.remove(last_start..here);
                self.flat.cut = true;
                last_start
            } else {
                here
            };
        }
        self.fields_max = outer_max;
        self.levels_left += 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        self.deeper()?;
        let path_len = self.path.len();
        while let Some(()) = map.next_key_seed(KeySeed(&mut self.path))? {
            if path_len == 0
                && let Some(place) = NATIVE.iter().position(|name| *name == self.path)
            {
                self.flat.native[place] = true;
            }
            if self.path.len() > FLAT_PATH_BYTES_MAX {
                self.flat.cut = true;
                map.next_value_seed(Skip::below(self.levels_left))?;
            } else if self.path == PASSED_OVER {
                map.next_value_seed(Skip::below(self.levels_left))?;
            } else {
                map.next_value_seed(&mut *self)?;
            }
            self.path.truncate(path_len);
        }
        self.levels_left += 1;
        Ok(())
    }
}

impl Walk<'_, '_> {
    fn step_into(&mut self, path_len: usize, index: usize) {
        let dot = if path_len == 0 { "" } else { "." };
        // Writing to a string cannot fail.
        let _written = write!(self.path, "{dot}{index}");
    }
}

/// Adds a key to a path.
struct KeySeed<'p>(&'p mut String);

impl<'a> DeserializeSeed<'a> for KeySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(json: &str) -> Vec<String> {
        let (flat, end) = Flat::from_json(json.as_bytes()).expect("valid");
        assert_eq!(end, json.trim_end().len());
        flat.iter().map(|(path, value)| format!("{path}={value:?}")).collect()
    }

    #[test]
    fn nesting_becomes_dots_and_places_and_null_is_not_there() {
        let found = paths(r#"{"a":{"b":[{"c":1},"x",[true]]},"user.id":"u","n":null,"e":{},"f":-1.5}  "#);
        assert_eq!(
            found,
            [
                "a.b.0.c=Whole(1)",
                "a.b.1=Text(\"x\")",
                "a.b.2.0=Bool(true)",
                "user.id=Text(\"u\")",
                "f=Double(-1.5)"
            ]
        );
    }

    #[test]
    fn a_long_array_keeps_its_beginning_and_its_end_and_what_follows_it() {
        let messages: Vec<String> =
            (0..20_000).map(|n| format!(r#"{{"role":"user","content":"{n}"}}"#)).collect();
        let json = format!(r#"{{"messages":[{}],"account":"a"}}"#, messages.join(","));
        let (flat, _) = Flat::from_json(json.as_bytes()).expect("valid");
        assert!(flat.is_cut() && flat.len() <= FLAT_ARRAY_FIELDS_MAX + 2, "{}", flat.len());
        assert!(flat.get("messages.0.content").is_some());
        assert_eq!(flat.get("messages.19999.content").map(Scalar::text), Some("19999"));
        assert_eq!(flat.get("account").map(Scalar::text), Some("a"));
    }

    #[test]
    fn depth_and_number_of_fields_are_bounded() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(NESTING_MAX), "]".repeat(NESTING_MAX));
        assert!(Flat::from_json(deep.as_bytes()).is_err());
        let wide: Vec<String> = (0..2 * FLAT_FIELDS_MAX).map(|n| format!(r#""{n}":1"#)).collect();
        let json = format!("{{{}}}", wide.join(","));
        let (flat, _) = Flat::from_json(json.as_bytes()).expect("valid");
        assert_eq!((flat.len(), flat.is_cut()), (FLAT_FIELDS_MAX, true));
        let long = format!(r#"{{"{}":{{"x":1}},"b":2}}"#, "k".repeat(FLAT_PATH_BYTES_MAX + 1));
        assert_eq!(paths(&long), ["b=Whole(2)"]);
    }

    #[test]
    fn the_first_of_two_equal_paths_wins_and_a_cleared_list_is_empty() {
        let mut flat = Flat::new();
        flat.push("user.id", Scalar::Text("attribute".into()));
        flat.push("user.id", Scalar::Text("resource".into()));
        assert_eq!(flat.get("user.id").map(Scalar::text), Some("attribute"));
        flat.clear();
        assert_eq!((flat.len(), flat.get("user.id").is_none()), (0, true));
    }
}
