//! Batches: decoded events on their way to the store, all text in one buffer.
//!
//! Beside the events lie the records that are half of one: an *edge record* says where a request came from
//! and not whose it is. An event whose client's address is missing, and the edge records, carry *join keys*
//! (hashes of request and trace ids) by which the store brings the two together.

use super::{Aspect, Micros, Number, Text, presence};

/// One event as a decoder hands it in: values by dimension, empty for a missing one.
#[derive(Clone, Debug, Default)]
pub struct Draft<'a> {
    /// Event time.
    pub ts: Micros,
    /// Raw bytes of each dimension of the four aspects (`Net` and `Site` stay empty).
    pub dims: [&'a [u8]; 17],
    /// Text fields, empty for missing.
    pub texts: [&'a str; 4],
    /// Numbers.
    pub numbers: [Option<u32>; Number::COUNT],
    /// Keyed hash that says whether two events are the same one.
    pub identity: u64,
    /// The identity is not that of account and request id, though there is a request id.
    pub weak_id: bool,
    /// Which value of the body it was, counted from 1, for errors found after decoding.
    pub line: u64,
    /// Name of the log source.
    pub source: &'static str,
    /// Ids by which the other half is known, the most telling first. Empty for whole events.
    pub keys: &'a [u128],
    /// This is an edge record: no event by itself.
    pub edge: bool,
}

/// Byte range in a batch's text.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// Fixed part of one event in a batch.
#[derive(Clone, Copy, Debug)]
struct Row {
    ts: Micros,
    identity: u64,
    weak_id: bool,
    line: u64,
    aspects: [Span; 4],
    texts: [Span; 4],
    /// Value plus one; 0 for missing.
    numbers: [u32; Number::COUNT],
    /// Bits of [`presence`].
    presence: u32,
    source: &'static str,
}

/// Decoded events on their way to the store.
#[derive(Debug, Default)]
pub struct EventBatch {
    text: Vec<u8>,
    rows: Vec<Row>,
    edges: Vec<Row>,
    keys: Vec<u128>,
    /// Which rows and edges have keys, and which: in order of each.
    keyed: Vec<Keyed>,
}

/// The keys of one row or edge.
#[derive(Clone, Copy, Debug)]
struct Keyed {
    edge: bool,
    at: usize,
    first: usize,
    end: usize,
}

/// One event of a batch.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    text: &'a [u8],
    row: &'a Row,
}

impl EventBatch {
    /// Records in the batch: events and edge records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() + self.edges.len()
    }

    /// Whether the batch holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the batch holds anything that may be half of an event.
    #[must_use]
    pub fn has_halves(&self) -> bool {
        !self.keyed.is_empty()
    }

    /// Bytes of memory that the batch's content takes, for budgets.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.len()
            + self.len() * size_of::<Row>()
            + self.keys.len() * size_of::<u128>()
            + self.keyed.len() * size_of::<Keyed>()
    }

    /// Adds one event or edge record. Values of a dimension are at most `u16::MAX` bytes (longer ones are cut),
    /// and a batch holds less than 4 GiB of text: decoders bound both far lower.
    pub fn push(&mut self, draft: &Draft<'_>) {
        let aspects = Aspect::ALL.map(|aspect| {
            let start = self.text.len();
            for dim in aspect.dims() {
                let value = draft.dims.get(dim.index()).copied().unwrap_or_default();
                let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
                self.text.extend_from_slice(&len.to_le_bytes());
                self.text.extend(value.iter().take(usize::from(len)));
            }
            self.span_from(start)
        });
        let texts = draft.texts.map(|text| {
            let start = self.text.len();
            self.text.extend_from_slice(text.as_bytes());
            self.span_from(start)
        });
        let numbers = draft.numbers.map(|number| number.map_or(0, |n| n.saturating_add(1)));
        let rows = if draft.edge { &mut self.edges } else { &mut self.rows };
        if !draft.keys.is_empty() {
            let first = self.keys.len();
            self.keys.extend_from_slice(draft.keys);
            self.keyed.push(Keyed { edge: draft.edge, at: rows.len(), first, end: self.keys.len() });
        }
        rows.push(Row {
            ts: draft.ts,
            identity: draft.identity,
            weak_id: draft.weak_id,
            line: draft.line,
            aspects,
            texts,
            numbers,
            presence: presence::of(draft),
            source: draft.source,
        });
    }

    fn span_from(&self, start: usize) -> Span {
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Span { start: offset(start), end: offset(self.text.len()) }
    }

    /// The events, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        self.rows.iter().map(|row| Event { text: &self.text, row })
    }

    /// The edge records with their keys, in the order in which they came.
    pub fn edges(&self) -> impl Iterator<Item = (Event<'_>, &[u128])> {
        let keyed = self.keyed.iter().filter(|keyed| keyed.edge);
        keyed.filter_map(|keyed| {
            Some((Event { text: &self.text, row: self.edges.get(keyed.at)? }, self.keys_of(keyed)))
        })
    }

    /// The events with their keys, in the order in which they came; whole events have none.
    pub fn events_with_keys(&self) -> impl Iterator<Item = (Event<'_>, &[u128])> {
        let mut keyed = self.keyed.iter().filter(|keyed| !keyed.edge).peekable();
        self.iter().enumerate().map(move |(at, event)| {
            let keys = keyed.next_if(|keyed| keyed.at == at).map_or(&[][..], |keyed| self.keys_of(keyed));
            (event, keys)
        })
    }

    fn keys_of(&self, keyed: &Keyed) -> &[u128] {
        self.keys.get(keyed.first..keyed.end).unwrap_or_default()
    }
}

impl<'a> Event<'a> {
    fn bytes(self, span: Span) -> &'a [u8] {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Event time.
    #[must_use]
    pub fn ts(self) -> Micros {
        self.row.ts
    }

    /// Keyed hash that says whether two events are the same one.
    #[must_use]
    pub fn identity(self) -> u64 {
        self.row.identity
    }

    /// Whether the identity is not that of account and request id, though there is a request id.
    #[must_use]
    pub fn has_weak_id(self) -> bool {
        self.row.weak_id
    }

    /// Whether the identity follows from account and request id, and need not be kept.
    #[must_use]
    pub fn is_known_by_id(self) -> bool {
        !self.row.weak_id && !self.text(Text::RequestId).is_empty()
    }

    /// Which value of the body it was, counted from 1.
    #[must_use]
    pub fn line(self) -> u64 {
        self.row.line
    }

    /// Name of the log source.
    #[must_use]
    pub fn source(self) -> &'static str {
        self.row.source
    }

    /// Which fields of [`super::PRESENCE`] it has, a bit each.
    #[must_use]
    pub fn presence(self) -> u32 {
        self.row.presence
    }

    /// Canonical key of an aspect: for each of its dimensions a little-endian u16 length, then the value.
    #[must_use]
    pub fn aspect_key(self, aspect: Aspect) -> &'a [u8] {
        self.row.aspects.get(aspect.index()).map_or(&[], |span| self.bytes(*span))
    }

    /// A text field, empty for missing.
    #[must_use]
    pub fn text(self, text: Text) -> &'a [u8] {
        self.row.texts.get(text.index()).map_or(&[], |span| self.bytes(*span))
    }

    /// A number plus one, 0 for missing.
    #[must_use]
    pub fn number_plus_one(self, number: Number) -> u32 {
        self.row.numbers.get(number.index()).copied().unwrap_or_default()
    }
}

/// The values of an aspect key, in the order of [`Aspect::dims`].
pub fn aspect_values(mut key: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = key.split_first_chunk::<2>()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
        key = rest;
        Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Dim;

    #[test]
    fn an_aspect_key_gives_back_its_values_in_order() {
        let mut draft = Draft::default();
        draft.dims[Dim::Account.index()] = b"alice";
        draft.dims[Dim::Payment.index()] = b"card-1";
        let mut batch = EventBatch::default();
        batch.push(&draft);
        let event = batch.iter().next().expect("one event");
        let values: Vec<_> = aspect_values(event.aspect_key(Aspect::Subject)).collect();
        assert_eq!(values, [&b"alice"[..], b"", b"card-1", b"", b"", b""]);
    }

    #[test]
    fn halves_lie_beside_the_events_with_their_keys() {
        let mut batch = EventBatch::default();
        let push = |batch: &mut EventBatch, ts, keys: &[u128], edge| {
            batch.push(&Draft { ts, keys, edge, ..Draft::default() });
        };
        push(&mut batch, 1, &[], false);
        assert!(!batch.has_halves());
        push(&mut batch, 2, &[7, 8], true);
        push(&mut batch, 3, &[9], false);
        push(&mut batch, 4, &[], false);
        push(&mut batch, 5, &[7], true);
        let edges: Vec<_> = batch.edges().map(|(event, keys)| (event.ts(), keys.to_vec())).collect();
        assert_eq!(edges, [(2, vec![7, 8]), (5, vec![7])]);
        let events: Vec<_> =
            batch.events_with_keys().map(|(event, keys)| (event.ts(), keys.to_vec())).collect();
        assert_eq!(events, [(1, vec![]), (3, vec![9]), (4, vec![])]);
        assert_eq!((batch.len(), batch.iter().count()), (5, 3));
    }
}
