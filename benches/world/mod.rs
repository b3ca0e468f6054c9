//! A provider's request log, made up: the same bytes for the same number of events on every machine.
//!
//! Accounts are as active as Zipf has it, mostly come from few addresses, which change slowly, and
//! meet strangers behind the addresses of offices, campuses and mobile carriers; most of them show
//! one popular client fingerprint. Among them a planted group works evenly through pools of
//! proxies with few fingerprints and shared cards. Events are in order of time, but for a small jitter.
//!
//! Left out: prompts, sessions, and any behaviour over time beyond the hour of the day. What detects
//! groups needs a richer world.

mod account;
mod place;
mod random;
mod text;

use account::{Accounts, Clients};
use place::Networks;
use random::{Alias, Random, scale};

/// The world's default seed.
pub(crate) const SEED: u64 = 20_260_301;
/// First day of the log, 2026-03-01, in days since 1970.
const FIRST_DAY: u32 = 20_513;
/// Days that the log covers, whatever the number of events.
pub(crate) const DAYS: u32 = 45;
/// Accounts in the smallest log; one more for each `EVENTS_AN_ACCOUNT` events, up to `ACCOUNTS_MAX`.
const ACCOUNTS_MIN: u64 = 5_000;
const EVENTS_AN_ACCOUNT: u64 = 131;
const ACCOUNTS_MAX: u64 = 225_000;
/// One account in so many is planted: 25,000 of 225,000.
const PLANTED_ONE_IN: u32 = 9;
/// Share of events that the planted group sends, in percent.
const PLANTED_EVENTS_PERCENT: u32 = 10;
/// The weight of the account of rank r is 1 / (r + this): the first one sends half a percent.
const ZIPF_OFFSET: u64 = 20;
/// How far an event may lie before its place in the log.
const JITTER_MILLIS: u32 = 1_500;
/// Bytes that one line has at most.
pub(crate) const LINE_BYTES_MAX: usize = 1_024;

/// How busy each hour of a working day is; a weekend day has two thirds of it.
const HOURS: [u64; 24] =
    [30, 24, 21, 21, 24, 30, 42, 60, 78, 90, 96, 96, 90, 96, 99, 96, 90, 81, 72, 66, 60, 54, 45, 36];

/// Model and endpoint, from model to the start of the status; the first ones are asked for most.
const ROUTES: [&[u8]; 6] = [
    b"m-large\",\"endpoint\":\"/v1/messages\",\"status\":",
    b"m-small\",\"endpoint\":\"/v1/messages\",\"status\":",
    b"m-small\",\"endpoint\":\"/v1/chat/completions\",\"status\":",
    b"m-medium\",\"endpoint\":\"/v1/messages\",\"status\":",
    b"m-large\",\"endpoint\":\"/v1/messages/batch\",\"status\":",
    b"m-embed\",\"endpoint\":\"/v1/embeddings\",\"status\":",
];

/// A log that is being written.
#[derive(Debug)]
pub(crate) struct World {
    accounts: Accounts,
    clients: Clients,
    networks: Networks,
    active: Alias,
    random: Random,
    planted: u32,
    /// For each hour of the log the number of events before its end.
    hour_ends: Vec<u64>,
    hour: usize,
    next: u64,
    /// The day that `date` spells.
    dated: u32,
    date: [u8; 11],
}

impl World {
    /// A world that will have a number of events.
    pub(crate) fn new(events: u64, seed: u64) -> Self {
        let count = (ACCOUNTS_MIN + events / EVENTS_AN_ACCOUNT).min(ACCOUNTS_MAX) as u32;
        let planted = count / PLANTED_ONE_IN;
        let clients = Clients::new(count);
        let weights: Vec<u64> =
            (0..u64::from(count - planted)).map(|rank| (1 << 40) / (rank + ZIPF_OFFSET)).collect();
        Self {
            accounts: Accounts::new(seed, count, planted, DAYS, &clients),
            clients,
            networks: Networks::new(count),
            active: Alias::new(&weights),
            random: Random::new(seed),
            planted,
            hour_ends: hour_ends(events),
            hour: 0,
            next: 0,
            dated: FIRST_DAY,
            date: text::date(FIRST_DAY),
        }
    }

    /// Appends the next event and a newline; false when the log is complete.
    pub(crate) fn write_line(&mut self, line: &mut Vec<u8>) -> bool {
        let Some(millis) = self.next_millis() else { return false };
        let day = millis / 86_400_000;
        let index = self.pick_account(day);
        let random = self.random.next();
        let account = self.accounts.get(index);
        let (address, network) = self.networks.address(account.seed, account.home, day, random);
        if self.dated != FIRST_DAY + day {
            self.dated = FIRST_DAY + day;
            self.date = text::date(self.dated);
        }
        line.extend_from_slice(b"{\"ts\":\"");
        line.extend_from_slice(&self.date);
        text::push_time(line, millis % 86_400_000);
        line.extend_from_slice(b"\",\"request_id\":\"");
        text::push_uuid(line, self.random.next(), self.random.next());
        line.extend_from_slice(b"\",\"account\":\"u-");
        text::push_hex(line, account.name, 8);
        // One account in eight has a second key.
        let key = u64::from(account.seed & 7 == 1 && random >> 62 == 0);
        line.extend_from_slice(b"\",\"api_key\":\"k-");
        text::push_hex(line, account.key(key), 10);
        line.extend_from_slice(b"\",\"ip\":\"");
        address.push(line);
        line.extend_from_slice(b"\",\"fingerprint\":\"");
        line.extend_from_slice(self.clients.text(account, day));
        line.extend_from_slice(self.networks.detail(network));
        push_request(line, account.seed, self.random.next());
        line.extend_from_slice(self.accounts.tail(account));
        self.next += 1;
        true
    }

    /// Writes the names of the planted accounts, one a line.
    pub(crate) fn planted_names(&self) -> Vec<u8> {
        let mut names = Vec::new();
        for index in 0..self.planted as usize {
            names.extend_from_slice(b"u-");
            text::push_hex(&mut names, self.accounts.get(index).name, 8);
            names.push(b'\n');
        }
        names
    }

    /// The time of the next event, in milliseconds since the start of the log.
    fn next_millis(&mut self) -> Option<u32> {
        while self.next >= *self.hour_ends.get(self.hour)? {
            self.hour += 1;
        }
        let start = if self.hour == 0 { 0 } else { self.hour_ends[self.hour - 1] };
        let within = (self.next - start) * 3_600_000 / (self.hour_ends[self.hour] - start);
        let millis = self.hour as u32 * 3_600_000 + within as u32;
        Some(millis.saturating_sub(scale(self.random.next(), JITTER_MILLIS)))
    }

    /// An account that exists on that day.
    fn pick_account(&mut self, day: u32) -> usize {
        loop {
            let random = self.random.next();
            let index = if random as u32 % 100 < PLANTED_EVENTS_PERCENT {
                scale(random, self.planted) as usize
            } else {
                self.planted as usize + self.active.pick(self.random.next())
            };
            if self.accounts.get(index).birth <= day {
                return index;
            }
        }
    }
}

/// Model, endpoint, status, tokens and latency.
fn push_request(line: &mut Vec<u8>, seed: u64, random: u64) {
    // An account mostly asks for its own model; the smaller of two numbers favours the first ones.
    let usual = ((seed >> 44) % 6).min((seed >> 50) % 6) as usize;
    let route = if random.is_multiple_of(4) { (random >> 2) as usize % ROUTES.len() } else { usual };
    line.extend_from_slice(ROUTES[route]);
    let status: &[u8] = match (random >> 8) % 100 {
        0..95 => b"200",
        95..98 => b"429",
        98 => b"400",
        _ => b"500",
    };
    line.extend_from_slice(status);
    line.extend_from_slice(b",\"input_tokens\":");
    // A product of two even numbers is skewed as token counts are.
    let skewed = (((random >> 16) & 0xFFF) as u32 * ((random >> 28) & 0xFFF) as u32) >> 11;
    text::push_decimal(line, 8 + skewed);
    line.extend_from_slice(b",\"output_tokens\":");
    let output = (((random >> 40) & 0x3FF) as u32 * ((random >> 50) & 0x3FF) as u32) >> 9;
    let output = if status == b"200" { 1 + output } else { 0 };
    text::push_decimal(line, output);
    line.extend_from_slice(b",\"latency_ms\":");
    text::push_decimal(line, 90 + skewed / 40 + output * 9);
}

/// For each hour of the log the number of events before its end.
fn hour_ends(events: u64) -> Vec<u64> {
    let hours = DAYS * 24;
    // 1970-01-01 was a Thursday, so days 2 and 3 of each week of seven are the weekend.
    let weight = |hour: u32| {
        let weekend = matches!((FIRST_DAY + hour / 24) % 7, 2 | 3);
        HOURS[hour as usize % 24] * if weekend { 2 } else { 3 }
    };
    let total: u64 = (0..hours).map(weight).sum();
    let mut before = 0;
    (0..hours)
        .map(|hour| {
            before += weight(hour);
            (u128::from(events) * u128::from(before) / u128::from(total)) as u64
        })
        .collect()
}
