//! What came of a world, as a row of a table; and what came of several honest ones.

use cahoots::drill::Truth;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Honest customers who do act together, each for one customer or one teacher. Everybody else is ordinary,
/// hackathons and launches included.
const LOOK_ALIKES: [&str; 6] = ["agency", "reseller", "reseller-coding", "fleet", "classroom", "benchmark"];

/// What came of a world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) size: u32,
    pub(crate) seed: u64,
    pub(crate) days: u32,
    pub(crate) accounts: usize,
    pub(crate) events: u64,
    /// Accounts of the campaign, and those of them that are accused.
    pub(crate) campaign: usize,
    pub(crate) found: usize,
    pub(crate) accused: usize,
    pub(crate) leaked: f64,
    pub(crate) first: Option<u32>,
    /// Innocent accounts that are accused, by class.
    pub(crate) bystanders: BTreeMap<&'static str, usize>,
    /// Ordinary accounts, and honest ones that look as if they were not.
    pub(crate) ordinary: Honest,
    pub(crate) look_alike: Honest,
    pub(crate) told: usize,
    pub(crate) analysis: Duration,
    pub(crate) peak: u64,
}

/// Honest accounts of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Honest {
    accused: usize,
    all: usize,
}

impl fmt::Display for Honest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_million = self.accused as f64 * 1e6 / self.all.max(1) as f64;
        write!(f, "{per_million:.0} ({} of {})", self.accused, self.all)
    }
}

fn ratio(a: usize, b: usize) -> String {
    if b == 0 { "-".to_owned() } else { format!("{:.3}", a as f64 / b as f64) }
}

impl Outcome {
    pub(crate) const HEADER: &'static str = "| rung | n | seed | accounts | events | recall | precision | leaked | first flag, day | innocent accused, by class | ordinary accused per million | look-alikes accused per million | told | analysis s | peak MB |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

    /// The header of a table of rules.
    pub(crate) const RULES: &'static str = "| rung | n | seed | rule | recall | precision | ordinary accused per million | look-alikes accused per million |\n|---|---|---|---|---|---|---|---|";

    /// Whether nearly all of the campaign was found, and nobody else.
    pub(crate) fn is_good(&self) -> bool {
        self.bystanders.is_empty() && self.found as f64 >= 0.9 * self.campaign as f64
    }

    /// Counts who is accused among whom.
    pub(crate) fn count(&mut self, truth: &[Truth], is_accused: impl Fn(usize) -> bool) {
        for (at, truth) in truth.iter().enumerate() {
            let accused = usize::from(is_accused(at));
            self.accused += accused;
            if truth.campaign.is_some() {
                self.campaign += 1;
                self.found += accused;
                continue;
            }
            let looks_alike = LOOK_ALIKES.contains(&truth.class);
            let honest = if looks_alike { &mut self.look_alike } else { &mut self.ordinary };
            honest.all += 1;
            honest.accused += accused;
            if accused > 0 {
                *self.bystanders.entry(truth.class).or_default() += 1;
            }
        }
    }

    /// A row of the table of rules.
    pub(crate) fn rule(&self, name: &str) -> String {
        format!(
            "| {} | {} | {} | {name} | {} | {} | {} | {} |",
            self.name,
            self.size,
            self.seed,
            ratio(self.found, self.campaign),
            ratio(self.found, self.accused),
            self.ordinary,
            self.look_alike,
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let innocent: Vec<String> = self.bystanders.iter().map(|(class, n)| format!("{class} {n}")).collect();
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} | {} |",
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
            self.ordinary,
            self.look_alike,
            self.told,
            self.analysis.as_secs_f64(),
            self.peak / 1_000_000,
        )
    }
}

/// Honest worlds together: what may be claimed of false accusations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Claim {
    worlds: u32,
    accounts: usize,
    months: f64,
    accused: usize,
}

impl Claim {
    /// Adds a world, if it is honest.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        if outcome.campaign == 0 {
            self.worlds += 1;
            self.accounts += outcome.accounts;
            self.months += outcome.accounts as f64 * f64::from(outcome.days) / 30.0;
            self.accused += outcome.accused;
        }
    }

    /// Whether there is anything to claim.
    pub(crate) fn is_empty(&self) -> bool {
        self.worlds == 0
    }

    /// What the expected count is below with 95 % certainty: 3 where there was none, the rule of three.
    fn at_most(&self) -> f64 {
        let at_most_as_many = |mean: f64| {
            let (mut term, mut sum) = (libm::exp(-mean), 0.0);
            for n in 0..=self.accused {
                sum += term;
                term *= mean / (n as f64 + 1.0);
            }
            sum
        };
        let (mut low, mut high) = (0.0, 10.0 + 3.0 * self.accused as f64);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if at_most_as_many(middle) > 0.05 { low = middle } else { high = middle }
        }
        high
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} honest worlds, {} accounts, {:.0} account-months: {} accused; with 95 % certainty fewer than {:.1} per \
             million account-months of such worlds",
            self.worlds,
            self.accounts,
            self.months,
            self.accused,
            self.at_most() * 1e6 / self.months.max(f64::MIN_POSITIVE),
        )
    }
}
