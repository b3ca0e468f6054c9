//! `cahoots drill`: a synthetic network planted in a copy of the operator's own data, and what is found of it.

use crate::app::Offline;
use crate::cli::ask::print;
use crate::cli::error::CliError;
use crate::detect::Analysis;
use crate::drill::{CampaignPlan, Exits, NAMES, Scheduler, World, WorldPlan, rung};
use crate::event::{Day, MICROS_A_DAY, Micros};
use crate::store::{DATABASE, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cahoots drill --data ./data --accounts 200 --per-day 6 --template 0.3 --exits residential
  cahoots drill --data ./data --rung E4 --accounts 100 --days 10
  cahoots drill --honest 3000 --rung E1

The data itself is not touched: the drill works on a copy, which takes as much space as the data and is removed
at the end. Stop the server first, or copy its folder.";

/// Where the planted requests come from
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ExitsKind {
    /// Fifty rented addresses.
    Pool,
    /// Rotating addresses of homes, twenty for each account.
    Residential,
    /// One home address each.
    Dedicated,
}

/// Plant a synthetic network in a copy of your data, and see what is found of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Drill {
    /// Folder of the data; made-up honest accounts instead, unless you say.
    #[arg(long, value_name = "FOLDER", env = "CAHOOTS_DATA", conflicts_with = "honest")]
    data: Option<PathBuf>,
    /// Made-up honest accounts, where there is no data.
    #[arg(long, value_name = "ACCOUNTS", default_value_t = 3_000)]
    honest: u32,
    /// Accounts of the network.
    #[arg(long, default_value_t = 200)]
    accounts: u32,
    /// Requests of each account in a day.
    #[arg(long, value_name = "REQUESTS")]
    per_day: Option<f64>,
    /// Share of requests that carry one of its templates.
    #[arg(long, value_name = "SHARE")]
    template: Option<f64>,
    /// Where requests come from.
    #[arg(long, value_enum)]
    exits: Option<ExitsKind>,
    /// Volumes like people's, instead of equal shares.
    #[arg(long)]
    human: bool,
    /// A rung of the ladder, E1 (shares everything) to E12 (shares nothing), to start from.
    #[arg(long, default_value = "E3")]
    rung: String,
    /// Days of the network, the last ones of the log.
    #[arg(long, default_value_t = 14)]
    days: u32,
    /// Another seed plants another network of the same kind.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Drill {
    /// Plants, analyses, reports.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let campaign = self.campaign()?;
        let scratch = tempfile::Builder::new().prefix("cahoots-drill-").tempdir();
        let scratch = scratch.map_err(|error| CliError::Failed(format!("no scratch folder: {error}")))?;
        if let Some(data) = &self.data {
            let from = data.join(DATABASE);
            std::fs::copy(&from, scratch.path().join(DATABASE))
                .map_err(|reason| CliError::Input { path: from, reason })?;
        }
        let mut offline = Offline::open(scratch.path())?;
        let first = self.prepare(&mut offline)?;
        let (planted, daily) = self.plant(&mut offline, campaign, first)?;
        print(&format!(
            "planted {} accounts from {} on; analysing every day\n",
            planted.len(),
            name(first.0)
        ))?;
        let analysis = offline.analyze(|_| {})?;
        print(&report(&analysis, &planted, &daily))
    }

    fn campaign(&self) -> Result<CampaignPlan, CliError> {
        let Some(mut plan) = rung(&self.rung, self.accounts) else {
            return Err(CliError::Wrong(format!("--rung is one of {}", NAMES.join(", "))));
        };
        if self.accounts == 0 || self.accounts > 100_000 || self.days == 0 {
            return Err(CliError::Wrong("--accounts is 1 to 100000 and --days at least 1".to_owned()));
        }
        plan.per_day = self.per_day.unwrap_or(plan.per_day);
        plan.template_share = self.template.unwrap_or(plan.template_share);
        if !(0.0..=1.0).contains(&plan.template_share) || !(0.1..=2_000.0).contains(&plan.per_day) {
            return Err(CliError::Wrong("--template is 0 to 1 and --per-day 0.1 to 2000".to_owned()));
        }
        if let Some(exits) = self.exits {
            plan.exits = match exits {
                ExitsKind::Pool => Exits::Pool(50),
                ExitsKind::Residential => Exits::Residential { pool: 20 * self.accounts, per_day: 5 },
                ExitsKind::Dedicated => Exits::Dedicated,
            };
        }
        if self.human {
            plan.scheduler = Scheduler::LogNormal;
        }
        Ok(plan)
    }

    /// Makes sure that there is a log, and says on which day the network starts.
    fn prepare(&self, offline: &mut Offline) -> Result<Day, CliError> {
        if self.data.is_none() {
            // 2026-04-22, for a week longer than the network.
            let plan = WorldPlan::honest(Day(20_565), self.days + 7, self.honest);
            let world = World::new(plan, self.seed ^ 0x40e5);
            for day in 0..world.days() {
                feed(offline, &world, day, &mut |_, _| {})?;
            }
            offline.end()?;
        }
        let newest = offline.snapshot()?.newest();
        let Some(newest) = newest else {
            return Err(CliError::Failed("the data has no event to hide a network among".to_owned()));
        };
        Ok(Day(Day::of(newest).0 + 1 - self.days as i32))
    }

    fn plant(&self, offline: &mut Offline, campaign: CampaignPlan, first: Day) -> Result<Planted, CliError> {
        let mut plan = WorldPlan::honest(first, self.days, 0).with(campaign);
        plan.popular = offline.most_used().ok();
        let world = World::new(plan, self.seed);
        // What is planted is found under the names that the database keeps.
        let truth: Vec<String> =
            world.truth().into_iter().map(|truth| offline.kept_account(&truth.account)).collect();
        let mut daily: BTreeMap<String, Vec<(i32, u64)>> = BTreeMap::new();
        for day in 0..world.days() {
            feed(offline, &world, day, &mut |person, events| {
                if let Some(account) = truth.get(person as usize) {
                    daily.entry(account.clone()).or_default().push((first.0 + day as i32, events));
                }
            })?;
        }
        offline.end()?;
        Ok((truth.into_iter().collect(), daily))
    }
}

/// Planted accounts, and their events by day.
type Planted = (BTreeSet<String>, BTreeMap<String, Vec<(i32, u64)>>);

/// Sends a day of a world through the decoder into the store.
fn feed(
    offline: &mut Offline,
    world: &World,
    day: u32,
    count: &mut dyn FnMut(u32, u64),
) -> Result<(), StoreError> {
    let mut bytes = Vec::new();
    let mut by_person: BTreeMap<u32, u64> = BTreeMap::new();
    for made in world.day(day) {
        *by_person.entry(made.account).or_default() += 1;
        world.write_json(&made, &mut bytes);
        if bytes.len() > 1 << 20 {
            offline.take(&bytes)?;
            bytes.clear();
        }
    }
    for (person, events) in by_person {
        count(person, events);
    }
    offline.take(&bytes)
}

fn name(day: i32) -> String {
    let start = jiff::Timestamp::from_microsecond(Day(day).start());
    start.map_or_else(|_| day.to_string(), |start| start.to_string().chars().take(10).collect())
}

/// What was found of the planted accounts, and who else was accused.
fn report(
    analysis: &Analysis,
    planted: &BTreeSet<String>,
    daily: &BTreeMap<String, Vec<(i32, u64)>>,
) -> String {
    let mut flagged: BTreeMap<&str, Micros> = BTreeMap::new();
    let accusing = analysis.ledger.book.current().filter(|c| c.verdict.accuses() && c.confirmed.is_some());
    for member in accusing.flat_map(|cluster| &cluster.members) {
        flagged.insert(&member.account, member.flagged);
    }
    let found = planted.iter().filter(|account| flagged.contains_key(account.as_str())).count();
    let others = flagged.len() - found;
    let (mut passed, mut all) = (0_u64, 0_u64);
    for (account, days) in daily {
        let flag = flagged.get(account.as_str());
        for (day, events) in days {
            all += events;
            passed += if flag.is_none_or(|flag| Day(*day).end() <= *flag) { *events } else { 0 };
        }
    }
    let first = planted.iter().filter_map(|account| flagged.get(account.as_str())).min();
    let first = first.map_or("never".to_owned(), |at| name(Day::of(at - MICROS_A_DAY / 2).0));
    let percent = |part: u64, whole: u64| part as f64 / whole.max(1) as f64 * 100.0;
    let abstained = analysis.ledger.report.abstained.join("\n  ");
    format!(
        "found      {found} of {} planted accounts, recall {:.3}\n\
         others     {others} accounts accused that were not planted, precision {:.3}\n\
         detected   {first}\n\
         passed     {:.1} % of the planted requests before their account was flagged\n\
         {}",
        planted.len(),
        found as f64 / planted.len().max(1) as f64,
        found as f64 / flagged.len().max(1) as f64,
        percent(passed, all),
        if abstained.is_empty() { String::new() } else { format!("notes      {abstained}\n") },
    )
}
