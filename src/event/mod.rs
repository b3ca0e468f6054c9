//! An event: one API request as logged, in the shape in which it travels from a decoder to the store.
//!
//! A batch keeps all its text in one buffer, so that an event costs no allocation. The fields that
//! accounts can share are grouped into four *aspects* (who, from where, with what, to what), because
//! their values repeat together: a batch holds one canonical key for each aspect, and the store
//! needs one lookup for an aspect, not one for a field.
//!
//! What is left out: decoding (`ingest`), ordinals and disk (`store`).

mod address;
mod batch;
mod join;
pub mod mark;
mod presence;

pub use address::{is_public, is_public_bytes};
pub use batch::{Draft, Event, EventBatch, aspect_values};
pub use join::Join;
pub use presence::PRESENCE;

/// Microseconds since 1970-01-01T00:00:00Z, event time.
pub type Micros = i64;

/// Microseconds in one UTC day.
pub const MICROS_A_DAY: Micros = 86_400_000_000;

/// Microseconds in one hour.
pub const MICROS_AN_HOUR: Micros = 3_600_000_000;

/// Microseconds in one second.
pub const MICROS_A_SECOND: Micros = 1_000_000;

/// Days since 1970-01-01, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The UTC day that an instant falls on.
    #[must_use]
    pub fn of(instant: Micros) -> Self {
        Self(i32::try_from(instant.div_euclid(MICROS_A_DAY)).unwrap_or(i32::MAX))
    }

    /// The first microsecond of the day.
    #[must_use]
    pub fn start(self) -> Micros {
        Micros::from(self.0) * MICROS_A_DAY
    }

    /// The first microsecond after the day.
    #[must_use]
    pub fn end(self) -> Micros {
        self.start() + MICROS_A_DAY
    }
}

/// A half-open span of event time: `since <= ts < until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First microsecond inside.
    pub since: Micros,
    /// First microsecond after.
    pub until: Micros,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { since: Micros::MIN, until: Micros::MAX };

    /// Whether an instant lies inside.
    #[must_use]
    pub fn contains(self, instant: Micros) -> bool {
        self.since <= instant && instant < self.until
    }

    /// Whether the closed span `first..=last` shares an instant with the window.
    #[must_use]
    pub fn overlaps(self, first: Micros, last: Micros) -> bool {
        first < self.until && self.since <= last
    }

    /// Whether the closed span `first..=last` lies inside.
    #[must_use]
    pub fn covers(self, first: Micros, last: Micros) -> bool {
        self.since <= first && last < self.until
    }
}

/// A dimension: one kind of value that events carry and that has an exact dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Dim {
    /// The customer's account.
    Account = 0,
    /// The API key, or what the gateway sends in its place.
    ApiKey = 1,
    /// Payment fingerprint.
    Payment = 2,
    /// E-mail domain of the account.
    EmailDomain = 3,
    /// Plan of the account.
    Plan = 4,
    /// When the account was created: 8 bytes, big-endian microseconds.
    Created = 5,
    /// Address of the client: 16 bytes, IPv4 as IPv4-mapped.
    Ip = 6,
    /// Autonomous system: 4 bytes, big-endian.
    Asn = 7,
    /// Country as the gateway names it.
    Country = 8,
    /// Opaque client fingerprint (JA4, device id, SDK headers).
    Fingerprint = 9,
    /// User agent.
    UserAgent = 10,
    /// Model asked for.
    Model = 11,
    /// Endpoint called.
    Endpoint = 12,
    /// HTTP status: 2 bytes, big-endian.
    Status = 13,
    /// Topic label, where the gateway has one.
    Topic = 14,
    /// IPv4 /24 or IPv6 /64 of `Ip`, derived: 17 bytes, network address and prefix length.
    Net = 15,
    /// IPv6 /48 of `Ip`, derived, none for IPv4: 17 bytes like `Net`.
    Site = 16,
}

impl Dim {
    /// Every dimension, by number.
    pub const ALL: [Self; 17] = [
        Self::Account,
        Self::ApiKey,
        Self::Payment,
        Self::EmailDomain,
        Self::Plan,
        Self::Created,
        Self::Ip,
        Self::Asn,
        Self::Country,
        Self::Fingerprint,
        Self::UserAgent,
        Self::Model,
        Self::Endpoint,
        Self::Status,
        Self::Topic,
        Self::Net,
        Self::Site,
    ];

    /// The name of the field in the contract; for derived dimensions the name used in queries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::ApiKey => "api_key",
            Self::Payment => "payment",
            Self::EmailDomain => "email_domain",
            Self::Plan => "plan",
            Self::Created => "account_created_at",
            Self::Ip => "ip",
            Self::Asn => "asn",
            Self::Country => "country",
            Self::Fingerprint => "fingerprint",
            Self::UserAgent => "user_agent",
            Self::Model => "model",
            Self::Endpoint => "endpoint",
            Self::Status => "status",
            Self::Topic => "topic",
            Self::Net => "prefix",
            Self::Site => "site",
        }
    }

    /// The dimension that a field name stands for.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dim| dim.name() == name)
    }

    /// The aspect whose key carries this dimension; derived ones answer with that of `Ip`.
    #[must_use]
    pub fn aspect(self) -> Aspect {
        match self {
            Self::Account | Self::ApiKey | Self::Payment | Self::EmailDomain | Self::Plan | Self::Created => {
                Aspect::Subject
            }
            Self::Ip | Self::Asn | Self::Country | Self::Net | Self::Site => Aspect::Origin,
            Self::Fingerprint | Self::UserAgent => Aspect::Client,
            Self::Model | Self::Endpoint | Self::Status | Self::Topic => Aspect::Route,
        }
    }

    /// The dimension's number, for indexing.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// One of the four groups of fields that repeat together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Aspect {
    /// Who: account, api key, payment, e-mail domain, plan, creation time.
    Subject = 0,
    /// From where: ip, asn, country.
    Origin = 1,
    /// With what: fingerprint, user agent.
    Client = 2,
    /// To what, and with which result: model, endpoint, status, topic.
    Route = 3,
}

impl Aspect {
    /// Every aspect, by number.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Origin, Self::Client, Self::Route];

    /// The dimensions of an aspect's key, in the order of the key.
    #[must_use]
    pub fn dims(self) -> &'static [Dim] {
        match self {
            Self::Subject => {
                &[Dim::Account, Dim::ApiKey, Dim::Payment, Dim::EmailDomain, Dim::Plan, Dim::Created]
            }
            Self::Origin => &[Dim::Ip, Dim::Asn, Dim::Country],
            Self::Client => &[Dim::Fingerprint, Dim::UserAgent],
            Self::Route => &[Dim::Model, Dim::Endpoint, Dim::Status, Dim::Topic],
        }
    }

    /// The aspect's number, for indexing.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The aspect's name in dumps and errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Origin => "origin",
            Self::Client => "client",
            Self::Route => "route",
        }
    }
}

/// A text field that is kept as it is, without a dictionary, because its values hardly repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Text {
    /// The gateway's id of the request.
    RequestId = 0,
    /// Session or conversation.
    Session = 1,
    /// Hash of the prompt, as the gateway sent it or as the decoder made it from the prompt.
    PromptHash = 2,
    /// Unknown fields as one JSON object, kept only when asked for.
    Extra = 3,
}

impl Text {
    /// Every text field, by number.
    pub const ALL: [Self; 4] = [Self::RequestId, Self::Session, Self::PromptHash, Self::Extra];

    /// The field's number, for indexing.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A number that an event may carry. All are at most `u32::MAX - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Number {
    /// Tokens read by the model.
    InputTokens = 0,
    /// Tokens written by the model.
    OutputTokens = 1,
    /// Time to answer, milliseconds.
    LatencyMs = 2,
    /// Sketch: phrase key of the beginning of the prompt.
    Head = 3,
    /// Sketch: phrase key of the end of the prompt.
    Tail = 4,
    /// Sketch: phrase key of the whole prompt.
    Body = 5,
    /// Sketch: key of the system prompt.
    System = 6,
    /// Sketch: key of the whole prompt, exactly as sent.
    Exact = 7,
    /// Sketch: key of the first part of a long prompt, by which a conversation is known again.
    Prefix = 8,
    /// Sketch: which phrase lists the prompt and its system prompt hit, bits of [`mark`].
    Marks = 9,
    /// Sketch: characters of the prompt.
    PromptChars = 10,
}

impl Number {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every number, by number.
    pub const ALL: [Self; 11] = [
        Self::InputTokens,
        Self::OutputTokens,
        Self::LatencyMs,
        Self::Head,
        Self::Tail,
        Self::Body,
        Self::System,
        Self::Exact,
        Self::Prefix,
        Self::Marks,
        Self::PromptChars,
    ];

    /// Those that are fields of the contract; the others are what was kept of the prompts.
    pub const FIELDS: [Self; 3] = [Self::InputTokens, Self::OutputTokens, Self::LatencyMs];

    /// The name of the field in the contract, or in dumps for what was kept of a prompt.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::LatencyMs => "latency_ms",
            Self::Head => "head",
            Self::Tail => "tail",
            Self::Body => "body",
            Self::System => "system",
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Marks => "marks",
            Self::PromptChars => "prompt_chars",
        }
    }

    /// The field's number, for indexing.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Identity of an event that has a request id: keyed with the database's seed, so that nobody can
/// choose two events that collide. The account is part of it because clients can often choose the
/// request id: one account must not be able to make another's events look like duplicates.
///
/// An account holds no NUL byte, so that account and id cannot run into each other. `scratch` saves
/// an allocation for each event.
#[must_use]
pub fn identity_of_request(seed: u64, account: &[u8], request_id: &[u8], scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    scratch.extend_from_slice(account);
    scratch.push(0);
    scratch.extend_from_slice(request_id);
    xxhash_rust::xxh3::xxh3_64_with_seed(scratch, seed)
}

/// Identity of an event without a request id: that of its text as sent. Text holds no NUL byte, so
/// this never hashes the same bytes as [`identity_of_request`].
#[must_use]
pub fn identity_of_text(seed: u64, text: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(text, seed)
}

/// The 16 bytes under which an address is kept: IPv4 as IPv4-mapped IPv6.
#[must_use]
pub fn ip_bytes(ip: std::net::IpAddr) -> [u8; 16] {
    match ip {
        std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        std::net::IpAddr::V6(v6) => v6.octets(),
    }
}

/// The address that 16 kept bytes stand for; IPv4-mapped ones come back as IPv4.
#[must_use]
pub fn ip_from_bytes(bytes: [u8; 16]) -> std::net::IpAddr {
    std::net::Ipv6Addr::from(bytes).to_canonical()
}

/// Network prefix as kept: 16 address bytes with host bits zero, then the length in bits
/// (of the IPv6 form: an IPv4 /24 is 120).
#[must_use]
pub fn prefix_bytes(ip: [u8; 16], bits: u8) -> [u8; 17] {
    let shift = 128 - u32::from(bits.min(128));
    let masked = (u128::from_be_bytes(ip).checked_shr(shift).unwrap_or(0)).checked_shl(shift).unwrap_or(0);
    let mut out = [0; 17];
    out[..16].copy_from_slice(&masked.to_be_bytes());
    out[16] = bits;
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_1970_round_down() {
        assert_eq!(Day::of(-1), Day(-1));
        assert_eq!(Day::of(0), Day(0));
        assert_eq!(Day(1).start(), MICROS_A_DAY);
    }

    #[test]
    fn an_account_cannot_take_the_identity_of_anothers_request() {
        let mut scratch = Vec::new();
        let mut of = |seed, account: &[u8], id: &[u8]| identity_of_request(seed, account, id, &mut scratch);
        let mine = of(7, b"alice", b"req-1");
        assert_eq!(mine, of(7, b"alice", b"req-1"));
        assert_ne!(mine, of(7, b"bob", b"req-1"));
        assert_ne!(mine, of(8, b"alice", b"req-1"));
        assert_ne!(of(7, b"ab", b"c"), of(7, b"a", b"bc"));
    }

    #[test]
    fn prefixes_mask_host_bits() {
        let ip = ip_bytes("203.0.113.77".parse().expect("ip"));
        let net = prefix_bytes(ip, 120);
        assert_eq!(ip_from_bytes(net[..16].try_into().expect("16")).to_string(), "203.0.113.0");
        let v6 = ip_bytes("2001:db8:1:2:3::4".parse().expect("ip"));
        let site = prefix_bytes(v6, 48);
        assert_eq!(ip_from_bytes(site[..16].try_into().expect("16")).to_string(), "2001:db8:1::");
    }
}
