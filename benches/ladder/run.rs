//! One world through the whole: decoder, store, a closing for each day, and what came of it.

use cahoots::detect::{Analysis, Book, Family};
use cahoots::drill::{Truth, World, WorldPlan};
use cahoots::event::{Day, MICROS_A_DAY, MICROS_AN_HOUR, Micros};
use cahoots::ingest::{Context, Decoder};
use cahoots::store::{Appender, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

/// How to run.
pub(crate) struct Options {
    /// Print every day.
    pub(crate) verbose: bool,
}

/// What came of a world.
pub(crate) struct Outcome {
    name: String,
    size: u32,
    seed: u64,
    accounts: usize,
    events: u64,
    campaign: usize,
    found: usize,
    accused: usize,
    leaked: f64,
    first: Option<u32>,
    bystanders: BTreeMap<&'static str, usize>,
    told: usize,
    analysis: Duration,
    peak: u64,
}

impl Outcome {
    pub(crate) const HEADER: &'static str = "| rung | n | seed | accounts | events | recall | precision | leaked | first flag, day | innocent accused, by class | told | analysis s | peak MB |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|";
}

impl Outcome {
    /// Whether nearly all of the campaign was found, and nobody else.
    pub(crate) fn is_good(&self) -> bool {
        self.bystanders.is_empty() && self.found as f64 >= 0.9 * self.campaign as f64
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio =
            |a: usize, b: usize| if b == 0 { "-".to_owned() } else { format!("{:.3}", a as f64 / b as f64) };
        let innocent: Vec<String> = self.bystanders.iter().map(|(class, n)| format!("{class} {n}")).collect();
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {} |",
            self.name,
            self.size,
            self.seed,
            self.accounts,
            self.events,
            ratio(self.found, self.campaign),
            ratio(self.found, self.accused),
            if self.campaign == 0 { "-".to_owned() } else { format!("{:.3}", self.leaked) },
            self.first.map_or("-".to_owned(), |day| day.to_string()),
            if innocent.is_empty() { "none".to_owned() } else { innocent.join(", ") },
            self.told,
            self.analysis.as_secs_f64(),
            self.peak / 1_000_000,
        )
    }
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

/// Runs one world.
pub(crate) fn run(name: &str, size: u32, plan: WorldPlan, seed: u64, options: &Options) -> Outcome {
    let folder = tempfile::tempdir().expect("folder");
    let (store, mut appender) = Store::open(folder.path(), 1).expect("store");
    let first_day = plan.first_day.0;
    let world = World::new(plan, seed);
    let (now, privacy) = (Micros::MAX / 4, *store.privacy());
    let context = Context { seed: store.seed(), now, keep_extra: false, privacy };
    let mut decoder = Decoder::new(context);
    let mut analysis = Analysis::load(&store).expect("state");
    let mut spent = Duration::ZERO;
    let mut bytes = Vec::new();
    let mut daily: BTreeMap<String, Vec<(u32, u64)>> = BTreeMap::new();
    let truth = world.truth();
    for day in 0..world.days() {
        let events = world.day(day);
        for made in events.chunks(10_000) {
            bytes.clear();
            for made in made {
                world.write_json(made, &mut bytes);
                if let Some(Truth { account, campaign: Some(_), .. }) = truth.get(made.account as usize) {
                    let days = daily.entry(account.clone()).or_default();
                    let hour = ((made.ts - world.day_of(0).start()) / 3_600_000_000) as u32;
                    match days.last_mut() {
                        Some((last, count)) if *last == hour => *count += 1,
                        _ => days.push((hour, 1)),
                    }
                }
            }
            append(&bytes, &mut decoder, &mut appender);
        }
        let _complete = decoder.finish();
        appender.append(&[decoder.take_batch()]).expect("append");
        let (start, worked) = (Instant::now(), cpu());
        let last = day + 1 == world.days();
        while let Some(due) =
            analysis.due(&store.snapshot().expect("snapshot"), last.then_some(Micros::MAX)).expect("due")
        {
            analysis.step(&store, due).expect("close");
            if options.verbose && due.hour.is_none() {
                show(&analysis, first_day, (start.elapsed(), cpu().saturating_sub(worked)));
            }
        }
        spent += start.elapsed();
    }
    appender.settle(true).expect("settle");
    let book = &analysis.ledger.book;
    let mut outcome = Outcome {
        name: name.to_owned(),
        size,
        seed,
        accounts: truth.len(),
        events: store.status().rows,
        campaign: 0,
        found: 0,
        accused: 0,
        leaked: 0.0,
        first: None,
        bystanders: BTreeMap::new(),
        told: 0,
        analysis: spent,
        peak: peak(),
    };
    judge(book, &truth, &daily, first_day, &mut outcome);
    if options.verbose {
        explain(book, &truth);
    }
    outcome
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

/// Compares what was accused with what is true.
fn judge(
    book: &Book,
    truth: &[Truth],
    daily: &BTreeMap<String, Vec<(u32, u64)>>,
    first_day: i32,
    outcome: &mut Outcome,
) {
    let mut flagged: BTreeMap<&str, Micros> = BTreeMap::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for cluster in book.current() {
        for member in &cluster.members {
            if cluster.verdict.accuses() && cluster.confirmed.is_some() {
                let confirmed = Day(cluster.confirmed.unwrap_or(i32::MAX / 2)).end();
                let day = member.flagged.max(confirmed);
                flagged.insert(&member.account, day);
            } else {
                told.insert(&member.account);
            }
        }
    }
    let (mut leaked, mut all) = (0_u64, 0_u64);
    for truth in truth {
        let flag = flagged.get(truth.account.as_str());
        outcome.accused += usize::from(flag.is_some());
        outcome.told += usize::from(told.contains(truth.account.as_str()));
        if truth.campaign.is_none() {
            if flag.is_some() {
                *outcome.bystanders.entry(truth.class).or_default() += 1;
            }
            continue;
        }
        let Some(days) = daily.get(&truth.account) else { continue };
        outcome.campaign += 1;
        outcome.found += usize::from(flag.is_some());
        outcome.first = outcome
            .first
            .into_iter()
            .chain(flag.map(|at| (Day::of(at - MICROS_A_DAY / 2).0 - first_day) as u32))
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
