//! Clusters: groups that passed, with an id that stays the same as they grow.
//!
//! A cluster is found anew each day (`find.rs`), its members are tested one by one (`members.rs`), and it
//! is joined to the clusters that are known by who is in it (`book.rs`).

mod book;
mod find;
mod join;
mod members;
#[cfg(test)]
mod tests;
mod verdict;

pub(super) use book::Page;
pub use book::{Book, Happening, closing};
pub(super) use find::{Confirmed, Found, Frame, MEMBER_ODDS, find, operator};
pub(super) use members::Answer;
pub(super) use verdict::{Circumstances, conditions, verdict};
pub use verdict::{Deception, Verdict};

use super::facts::Kind;
use super::family::Family;
use super::watch::hour_closes;
use crate::event::{Day, Micros};
use crate::store::{Decode, Encode};

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Status {
    /// Seen, too small or too early to be sure.
    Watch,
    /// Confirmed at a day's close.
    Confirmed,
}

impl Status {
    /// The word in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Confirmed => "confirmed",
        }
    }
}

/// One account of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Member {
    /// Name of the account.
    pub account: String,
    /// First day in the log.
    pub first_seen: i32,
    /// When it became a member: ten minutes past a day's or an hour's end.
    pub flagged: Micros,
    /// Families in which it agrees with the others, by their number.
    pub agreements: Vec<u8>,
    /// Whether it came in by the cluster's signature.
    pub by_signature: bool,
    /// The account whose place it took after a ban, if it did.
    pub succeeds: Option<String>,
}

/// An account that shares something with a cluster and is no member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Bystander {
    /// Name of the account.
    pub account: String,
    /// In how many families it agrees, which are too few.
    pub agreements: u8,
}

/// Strength of one family.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Strength {
    /// Number of the family.
    pub family: u8,
    /// -log10 p.
    pub strength: f64,
}

/// A value that hardly anybody outside a cluster holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Key {
    /// Number of the kind.
    pub kind: u8,
    /// The value: for templates the key in decimal, else as it was sent.
    pub value: String,
}

/// A set of accounts that act together.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Cluster {
    /// Stays the same while the cluster grows.
    pub id: String,
    /// How sure it is.
    pub status: Status,
    /// What it is.
    pub verdict: Verdict,
    /// The day of its first event within the first window.
    pub first_seen: i32,
    /// The day at whose close it was found, or the open day that shows it.
    pub found: i32,
    /// The hour of the open day that showed it, none for what was found at a close.
    pub hour: Option<u32>,
    /// The day at whose close it was confirmed.
    pub confirmed: Option<i32>,
    /// The last day at whose close it was found again.
    pub renewed: i32,
    /// By name.
    pub members: Vec<Member>,
    /// By name.
    pub bystanders: Vec<Bystander>,
    /// By family, strongest first.
    pub strengths: Vec<Strength>,
    /// Strength asked for, and false rate.
    pub threshold: f64,
    /// False rate by permutation.
    pub q: f64,
    /// Strength of the second family besides the strongest.
    pub coordination: f64,
    /// 0 to 1.
    pub extraction: f64,
    /// What hides it.
    pub deception: Deception,
    /// Keys by which newcomers are known.
    pub signature: Vec<Key>,
    /// What was checked and would have been an innocent explanation: sentence by sentence.
    pub twins: Vec<String>,
    /// Events of members: of the window that ended when they became one, and of every day after it.
    pub events: u64,
    /// What happened, oldest first.
    pub history: Vec<Happening>,
    /// The cluster that took this one up.
    pub merged_into: Option<String>,
}

impl Cluster {
    /// Whether an account is a member.
    #[must_use]
    pub fn member(&self, account: &str) -> Option<&Member> {
        let at = self.members.binary_search_by(|member| member.account.as_str().cmp(account)).ok()?;
        self.members.get(at)
    }

    /// When it was found: ten minutes past a day's or an hour's end.
    #[must_use]
    pub fn flagged(&self) -> Micros {
        self.at(self.found)
    }

    /// When something was known that a day says of it: at the day's close, or in an hour of it while it is open.
    #[must_use]
    pub fn at(&self, day: i32) -> Micros {
        self.hour.map_or_else(|| closing(day), |hour| hour_closes(Day(day), hour))
    }

    /// Lets an account in; false if it is a member already.
    pub(super) fn join(&mut self, member: Member) -> bool {
        match self.members.binary_search_by(|known| known.account.cmp(&member.account)) {
            Ok(_) => false,
            Err(at) => {
                self.members.insert(at, member);
                true
            }
        }
    }

    /// Names of the families that are extreme.
    pub fn families(&self) -> impl Iterator<Item = &'static str> {
        let extreme = self.strengths.iter().filter(|strength| strength.strength >= self.threshold);
        extreme
            .filter_map(|strength| Family::ALL.get(usize::from(strength.family)))
            .map(|family| family.name())
    }
}

/// The kind with a number.
#[must_use]
pub(super) fn kind_of(number: u8) -> Option<Kind> {
    const KINDS: [Kind; Kind::COUNT] = [
        Kind::Ip,
        Kind::Prefix,
        Kind::Site,
        Kind::Fingerprint,
        Kind::UserAgent,
        Kind::Payment,
        Kind::ApiKey,
        Kind::EmailDomain,
        Kind::Model,
        Kind::Template,
        Kind::Core,
        Kind::Pivot,
    ];
    KINDS.get(usize::from(number)).copied()
}
