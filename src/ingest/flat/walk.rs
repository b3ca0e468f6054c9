//! The walk over a JSON value that fills a [`Flat`] list: paths are built on the way, depth is counted, and what is not
//! wanted is passed over.

use super::super::value::{Scalar, ScalarSeed, Skip};
use super::super::wanted::{Want, Wanted};
use super::Flat;
use crate::limits::{FLAT_ARRAY_FIELDS_MAX, FLAT_FIELDS_MAX, FLAT_PATH_BYTES_MAX, NESTING_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Write};

/// The upstream's price list, which `LiteLLM` sends with every call: two thirds of its bytes, three quarters of
/// its fields, and nothing of the request.
const PASSED_OVER: &str = "model_map_information";

/// A walk over one JSON value.
pub(super) struct Walk<'w, 'a> {
    flat: &'w mut Flat<'a>,
    /// The path of the value that is read now.
    path: String,
    /// What is read; everything where nothing is said.
    wanted: Option<&'static Wanted>,
    levels_left: usize,
    /// The list is not filled past this.
    fields_max: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    /// A walk that adds to a list what lies below a path.
    pub(super) fn new(flat: &'w mut Flat<'a>, below: &str, wanted: Option<&'static Wanted>) -> Self {
        let path = below.to_owned();
        Self { flat, path, wanted, levels_left: NESTING_MAX, fields_max: FLAT_FIELDS_MAX }
    }

    /// Reads one value.
    pub(super) fn value<D: Deserializer<'a>>(&mut self, reader: D) -> Result<(), D::Error> {
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
        if self.wanted.is_some() {
            // No list is wanted by the number of an element.
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            self.levels_left += 1;
            return Ok(());
        }
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

    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        self.deeper()?;
        match self.wanted {
            None => self.all_of(map)?,
            Some(wanted) => self.some_of(map, wanted)?,
        }
        self.levels_left += 1;
        Ok(())
    }
}

impl<'a> Walk<'_, 'a> {
    fn all_of<A: MapAccess<'a>>(&mut self, mut map: A) -> Result<(), A::Error> {
        let path_len = self.path.len();
        while let Some(()) = map.next_key_seed(KeySeed(&mut self.path))? {
            if path_len == 0 {
                self.flat.tell(&self.path);
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
        Ok(())
    }

    fn some_of<A: MapAccess<'a>>(&mut self, mut map: A, wanted: &'static Wanted) -> Result<(), A::Error> {
        let path_len = self.path.len();
        while let Some(want) = map.next_key_seed(WantedKeySeed { wanted, path: &mut self.path })? {
            self.wanted = match want {
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                Some(Want::Whole) => None,
                Some(Want::Named(below)) => Some(below),
            };
            if path_len == 0 {
                self.flat.tell(&self.path);
            }
            map.next_value_seed(&mut *self)?;
            self.path.truncate(path_len);
        }
        self.wanted = Some(wanted);
        Ok(())
    }

    fn step_into(&mut self, path_len: usize, index: usize) {
        let dot = if path_len == 0 { "" } else { "." };
        // Writing to a string cannot fail.
        let _written = write!(self.path, "{dot}{index}");
    }
}

fn step_into(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
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
        step_into(self.0, name);
        Ok(())
    }
}

/// Adds a key to a path if anything of what lies there is read.
struct WantedKeySeed<'p> {
    wanted: &'static Wanted,
    path: &'p mut String,
}

impl<'a> DeserializeSeed<'a> for WantedKeySeed<'_> {
    type Value = Option<Want>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Option<Want>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for WantedKeySeed<'_> {
    type Value = Option<Want>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<Want>, E> {
        let want = self.wanted.below(name);
        if want.is_some() {
            step_into(self.path, name);
        }
        Ok(want)
    }
}
