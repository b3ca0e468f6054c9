//! A record as a list of paths and plain values: the common form of what every protocol carries and
//! every log source but the native one reads.
//!
//! `{"a":{"b":[{"c":1}]}}` is `a.b.0.c` = 1. Objects and arrays leave no trace of their own, and `null`
//! is a value that is not there. A key that holds dots (`"user.id"`) and a nested one are the same path:
//! the senders of one convention write both. The first of two equal paths wins.
//!
//! What is left out: what the paths mean (`source`) and how they came here (`protocol`).

mod walk;

use super::value::{Scalar, text_of_first};
use super::wanted::Wanted;
use crate::limits::{FLAT_FIELDS_MAX, FLAT_PATH_BYTES_MAX};
use serde::de::IgnoredAny;
use serde_json::de::Read;
use std::ops::Range;
use walk::Walk;

/// Paths and plain values, in the order in which they came.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Flat<'a> {
    /// All paths, one after the other.
    names: String,
    fields: Vec<(Range<usize>, Scalar<'a>)>,
    cut: bool,
    /// Which of [`TELLING`] are names of the object itself, whatever their values are.
    told: [bool; TELLING.len()],
}

/// Room for what is wanted of a record: the fields of most, and their paths.
const WANTED_FIELDS: usize = 64;
const WANTED_NAMES_BYTES: usize = 2 << 10;

/// What every native record has, and what holds the records of a list.
const TELLING: [&str; 4] = ["account", "ts", "batch", "logs"];

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

    /// The same, of which only some paths are read. What is passed over may be what would be an error: a number out of
    /// range, half of a surrogate pair, bytes that are no text, or too many levels.
    pub(in crate::ingest) fn wanted_from_json(
        bytes: &'a [u8],
        wanted: &'static Wanted,
    ) -> Result<(Self, usize), serde_json::Error> {
        let mut flat = Self {
            names: String::with_capacity(WANTED_NAMES_BYTES),
            fields: Vec::with_capacity(WANTED_FIELDS),
            ..Self::default()
        };
        let end = flat.add_some("", bytes, Some(wanted))?;
        Ok((flat, end))
    }

    /// Adds the fields of the JSON value at the start of the bytes below a path, empty for the top.
    /// Returns where the value ends. After an error the list holds what came before it.
    pub(in crate::ingest) fn add_json(
        &mut self,
        below: &str,
        bytes: &'a [u8],
    ) -> Result<usize, serde_json::Error> {
        self.add_some(below, bytes, None)
    }

    fn add_some(
        &mut self,
        below: &str,
        bytes: &'a [u8],
        wanted: Option<&'static Wanted>,
    ) -> Result<usize, serde_json::Error> {
        // Checked to be text as a whole, strings need not be checked one by one. What is wrong is found again, with its
        // place, by reading bytes.
        let before = (self.names.len(), self.fields.len(), self.cut, self.told);
        if let Some(text) = text_of_first(bytes)
            && let Ok(end) = self.add(below, serde_json::Deserializer::from_str(text), wanted)
        {
            return Ok(end);
        }
        self.names.truncate(before.0);
        self.fields.truncate(before.1);
        (self.cut, self.told) = (before.2, before.3);
        self.add(below, serde_json::Deserializer::from_slice(bytes), wanted)
    }

    fn add<R: Read<'a>>(
        &mut self,
        below: &str,
        mut reader: serde_json::Deserializer<R>,
        wanted: Option<&'static Wanted>,
    ) -> Result<usize, serde_json::Error> {
        Walk::new(self, below, wanted).value(&mut reader)?;
        // The only way to ask the reader where it stands.
        Ok(reader.into_iter::<IgnoredAny>().byte_offset())
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
        self.told[..2] == [true; 2]
    }

    /// Whether the object itself has a name under which the records of a list are sent.
    pub(in crate::ingest) fn may_hold_list(&self) -> bool {
        self.told[2..] != [false; 2]
    }

    /// Forgets all fields and keeps the memory.
    pub(in crate::ingest) fn clear(&mut self) {
        self.names.clear();
        self.fields.clear();
        self.cut = false;
        self.told = [false; TELLING.len()];
    }

    /// Notes a name of the object itself.
    fn tell(&mut self, name: &str) {
        if let Some(place) = TELLING.iter().position(|telling| *telling == name) {
            self.told[place] = true;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{FLAT_ARRAY_FIELDS_MAX, NESTING_MAX};

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
