//! A request as a line of NDJSON. Everything is written by hand: nothing that is made up needs escaping, and a drill
//! of a billion lines should not wait for its log.

use super::account::{Account, COMMON_CLIENTS, MAIL_DOMAINS, NO_PAYMENT, POPULAR};
use super::dice::{Dice, hash};
use super::net::Look;
use super::words::write_name;
use super::world::{Made, World};
use crate::event::{Day, MICROS_A_SECOND, Micros};

const HEX: &[u8; 16] = b"0123456789abcdef";

const MODELS: [&str; 4] = ["m-large", "m-small", "m-mini", "m-next"];

const PLANS: [&str; 4] = ["free", "pay-as-you-go", "team", "enterprise"];

const AGENTS: [&str; 8] = [
    "python-httpx/0.28.1",
    "openai-python/1.99.2",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
    "node-fetch/3.3.2",
    "okhttp/5.1.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)",
    "Go-http-client/2.0",
    "axios/1.11.0",
];

const MAILS: [&str; MAIL_DOMAINS as usize + 1] = [
    "mail.example",
    "post.example",
    "inbox.example",
    "webmail.example",
    "letters.example",
    "qmail.example",
    "mailbox.example",
    "swiftmail.example",
    "freemail.example",
    "mymail.example",
];

/// The name of an account: different numbers have different names, and the order is lost.
pub(super) fn account_name(seed: u64, account: u32) -> String {
    let mut name = Vec::with_capacity(17);
    write_account(seed, account, &mut name);
    String::from_utf8(name).unwrap_or_default()
}

fn write_account(seed: u64, account: u32, out: &mut Vec<u8>) {
    const MASK: u64 = (1 << 48) - 1;
    // Each step can be undone within 48 bits, so no two accounts meet.
    let mut name = (u64::from(account) ^ hash(&[seed, 0x65])) & MASK;
    for odd in [0x9e37_79b9_7f4b, 0xbf58_476d_1ce5, 0x94d0_49bb_1331] {
        name = name.wrapping_mul(odd) & MASK;
        name ^= name >> 23;
    }
    out.extend_from_slice(b"acct-");
    hex(name, 12, out);
}

/// Writes the line of an event.
pub(super) fn write(world: &World, account: &Account, made: &Made, out: &mut Vec<u8>) {
    let id = u64::from(made.account);
    out.extend_from_slice(b"{\"ts\":\"");
    time(made.ts, out);
    out.extend_from_slice(b"\",\"request_id\":\"req-");
    hex(hash(&[world.seed, 0x60, made.own, id]), 16, out);
    out.extend_from_slice(b"\",\"account\":\"");
    write_account(world.seed, made.account, out);
    out.extend_from_slice(b"\",\"api_key\":\"key-");
    hex(hash(&[world.seed, 0x61, id]), 11, out);
    if world.plan.ips {
        let network = made.address.network();
        out.extend_from_slice(b"\",\"ip\":\"");
        address(made, out);
        out.extend_from_slice(b"\",\"asn\":");
        number(u64::from(network.asn), out);
        field("country", network.country, out);
    } else {
        out.push(b'"');
    }
    match &world.popular {
        Some(popular) if made.client == POPULAR => out.extend_from_slice(popular.as_bytes()),
        _ => client(world.seed, made.client, out),
    }
    field("model", MODELS[usize::from(made.model) % MODELS.len()], out);
    let endpoint = if made.client.is_multiple_of(3) { "/v1/messages" } else { "/v1/chat/completions" };
    field("endpoint", endpoint, out);
    out.extend_from_slice(b",\"status\":");
    number(u64::from(made.status), out);
    out.extend_from_slice(b",\"input_tokens\":");
    number(u64::from(made.input_tokens), out);
    out.extend_from_slice(b",\"output_tokens\":");
    number(u64::from(made.output_tokens), out);
    out.extend_from_slice(b",\"latency_ms\":");
    number(80 + u64::from(made.output_tokens) * (9 + made.own % 7) + made.own % 251, out);
    subject(world.seed, account, out);
    field("topic", made.label.name(), out);
    if world.plan.prompts {
        out.extend_from_slice(b",\"prompt\":\"");
        world.prompts().write(made.text, made.topic, made.own, out);
        out.push(b'"');
    }
    out.extend_from_slice(b"}\n");
}

/// Payment, creation, e-mail domain and plan.
fn subject(seed: u64, account: &Account, out: &mut Vec<u8>) {
    if account.payment != NO_PAYMENT {
        out.extend_from_slice(b",\"payment\":\"pay-");
        hex(hash(&[seed, 0x62, u64::from(account.payment)]), 12, out);
        out.push(b'"');
    }
    out.extend_from_slice(b",\"account_created_at\":\"");
    time(account.created, out);
    out.extend_from_slice(b"\",\"email_domain\":\"");
    if let Some(mail) = MAILS.get(account.domain as usize) {
        out.extend_from_slice(mail.as_bytes());
    } else {
        write_name(&mut Dice::of(&[seed, 0x63, u64::from(account.domain)]), out);
        out.pop();
        out.extend_from_slice(b".example");
    }
    out.push(b'"');
    field("plan", PLANS[usize::from(account.plan) % PLANS.len()], out);
}

/// Fingerprint and user agent that come from a log and may hold anything.
pub(super) fn quoted_client(fingerprint: &str, agent: &str) -> String {
    let [fingerprint, agent] = [fingerprint, agent].map(serde_json::Value::from);
    format!(",\"fingerprint\":{fingerprint},\"user_agent\":{agent}")
}

/// Fingerprint and user agent. Popular ones go with popular programs, others are somebody's own build of one.
fn client(seed: u64, client: u32, out: &mut Vec<u8>) {
    let common = client <= COMMON_CLIENTS;
    let identity = hash(&[if common { 0 } else { seed }, 0x64, u64::from(client)]);
    out.extend_from_slice(b",\"fingerprint\":\"t13d");
    number(1_000 + identity % 9_000, out);
    out.extend_from_slice(b"h2_");
    hex(identity >> 12, 12, out);
    out.push(b'_');
    hex(hash(&[identity]), 12, out);
    out.push(b'"');
    let agent = if client == POPULAR { 0 } else { (identity >> 32) as usize % AGENTS.len() };
    field("user_agent", AGENTS[agent], out);
}

fn field(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    out.extend_from_slice(value.as_bytes());
    out.push(b'"');
}

fn address(made: &Made, out: &mut Vec<u8>) {
    match made.address.look() {
        Look::V4(bytes) => {
            for (place, byte) in bytes.into_iter().enumerate() {
                if place > 0 {
                    out.push(b'.');
                }
                number(u64::from(byte), out);
            }
        }
        Look::V6(groups) => {
            // The host part changes every day, as devices do it.
            let host = hash(&[u64::from(made.account), Day::of(made.ts).0 as u64]);
            let host = [host >> 48 | 1 << 12, host >> 32 | 1 << 12, host >> 16 | 1 << 12, host | 1 << 12];
            for (place, group) in groups.into_iter().map(u64::from).chain(host).enumerate() {
                if place > 0 {
                    out.push(b':');
                }
                hex(group & 0xffff, 4, out);
            }
        }
    }
}

fn hex(value: u64, digits: u32, out: &mut Vec<u8>) {
    for digit in (0..digits).rev() {
        out.push(HEX[(value >> (4 * digit)) as usize & 15]);
    }
}

fn number(value: u64, out: &mut Vec<u8>) {
    let (mut digits, mut at, mut left) = ([0; 20], 20, value);
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A number in a fixed count of digits.
fn padded(value: i64, digits: u32, out: &mut Vec<u8>) {
    for digit in (0..digits).rev() {
        out.push(b'0' + (value / 10_i64.pow(digit) % 10) as u8);
    }
}

/// An instant as RFC 3339 in milliseconds.
fn time(at: Micros, out: &mut Vec<u8>) {
    let day = Day::of(at);
    let (year, month, date) = civil(i64::from(day.0));
    let millis = (at - day.start()) / (MICROS_A_SECOND / 1_000);
    padded(year, 4, out);
    out.push(b'-');
    padded(month, 2, out);
    out.push(b'-');
    padded(date, 2, out);
    out.push(b'T');
    padded(millis / 3_600_000, 2, out);
    out.push(b':');
    padded(millis / 60_000 % 60, 2, out);
    out.push(b':');
    padded(millis / 1_000 % 60, 2, out);
    out.push(b'.');
    padded(millis % 1_000, 3, out);
    out.push(b'Z');
}

/// Year, month and date of a day since 1970. The year is counted from March, so that leap days come last.
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next, month, date)
}
