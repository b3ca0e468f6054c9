//! A small provider's day, made up but lifelike: who calls from where, with what.
//!
//! Most of it is what an innocent shared address, card or client looks like, because that is most of
//! life; forty accounts act together. The same day comes out each time, at another date.

use crate::event::{Day, MICROS_A_DAY, MICROS_A_SECOND, Micros};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The fingerprint that the planted accounts have in common.
pub(super) const RARE: &str = "fp-4b1d90c2e7";

/// The fingerprint of a popular library, seen with most accounts.
const POPULAR: &str = "fp-sdk-py-1.40";

/// The network that the planted accounts come from.
pub(super) const EXITS: &str = "203.0.113.0/24";

/// The cheap model, which the search of the demo leaves out.
pub(super) const SMALL: &str = "m-small";

const PLANTED: u64 = 40;
const EXIT_ADDRESSES: u64 = 12;

/// A made-up day.
pub(super) struct World {
    /// Lines of NDJSON in the order of their times.
    pub(super) lines: Vec<String>,
    /// How many accounts there are.
    pub(super) accounts: usize,
    /// The accounts that act together.
    pub(super) planted: BTreeSet<String>,
    /// Those of them that the search of the demo has to find.
    pub(super) searched: BTreeSet<String>,
    /// Two planted accounts that share a card as well.
    pub(super) pair: (String, String),
    /// A student: behind one address with hundreds of others, and nothing else.
    pub(super) student: String,
}

/// Numbers that look random and are the same each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `bound`.
    fn under(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn percent(&mut self, share: u64) -> bool {
        self.under(100) < share
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.under(from.len() as u64) as usize)
    }
}

/// When people of a kind are awake.
#[derive(Clone, Copy)]
enum Hours {
    /// Eight to six.
    Office,
    /// Morning to late, mostly evening.
    Evening,
    /// All day and night.
    Always,
}

/// One account and its habits.
struct Habits {
    account: String,
    addresses: Vec<String>,
    clients: Vec<String>,
    agent: &'static str,
    asn: u32,
    country: &'static str,
    payment: String,
    domain: String,
    plan: &'static str,
    age_days: i64,
    events: u64,
    small_share: u64,
    hours: Hours,
}

/// Makes the day.
pub(super) fn make(day: Day) -> World {
    let mut dice = Dice(0x00c0_ffee);
    let mut people = Vec::new();
    campus(&mut dice, &mut people);
    offices(&mut dice, &mut people);
    carrier(&mut dice, &mut people);
    homes(&mut dice, &mut people);
    runners(&mut dice, &mut people);
    agency(&mut people);
    network(&mut people);
    let mut events = Vec::new();
    let mut searched = BTreeSet::new();
    for habits in &people {
        for _ in 0..habits.events {
            let (at, line, matches) = event(&mut dice, habits, day);
            if matches {
                searched.insert(habits.account.clone());
            }
            events.push((at, line));
        }
    }
    events.sort();
    let planted = people.iter().filter(|habits| habits.account.starts_with("planted-"));
    World {
        accounts: people.len(),
        planted: planted.map(|habits| habits.account.clone()).collect(),
        searched,
        pair: ("planted-07".to_owned(), "planted-08".to_owned()),
        student: "student-042".to_owned(),
        lines: events.into_iter().map(|(_, line)| line).collect(),
    }
}

/// The client that most people use, or one of the many others.
fn everyday_client(dice: &mut Dice) -> String {
    match dice.under(100) {
        0..60 => POPULAR.to_owned(),
        // Browsers: each of them with many people.
        60..90 => format!("fp-browser-{:03}", dice.under(120)),
        // A device of one's own.
        _ => format!("fp-device-{:08x}", dice.next() as u32),
    }
}

fn person(account: String, address: String, client: String) -> Habits {
    let (payment, domain) = (format!("card-of-{account}"), "mail.example".to_owned());
    Habits {
        account,
        addresses: vec![address],
        clients: vec![client],
        agent: "python-httpx/0.28",
        asn: 64_500,
        country: "DE",
        payment,
        domain,
        plan: "pay-as-you-go",
        age_days: 400,
        events: 25,
        small_share: 50,
        hours: Hours::Evening,
    }
}

/// 300 students behind two addresses.
fn campus(dice: &mut Dice, people: &mut Vec<Habits>) {
    for n in 0..300 {
        let client = everyday_client(dice);
        let student = person(format!("student-{n:03}"), format!("192.0.2.{}", 10 + n % 2), client);
        let domain = "campus.example".to_owned();
        people.push(Habits { domain, plan: "free", asn: 64_501, age_days: 90, events: 20, ..student });
    }
}

/// Twenty offices, each behind its address; people also work from home.
fn offices(dice: &mut Dice, people: &mut Vec<Habits>) {
    for n in 0..400_u64 {
        let office = n / 20;
        let client = everyday_client(dice);
        let mut worker =
            person(format!("office-{office:02}-{:02}", n % 20), format!("198.51.100.{office}"), client);
        worker.addresses.push(format!("198.18.{}.{}", n / 250, n % 250));
        worker.domain = format!("office-{office:02}.example");
        people.push(Habits { plan: "team", asn: 64_502, events: 30, hours: Hours::Office, ..worker });
    }
}

/// A mobile carrier: 400 people who change between sixteen addresses all day.
fn carrier(dice: &mut Dice, people: &mut Vec<Habits>) {
    for n in 0..400_u64 {
        let client = everyday_client(dice);
        let mut mobile = person(format!("mobile-{n:03}"), format!("198.19.0.{}", dice.under(16)), client);
        mobile.addresses.extend((0..3).map(|_| format!("198.19.0.{}", dice.under(16))));
        people.push(Habits { asn: 64_503, events: 15, agent: "okhttp/5.1", ..mobile });
    }
}

/// Homes, some with two accounts on one card, a third of them with IPv6.
fn homes(dice: &mut Dice, people: &mut Vec<Habits>) {
    for n in 0..804_u64 {
        // Every tenth home is a household of two.
        let home = if n % 10 == 1 { n - 1 } else { n };
        let address = match home % 3 {
            0 => format!("2001:db8:{:x}:1::{:x}", home, 1 + n % 10),
            _ => format!("198.18.{}.{}", 100 + home / 250, home % 250),
        };
        let client = everyday_client(dice);
        let mut someone = person(format!("home-{n:03}"), address, client);
        someone.payment = format!("card-of-home-{home:03}");
        people.push(Habits { asn: 64_504 + (n % 5) as u32, ..someone });
    }
}

/// Build machines: many addresses for each account, one client, around the clock.
fn runners(dice: &mut Dice, people: &mut Vec<Habits>) {
    for n in 0..40_u64 {
        let mut runner = person(format!("ci-{n:02}"), "198.19.10.0".to_owned(), "fp-ci-runner".to_owned());
        runner.addresses = (0..8).map(|_| format!("198.19.10.{}", dice.under(60))).collect();
        let (agent, hours) = ("node-fetch/3", Hours::Always);
        people.push(Habits { agent, hours, asn: 64_510, plan: "team", events: 150, ..runner });
    }
}

/// An agency: sixteen accounts, one office, one card, one image on every machine. Innocent.
fn agency(people: &mut Vec<Habits>) {
    for n in 0..16 {
        let (address, client) = ("192.0.2.200".to_owned(), "fp-agency-image".to_owned());
        let someone = person(format!("agency-{n:02}"), address, client);
        let (payment, domain) = ("card-of-agency".to_owned(), "agency.example".to_owned());
        people.push(Habits { payment, domain, plan: "team", events: 60, hours: Hours::Office, ..someone });
    }
}

/// The planted network: young accounts that take turns on twelve exits with one rare client.
fn network(people: &mut Vec<Habits>) {
    for n in 0..PLANTED {
        let mut member = person(format!("planted-{n:02}"), String::new(), RARE.to_owned());
        // Each on four of the exits, neighbors in number on mostly the same ones.
        member.addresses =
            (0..4).map(|turn| format!("203.0.113.{}", 20 + (n / 3 + turn * 3) % EXIT_ADDRESSES)).collect();
        // Now and then with the client that everybody has.
        member.clients = (0..10).map(|turn| if turn == 0 { POPULAR } else { RARE }.to_owned()).collect();
        if n < 24 {
            member.payment = format!("card-shared-{}", n.div_ceil(3));
        }
        let (asn, country, hours) = (64_520, "NL", Hours::Always);
        people.push(Habits { asn, country, hours, age_days: 3, events: 220, small_share: 10, ..member });
    }
}

/// One event: its time, its line, and whether the search of the demo has to find it.
fn event(dice: &mut Dice, habits: &Habits, day: Day) -> (Micros, String, bool) {
    let second = match habits.hours {
        Hours::Office => 8 * 3_600 + dice.under(10 * 3_600),
        // The later of two: people are up late.
        Hours::Evening => 7 * 3_600 + dice.under(16 * 3_600).max(dice.under(16 * 3_600)),
        Hours::Always => dice.under(86_400),
    };
    let at = day.start() + (second as Micros) * MICROS_A_SECOND + dice.under(1_000_000) as Micros;
    let created = day.start() - habits.age_days * MICROS_A_DAY;
    let nothing = String::new();
    let address = dice.pick(&habits.addresses).unwrap_or(&nothing);
    let client = dice.pick(&habits.clients).unwrap_or(&nothing);
    let model = if dice.percent(habits.small_share) { SMALL } else { "m-large" };
    let status = if dice.percent(2) { 429 } else { 200 };
    let (input, output) = (50 + dice.under(4_000), if status == 200 { 20 + dice.under(1_500) } else { 0 });
    let Habits { account, agent, asn, country, payment, domain, plan, .. } = habits;
    let line = format!(
        "{{\"ts\":\"{}\",\"request_id\":\"r-{:016x}\",\"account\":\"{account}\",\"api_key\":\"key-{account}\",\
         \"ip\":\"{address}\",\"fingerprint\":\"{client}\",\"user_agent\":\"{agent}\",\"asn\":{asn},\
         \"country\":\"{country}\",\"model\":\"{model}\",\"endpoint\":\"/v1/chat/completions\",\
         \"status\":{status},\"input_tokens\":{input},\"output_tokens\":{output},\"latency_ms\":{},\
         \"payment\":\"{payment}\",\"account_created_at\":\"{}\",\"email_domain\":\"{domain}\",\
         \"plan\":\"{plan}\"}}\n",
        instant(at),
        dice.next(),
        200 + output * 12,
        instant(created),
    );
    (at, line, address.starts_with("203.0.113.") && client == RARE && model != SMALL)
}

fn instant(at: Micros) -> String {
    // Every instant of a day that was yesterday can be written.
    Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Day, PLANTED, make};
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn the_day_is_the_same_each_time_and_lies_where_it_should() {
        let (day, world) = (Day(20_000), make(Day(20_000)));
        assert_eq!(world.lines, make(day).lines);
        assert_eq!(world.accounts, 2_000);
        assert_eq!(world.planted.len() as u64, PLANTED);
        assert!((58_000..62_000).contains(&world.lines.len()), "{}", world.lines.len());
        let mut ids = BTreeSet::new();
        let mut accounts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in &world.lines {
            let event: Value = serde_json::from_str(line).expect(line);
            let text = |name: &str| event[name].as_str().expect(name).to_owned();
            assert!(text("ts").starts_with("2024-10-04T"), "{line}");
            ids.insert(text("request_id"));
            text("ip").parse::<std::net::IpAddr>().expect("address");
            accounts.entry(text("account")).or_default().insert(text("fingerprint"));
            last = text("ts");
        }
        assert!(last.starts_with("2024-10-04T23"), "{last}");
        assert_eq!(ids.len(), world.lines.len());
        assert_eq!(accounts.len(), world.accounts);
        let popular = accounts.values().filter(|clients| clients.contains(super::POPULAR)).count();
        assert!((1_000..1_400).contains(&popular), "{popular}");
        let rare: BTreeSet<_> = accounts
            .iter()
            .filter(|(_, clients)| clients.contains(super::RARE))
            .map(|(name, _)| name.clone())
            .collect();
        assert_eq!(rare, world.planted);
        assert!(
            accounts.contains_key(&world.student)
                && rare.contains(&world.pair.0)
                && rare.contains(&world.pair.1)
        );
        assert!(world.searched.is_subset(&world.planted) && world.searched.len() > 30);
    }
}
