//! Floor 3, write path: the bytes of a body become events, and events wait here for their commit.
//!
//! ```text
//! body bytes -> Decoder -> EventBatch -> Writer -> (Append) store
//!               stream     one for each   one thread, group commit,
//!               source/    8,192 events   answers after the fsync
//! ```
//!
//! - [`Decoder`] takes a body in pieces of any size, finds the JSON objects in it (`stream.rs` says
//!   how) and lets a log source (`source/`, one file each) turn each into an event. What is wrong
//!   costs its own line and is reported with line, field and fix ([`Reject`]).
//! - Prompts end here: what is kept of them is a hash (`prompt.rs`) and a few numbers (`sketch/`). So do raw keys,
//!   tokens, cards and mail addresses, in whatever field they come: the database keeps keyed hashes (`privacy`).
//! - [`Writer`] queues batches for the one thread that commits. [`Budget`] bounds, in bytes, what all
//!   requests together may hold on the way.
//!
//! What is left out: sockets, compression and status codes (`http`), and whether an event is a
//! duplicate (`store`; `event` only makes the hash that it compares).
//!
//! # Rate
//!
//! 650 to 850 k events/s on one core (426-byte lines with 18 fields, pieces of 16 KiB to 1 MiB, CPU time, on
//! a busy 2-core virtual machine), where `serde_json` alone, deriving a struct of borrowed fields from the
//! same lines, reads 1,100 k. With the memory of batches kept from page faults (glibc told not to give it
//! back) it is 930 to 960 k; times as RFC 3339 instead of epochs cost a tenth.

mod accounts;
mod address;
mod budget;
mod decoder;
mod extra;
mod flat;
mod paths;
mod prompt;
mod protocol;
mod proxies;
mod reject;
mod sketch;
mod source;
mod stream;
mod time;
mod value;
mod wanted;
mod writer;

pub use accounts::AccountRecords;
pub use budget::{Budget, Busy, Permit};
pub use decoder::Decoder;
pub use protocol::{Item, Protocol, Push, Summary};
pub use proxies::Proxies;
pub use reject::{Refused, Reject, Rejects};
pub use sketch::template_key;
pub use source::{Explained, Kind, Mapping, Mappings, Own};
pub use writer::{Append, Outcome, Writer};

use crate::event::Micros;
use crate::privacy::Privacy;
use std::sync::{Arc, LazyLock};

/// The proxies that are trusted where none are listed.
static USUAL_PROXIES: LazyLock<Proxies> = LazyLock::new(Proxies::default);

/// What a decoder has to know about the request and the database.
#[derive(Clone, Debug)]
pub struct Context {
    /// Secret seed of the database's keyed hashes.
    pub seed: u64,
    /// The wall clock at the start of the request, for the bound on events from the future.
    pub now: Micros,
    /// Whether unknown fields are kept, as raw JSON.
    pub keep_extra: bool,
    /// What stands in the place of what must not be kept.
    pub privacy: Privacy,
    /// Proxies that are trusted; none for the usual ones.
    pub proxies: Option<Arc<Proxies>>,
    /// Whether a record without account may be half of an event.
    pub join: bool,
}

impl Context {
    /// What is usual: unknown fields go, the usual proxies are trusted, halves are taken.
    #[must_use]
    pub const fn new(seed: u64, now: Micros, privacy: Privacy) -> Self {
        Self { seed, now, keep_extra: false, privacy, proxies: None, join: true }
    }

    /// The proxies that are trusted.
    fn proxies(&self) -> &Proxies {
        self.proxies.as_deref().unwrap_or(&USUAL_PROXIES)
    }
}

#[cfg(test)]
mod capture_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod writer_tests;
