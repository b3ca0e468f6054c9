//! Facts: what a day's events say of each account, in a form that fourteen days of it fit in memory.
//!
//! Facts are the only thing that the analysis sees of events. They are built once, when the day closes
//! (`build.rs`), kept in the database, and made again when events of a past day come late. All ids are
//! ordinals of the database's dictionaries; nothing that depends on their order may reach a result.

mod build;
mod digest;
mod passing;
mod read;
mod sightings;

pub(super) use build::gather;
pub(super) use digest::hex;
pub(super) use read::Gathering;
pub(super) use sightings::{Lookout, sightings};

use crate::store::{Decode, Encode};
use std::sync::Arc;

/// A value that accounts can hold, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// IPv4 or IPv6 address.
    Ip = 0,
    /// IPv4 /24 or IPv6 /64.
    Prefix = 1,
    /// IPv6 /48.
    Site = 2,
    /// Client fingerprint.
    Fingerprint = 3,
    /// User agent.
    UserAgent = 4,
    /// Payment fingerprint.
    Payment = 5,
    /// API key.
    ApiKey = 6,
    /// E-mail domain.
    EmailDomain = 7,
    /// Model.
    Model = 8,
    /// Phrase key of prompts; its value is the key itself, not an ordinal.
    Template = 9,
    /// Membership in the core of visitors who keep meeting; derived from addresses, its only value is 0.
    Core = 10,
    /// First use of a new model within a day of its release; the value counts releases.
    Pivot = 11,
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = 12;

    /// The kinds whose holdings are kept as plain pairs of account and value.
    pub const PAIRED: [Self; 6] =
        [Self::Fingerprint, Self::UserAgent, Self::Payment, Self::ApiKey, Self::EmailDomain, Self::Model];

    /// The name in answers, the same word as in questions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Prefix => "prefix",
            Self::Site => "site",
            Self::Fingerprint => "fingerprint",
            Self::UserAgent => "user_agent",
            Self::Payment => "payment",
            Self::ApiKey => "api_key",
            Self::EmailDomain => "email_domain",
            Self::Model => "model",
            Self::Template => "template",
            Self::Core => "core",
            Self::Pivot => "pivot",
        }
    }
}

/// One account's day in figures. Counts are events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct AccountDay {
    /// Ordinal of the account.
    pub account: u32,
    /// All events.
    pub events: u32,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Hours of the day with an event, one bit each.
    pub hours: u32,
    /// Events that can be told apart by topic or by prompt.
    pub labelled: u32,
    /// Labelled events of the kind that extraction aims at: agents, tools, reasoning, grading.
    pub target: u32,
    /// Autonomous system of most events, 0 if not given.
    pub asn: u32,
    /// Countries seen.
    pub countries: u32,
    /// When the account was created, days since 1970; `i32::MIN` if not given.
    pub created: i32,
}

/// One account's visits to one address in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Visit {
    /// Ordinal of the account.
    pub account: u32,
    /// Ordinal of the address.
    pub ip: u32,
    /// Autonomous system of the address, 0 if not given.
    pub asn: u32,
    /// First visit, seconds since the start of the day.
    pub first: u32,
    /// Last visit, seconds since the start of the day.
    pub last: u32,
}

/// Work that went over from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Passing {
    /// The account that had it first.
    pub from: u32,
    /// The account that went on.
    pub to: u32,
    /// When it went on, seconds since the start of the day.
    pub at: u32,
    /// Key of what went over: of a conversation's beginning, or of a whole prompt.
    pub key: u32,
}

/// What a day's events say. All lists are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct DayFacts {
    /// Days since 1970.
    pub day: i32,
    /// Events.
    pub events: u64,
    /// Digest of what the facts were made from, whatever the order of arrival (`digest.rs`).
    pub digest: [u64; 4],
    /// By account.
    pub accounts: Vec<AccountDay>,
    /// By account and address. There are more of them than of anything else, so that windows share them.
    pub visits: Arc<Vec<Visit>>,
    /// For each of [`Kind::PAIRED`]: account in the high half, value in the low half.
    pub pairs: [Vec<u64>; 6],
    /// Phrase key in the high half, account in the low half.
    pub templates: Vec<u64>,
    /// A sample of exact prompts: account in the high half, key in the low half.
    pub prompts: Vec<u64>,
    /// Starts of sessions: account in the high half, second of the day in the low half.
    pub sessions: Vec<u64>,
    /// Conversations that were handed on.
    pub handoffs: Vec<Passing>,
    /// Requests that were refused on one account and answered on another.
    pub failovers: Vec<Passing>,
}

/// Two halves of a pair.
#[must_use]
pub(super) fn halves(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

/// A pair of two halves.
#[must_use]
pub(super) fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

impl DayFacts {
    /// Facts of a day without events.
    #[must_use]
    pub fn empty(day: i32) -> Self {
        Self { day, ..Self::default() }
    }
}

impl Visit {
    fn add(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}
