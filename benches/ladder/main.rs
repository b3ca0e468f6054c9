//! The ladder: how much of a planted campaign is found, how early, and whom else it accuses.
//!
//! Logs are made by the generator of `cahoots drill`, go through the decoder and the store as any log
//! does, and every day is closed as it would be in life. The truth is read only afterwards.
//!
//! `cargo bench --bench ladder -- [--honest N] [--days N] [--sizes 30,100,1000] [--seeds N] [--first-seed N] [--verbose] [--check] [--baselines] [--hourly] [--write FOLDER [--percent N]] [RUNG ...]`
//! A rung is E1 to E12, `injected` for one prompt in thousands of quiet accounts, or `honest` for a world without a campaign.
//! `--hourly` looks at every hour of the log as a server would, and counts whoever is watched as flagged from then on;
//! without it only closings count. `--write` runs nothing: it writes the log as FOLDER/log.ndjson, and
//! the campaign's accounts as FOLDER/campaign.txt, for a server to be fed with; of the honest
//! accounts' requests only N percent, if that is given. `--baselines` adds a table of what three rules that people use today make of the same logs.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench stops at the first thing that goes wrong, and prints its table"
)]

mod baselines;
mod outcome;
mod run;
mod write;

use cahoots::drill::{CampaignPlan, Client, Exits, NAMES, World, WorldPlan, rung};
use cahoots::event::Day;
use outcome::{Claim, Outcome};
use run::Options;
use std::path::PathBuf;

/// 2026-04-22.
const FIRST_DAY: Day = Day(20_565);

struct Typed {
    honest: u32,
    days: u32,
    sizes: Vec<u32>,
    seeds: u64,
    first_seed: u64,
    check: bool,
    options: Options,
    write: Option<PathBuf>,
    percent: u32,
    rungs: Vec<String>,
}

fn typed() -> Typed {
    let mut typed = Typed {
        honest: 10_000,
        days: 30,
        sizes: vec![1_000],
        seeds: 1,
        first_seed: 1,
        check: false,
        options: Options { verbose: false, baselines: false, hourly: false },
        write: None,
        percent: 100,
        rungs: Vec::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--write" {
            typed.write = Some(args.next().expect("a folder").into());
            continue;
        }
        let mut number = || args.next().expect("a value").parse().expect("a number");
        match arg.as_str() {
            "--bench" => {}
            "--honest" => typed.honest = number(),
            "--days" => typed.days = number(),
            "--percent" => typed.percent = number(),
            "--seeds" => typed.seeds = u64::from(number()),
            "--first-seed" => typed.first_seed = u64::from(number()),
            "--verbose" => typed.options.verbose = true,
            "--check" => typed.check = true,
            "--baselines" => typed.options.baselines = true,
            "--hourly" => typed.options.hourly = true,
            "--sizes" => {
                let sizes = args.next().expect("sizes");
                typed.sizes = sizes.split(',').map(|size| size.parse().expect("a size")).collect();
            }
            name => typed.rungs.push(name.to_owned()),
        }
    }
    if typed.rungs.is_empty() {
        typed.rungs = NAMES.iter().map(|name| (*name).to_owned()).collect();
        typed.rungs.push("honest".to_owned());
    }
    typed
}

/// A rung by its name, or `injected`: one fixed prompt in three of ten requests, 5.6 requests a day, a home
/// address and a common client each.
fn campaign(name: &str, accounts: u32) -> CampaignPlan {
    if name != "injected" {
        return rung(name, accounts).expect("a rung");
    }
    let thin = rung("E3", accounts).expect("a rung");
    CampaignPlan {
        per_day: 5.6,
        template_share: 0.3,
        templates: 1,
        exits: Exits::Dedicated,
        client: Client::Popular,
        ..thin
    }
}

fn main() {
    let typed = typed();
    println!("{}", Outcome::HEADER);
    let mut claim = Claim::default();
    let mut rules = Vec::new();
    for name in &typed.rungs {
        let sizes = if name == "honest" { &[0][..] } else { &typed.sizes };
        for size in sizes {
            for seed in typed.first_seed..typed.first_seed + typed.seeds {
                let mut plan = WorldPlan::honest(FIRST_DAY, typed.days, typed.honest);
                if *size > 0 {
                    plan = plan.with(campaign(name, *size));
                }
                if let Some(folder) = &typed.write {
                    return write::log(folder, &World::new(plan, seed), typed.percent)
                        .expect("a folder to write to");
                }
                let (outcome, others) = run::run(name, *size, plan, seed, &typed.options);
                println!("{outcome}");
                claim.add(&outcome);
                rules.extend(others);
                if typed.options.baselines {
                    rules.push(outcome.rule("cahoots"));
                }
                if typed.check && !outcome.is_good() {
                    println!("\nthat is worse than it has to be");
                    std::process::exit(1);
                }
            }
        }
    }
    if typed.options.baselines {
        println!("\n{}\n{}", Outcome::RULES, rules.join("\n"));
    }
    if !claim.is_empty() {
        println!("\n{claim}");
    }
}
