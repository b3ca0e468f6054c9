//! One account's habits, and how its day follows from them.

use super::dice::Dice;
use super::world::Made;

/// An address with its network, country aside.
pub(super) type Ip = u32;

/// Where somebody is when they send.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Always at one address.
    Fixed(Ip),
    /// At home: the address changes now and then.
    Lease {
        /// First address of the network.
        base: Ip,
        /// Addresses in it.
        size: u32,
        /// Chance of another address each day.
        change: f64,
    },
    /// One of a range of addresses, another for each session.
    Pool {
        /// First address.
        base: Ip,
        /// How many.
        size: u32,
    },
    /// Some addresses each day out of a large range.
    Rotating {
        /// First address.
        base: Ip,
        /// How many there are.
        size: u32,
        /// How many in a day.
        per_day: u32,
    },
    /// Two places on most days.
    Both(Box<Place>, Box<Place>),
}

/// When somebody sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hours {
    /// People: sessions around an hour of the day, UTC.
    Around(f64),
    /// Machines: any time.
    Always,
    /// Scheduled jobs: evenly spaced.
    Clockwork,
}

/// What somebody writes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Voice {
    /// Share of target requests.
    pub(super) target: f64,
    /// Share of requests that carry one of the templates.
    pub(super) template: f64,
    /// Number of the first template, and how many.
    pub(super) templates: (u64, u64),
    /// Share of templates that are rewritten each time.
    pub(super) paraphrase: f64,
    /// Share of requests taken from a fixed set of prompts: number of the set, and its size.
    pub(super) dataset: f64,
    /// The set and its size.
    pub(super) datasets: (u64, u64),
}

/// One account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) class: &'static str,
    pub(super) campaign: Option<usize>,
    /// First and last day, counted from the world's first.
    pub(super) days: (i32, i32),
    /// Day of creation, counted from the world's first.
    pub(super) created: i32,
    /// Chance of a day with events.
    pub(super) active: f64,
    /// Whether weekends are off.
    pub(super) weekdays_only: bool,
    /// Mean events of an active day.
    pub(super) rate: f64,
    /// Deviation of a day's events as share of the mean; none for Poisson.
    pub(super) evenness: Option<f64>,
    /// Days over which the rate grows to its mean.
    pub(super) ramp: u32,
    pub(super) hours: Hours,
    pub(super) place: Place,
    pub(super) asn: u32,
    pub(super) country: &'static str,
    pub(super) client: u32,
    pub(super) payment: Option<u64>,
    pub(super) domain: u32,
    pub(super) voice: Voice,
    /// A new model, and the day from which it is used for half of the requests.
    pub(super) pivot: Option<i32>,
}

impl Person {
    /// Where the person is: one address a session.
    fn address(place: &Place, seed: u64, who: u64, day: i32, session: u64) -> Ip {
        match place {
            Place::Fixed(ip) => *ip,
            Place::Lease { base, size, change } => {
                // The lease that the day falls into: looked for backwards until the day it began.
                let began = (0..90)
                    .map(|back| day - back)
                    .find(|day| Dice::of(seed, &[0x1ea5, who, *day as u64]).chance(*change))
                    .unwrap_or(-1_000);
                base + Dice::of(seed, &[0x1ea6, who, began as u64]).below(u64::from(*size)) as u32
            }
            Place::Pool { base, size } => {
                base + Dice::of(seed, &[0x9001, who, day as u64, session]).below(u64::from(*size)) as u32
            }
            Place::Rotating { base, size, per_day } => {
                let slot = session % u64::from((*per_day).max(1));
                base + Dice::of(seed, &[0x4e51, who, day as u64, slot]).below(u64::from(*size)) as u32
            }
            Place::Both(one, other) => {
                let which = if session.is_multiple_of(2) { one } else { other };
                Self::address(which, seed, who, day, session)
            }
        }
    }

    /// Appends the events of a day.
    pub(super) fn day(&self, seed: u64, who: u32, day: i32, weekday: u32, out: &mut Vec<Made>) {
        if day < self.days.0 || day > self.days.1 || day < self.created {
            return;
        }
        let id = u64::from(who);
        let mut dice = Dice::of(seed, &[0xda1, id, day as u64]);
        if (self.weekdays_only && weekday >= 5) || !dice.chance(self.active) {
            return;
        }
        let grown = f64::from(day - self.days.0 + 1) / f64::from(self.ramp.max(1));
        let mean = self.rate * grown.min(1.0);
        let count = match self.evenness {
            None => dice.poisson(mean),
            Some(share) => (mean * (1.0 + share * dice.normal())).round().max(0.0) as u32,
        };
        // A day without an event is no active day.
        let count = count.clamp(1, 5_000);
        let sessions = u64::from(count.div_ceil(8).min(40));
        let mut at = 0.0;
        for n in 0..count {
            let session = u64::from(n) * sessions / u64::from(count);
            let is_first = n == 0 || session != u64::from(n - 1) * sessions / u64::from(count);
            at = match self.hours {
                Hours::Clockwork => f64::from(n) * 86_400.0 / f64::from(count) + 17.0,
                Hours::Always if is_first => dice.unit() * 86_000.0,
                Hours::Around(hour) if is_first => ((hour + 3.0 * dice.normal()).rem_euclid(24.0)) * 3_600.0,
                Hours::Always | Hours::Around(_) => at - 70.0 * libm::log(1.0 - dice.unit()),
            };
            let ip = Self::address(&self.place, seed, id, day, session);
            let millis = (at * 1000.0) as i64;
            out.push(Made {
                millis: i64::from(day) * 86_400_000 + millis.clamp(0, 86_399_999),
                person: who,
                ip,
                text: dice.next(),
                pivoted: self.pivot.is_some_and(|pivot| day >= pivot) && dice.chance(0.5),
                continues: None,
                refused: false,
            });
        }
    }
}
