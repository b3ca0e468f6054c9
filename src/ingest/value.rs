//! JSON values as senders really write them: numbers in strings, numbers as doubles, and words that
//! stand for nothing.
//!
//! [`Scalar`] borrows from the body, so that a plain value costs no allocation. [`Skip`] reads over
//! what nobody asked for, with a bound on nesting, because a reader that recurses without one can be
//! made to overflow its stack.

use super::reject::{Wrong, shown};
use crate::limits::{NAME_BYTES_MAX, NESTING_MAX, VALUE_BYTES_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The value of a known field.
#[derive(Debug)]
pub(super) enum Scalar<'de> {
    /// Not given, or `null`.
    Missing,
    Text(Cow<'de, str>),
    Whole(u64),
    Negative(i64),
    Double(f64),
    Bool(bool),
    /// An array or object where a plain value belongs.
    Nested,
}

/// Past this a double does not hold every whole number, so that two ids could become one.
const DOUBLE_EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Whether a text is one of the words that loggers write for "none".
pub(super) fn stands_for_nothing(text: &str) -> bool {
    matches!(text, "" | "-" | "unknown" | "REDACTED" | "NA")
}

impl Scalar<'_> {
    /// Whether there is no value to take.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            Self::Missing => true,
            Self::Text(text) => stands_for_nothing(text),
            _ => false,
        }
    }

    /// Makes a text of what may be a number or a truth value.
    pub(super) fn settle_text(&mut self, field: &'static str) -> Result<(), Wrong> {
        let text = match self {
            Self::Missing | Self::Text(_) => return Ok(()),
            Self::Nested => {
                return Err(Wrong::new(field, format!("{field} must be text, not an array or object")));
            }
            Self::Whole(number) => number.to_string(),
            Self::Negative(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::Double(number) if number.abs() < DOUBLE_EXACT_MAX => number.to_string(),
            Self::Double(_) => {
                let reason = format!("{field} is a number too large to be kept exactly; send it as text");
                return Err(Wrong::new(field, reason));
            }
        };
        *self = Self::Text(Cow::Owned(text));
        Ok(())
    }

    /// Cuts a text over `VALUE_BYTES_MAX` to its first bytes and a hash of the whole: two long values
    /// that differ at the end stay two.
    pub(super) fn cut_text(&mut self) {
        if let Self::Text(text) = self
            && text.len() > VALUE_BYTES_MAX
        {
            let hash = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
            let mut end = VALUE_BYTES_MAX - "~".len() - 32;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let prefix = &text[..end];
            *self = Self::Text(Cow::Owned(format!("{prefix}~{hash:032x}")));
        }
    }

    /// The text, empty for anything else. Call [`Self::settle_text`] first.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    /// A number of tokens or milliseconds. Doubles are rounded where `fraction` says that they may
    /// have one.
    pub(super) fn number(&self, field: &'static str, fraction: bool) -> Result<Option<u32>, Wrong> {
        let number = match self {
            _ if self.is_missing() => return Ok(None),
            Self::Whole(number) => return at_most(*number, field).map(Some),
            Self::Negative(number) => *number as f64,
            Self::Double(number) => *number,
            Self::Text(text) => match plain_number(text.trim()) {
                Some(Plain::Whole(number)) => return at_most(number, field).map(Some),
                Some(Plain::Double(number)) => number,
                None => return Err(Wrong::new(field, format!("{field} is not a number: {}", shown(text)))),
            },
            _ => return Err(Wrong::new(field, format!("{field} must be a number"))),
        };
        if number < 0.0 {
            return Err(Wrong::new(field, format!("{field} is negative: {number}")));
        }
        if !fraction && number.fract() != 0.0 {
            return Err(Wrong::new(field, format!("{field} must be a whole number, not {number}")));
        }
        // A float cast saturates, so that what is too large stays too large.
        at_most(number.round() as u64, field).map(Some)
    }
}

fn at_most(number: u64, field: &'static str) -> Result<u32, Wrong> {
    match u32::try_from(number) {
        Ok(number) if number < u32::MAX => Ok(number),
        _ => Err(Wrong::new(field, format!("{field} is over {}: {number}", u32::MAX - 1))),
    }
}

/// Longest line that is checked to be text as a whole.
const TEXT_LINE_BYTES_MAX: usize = 16 << 10;

/// The first of some lines, if it is text. `serde_json` checks each string by itself when it reads bytes, and none when
/// it reads text, which is a sixth of its time.
pub(super) fn text_of_first(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..TEXT_LINE_BYTES_MAX).unwrap_or(bytes);
    let line = match memchr::memchr(b'\n', head) {
        Some(end) => head.get(..end)?,
        None if head.len() == bytes.len() => bytes,
        None => return None,
    };
    std::str::from_utf8(line).ok()
}

/// A number that was written in a text.
pub(super) enum Plain {
    Whole(u64),
    Double(f64),
}

/// Reads decimal digits with an optional sign, fraction and exponent; not "inf", "nan" or hex.
pub(super) fn plain_number(text: &str) -> Option<Plain> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(Plain::Whole(number));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Plain::Double)
}

/// A name that must not be cut: an account or a request id.
pub(super) fn check_name(name: &str, field: &'static str) -> Result<(), Wrong> {
    if name.len() > NAME_BYTES_MAX {
        let reason = format!("{field} has {} bytes, at most {NAME_BYTES_MAX} are taken", name.len());
        return Err(Wrong::new(field, reason));
    }
    Ok(())
}

/// Reads the value of a known field.
pub(super) struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(u64::try_from(number).map_or(Scalar::Negative(number), Scalar::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Double(number))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(truth))
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Scalar<'de>, A::Error> {
        Skip::FIELD.visit_seq(sequence).map(|()| Scalar::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar<'de>, A::Error> {
        Skip::FIELD.visit_map(map).map(|()| Scalar::Nested)
    }
}

/// Reads over one value, whatever it is, as long as it is valid and not nested too deeply.
#[derive(Clone, Copy)]
pub(super) struct Skip {
    levels_left: usize,
}

impl Skip {
    /// For the value of a field: the object around it is the first level.
    pub(super) const FIELD: Self = Self { levels_left: NESTING_MAX - 1 };

    /// For a value with so many levels left, its own included.
    pub(super) fn below(levels_left: usize) -> Self {
        Self { levels_left }
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self { levels_left }),
            None => Err(E::custom(format_args!("nested deeper than {NESTING_MAX} levels"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Not `deserialize_ignored_any`: it would neither count levels nor check UTF-8.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while sequence.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while map.next_key_seed(inner)?.is_some() {
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}
