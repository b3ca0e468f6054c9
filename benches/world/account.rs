//! Who the accounts are: names, clients, payment and plan, all written once and copied into lines.

use super::place::Home;
use super::random::{mix, scale};
use super::text::{push_decimal, push_hex};

/// Versions of a client that are in use at the same time.
const VERSIONS: u32 = 4;
/// Planted accounts that pay with the same card.
const CARD_ACCOUNTS: u32 = 8;
/// Fingerprints that the planted group uses, besides the popular one.
const PLANTED_STACKS: u32 = 3;
/// Share of ordinary accounts that pay nothing and have told nothing, in percent.
const FREE_PERCENT: u32 = 60;
/// Share of accounts that show the popular fingerprint, in percent.
const POPULAR_PERCENT: u32 = 60;

/// The part of a user agent before and after its version.
const USER_AGENTS: [(&str, &str); 10] = [
    ("openai/1.", ""),
    ("python-requests/2.", ""),
    ("anthropic-sdk/0.", ""),
    ("curl/8.", ""),
    ("node-fetch/3.", ""),
    ("axios/1.", ""),
    ("okhttp/4.", ""),
    ("litellm/1.", ""),
    ("Go-http-client/2.", ""),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:1", ") Gecko/20100101"),
];

const EMAIL_DOMAINS: [&str; 6] =
    ["gmail.com", "gmail.com", "outlook.com", "qq.com", "icloud.com", "proton.me"];

/// The clients in use: TLS stacks with their user agents.
#[derive(Debug)]
pub(crate) struct Clients {
    stacks: u32,
    /// For each stack and version `fingerprint","user_agent":"...","asn":`.
    texts: Vec<Vec<u8>>,
}

impl Clients {
    /// Clients for a number of accounts.
    pub(crate) fn new(accounts: u32) -> Self {
        let stacks = 60 + accounts / 40;
        let texts = (0..stacks * VERSIONS).map(|index| client(index / VERSIONS, index % VERSIONS)).collect();
        Self { stacks, texts }
    }

    /// What a line says about an account's client on a day: a newer version after its upgrade.
    pub(crate) fn text(&self, account: &Account, day: u32) -> &[u8] {
        let upgraded = day >= (account.seed >> 32) as u32 % 60;
        let version = ((account.seed >> 40) as u32 + u32::from(upgraded)) % VERSIONS;
        &self.texts[(account.stack * VERSIONS + version) as usize]
    }

    /// The stack of an account: the popular one is 0, then those of the planted group, then the
    /// others, the first of which have most users.
    fn stack_of(&self, seed: u64, planted: bool) -> u32 {
        let random = mix(seed ^ 0xF1);
        let percent = random as u32 % 100;
        if planted {
            return if percent < 80 { 1 + scale(random, PLANTED_STACKS) } else { 0 };
        }
        if percent < POPULAR_PERCENT {
            return 0;
        }
        let others = self.stacks - 1;
        1 + scale(mix(random), scale(random.rotate_left(32), others) + 1)
    }
}

fn client(stack: u32, version: u32) -> Vec<u8> {
    let seed = mix(u64::from(stack) ^ 0x57AC);
    let mut text = Vec::new();
    if stack > PLANTED_STACKS && seed & 1 == 0 {
        // What a device or an SDK calls itself.
        push_hex(&mut text, seed, 16);
    } else {
        text.extend_from_slice(b"t13d1516h2_");
        push_hex(&mut text, seed, 12);
        text.push(b'_');
        push_hex(&mut text, mix(seed), 12);
    }
    let (before, after) = USER_AGENTS[stack as usize % USER_AGENTS.len()];
    text.extend_from_slice(b"\",\"user_agent\":\"");
    text.extend_from_slice(before.as_bytes());
    push_decimal(&mut text, 20 + (seed >> 8) as u32 % 20);
    text.push(b'.');
    push_decimal(&mut text, version);
    text.extend_from_slice(after.as_bytes());
    text.extend_from_slice(b"\",\"asn\":");
    text
}

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    /// What all else follows from.
    pub(crate) seed: u64,
    /// Name, as eight hexadecimal digits.
    pub(crate) name: u64,
    pub(crate) home: Home,
    /// First day on which it exists.
    pub(crate) birth: u32,
    stack: u32,
    /// Where its part of `Accounts::tails` starts and ends.
    tail: (u32, u32),
}

impl Account {
    /// Its first or second key, as ten hexadecimal digits, different from every other key.
    pub(crate) fn key(&self, which: u64) -> u64 {
        (self.name * 4 + which * 2 + 1).wrapping_mul(0x5D_58B5_0E4B) & 0xFF_FFFF_FFFF
    }
}

/// All accounts; the planted ones come first.
#[derive(Debug)]
pub(crate) struct Accounts {
    list: Vec<Account>,
    /// For each account `,"payment":"...","email_domain":"...","plan":"..."}` and the end of the line.
    tails: Vec<u8>,
}

impl Accounts {
    /// `count` accounts, of which the first `planted` act together; all are born before `days` / 2.
    pub(crate) fn new(world_seed: u64, count: u32, planted: u32, days: u32, clients: &Clients) -> Self {
        let mut tails = Vec::with_capacity(count as usize * 80);
        let list = (0..count).map(|index| {
            let seed = mix(world_seed ^ (u64::from(index) << 20));
            let is_planted = index < planted;
            let start = tails.len() as u32;
            push_tail(&mut tails, seed, is_planted.then_some(index));
            Account {
                seed,
                // Odd multiples modulo a power of two are all different.
                name: u64::from((index * 2 + 1).wrapping_mul(0x9E37_79B9)),
                home: if is_planted { Home::of_planted(index) } else { Home::of(seed) },
                // Half of all accounts are there from the start.
                birth: if seed & 16 == 0 { 0 } else { scale(mix(seed ^ 0xB1), days / 2) },
                stack: clients.stack_of(seed, is_planted),
                tail: (start, tails.len() as u32),
            }
        });
        Self { list: list.collect(), tails }
    }

    /// An account by index.
    pub(crate) fn get(&self, index: usize) -> &Account {
        &self.list[index]
    }

    /// The end of an account's lines.
    pub(crate) fn tail(&self, account: &Account) -> &[u8] {
        &self.tails[account.tail.0 as usize..account.tail.1 as usize]
    }
}

fn push_tail(text: &mut Vec<u8>, seed: u64, planted: Option<u32>) {
    let free = planted.is_none() && scale(mix(seed ^ 0x5E), 100) < FREE_PERCENT;
    if !free {
        let card = planted.map_or(seed, |index| mix(u64::from(index / CARD_ACCOUNTS) ^ 0xCA4D));
        text.extend_from_slice(b",\"payment\":\"card-");
        push_hex(text, card, 8);
        text.extend_from_slice(b"\",\"email_domain\":\"");
        if matches!(Home::of(seed), Home::Office) && planted.is_none() {
            text.extend_from_slice(b"corp");
            push_decimal(text, scale(mix(seed ^ 0xE4), 5_000));
            text.extend_from_slice(b".com");
        } else {
            let domain = EMAIL_DOMAINS[scale(mix(seed ^ 0xE4), EMAIL_DOMAINS.len() as u32) as usize];
            text.extend_from_slice(domain.as_bytes());
        }
        text.push(b'"');
    }
    text.extend_from_slice(if free { b",\"plan\":\"free\"}\n" } else { b",\"plan\":\"paid\"}\n" });
}
