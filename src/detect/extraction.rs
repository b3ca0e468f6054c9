//! Extraction: is what a group asks for what extraction aims at? Kept apart from coordination, because
//! agencies and fleets are coordinated too.
//!
//! Six figures, of which three gate: how large the share of target requests is (agents, tools, reasoning,
//! grading; volumes winsorised at three times the median, so that one big developer does not speak for
//! all), how much larger than the platform's, and how many of the accounts agree.

use super::facts::{DayFacts, halves, pair};
use super::window::{Lists, Window};
use crate::limits::{LABELLED_MIN, PAIRS_SAMPLED, QUEUE_PROMPTS_MIN};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Overlap of prompts from which accounts work on the same dataset.
pub(super) const SAME_DATASET: f64 = 0.5;

/// Times the platform's share from which what is mixed with ordinary requests shows.
pub(super) const LEANING: f64 = 1.4;

/// Part of the middle account's share below which an account asks for other things.
const OTHER_THINGS: f64 = 0.5;

/// Overlap of prompts below which accounts share out one queue.
pub(super) const QUEUE_OVERLAP: f64 = 0.02;

/// What everybody asks for, prepared once for a window.
pub(super) struct Asking<'w> {
    window: &'w Window,
    /// Sum of the shares of target requests, and of how many accounts.
    sum: f64,
    count: u32,
    /// Median of tokens written for each token read.
    output: f64,
    /// Sampled exact prompts of each account.
    prompts: Lists,
}

/// What a group asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Extraction {
    /// Accounts whose requests can be told apart.
    pub accounts: u32,
    /// Whether that is enough of them.
    pub assessable: bool,
    /// Share of target requests.
    pub target: f64,
    /// The platform's, the group left out.
    pub platform: f64,
    /// One over the other.
    pub lift: f64,
    /// Share of accounts at twice the platform's share or more.
    pub agreement: f64,
    /// Share of accounts at [`LEANING`] times the platform's share or more.
    pub leaning: f64,
    /// Mean overlap of exact prompts over pairs of accounts, if prompts are known.
    pub overlap: Option<f64>,
    /// Median of prompts for each account.
    pub prompts: f64,
    /// Median tokens written for each token read, over the platform's.
    pub output_lift: f64,
    /// Share of accounts active in all 24 hours of the day.
    pub round_the_clock: f64,
    /// Mean of six figures, each from 0 to 1.
    pub score: f64,
}

impl Extraction {
    /// Whether the accounts share out one queue of work: many prompts each, hardly one twice.
    #[must_use]
    pub fn is_work_queue(&self) -> bool {
        self.overlap.is_some_and(|overlap| overlap < QUEUE_OVERLAP) && self.prompts >= QUEUE_PROMPTS_MIN
    }

    /// Whether the accounts ask the same questions, as those who run a benchmark or do homework.
    #[must_use]
    pub fn is_same_dataset(&self) -> bool {
        self.overlap.is_some_and(|overlap| overlap >= SAME_DATASET)
    }
}

/// Share of target requests.
pub(super) fn share(target: u64, labelled: u64) -> f64 {
    target as f64 / labelled.max(1) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl<'w> Asking<'w> {
    /// What the accounts of a window ask for.
    #[must_use]
    pub(super) fn of(window: &'w Window, days: &[&DayFacts]) -> Self {
        let told = || window.accounts.iter().filter(|account| account.labelled >= LABELLED_MIN);
        let mut prompts: Vec<u64> = days
            .iter()
            .flat_map(|facts| &facts.prompts)
            .filter_map(|held| {
                let (ordinal, key) = halves(*held);
                Some(pair(window.rank(ordinal)?, key))
            })
            .collect();
        prompts.sort_unstable();
        prompts.dedup();
        Self {
            window,
            sum: told().map(|account| share(account.target, account.labelled)).sum(),
            count: told().count() as u32,
            output: median(window.accounts.iter().filter_map(|account| account.output_per_input).collect()),
            prompts: Lists::of(&prompts, window.accounts.len()),
        }
    }

    /// Mean share of target requests over the accounts outside a group. One request in a hundred is assumed
    /// at least, so that a lift is no division by nothing.
    fn platform(&self, members: &[u32]) -> f64 {
        let (mut sum, mut count) = (self.sum, f64::from(self.count));
        for own in members.iter().filter_map(|member| self.share_of(*member)) {
            sum -= own;
            count -= 1.0;
        }
        (sum / count.max(1.0)).max(0.01)
    }

    /// The share of target requests of a group's middle account; 0 where requests cannot be told apart.
    #[must_use]
    pub(super) fn middle(&self, members: &[u32]) -> f64 {
        median(members.iter().filter_map(|member| self.share_of(*member)).collect())
    }

    /// Whether an account is known to ask for less than half as much of it as a group's middle account: then what
    /// the group asks for says nothing of this one.
    #[must_use]
    pub(super) fn asks_for_other_things(&self, account: u32, middle: f64) -> bool {
        self.share_of(account).is_some_and(|own| own < OTHER_THINGS * middle)
    }

    /// None where too few requests can be told apart.
    fn share_of(&self, account: u32) -> Option<f64> {
        let account = self.window.account(account)?;
        (account.labelled >= LABELLED_MIN).then(|| share(account.target, account.labelled))
    }

    /// What a group asks for. `members` are sorted; `seed` chooses the pairs that are compared.
    #[must_use]
    pub(super) fn of_group(&self, members: &[u32], seed: u64) -> Extraction {
        let platform = self.platform(members);
        let accounts = || members.iter().filter_map(|member| self.window.account(*member));
        let told = || accounts().filter(|account| account.labelled >= LABELLED_MIN);
        let count = told().count();
        let middle = median(told().map(|account| account.labelled as f64).collect());
        let (mut target, mut all, mut agree, mut lean) = (0.0, 0.0, 0_u32, 0_u32);
        for account in told() {
            let own = share(account.target, account.labelled);
            let weight = (account.labelled as f64).min(3.0 * middle);
            target += own * weight;
            all += weight;
            agree += u32::from(own >= 2.0 * platform);
            lean += u32::from(own >= LEANING * platform);
        }
        let target = if all > 0.0 { target / all } else { 0.0 };
        let output = median(accounts().filter_map(|account| account.output_per_input).collect());
        let day = (1 << 24) - 1;
        let always = accounts().filter(|account| account.hours == day).count();
        let mut found = Extraction {
            accounts: count as u32,
            assessable: count * 2 >= members.len() && count > 0,
            target,
            platform,
            lift: target / platform,
            agreement: f64::from(agree) / count.max(1) as f64,
            leaning: f64::from(lean) / count.max(1) as f64,
            overlap: self.overlap(members, seed),
            prompts: median(accounts().map(|account| account.labelled as f64).collect()),
            output_lift: if self.output > 0.0 { output / self.output } else { 0.0 },
            round_the_clock: always as f64 / members.len().max(1) as f64,
            score: 0.0,
        };
        found.score = score(&found);
        found
    }

    /// Mean of |A and B| / min(|A|, |B|) over pairs of accounts, A and B being samples of their exact
    /// prompts. Fewer than four sampled prompts say nothing of an account, fewer than eight accounts
    /// nothing of a group.
    fn overlap(&self, members: &[u32], seed: u64) -> Option<f64> {
        let sampled = members.iter().map(|member| self.prompts.get(*member));
        let sampled: Vec<&[u32]> = sampled.filter(|prompts| prompts.len() >= 4).collect();
        if sampled.len() < 8 {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut sum, mut count) = (0.0, 0_u32);
        for _ in 0..PAIRS_SAMPLED {
            let (a, b) = (below(&mut random, sampled.len()), below(&mut random, sampled.len()));
            if let (Some(first), Some(second), true) = (sampled.get(a), sampled.get(b), a != b) {
                let both = super::groups::common(first, second);
                sum += both as f64 / first.len().min(second.len()) as f64;
                count += 1;
            }
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// Mean of six figures: three that gate, work queue, output, hours.
fn score(found: &Extraction) -> f64 {
    let logs = |lift: f64| (libm::log2(lift.max(1.0)) / 3.0).min(1.0);
    let queue = if found.is_work_queue() { 1.0 } else { 0.0 };
    let figures = [
        found.target,
        logs(found.lift),
        found.agreement,
        queue,
        logs(found.output_lift),
        found.round_the_clock,
    ];
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// A number below a bound.
pub(super) fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u64::from(random.next_u32()) * bound as u64) >> 32) as usize
}
