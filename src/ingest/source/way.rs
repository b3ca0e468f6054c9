//! One way from a path of a record to a field of the contract, and what has to be done to the value.

use super::super::value::{Plain, Scalar, plain_number};
use super::borrowed;
use super::field::Field;
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
            Self::ClfTime => {
                let time =
                    jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?.to_timestamp().ok()?;
                Some(Scalar::Whole(u64::try_from(time.as_microsecond()).ok()?))
            }
            Self::UtcTime => {
                let local = text.parse::<jiff::civil::DateTime>();
                match (text.parse::<jiff::Timestamp>(), local) {
                    (Err(_), Ok(local)) => {
                        let time = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
                        Some(Scalar::Whole(u64::try_from(time.as_microsecond()).ok()?))
                    }
                    _ => Some(borrowed(value)),
                }
            }
        }
    }
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
        assert_eq!(applied(How::Seconds, "-1"), None);
        assert_eq!(applied(How::ClfTime, "yesterday"), None);
    }
}
