//! One world through the whole: decoder, store, a closing for each day, and what came of it.

use crate::baselines::{Addresses, Rule};
use crate::outcome::Outcome;
use cahoots::detect::{Analysis, Book, Family, Ledger};
use cahoots::drill::{Made, Truth, World, WorldPlan};
use cahoots::event::{Day, MICROS_AN_HOUR, Micros};
use cahoots::ingest::{Context, Decoder};
use cahoots::limits::MICROS_AFTER_DAY;
use cahoots::store::{Appender, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How to run.
pub(crate) struct Options {
    /// Print every day.
    pub(crate) verbose: bool,
    /// Also ask the rules that people use today.
    pub(crate) baselines: bool,
    /// Look at each hour of the log, and count whoever is watched from then on.
    pub(crate) hourly: bool,
}

fn append(bytes: &[u8], decoder: &mut Decoder, appender: &mut Appender) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let used = decoder.feed(rest);
        rest = &rest[used..];
        if decoder.batch_ready() {
            appender.append(&[decoder.take_batch()]).expect("append");
        }
    }
}

fn decoder(store: &Store) -> Decoder {
    let (now, privacy) = (Micros::MAX / 4, *store.privacy());
    Decoder::new(Context::new(store.seed(), now, privacy))
}

/// Closes all days that are due, and looks at the hours of the open one if they count; looks on after each step,
/// with the processor time since the first.
fn close_due(
    analysis: &mut Analysis,
    store: &Store,
    (until, hourly): (Option<Micros>, bool),
    mut closed: impl FnMut(&Analysis, Duration),
) {
    let before = cpu();
    while let Some(due) = analysis.due(&store.snapshot().expect("snapshot"), until).expect("due") {
        if due.hour.is_some() && !hourly {
            return;
        }
        analysis.step(store, due).expect("step");
        closed(analysis, cpu().saturating_sub(before));
    }
}

/// Counts an event, so long after the start of the log, by the hour.
fn count(hours: &mut Vec<(u32, u64)>, since: Micros) {
    let hour = (since / MICROS_AN_HOUR) as u32;
    match hours.last_mut() {
        Some((last, count)) if *last == hour => *count += 1,
        _ => hours.push((hour, 1)),
    }
}

/// What feeds a world to a store, and counts on the way what the campaign's accounts sent.
struct Feed<'w> {
    world: &'w World,
    truth: &'w [Truth],
    decoder: Decoder,
    appender: Appender,
    bytes: Vec<u8>,
    /// By account: hours since the start of the log, and events.
    daily: BTreeMap<String, Vec<(u32, u64)>>,
    addresses: Option<Addresses>,
}

impl Feed<'_> {
    fn part(&mut self, day: u32, part: &[Made]) {
        for made in part.chunks(10_000) {
            self.bytes.clear();
            for made in made {
                let start = self.bytes.len();
                self.world.write_json(made, &mut self.bytes);
                if let (Some(addresses), Some(line)) = (&mut self.addresses, self.bytes.get(start..)) {
                    addresses.see(day, made.account, line);
                }
                if let Some(Truth { account, campaign: Some(_), .. }) = self.truth.get(made.account as usize)
                {
                    let since = made.ts - self.world.day_of(0).start();
                    count(self.daily.entry(account.clone()).or_default(), since);
                }
            }
            append(&self.bytes, &mut self.decoder, &mut self.appender);
        }
        let _complete = self.decoder.finish();
        self.appender.append(&[self.decoder.take_batch()]).expect("append");
    }
}

/// A day's events, hour by hour if hours count.
fn parts(events: &[Made], hourly: bool) -> Vec<&[Made]> {
    let of_hour = |made: &Made| made.ts.div_euclid(MICROS_AN_HOUR);
    if hourly { events.chunk_by(|a, b| of_hour(a) == of_hour(b)).collect() } else { vec![events] }
}

/// Runs one world.
pub(crate) fn run(
    name: &str,
    size: u32,
    plan: WorldPlan,
    seed: u64,
    options: &Options,
) -> (Outcome, Vec<String>) {
    let folder = tempfile::tempdir().expect("folder");
    let (store, appender) = Store::open(folder.path(), 1).expect("store");
    let first_day = plan.first_day.0;
    let world = World::new(plan, seed);
    let truth = world.truth();
    let mut feed = Feed {
        world: &world,
        truth: &truth,
        decoder: decoder(&store),
        appender,
        bytes: Vec::new(),
        daily: BTreeMap::new(),
        addresses: options.baselines.then(|| Addresses::new(world.days())),
    };
    let mut analysis = Analysis::load(&store).expect("state");
    let mut spent = Duration::ZERO;
    let mut named = BTreeMap::new();
    for day in 0..world.days() {
        let events = world.day(day);
        let parts = parts(&events, options.hourly);
        for (at, part) in parts.iter().enumerate() {
            feed.part(day, part);
            let start = Instant::now();
            let is_end = day + 1 == world.days() && at + 1 == parts.len();
            let until = is_end.then_some(Micros::MAX);
            close_due(&mut analysis, &store, (until, options.hourly), |analysis, worked| {
                note(&analysis.ledger, &mut named);
                if options.verbose {
                    show(analysis, first_day, (start.elapsed(), worked));
                    explain(&analysis.ledger.book, &truth);
                }
            });
            spent += start.elapsed();
        }
    }
    let Feed { mut appender, daily, addresses, .. } = feed;
    appender.settle(true).expect("settle");
    let book = &analysis.ledger.book;
    let mut outcome = Outcome {
        name: name.to_owned(),
        size,
        seed,
        days: world.days(),
        accounts: truth.len(),
        events: store.status().rows,
        analysis: spent,
        peak: peak(),
        ..Outcome::default()
    };
    outcome.told = told(book, &truth);
    judge(&named, &truth, &daily, first_day, &mut outcome);
    let rules = addresses.map(|addresses| addresses.rules(truth.len())).into_iter().flatten();
    let rows = rules.map(|rule| row(&outcome, &rule, &truth)).collect();
    (outcome, rows)
}

/// What a rule makes of the same world.
fn row(of: &Outcome, rule: &Rule, truth: &[Truth]) -> String {
    let mut outcome = Outcome { name: of.name.clone(), size: of.size, seed: of.seed, ..Outcome::default() };
    outcome.count(truth, |at| rule.accused.get(at) == Some(&true));
    outcome.rule(rule.name)
}

/// Processor time of this process.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn show(analysis: &Analysis, first_day: i32, (spent, worked): (Duration, Duration)) {
    let report = &analysis.ledger.report;
    println!(
        "day {} accounts {} est {} groups {} passed {} null {:.1} thr {:.1} {:?} {:.2} s, {:.2} s of processors",
        report.day - first_day,
        report.accounts,
        report.established,
        report.groups,
        report.passed,
        report.null_max,
        report.threshold,
        report.abstained,
        spent.as_secs_f64(),
        worked.as_secs_f64()
    );
    for cluster in analysis.ledger.book.current().filter(|c| c.renewed == report.day) {
        println!(
            "  {} {:?} {:?} n={} out={} {:?} C={:.1} X={:.2} core={:.2}",
            cluster.id,
            cluster.status,
            cluster.verdict,
            cluster.members.len(),
            cluster.bystanders.len(),
            cluster.families().collect::<Vec<_>>(),
            cluster.coordination,
            cluster.extraction,
            cluster.deception.core_share,
        );
    }
}

/// Says of each innocent member how it came in.
fn explain(book: &Book, truth: &[Truth]) {
    let innocent = truth.iter().filter(|truth| truth.campaign.is_none());
    for truth in innocent {
        for cluster in book.current().filter(|cluster| cluster.verdict.accuses()) {
            if let Some(member) = cluster.member(&truth.account) {
                let families = member.agreements.iter().filter_map(|at| Family::ALL.get(usize::from(*at)));
                let families: Vec<&str> = families.map(|family| family.name()).collect();
                println!(
                    "  innocent {} {} in {}: {families:?}, by signature {}",
                    truth.class, truth.account, cluster.id, member.by_signature
                );
            }
        }
    }
}

/// Notes who is accused now, and since when: who is taken out again later was accused all the same, and who came in
/// by signature was so from that hour on.
fn note(ledger: &Ledger, named: &mut BTreeMap<String, Micros>) {
    for cluster in ledger.current().filter(|cluster| cluster.verdict.accuses()) {
        let watched = cluster.hour.map(|_| cluster.flagged());
        let Some(from) = watched.or(cluster.confirmed.map(|day| Day(day).end())) else { continue };
        for member in &cluster.members {
            let at = member.flagged.max(from);
            match named.get_mut(&member.account) {
                Some(first) => *first = at.min(*first),
                None => drop(named.insert(member.account.clone(), at)),
            }
        }
    }
}

/// How many accounts are told of without being accused.
fn told(book: &Book, truth: &[Truth]) -> usize {
    let telling = book.current().filter(|cluster| !cluster.verdict.accuses() || cluster.confirmed.is_none());
    let told: BTreeSet<&str> =
        telling.flat_map(|cluster| &cluster.members).map(|member| member.account.as_str()).collect();
    truth.iter().filter(|truth| told.contains(truth.account.as_str())).count()
}

/// Compares who was accused with what is true.
fn judge(
    flagged: &BTreeMap<String, Micros>,
    truth: &[Truth],
    daily: &BTreeMap<String, Vec<(u32, u64)>>,
    first_day: i32,
    outcome: &mut Outcome,
) {
    outcome.count(truth, |at| truth.get(at).is_some_and(|one| flagged.contains_key(&one.account)));
    let (mut leaked, mut all) = (0_u64, 0_u64);
    for truth in truth.iter().filter(|truth| truth.campaign.is_some()) {
        let flag = flagged.get(&truth.account);
        let Some(days) = daily.get(&truth.account) else { continue };
        outcome.first = outcome
            .first
            .into_iter()
            .chain(flag.map(|at| (Day::of(at - MICROS_AFTER_DAY - 1).0 - first_day) as u32))
            .min();
        for (hour, events) in days {
            all += events;
            let end = Day(first_day).start() + i64::from(hour + 1) * MICROS_AN_HOUR;
            if flag.is_none_or(|flag| end <= *flag) {
                leaked += events;
            }
        }
    }
    outcome.leaked = leaked as f64 / all.max(1) as f64;
}

/// Peak resident memory of this process so far, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|n| n.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
