//! One account: who it is, where it is, what it uses and what it is in the habit of doing.
//!
//! A record of numbers, so that a million of them fit in memory; texts are made from the numbers when a line is
//! written. What an account does on a day is `life`'s business, and that of the classes with a life of their own.

use super::net::Place;
use super::topic::Taste;
use crate::event::Micros;

/// The fingerprint that most accounts share.
pub(super) const POPULAR: u32 = 0;

/// Fingerprints that are known to everybody; those past it were handed out to somebody.
pub(super) const COMMON_CLIENTS: u32 = 400;

/// No payment on file.
pub(super) const NO_PAYMENT: u32 = 0;

/// Public providers of e-mail; domains past it were handed out to somebody.
pub(super) const MAIL_DOMAINS: u32 = 9;

/// What kind of customer an account belongs to. Never written to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Class {
    Home,
    Mobile,
    Office,
    Vpn,
    Cloud,
    Agency,
    Reseller,
    CodingReseller,
    Fleet,
    Cron,
    Classroom,
    Hackathon,
    Benchmark,
    Launch,
    Family,
    Campaign,
}

impl Class {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Mobile => "mobile",
            Self::Office => "office",
            Self::Vpn => "vpn",
            Self::Cloud => "cloud",
            Self::Agency => "agency",
            Self::Reseller => "reseller",
            Self::CodingReseller => "reseller-coding",
            Self::Fleet => "fleet",
            Self::Cron => "cron",
            Self::Classroom => "classroom",
            Self::Hackathon => "hackathon",
            Self::Benchmark => "benchmark",
            Self::Launch => "launch",
            Self::Family => "family",
            Self::Campaign => "campaign",
        }
    }
}

/// When somebody is at work, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    /// Office hours, Monday to Friday.
    Office,
    /// Morning to late, mostly in the evening.
    Evening,
    /// Around the clock with a dip at night, as many customers at once have it.
    Crowd,
    /// Around the clock.
    Always,
}

/// How much an account does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Volume {
    /// Logarithm of the median of events on an active day.
    pub(super) log: f32,
    /// How far its days are apart: standard deviation of the logarithm.
    pub(super) spread: f32,
    /// Share of weekdays with events.
    pub(super) active: f32,
}

/// Texts that prompts begin or end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Templates {
    /// The first text.
    pub(super) first: u32,
    /// How many texts in a row.
    pub(super) count: u32,
    /// Percent of prompts that have one.
    pub(super) percent: u8,
}

/// A program that many honest accounts use, which sends a fixed text and has a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harness {
    None,
    /// The one that everybody knows, for as long as anybody remembers.
    Popular,
    /// The new one, from a day of the log on.
    New(u16),
}

/// Who decides what an account does on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Routine {
    /// A person, or a service that people use.
    Person,
    /// A program that is started at fixed intervals.
    Cron {
        /// Minutes between two starts.
        every: u16,
        /// Second of the day of the first.
        second: u32,
        /// Requests of a start.
        events: u16,
    },
    /// A person who on some days also does homework.
    Homework {
        /// The first of its texts.
        first: u32,
        /// Its first day.
        day: u16,
    },
    /// A person who on two days also runs a public benchmark.
    Benchmark {
        /// The first of its prompts.
        first: u32,
        /// Its first day.
        day: u16,
    },
    /// One of a family, whose accounts follow each other from this number on.
    Family {
        /// The first of them.
        first: u32,
    },
    /// An account behind a gateway, with others that follow each other from this number on.
    Gateway {
        /// The first of them.
        first: u32,
    },
    /// A member of a campaign, and its place in line.
    Slot(u32),
}

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    pub(super) class: Class,
    pub(super) campaign: Option<u16>,
    pub(super) created: Micros,
    /// First day of the log on which it may act.
    pub(super) from: u32,
    /// First day on which it no longer does.
    pub(super) until: u32,
    /// Minutes that its clock is ahead of UTC.
    pub(super) offset: i32,
    pub(super) place: Place,
    /// Another place and the percent of sessions there.
    pub(super) other_place: Option<(Place, u8)>,
    pub(super) client: u32,
    pub(super) payment: u32,
    pub(super) domain: u32,
    pub(super) plan: u8,
    pub(super) hours: Hours,
    pub(super) volume: Volume,
    pub(super) taste: Taste,
    pub(super) templates: Option<Templates>,
    pub(super) harness: Harness,
    pub(super) routine: Routine,
}
