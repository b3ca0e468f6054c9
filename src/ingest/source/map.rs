//! From a flat record to the fields of the contract: one look at each of its paths, and for each field
//! the best of the ways that lead to a usable value.
//!
//! A value that makes no sense (an address that is none, a status of -1) is passed over, and the next
//! way is tried. The sender of a native line can be told to mend it; that of a gateway's log cannot.

use super::super::flat::Flat;
use super::super::paths::Paths;
use super::super::value::Scalar;
use super::field::Field;
use super::record::{FIELDS_MAX, Record};
use super::way::{How, Way};
use super::{Envelope, Kind};
use crate::event::Micros;

/// How one kind of record is read.
#[derive(Debug)]
pub(super) struct Source {
    /// Ways to each field, best first. The names of the contract come after them.
    pub(super) ways: &'static [Way],
    /// What no path holds as such.
    pub(super) finish: fn(&mut Mapped<'_, '_>),
}

/// For a source that needs nothing computed.
pub(super) fn nothing(_: &mut Mapped<'_, '_>) {}

/// Ways by path, each with its rank.
#[derive(Debug)]
pub(super) struct Table {
    ways: Paths<Vec<(u16, Field, How)>>,
}

impl Table {
    /// A table of the ways, and after them of the names of the contract, those of some fields left out.
    pub(super) fn new<'w>(ways: impl Iterator<Item = (Field, &'w str, How)>, without: &[Field]) -> Self {
        let mut table = Paths::<Vec<(u16, Field, How)>>::new();
        let native = Field::ALL.into_iter().filter(|field| !without.contains(field));
        let native = native.map(|field| (field, field.name(), How::Plain));
        for (rank, (field, path, how)) in (0..u16::MAX).zip(ways.chain(native)) {
            table.entry(path).push((rank, field, how));
        }
        Self { ways: table }
    }
}

/// Where the value of a field came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Nowhere,
    /// A field of the record, by its place in it.
    Path(usize),
    /// Computed; the text says from what.
    Computed(&'static str),
    /// The envelope around the record, or the time at which it arrived.
    Envelope(&'static str),
}

/// A record on its way to an event.
pub(super) struct Mapped<'r, 'f> {
    pub(super) kind: Kind,
    pub(super) flat: &'f Flat<'r>,
    pub(super) record: Record<'f>,
    pub(super) from: [From; FIELDS_MAX],
}

impl<'r, 'f> Mapped<'r, 'f> {
    /// Looks at every path once.
    pub(super) fn new(kind: Kind, table: &Table, flat: &'f Flat<'r>) -> Self {
        let mut mapped = Self { kind, flat, record: Record::new(), from: [From::Nowhere; FIELDS_MAX] };
        let mut ranks = [u16::MAX; FIELDS_MAX];
        for (place, (path, value)) in flat.iter().enumerate() {
            for &(rank, field, how) in table.ways.get(path).map(Vec::as_slice).unwrap_or_default() {
                let best = &mut ranks[field as usize];
                if rank >= *best || is_blank(value) {
                    continue;
                }
                if let Some(value) = how.apply(value).filter(|value| field.takes(value)) {
                    *best = rank;
                    mapped.put(field, value, From::Path(place));
                }
            }
        }
        mapped
    }

    fn put(&mut self, field: Field, value: Scalar<'f>, from: From) {
        self.record.values[field as usize] = value;
        self.from[field as usize] = from;
    }

    /// Puts another value in the place of what was found, or nothing.
    pub(super) fn replace(&mut self, field: Field, found: Option<(String, &'static str)>) {
        match found {
            Some((text, from)) => {
                self.put(field, Scalar::Text(std::borrow::Cow::Owned(text)), From::Computed(from));
            }
            None => self.put(field, Scalar::Missing, From::Nowhere),
        }
    }

    /// The text of a field, empty for none.
    pub(super) fn taken(&self, field: Field) -> &str {
        self.record.values[field as usize].text()
    }

    /// Whether a field has a value.
    pub(super) fn has(&self, field: Field) -> bool {
        self.from[field as usize] != From::Nowhere
    }

    /// Whether the request id is that of a header which gateways pass on as the client sent it.
    pub(super) fn has_weak_id(&self) -> bool {
        let From::Path(place) = self.from[Field::RequestId as usize] else { return false };
        let path = self.flat.iter().nth(place).map_or("", |(path, _)| path).to_ascii_lowercase();
        ["x-request-id", "x_request_id", "trace-id"].into_iter().any(|name| path.contains(name))
            && !path.starts_with("resp_headers.")
    }

    /// The value of a path, unless it stands for nothing.
    pub(super) fn get(&self, path: &str) -> Option<&'f Scalar<'r>> {
        self.flat.get(path).filter(|value| !is_blank(value))
    }

    /// The text at a path, unless it stands for nothing.
    pub(super) fn text(&self, path: &str) -> Option<&'f str> {
        self.get(path).map(Scalar::text).filter(|text| !text.is_empty())
    }

    /// Fills a field that no path led to.
    pub(super) fn compute(&mut self, field: Field, value: Scalar<'f>, from: &'static str) {
        if !self.has(field) && !is_blank(&value) && field.takes(&value) {
            self.put(field, value, From::Computed(from));
        }
    }

    /// Fills what is still missing from the envelope.
    pub(super) fn fill(&mut self, envelope: Envelope<'f>) {
        let ts = envelope.ts.and_then(|ts| u64::try_from(ts).ok()).map_or(Scalar::Missing, Scalar::Whole);
        let id = Scalar::Text(std::borrow::Cow::Borrowed(envelope.id));
        for (field, value) in [(Field::Ts, ts), (Field::RequestId, id)] {
            if !self.has(field) && field.takes(&value) {
                self.put(field, value, From::Envelope("the envelope"));
            }
        }
    }

    /// Takes the time of arrival, for senders that log none.
    pub(super) fn arrived(&mut self, now: Micros) {
        if !self.has(Field::Ts) {
            self.put(Field::Ts, Scalar::Whole(now.max(0) as u64), From::Envelope("the time of arrival"));
        }
    }
}

/// Whether a value is one of the words that gateways write for "none".
pub(super) fn is_blank(value: &Scalar<'_>) -> bool {
    const WORDS: [&str; 8] = [
        "redacted-by-litellm",
        "redacted",
        "[redacted]",
        "<redacted>",
        "null",
        "none",
        "undefined",
        "(null)",
    ];
    match value {
        // Namibia, which only the field can tell from "not available".
        Scalar::Text(text) if text == "NA" => false,
        Scalar::Text(text) => {
            let text = text.trim();
            value.is_missing() || text.is_empty() || WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        }
        _ => value.is_missing(),
    }
}
