//! Half of an event: a record that waits for another one of the same request, and how two become one.
//!
//! What the record with the account says wins. Where the request came from (address, network, country,
//! fingerprint, user agent) is what the edge says, which saw the client itself.

use super::codec::{Decode, Encode};
use super::coverage::OTHERS;
use crate::event::{
    Aspect, Dim, Draft, Event, EventBatch, Micros, Number, Text, aspect_values, is_public_bytes,
};
use crate::limits::COVERED_SOURCES_MAX;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// A record that waits, as it lies in the file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Half {
    /// An edge record: no account, no event by itself.
    pub(super) edge: bool,
    /// An edge record of which an event was found. It goes on waiting: a request may be several events.
    pub(super) met: bool,
    /// When it came, by the wall clock.
    pub(super) arrived: Micros,
    /// Ids by which the other half is known, the most telling first.
    pub(super) keys: Vec<u128>,
    pub(super) ts: Micros,
    pub(super) identity: u64,
    weak_id: bool,
    /// Name of the log source.
    source: String,
    aspects: [Vec<u8>; 4],
    texts: [Vec<u8>; 4],
    numbers: [u32; Number::COUNT],
}

/// Bytes of memory of a half besides its texts and keys: itself, and its places in the indexes.
const FIXED_BYTES: usize = size_of::<Half>() + 160;

impl Half {
    pub(super) fn of(event: Event<'_>, keys: &[u128], edge: bool, now: Micros) -> Self {
        Self {
            edge,
            met: false,
            arrived: now,
            keys: keys.to_vec(),
            ts: event.ts(),
            identity: event.identity(),
            weak_id: event.has_weak_id(),
            source: event.source().to_owned(),
            aspects: Aspect::ALL.map(|aspect| event.aspect_key(aspect).to_vec()),
            texts: Text::ALL.map(|text| event.text(text).to_vec()),
            numbers: Number::ALL.map(|number| event.number_plus_one(number)),
        }
    }

    /// Bytes of memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.aspects.iter().chain(&self.texts).map(Vec::capacity).sum();
        // A key lies here and in the index.
        FIXED_BYTES + texts + self.keys.len() * 5 * size_of::<u128>()
    }

    /// What the record says, field by field.
    pub(super) fn says(&self) -> Says<'_> {
        let mut says = Says { numbers: self.numbers, ..Says::default() };
        for (aspect, key) in Aspect::ALL.into_iter().zip(&self.aspects) {
            for (dim, value) in aspect.dims().iter().zip(aspect_values(key)) {
                if let Some(slot) = says.dims.get_mut(dim.index()) {
                    *slot = value;
                }
            }
        }
        for (slot, text) in says.texts.iter_mut().zip(&self.texts) {
            *slot = std::str::from_utf8(text).unwrap_or_default();
        }
        says
    }

    /// Adds the event to a batch, with what the edge says of it.
    pub(super) fn push(&self, edge: Option<&Says<'_>>, line: u64, batch: &mut EventBatch) {
        let mut says = self.says();
        if let Some(edge) = edge {
            says.add(edge);
        }
        batch.push(&Draft {
            ts: self.ts,
            dims: says.dims,
            texts: says.texts,
            numbers: says.numbers.map(|number| number.checked_sub(1)),
            identity: self.identity,
            weak_id: self.weak_id,
            line,
            source: lasting(&self.source),
            keys: &[],
            edge: false,
        });
    }
}

/// The name of a source for as long as the process runs. There are few; past the bound they are one.
fn lasting(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    match names.get(name) {
        Some(known) => known,
        None if names.len() >= COVERED_SOURCES_MAX => OTHERS,
        None => {
            let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
            names.insert(name);
            name
        }
    }
}

/// Fields that belong to an address and not to the account.
const OF_ADDRESS: [Dim; 3] = [Dim::Ip, Dim::Asn, Dim::Country];

/// Fields of the client's program.
const OF_CLIENT: [Dim; 2] = [Dim::Fingerprint, Dim::UserAgent];

/// What a record says: empty, or 0, for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Says<'h> {
    dims: [&'h [u8]; 17],
    texts: [&'h str; 4],
    numbers: [u32; Number::COUNT],
}

impl<'h> Says<'h> {
    fn ip(&self) -> &'h [u8] {
        self.dims[Dim::Ip.index()]
    }

    /// Adds what an edge record says of the same request.
    fn add(&mut self, edge: &Says<'h>) {
        for dim in Dim::ALL {
            let (mine, theirs) = (&mut self.dims[dim.index()], edge.dims[dim.index()]);
            let is_theirs = if OF_ADDRESS.contains(&dim) {
                !edge.ip().is_empty()
            } else if OF_CLIENT.contains(&dim) {
                !theirs.is_empty()
            } else {
                mine.is_empty()
            };
            if is_theirs {
                *mine = theirs;
            }
        }
        for (mine, theirs) in self.texts.iter_mut().zip(edge.texts) {
            if mine.is_empty() {
                *mine = theirs;
            }
        }
        for (mine, theirs) in self.numbers.iter_mut().zip(edge.numbers) {
            if *mine == 0 {
                *mine = theirs;
            }
        }
    }

    /// What several edge records of one id say together, whatever their order: proxies behind each other. Where
    /// two differ nothing is said; none at all if they name different clients, because then the id is not
    /// that of one request. An address of a private network is that of a proxy between them.
    pub(super) fn together(edges: &[Says<'h>]) -> Option<Says<'h>> {
        let named = |public: bool| {
            let ips = edges.iter().map(Says::ip).filter(|ip| !ip.is_empty() && is_public_bytes(ip) == public);
            ips.collect::<BTreeSet<_>>()
        };
        let (public, private) = (named(true), named(false));
        let clients = if public.is_empty() { &private } else { &public };
        if clients.len() > 1 {
            return None;
        }
        let client = clients.first().copied().unwrap_or_default();
        let mut all = Says::default();
        for dim in Dim::ALL {
            let of_client = edges.iter().filter(|edge| !OF_ADDRESS.contains(&dim) || edge.ip() == client);
            all.dims[dim.index()] = agreed(of_client.map(|edge| edge.dims[dim.index()]), <[u8]>::is_empty);
        }
        for (at, text) in all.texts.iter_mut().enumerate() {
            *text = agreed(edges.iter().map(|edge| edge.texts[at]), str::is_empty);
        }
        for (at, number) in all.numbers.iter_mut().enumerate() {
            let mut said = edges.iter().map(|edge| edge.numbers[at]).filter(|number| *number != 0);
            let first = said.next().unwrap_or_default();
            *number = if said.all(|other| other == first) { first } else { 0 };
        }
        Some(all)
    }
}

/// The value that all name who name one.
fn agreed<'h, T: ?Sized + PartialEq>(values: impl Iterator<Item = &'h T>, is_empty: fn(&T) -> bool) -> &'h T
where
    &'h T: Default,
{
    let mut said = values.filter(|value| !is_empty(value));
    let first = said.next().unwrap_or_default();
    if said.all(|other| other == first) { first } else { Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ip_bytes;

    fn half(edge: bool, fields: &[(Dim, &[u8])]) -> Half {
        let mut draft = Draft { ts: 5, edge, keys: &[1], ..Draft::default() };
        for (dim, value) in fields {
            draft.dims[dim.index()] = value;
        }
        let mut batch = EventBatch::default();
        batch.push(&draft);
        let event = batch.edges().map(|(event, _)| event).chain(batch.iter()).next().expect("one");
        Half::of(event, &[1], edge, 0)
    }

    fn ip(text: &str) -> [u8; 16] {
        ip_bytes(text.parse().expect(text))
    }

    #[test]
    fn the_edge_says_where_from_and_the_gateway_everything_else() {
        let (inside, outside) = (ip("172.17.0.1"), ip("8.8.4.4"));
        let event = half(
            false,
            &[
                (Dim::Account, b"ann"),
                (Dim::Ip, &inside),
                (Dim::Country, b"ZZ"),
                (Dim::UserAgent, b"python"),
                (Dim::Model, b"m"),
                (Dim::Endpoint, b"/chat"),
            ],
        );
        let edge = half(
            true,
            &[
                (Dim::Ip, &outside),
                (Dim::Fingerprint, b"ja4"),
                (Dim::Endpoint, b"/v1"),
                (Dim::Status, &[0, 200]),
            ],
        );
        let mut says = event.says();
        says.add(&edge.says());
        let dim = |dim: Dim| says.dims[dim.index()];
        assert_eq!(
            (dim(Dim::Account), dim(Dim::Ip), dim(Dim::Fingerprint)),
            (&b"ann"[..], &outside[..], &b"ja4"[..])
        );
        assert_eq!(dim(Dim::Country), b"", "a country belongs to its address");
        assert_eq!((dim(Dim::UserAgent), dim(Dim::Endpoint)), (&b"python"[..], &b"/chat"[..]));
        assert_eq!(dim(Dim::Status), [0, 200]);
    }

    #[test]
    fn proxies_behind_each_other_agree_or_say_nothing() {
        let (client, other, between) = (ip("8.8.4.4"), ip("9.9.9.9"), ip("10.0.0.1"));
        let outer = half(true, &[(Dim::Ip, &client), (Dim::Country, b"FR"), (Dim::UserAgent, b"curl")]);
        let inner = half(true, &[(Dim::Ip, &between), (Dim::Country, b"ZZ"), (Dim::Fingerprint, b"ja4")]);
        let stranger = half(true, &[(Dim::Ip, &other), (Dim::UserAgent, b"wget")]);
        for edges in [[&outer, &inner], [&inner, &outer]] {
            let together = Says::together(&edges.map(Half::says)).expect("one client");
            let dim = |dim: Dim| together.dims[dim.index()];
            assert_eq!((dim(Dim::Ip), dim(Dim::Country)), (&client[..], &b"FR"[..]));
            assert_eq!((dim(Dim::UserAgent), dim(Dim::Fingerprint)), (&b"curl"[..], &b"ja4"[..]));
        }
        assert_eq!(Says::together(&[outer.says(), stranger.says()]), None);
    }

    #[test]
    fn a_half_that_meets_nobody_is_the_event_that_came() {
        let mut draft = Draft { ts: 7, identity: 9, weak_id: true, line: 3, keys: &[4], ..Draft::default() };
        draft.source = "caddy";
        draft.dims[Dim::Account.index()] = b"ann";
        draft.texts[0] = "id";
        draft.numbers[0] = Some(0);
        let (mut sent, mut kept) = (EventBatch::default(), EventBatch::default());
        sent.push(&draft);
        let event = sent.iter().next().expect("one");
        Half::of(event, &[4], false, 0).push(None, 3, &mut kept);
        let again = kept.iter().next().expect("one");
        let all = |event: Event<'_>| {
            assert_eq!(event.source(), "caddy");
            let aspects = Aspect::ALL.map(|aspect| event.aspect_key(aspect).to_vec());
            let numbers = Number::ALL.map(|number| event.number_plus_one(number));
            let texts = Text::ALL.map(|text| event.text(text).to_vec());
            (event.ts(), event.identity(), event.has_weak_id(), event.line(), aspects, texts, numbers)
        };
        assert_eq!(all(event), all(again));
    }
}
