//! Groups: sets of accounts to be tested, and where they come from. However many share a thing, it
//! makes one group: nothing is dropped for being a hub, and pairs are only ever formed inside small ones.

mod cells;
mod cohorts;
mod stars;
mod visitors;

pub(super) use cells::cells;
pub(super) use cohorts::cohorts;
pub(super) use stars::common;
pub(super) use stars::stars;
pub(super) use visitors::{ACTIVE_DAYS_MIN, CORE, Meeting, Meetings};

use super::facts::Kind;
use super::family::Family;

/// Why accounts are a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// All who hold a value: kind and value.
    Star(Kind, u32),
    /// Visitors who keep meeting.
    Visitors,
    /// Accounts of one rate of work that take turns; the number of the rate.
    Cell(i32),
    /// Accounts that came on one day from one kind of network.
    Cohort(i32, u8),
    /// Several groups as one.
    Union,
}

/// A set of accounts under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Why they are one.
    pub origin: Origin,
    /// The family that made the group and so never counts for it.
    pub defining: Option<Family>,
    /// Ranks, ascending.
    pub members: Vec<u32>,
}
