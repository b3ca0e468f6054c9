//! One way from a path of a record to a field of the contract, and what has to be done to the value.

use super::super::reject::shown;
use super::super::time::{MICROS_END, MILLIS_END};
use super::super::value::{Plain, Scalar, plain_number};
use super::borrowed;
use super::field::Field;
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use std::borrow::Cow;

/// A path that may hold a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) field: Field,
    pub(super) path: &'static str,
    pub(super) how: How,
}

/// What is done to a value before it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Nothing.
    Plain,
    /// A duration in seconds becomes milliseconds.
    Seconds,
    /// A duration in microseconds becomes milliseconds.
    Micros,
    /// A duration in nanoseconds becomes milliseconds.
    Nanos,
    /// The query of a URI goes, and what is before its path.
    Path,
    /// Of an e-mail address only the part after the `@`.
    Domain,
    /// A text in JSON quotes loses them.
    Quoted,
    /// A header that was decoded as Latin-1 is read as the UTF-8 that it was.
    Header,
    /// `23/Nov/2026:09:31:47 +0000`, as web servers have written it since 1995.
    ClfTime,
    /// `2026-11-23 09:31:47`, in UTC by the documentation of its sender.
    UtcTime,
    /// RFC 3339, and nothing else.
    Rfc3339,
    /// Time since 1970 in a unit that is known.
    Epoch(Unit),
    /// A time as an operator says that it is written.
    Pattern(&'static Pattern),
    /// `LiteLLM`'s name for whoever holds the master key is no account: a gateway asks for all its customers with it.
    Holder,
}

/// A way that takes the value as it is.
pub(super) const fn way(field: Field, path: &'static str) -> Way {
    Way { field, path, how: How::Plain }
}

impl Way {
    /// The same way, with something done to the value.
    pub(super) const fn by(self, how: How) -> Self {
        Self { how, ..self }
    }
}

impl How {
    /// The value as the field takes it. `None` when it is not what was expected.
    pub(super) fn apply<'f>(self, value: &'f Scalar<'_>) -> Option<Scalar<'f>> {
        let text = match value {
            Scalar::Text(text) => text.trim(),
            _ => "",
        };
        match self {
            Self::Plain => Some(borrowed(value)),
            Self::Seconds => millis(value, 1e3),
            Self::Micros => millis(value, 1e-3),
            Self::Nanos => millis(value, 1e-6),
            Self::Path => Some(Scalar::Text(Cow::Borrowed(path_of(text)))),
            Self::Domain => {
                let (_, domain) = text.rsplit_once('@')?;
                Some(Scalar::Text(Cow::Owned(domain.to_ascii_lowercase())))
            }
            Self::Quoted => Some(match serde_json::from_str::<String>(text) {
                Ok(inner) if text.starts_with('"') => Scalar::Text(Cow::Owned(inner)),
                _ => borrowed(value),
            }),
            Self::Header => Some(match not_latin1(text) {
                Some(mended) => Scalar::Text(Cow::Owned(mended)),
                None => borrowed(value),
            }),
            Self::ClfTime => instant(strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?.to_timestamp().ok()?),
            Self::Holder => (text != "default_user_id").then(|| borrowed(value)),
            Self::UtcTime => {
                let local = text.parse::<jiff::civil::DateTime>();
                match (text.parse::<Timestamp>(), local) {
                    (Err(_), Ok(local)) => {
                        let time = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
                        Some(Scalar::Whole(u64::try_from(time.as_microsecond()).ok()?))
                    }
                    _ => Some(borrowed(value)),
                }
            }
            Self::Rfc3339 => instant(text.parse::<Timestamp>().ok()?),
            Self::Epoch(unit) => unit.since_1970(value),
            Self::Pattern(pattern) => instant(pattern.read(text).ok()?),
        }
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    #[default]
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// The unit that an operator names.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "s" => Self::Seconds,
            "ms" => Self::Millis,
            "us" => Self::Micros,
            "ns" => Self::Nanos,
            _ => return None,
        })
    }

    /// An instant as so many units since 1970, as microseconds.
    fn since_1970(self, value: &Scalar<'_>) -> Option<Scalar<'static>> {
        let (up, down) = match self {
            Self::Seconds => (1_000_000, 1),
            Self::Millis => (1_000, 1),
            Self::Micros => (1, 1),
            Self::Nanos => (1, 1_000),
        };
        let whole = match value {
            Scalar::Whole(number) => Some(*number),
            Scalar::Text(text) => text.trim().parse::<u64>().ok(),
            _ => None,
        };
        let micros = match whole {
            Some(number) => number.checked_mul(up)? / down,
            None => (number(value)? * up as f64 / down as f64).round() as u64,
        };
        micros_since_1970(micros)
    }
}

/// Times as an operator says that they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    /// Where the times themselves do not say.
    offset: Option<Offset>,
}

impl Pattern {
    /// A pattern, tried out: an instant that it writes has to be read back.
    pub(super) fn new(text: &str, offset: Option<Offset>) -> Result<Self, String> {
        const TRIED: i64 = 1_795_469_507;
        let wrong = |reason: String| format!("time is {}: {reason}", shown(text));
        let tried = Timestamp::from_second(TRIED).unwrap_or_default();
        let local = tried.to_zoned(TimeZone::fixed(offset.unwrap_or(Offset::UTC)));
        let written = strtime::format(text, &local).map_err(|error| wrong(error.to_string()))?;
        let pattern = Self { text: text.to_owned(), offset };
        let read = pattern.read(&written).map_err(wrong)?;
        if (read.as_second() - TRIED).abs() >= 60 {
            return Err(wrong("it does not tell date and time to the minute".to_owned()));
        }
        Ok(pattern)
    }

    fn read(&self, text: &str) -> Result<Timestamp, String> {
        let time = strtime::parse(&self.text, text).map_err(|error| error.to_string())?;
        if let Ok(instant) = time.to_timestamp() {
            return Ok(instant);
        }
        let local = time.to_datetime().map_err(|error| error.to_string())?;
        let offset = self.offset.ok_or("it has no offset from UTC (%z): add time_offset = \"+00:00\"")?;
        offset.to_timestamp(local).map_err(|error| error.to_string())
    }
}

fn instant(instant: Timestamp) -> Option<Scalar<'static>> {
    micros_since_1970(u64::try_from(instant.as_microsecond()).ok()?)
}

/// Microseconds, unless they are so few or many that their unit would be taken for another.
fn micros_since_1970(micros: u64) -> Option<Scalar<'static>> {
    (MILLIS_END..MICROS_END).contains(&micros).then_some(Scalar::Whole(micros))
}

/// A number, whatever it is written as.
pub(super) fn number(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Whole(number) => Some(*number as f64),
        Scalar::Double(number) => Some(*number),
        Scalar::Text(text) => match plain_number(text.trim())? {
            Plain::Whole(number) => Some(number as f64),
            Plain::Double(number) => Some(number),
        },
        _ => None,
    }
}

fn millis(value: &Scalar<'_>, factor: f64) -> Option<Scalar<'static>> {
    number(value)
        .filter(|number| *number >= 0.0)
        .map(|number| Scalar::Double((number * factor * 1e6).round() / 1e6))
}

fn path_of(uri: &str) -> &str {
    let uri = uri.split(['?', '#']).next().unwrap_or_default();
    match uri.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => uri,
    }
}

/// The text whose UTF-8 bytes were taken for Latin-1, if that is what happened.
fn not_latin1(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(how: How, text: &str) -> Option<String> {
        let value = Scalar::Text(Cow::Borrowed(text));
        how.apply(&value).map(|value| match value {
            Scalar::Text(text) => text.into_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn values_become_what_their_field_takes() {
        let cases = [
            (How::Seconds, "0.2461", "Double(246.1)"),
            (How::Nanos, "1500000", "Double(1.5)"),
            (How::Path, "/v1/chat/completions?key=secret", "/v1/chat/completions"),
            (How::Path, "https://gateway.test:8443/v1/messages?x", "/v1/messages"),
            (How::Path, "http://gateway.test", "/"),
            (How::Domain, "Someone@Example.COM", "example.com"),
            (How::Quoted, "\"192.0.2.1\"", "192.0.2.1"),
            (How::Quoted, "192.0.2.1", "192.0.2.1"),
            (How::Header, "curl/8.5.0 \u{c3}\u{a9}", "curl/8.5.0 \u{e9}"),
            (How::Header, "caf\u{e9}", "caf\u{e9}"),
            (How::Header, "\u{e4}\u{b8}\u{ad}", "\u{4e2d}"),
            (How::ClfTime, "23/Nov/2026:10:31:47 +0100", "Whole(1795426307000000)"),
            (How::UtcTime, "2026-11-23 09:31:47.5", "Whole(1795426307500000)"),
            (How::UtcTime, "2026-11-23T09:31:47Z", "2026-11-23T09:31:47Z"),
        ];
        for (how, text, wanted) in cases {
            assert_eq!(applied(how, text).as_deref(), Some(wanted), "{how:?} {text}");
        }
        assert_eq!(applied(How::Domain, "nobody"), None);
        assert_eq!(applied(How::Holder, "default_user_id"), None);
        assert_eq!(applied(How::Seconds, "-1"), None);
        assert_eq!(applied(How::ClfTime, "yesterday"), None);
    }
}
