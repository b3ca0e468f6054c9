//! Members: each account of a cluster is asked by itself whether it agrees with the others.
//!
//! The profile that an account is compared with leaves the account out. It agrees in a family by a value
//! that the others hold at more than five times the usual rate, by a creation day that is as unusual, by a
//! volume close to theirs, or by days that rise and fall with theirs. Sharing an address with a cluster is
//! how bystanders are caught; it makes nobody a member.

use crate::detect::background::total;
use crate::detect::family::{Bench, Creation, FAMILIES, Family};
use crate::detect::groups::ACTIVE_DAYS_MIN;
use crate::detect::in_parallel_if;
use crate::detect::null::Rates;
use crate::limits::{LOAD_EVENTS_MIN, SHARED_VALUE_MIN};
use std::collections::BTreeMap;

/// How much more usual among the others than outside a value has to be.
const LIFT: f64 = 5.0;

/// Share of the others that have to hold it.
const SHARE: f64 = 0.02;

/// How far from the others' median a volume may be, as natural logarithm.
const NEAR: f64 = 0.3;

/// Correlation of daily shares from which two rhythms agree.
const TOGETHER: f64 = 0.7;

/// Days without which an account has no rhythm.
const RHYTHM_DAYS_MIN: usize = 5;

/// What the members of a cluster have in common.
pub(super) struct Profile<'b> {
    bench: &'b Bench<'b>,
    /// Members by name order.
    members: &'b [u32],
    /// By kind: items that are far more usual inside, ascending, with how many members hold them.
    shared: Vec<Vec<(u32, u32)>>,
    /// Creation days of members.
    created: BTreeMap<i32, u32>,
    median: f64,
    /// Sum of members' daily shares.
    rhythm: Vec<f64>,
    /// Families whose group figures are extreme: in others nobody agrees.
    extreme: [bool; FAMILIES],
}

impl<'b> Profile<'b> {
    pub(super) fn of(bench: &'b Bench<'b>, members: &'b [u32], extreme: [bool; FAMILIES]) -> Self {
        let window = bench.window;
        let large = is_large(members);
        let of_kind = |(): &mut (), at: usize| bench.rates.get(at).map(|rates| shared(bench, rates, members));
        let shared = in_parallel_if(large, bench.rates.len(), || (), of_kind);
        let shared = shared.into_iter().map(Option::unwrap_or_default).collect();
        let mut created: BTreeMap<i32, u32> = BTreeMap::new();
        let mut rates = Vec::new();
        let mut rhythm = vec![0.0; window.days()];
        for member in members {
            let Some(account) = window.account(*member) else { continue };
            if let Some(day) = account.created {
                *created.entry(day).or_default() += 1;
            }
            if account.events >= LOAD_EVENTS_MIN {
                rates.push(libm::log(account.rate()));
            }
            for (sum, share) in rhythm.iter_mut().zip(bench.rhythm().shares(*member)) {
                *sum += share;
            }
        }
        rates.sort_unstable_by(f64::total_cmp);
        let median = rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN);
        Self { bench, members, shared, created, median, rhythm, extreme }
    }

    /// How telling each family is: how often members agree in it, and how often others do, of those who can be asked.
    /// `answers` are those of the candidates, who are sorted.
    pub(super) fn telling(&self, answers: &[Answer], candidates: &[u32]) -> Telling {
        let answer = |member: &u32| answers.get(candidates.binary_search(member).ok()?).copied();
        let inside = shares_of(self.members.iter().filter_map(answer));
        let accounts = self.bench.window.accounts.len() as u32;
        let step = (accounts as usize).div_ceil(OTHERS_ASKED).max(1);
        let others = (0..accounts).step_by(step).filter(|rank| candidates.binary_search(rank).is_err());
        let others: Vec<u32> = others.collect();
        let outside = shares_of(self.ask_all(&others).into_iter());
        let prior = self.members.len() as f64 / f64::from(accounts.max(1));
        Telling { inside, outside, prior: libm::log(prior), extreme: self.extreme }
    }

    /// Asks some accounts.
    pub(super) fn ask_all(&self, accounts: &[u32]) -> Vec<Answer> {
        let ask = |(): &mut (), at: usize| accounts.get(at).map(|account| self.ask(*account));
        in_parallel_if(is_large(accounts), accounts.len(), || (), ask).into_iter().flatten().collect()
    }

    /// Asks an account in which families it agrees with the other members.
    pub(super) fn ask(&self, account: u32) -> Answer {
        let mut answer = Answer::default();
        let own = u32::from(self.members.binary_search(&account).is_ok());
        for (rates, shared) in self.bench.rates.iter().zip(&self.shared) {
            let known = |item: &u32| Some(shared.get(shared.binary_search_by_key(item, |s| s.0).ok()?)?.1);
            let mut holds = rates.items.of_account.get(account).iter().filter_map(known);
            let agrees = holds.any(|k| k.saturating_sub(own) >= SHARED_VALUE_MIN - 1);
            if agrees {
                answer.put(Family::of_kind(rates.kind), Some(true));
            }
        }
        if self.is_made_with(account, own) {
            answer.put(Family::Life, Some(true));
        }
        answer.put(Family::Load, self.is_near(account));
        answer.put(Family::Sync, self.goes_along(account, own));
        // Whoever was here for two days cannot have been met twice.
        let days = self.bench.window.account(account).map_or(0, |account| account.active_days);
        if days < ACTIVE_DAYS_MIN && !answer.agrees(Family::Net) {
            answer.put(Family::Net, None);
        }
        // Silence excuses whoever holds something of the members' own. All others it counts against: most accounts
        // of any day are brief, and some live beside an exit.
        let answer = answer.only(self.extreme);
        if answer.in_hand() { answer } else { answer.outspoken(self.extreme) }
    }

    /// Created on a day around which far more members were created than others.
    fn is_made_with(&self, account: u32, own: u32) -> bool {
        let window = self.bench.window;
        let Some(day) = window.account(account).and_then(|account| account.created) else { return false };
        let inside: u32 = self.created.range(day - 3..=day + 3).map(|(_, count)| count).sum();
        let inside = f64::from(inside.saturating_sub(own)) / self.members.len().max(1) as f64;
        let calendar = self.bench.creation();
        let usual = total(&calendar.created_in(Creation { first: day - 3, days: 7 }));
        let usual = (f64::from(usual) + 0.5) / (f64::from(self.bench.null.count) + 1.0);
        inside >= 0.05 && inside > LIFT * usual
    }

    /// None for an account with too few events to have a volume.
    fn is_near(&self, account: u32) -> Option<bool> {
        let account = self.bench.window.account(account)?;
        let near = (libm::log(account.rate()) - self.median).abs() < NEAR;
        (account.events >= LOAD_EVENTS_MIN).then_some(near)
    }

    /// None for an account that was here for a part of the window and does not go along: one that is replaced
    /// after four days neither rises nor falls with those that came after it.
    fn goes_along(&self, account: u32, own: u32) -> Option<bool> {
        let mine = self.bench.rhythm().shares(account);
        let others = self.rhythm.iter().zip(mine).map(|(sum, mine)| sum - f64::from(own) * mine);
        let agrees = mine.len() >= RHYTHM_DAYS_MIN && correlation(mine, others) >= TOGETHER;
        let first = mine.iter().position(|share| *share > 0.0)?;
        let last = mine.iter().rposition(|share| *share > 0.0)?;
        (agrees || last - first + 1 == mine.len()).then_some(agrees)
    }
}

/// What an account answers, family by family: it agrees, it does not, or it cannot say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    agrees: [bool; FAMILIES],
    silent: [bool; FAMILIES],
}

impl Answer {
    fn put(&mut self, family: Family, agrees: Option<bool>) {
        let at = family as usize;
        match agrees {
            Some(agrees) => self.agrees[at] |= agrees,
            None => self.silent[at] = !self.agrees[at],
        }
    }

    /// The same with nothing said of families that are not extreme.
    fn only(mut self, extreme: [bool; FAMILIES]) -> Self {
        for (at, extreme) in extreme.into_iter().enumerate() {
            self.agrees[at] &= extreme;
            self.silent[at] |= !extreme;
        }
        self
    }

    /// The same with silence counted as no, in families that are extreme.
    fn outspoken(mut self, extreme: [bool; FAMILIES]) -> Self {
        self.silent = extreme.map(|extreme| !extreme);
        self
    }

    /// Whether the account agrees in a family.
    pub(super) fn agrees(self, family: Family) -> bool {
        self.agrees[family as usize]
    }

    /// Families in which it agrees.
    pub(in crate::detect) fn families(self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(move |family| self.agrees(*family))
    }

    /// Whether it holds something of the members' own: a text, a client, a payment.
    pub(super) fn in_hand(self) -> bool {
        [Family::Client, Family::Content, Family::Money].into_iter().any(|family| self.agrees(family))
    }

    /// Families of which it can say nothing, or that do not count.
    pub(in crate::detect) fn is_silent(self, family: Family) -> bool {
        self.silent[family as usize]
    }

    /// How many families it says anything of.
    pub(super) fn spoken(self) -> usize {
        self.silent.iter().filter(|silent| !**silent).count()
    }
}

/// Whether a set is so large that it pays to go through it on all threads.
pub(super) fn is_large(accounts: &[u32]) -> bool {
    accounts.len() >= LARGE
}

/// Accounts from which it pays to start threads.
const LARGE: usize = 4_096;

/// Accounts outside a cluster that are asked how often they would agree.
const OTHERS_ASKED: usize = 2_000;

/// How telling agreement is, family by family.
#[derive(Clone, Copy, Debug, Default)]
pub struct Telling {
    /// Share of members that agree, of those that can answer.
    pub inside: [f64; FAMILIES],
    /// The same of accounts outside.
    pub outside: [f64; FAMILIES],
    /// ln of the cluster's share of all accounts.
    pub prior: f64,
    /// Families that count.
    pub extreme: [bool; FAMILIES],
}

/// For each family the share of accounts that agree, of those that can be asked, never quite none or all.
fn shares_of(answers: impl Iterator<Item = Answer>) -> [f64; FAMILIES] {
    let (mut counts, mut all) = ([0.5; FAMILIES], [1.0; FAMILIES]);
    for answer in answers {
        for family in 0..FAMILIES {
            counts[family] += f64::from(u8::from(answer.agrees[family]));
            all[family] += f64::from(u8::from(!answer.silent[family]));
        }
    }
    std::array::from_fn(|family| counts[family] / all[family])
}

impl Telling {
    /// ln of the odds that an account is a member, by what it agrees in and what not: Bayes' rule with the
    /// families taken as independent, and the cluster's share of all accounts as prior. An account that
    /// does not have what all the others have is none of them, however much else it shares. A family of which
    /// it cannot say anything, because it was here too short a time, says nothing for or against it.
    pub(in crate::detect) fn odds(&self, answer: Answer) -> f64 {
        let asked = |at: &usize| self.extreme[*at] && !answer.silent[*at];
        let evidence = (0..FAMILIES).filter(asked).map(|at| {
            let (inside, outside) = (self.inside[at], self.outside[at]);
            if answer.agrees[at] {
                libm::log(inside / outside)
            } else {
                libm::log((1.0 - inside) / (1.0 - outside))
            }
        });
        evidence.sum::<f64>() + self.prior
    }
}

/// Values that are far more usual among members than outside, with how many members hold each.
fn shared(bench: &Bench<'_>, rates: &Rates<'_>, members: &[u32]) -> Vec<(u32, u32)> {
    let held = members.iter().flat_map(|member| rates.items.of_account.get(*member));
    let mut held: Vec<u32> = held.copied().collect();
    held.sort_unstable();
    let others = (bench.window.accounts.len() - members.len() + 1) as f64;
    let counts = held.chunk_by(|a, b| a == b).filter_map(|same| Some((*same.first()?, same.len() as u32)));
    let is_telling = |(item, k): &(u32, u32)| {
        let outside = f64::from(rates.items.holders.get(*item).len() as u32 - *k);
        let inside = f64::from(*k) / members.len().max(1) as f64;
        *k >= SHARED_VALUE_MIN
            && inside >= SHARE
            && inside > LIFT * (outside + 0.5) / others
            && rates.background.get(*item as usize) != Some(&true)
    };
    counts.filter(is_telling).collect()
}

/// Correlation of two rows of numbers; 0 where one of them does not vary.
fn correlation(a: &[f64], b: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = a.len().max(1) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.clone().sum::<f64>() / n);
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        both += (a - mean_a) * (b - mean_b);
        of_a += (a - mean_a) * (a - mean_a);
        of_b += (b - mean_b) * (b - mean_b);
    }
    if of_a > 0.0 && of_b > 0.0 { both / libm::sqrt(of_a * of_b) } else { 0.0 }
}
