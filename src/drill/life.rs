//! A person's day: whether there is one, how many requests, in which sittings, from where, about what.

use super::account::{Account, Harness, Hours};
use super::dice::Dice;
use super::net::Address;
use super::prompt::Text;
use super::topic::Topic;
use super::world::{Made, World};
use crate::event::{MICROS_A_SECOND, Micros};

/// Requests of a sitting, on average, and the seconds between two of them.
const SITTING: f64 = 5.0;
const PAUSE_SECONDS: f64 = 95.0;

/// Requests that anybody sends in a day.
const DAY_EVENTS_MAX: f64 = 3_000.0;

/// Share of a harness user's requests that the harness sends.
const HARNESS_SHARE: f64 = 0.6;

/// Share of requests answered with an error of each kind.
const ERRORS: [(f64, u16); 4] = [(0.010, 429), (0.016, 500), (0.020, 400), (0.021, 403)];

/// How often models are somebody's favorite, and the share of requests that a favorite gets.
const MODELS: [u8; 3] = [5, 3, 2];
const FAVORITE_SHARE: f64 = 0.85;

/// The newest model, once it is there, and the share of requests that it gets from somebody who has taken it up.
const NEWEST: u8 = 3;
const NEWEST_SHARE: f64 = 0.6;

/// Weights of the hours of a local day.
const OFFICE: [u8; 24] = [0, 0, 0, 0, 0, 0, 1, 4, 10, 16, 18, 16, 9, 14, 18, 17, 14, 9, 4, 2, 1, 1, 0, 0];
const EVENING: [u8; 24] = [3, 2, 1, 1, 1, 1, 2, 4, 6, 7, 7, 7, 8, 7, 7, 8, 9, 10, 12, 14, 16, 16, 13, 8];
const CROWD: [u8; 24] = [6, 5, 4, 4, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 10, 10, 10, 9, 9, 9, 9, 8, 7];
const ALWAYS: [u8; 24] = [1; 24];

impl Hours {
    fn weights(self) -> &'static [u8; 24] {
        match self {
            Self::Office => &OFFICE,
            Self::Evening => &EVENING,
            Self::Crowd => &CROWD,
            Self::Always => &ALWAYS,
        }
    }

    /// How much less likely a weekend day has anything.
    fn weekend(self) -> f64 {
        match self {
            Self::Office => 0.2,
            Self::Evening => 0.9,
            Self::Crowd | Self::Always => 1.0,
        }
    }

    /// A second of the UTC day.
    pub(super) fn second(self, offset: i32, dice: &mut Dice) -> f64 {
        let hour = dice.weighted(self.weights()) as i32;
        let local = f64::from(hour * 3_600 - offset * 60) + 3_600.0 * dice.unit();
        local.rem_euclid(86_400.0)
    }

    /// The part of the UTC day by which this part of the work is done.
    pub(super) fn done(self, part: f64) -> f64 {
        let weights = self.weights();
        let mut left = part * f64::from(weights.iter().map(|weight| u32::from(*weight)).sum::<u32>());
        for (hour, weight) in weights.iter().enumerate() {
            let weight = f64::from(*weight);
            if left < weight {
                return (hour as f64 + left / weight) / 24.0;
            }
            left -= weight;
        }
        1.0
    }
}

/// One account's day while it is made.
pub(super) struct Sheet<'a> {
    pub(super) world: &'a World,
    pub(super) account: &'a Account,
    pub(super) id: u32,
    pub(super) day: u32,
    pub(super) dice: Dice,
    pub(super) out: &'a mut Vec<Made>,
}

impl Sheet<'_> {
    /// The day of the week, Monday being 0.
    fn weekday(&self) -> i32 {
        (self.world.day_of(self.day).0 + 3).rem_euclid(7)
    }

    /// A person's day.
    pub(super) fn person(&mut self) {
        self.person_at(1.0);
    }

    /// A person's day, if there is one: only this part of the usual days has anything.
    pub(super) fn person_at(&mut self, part: f64) {
        let Account { volume, hours, .. } = *self.account;
        let weekend = if self.weekday() > 4 { hours.weekend() } else { 1.0 };
        if !self.dice.chance(f64::from(volume.active) * weekend * part) {
            return;
        }
        let log = f64::from(volume.log) + f64::from(volume.spread) * self.dice.normal();
        let mut left = (libm::exp(log) + 0.5).clamp(1.0, DAY_EVENTS_MAX) as u32;
        while left > 0 {
            let events = (1.0 + self.dice.wait(SITTING - 0.5)) as u32;
            let start = hours.second(self.account.offset, &mut self.dice);
            left -= self.sitting(start, events.min(left));
        }
    }

    /// Requests with short pauses, from one address. Returns how many there were before midnight.
    pub(super) fn sitting(&mut self, start: f64, events: u32) -> u32 {
        let address = self.address();
        let mut second = start;
        for event in 0..events {
            if second >= 86_400.0 {
                return event;
            }
            let (topic, text) = self.request();
            self.event(second, address, topic, text);
            second += 1.0 + self.dice.wait(PAUSE_SECONDS);
        }
        events
    }

    /// The address of a sitting.
    pub(super) fn address(&mut self) -> Address {
        let place = match &self.account.other_place {
            Some((other, percent)) if self.dice.under(100) < u32::from(*percent) => other,
            _ => &self.account.place,
        };
        place.address(self.id, self.day, &mut self.dice)
    }

    /// What is asked.
    pub(super) fn request(&mut self) -> (Topic, Text) {
        let world = self.world;
        if let Some(campaign) = world.campaign_of(self.account) {
            return campaign.request(&mut self.dice, world);
        }
        let topic = self.account.taste.topic(&mut self.dice);
        match self.account.templates {
            Some(templates) if self.dice.under(100) < u32::from(templates.percent) => {
                let text = templates.first + self.dice.under(templates.count);
                (self.world.topic_of(text), Text::Head(text))
            }
            _ => (topic, Text::Fill),
        }
    }

    /// One request at a second of the day.
    pub(super) fn event(&mut self, second: f64, address: Address, topic: Topic, text: Text) {
        let mut client = self.account.client;
        let mut text = text;
        if text == Text::Fill
            && let Some((fingerprint, head)) = self.harness()
            && self.dice.chance(HARNESS_SHARE)
        {
            (client, text) = (fingerprint, Text::Head(head));
        }
        let day = self.world.day_of(self.day);
        let ts = day.start() + (second * MICROS_A_SECOND as f64) as Micros;
        if ts < self.account.created || ts >= day.end() {
            return;
        }
        let drawn = self.dice.unit();
        let status = ERRORS.iter().find(|error| drawn < error.0).map_or(200, |error| error.1);
        let own = self.dice.next();
        let input = 60.0 * libm::exp(1.1 * self.dice.normal());
        let output = 220.0 * topic.answer() * libm::exp(0.8 * self.dice.normal());
        let label = topic.labelled(&mut self.dice);
        let model = self.model();
        self.out.push(Made {
            ts,
            account: self.id,
            own,
            address,
            client,
            text,
            topic,
            label,
            model,
            status,
            input_tokens: 40 + input.min(150_000.0) as u32,
            output_tokens: if status == 200 { 1 + output.min(30_000.0) as u32 } else { 0 },
        });
    }

    /// Another account's request, if that account is there and the day has not ended.
    pub(super) fn add(&mut self, made: Made) {
        let is_there = |account: &Account| account.created <= made.ts && account.from <= self.day;
        let account = self.world.accounts.get(made.account as usize);
        if account.is_some_and(is_there) && made.ts < self.world.day_of(self.day).end() {
            self.out.push(made);
        }
    }

    /// The harness that the account uses by now.
    fn harness(&self) -> Option<(u32, u32)> {
        let used = match self.account.harness {
            Harness::None => None,
            Harness::Popular => Some(0),
            Harness::New(day) => (self.day >= u32::from(day)).then_some(1),
        };
        used.and_then(|number: usize| self.world.harnesses.get(number).copied())
    }

    /// The model of a request: mostly the account's favorite; once there is a new one, more and more take it up,
    /// and campaigns at once.
    fn model(&mut self) -> u8 {
        let mut own = Dice::of(&[self.world.seed, 0x50, u64::from(self.id)]);
        let (favorite, takes_up) =
            (own.weighted(&MODELS) as u8, own.wait(1.0 / self.world.plan.benign.take_up));
        let campaign = self.world.campaign_of(self.account).map(|campaign| campaign.plan.pivot_day);
        let taken_up = match campaign {
            Some(pivot) => pivot.is_some_and(|pivot| self.day >= pivot),
            None => self.world.release.is_some_and(|day| f64::from(self.day) >= f64::from(day) + takes_up),
        };
        if taken_up && self.dice.chance(NEWEST_SHARE) {
            NEWEST
        } else if !self.dice.chance(FAVORITE_SHARE) {
            self.dice.weighted(&MODELS) as u8
        } else if campaign.is_some() {
            // What is worth copying.
            0
        } else {
            favorite
        }
    }
}
