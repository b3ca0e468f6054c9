//! Finding: from a day's scored groups to clusters whose members have been asked one by one.
//!
//! Groups that would accuse are joined among themselves only: joining by overlap is how a hackathon in
//! an attacker's network becomes part of the attack. What is joined is cleaned and tested again.

use super::join::{self, JOINED_SHARE, Union};
use super::members::{Answer, Profile, Telling, is_large};
use super::verdict::{Circumstances, Deception, Verdict, verdict};
use crate::detect::extraction::{Asking, Extraction};
use crate::detect::facts::{DayFacts, Kind, Passing};
use crate::detect::family::{Bench, FAMILIES, Family};
use crate::detect::groups::Group;
use crate::detect::permute::{NullTable, null_table};
use crate::detect::score::Scored;
use crate::detect::scratch::Scratch;
use crate::detect::window::{Lists, STRATA};
use crate::detect::{in_parallel, in_parallel_if};
use crate::limits::{CONFIRM_MIN, FALSE_RATE_MAX, GROUP_MIN};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Families that show an operator's hand. CONTENT, LIFE, SYNC alone are what events look like.
const OPERATOR: [Family; 4] = [Family::Net, Family::Client, Family::Money, Family::Load];

/// Rounds in which members are asked; what has not settled by then is left out.
const ROUNDS: usize = 3;

/// ln of the odds from which an account is a member: a hundred to one.
pub(in crate::detect) const MEMBER_ODDS: f64 = 4.605_170_185_988_091;

/// ln of the odds that make up for one family less: ten thousand to one.
const SURE_ODDS: f64 = 9.210_340_371_976_182;

/// Share of a stratum from which a group fills it.
const FILLED: f64 = 0.1;

/// A day's groups and what was measured of them.
pub(crate) struct Frame<'b> {
    /// The tests.
    pub bench: &'b Bench<'b>,
    /// What accounts ask for.
    pub asking: &'b Asking<'b>,
    /// Facts of the days.
    pub days: &'b [&'b DayFacts],
    /// The groups.
    pub groups: &'b [Group],
    /// Their scores.
    pub scored: &'b [Scored],
    /// The strength asked of each.
    pub thresholds: &'b [f64],
    /// All accounts by stratum.
    pub strata: [u32; STRATA],
    /// Addresses in hosting networks that each account used.
    pub rented: Lists,
    /// Accounts that took the place of banned ones, and whose, by name.
    pub successors: &'b BTreeMap<String, String>,
    /// Seed of sampled pairs.
    pub seed: u64,
}

/// A cluster of one day.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// Ranks, ascending.
    pub members: Vec<u32>,
    /// What each member answered, in their order.
    pub answers: Vec<Answer>,
    /// What the answers were weighed by.
    pub telling: Telling,
    /// Ranks of candidates that agree in too few, with how many.
    pub bystanders: Vec<(u32, usize)>,
    /// Numbers of the groups that it was joined from.
    pub groups: Vec<usize>,
    /// Tested as a whole; no family is left out.
    pub scored: Scored,
    /// Strength of the second family besides the strongest.
    pub coordination: f64,
    /// Strength that was asked for.
    pub threshold: f64,
    /// False rate.
    pub q: f64,
    /// What it asks for.
    pub extraction: Extraction,
    /// What hides it.
    pub deception: Deception,
    /// Share of members that share the most common payment, and the most common /24 or /64.
    pub one_card: f64,
    /// Share of members seen in the most common /24 or /64.
    pub one_net: f64,
    /// The verified organisation that most members belong to, and the share of those that do.
    pub organisation: Option<(String, f64)>,
    /// Members that took the place of banned accounts, and whose.
    pub succeeds: BTreeMap<String, String>,
    /// What it is.
    pub verdict: Verdict,
    /// Whether it may be confirmed: it is large enough, and hardly any shuffled group is as strong.
    pub sure: bool,
}

/// What a set is taken for, and by what.
pub(in crate::detect) struct Judged {
    extraction: Extraction,
    pub(in crate::detect) verdict: Verdict,
    deception: Deception,
    one_card: f64,
    one_net: f64,
    organisation: Option<(String, f64)>,
}

/// What a day's finding gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The clusters: those that accuse first, then by size.
    pub clusters: Vec<Confirmed>,
    /// Groups that passed the threshold.
    pub passed: usize,
    /// The permutations.
    pub null: NullTable,
}

/// Finds a day's clusters.
#[must_use]
pub(crate) fn find(frame: &Frame<'_>) -> Found {
    let is_strong = |at: &usize| frame.scored[*at].coordination() >= frame.thresholds[*at];
    let strong: Vec<usize> = (0..frame.groups.len()).filter(is_strong).collect();
    let accuses = in_parallel(strong.len(), || (), |(), nth| frame.verdict_of_group(strong[nth]).accuses());
    let of_kind = |accusing: bool| {
        let both = strong.iter().zip(&accuses);
        both.filter(|(_, accuses)| **accuses == accusing).map(|(at, _)| *at).collect::<Vec<usize>>()
    };
    let (mut accusing, mut telling) = (of_kind(true), of_kind(false));
    let of_group = |at: &usize| frame.groups[*at].members.iter().copied();
    let fills = |at: &&usize| frame.fills_a_stratum(**at);
    let mut accused: RoaringBitmap = accusing.iter().flat_map(of_group).collect();
    accused.extend(telling.iter().filter(fills).flat_map(of_group));
    let null = null_table(frame.bench, frame.groups, &accused, frame.seed);
    let mut observed: Vec<f64> = frame.scored.iter().map(Scored::coordination).collect();
    observed.sort_unstable_by(|a, b| b.total_cmp(a));
    let rates = null.rates(&observed);
    let q = |strength: f64| rates.q(strength);
    for groups in [&mut accusing, &mut telling] {
        groups.retain(|at| q(frame.scored[*at].coordination()) <= FALSE_RATE_MAX);
    }
    let passed = accusing.len() + telling.len();
    let mut clusters: Vec<Confirmed> = Vec::new();
    for groups in [accusing, telling] {
        // What is about the accused again tells nothing new.
        let taken: RoaringBitmap =
            clusters.iter().flat_map(|cluster| cluster.members.iter().copied()).collect();
        let is_new = |members: &[u32]| {
            let inside = members.iter().filter(|member| taken.contains(**member)).count();
            (inside as f64) < JOINED_SHARE * members.len() as f64
        };
        let groups = groups.into_iter().filter(|at| is_new(&frame.groups[*at].members)).collect();
        for mut cluster in join::clusters(frame, groups) {
            if is_new(&cluster.members) {
                cluster.q = q(cluster.coordination);
                cluster.sure = cluster.members.len() >= CONFIRM_MIN && cluster.q <= FALSE_RATE_MAX;
                clusters.push(cluster);
            }
        }
    }
    clusters.sort_by_key(|c| {
        (!c.verdict.accuses(), std::cmp::Reverse(c.members.len()), c.members.first().copied())
    });
    Found { clusters, passed, null }
}

impl Frame<'_> {
    /// Whether a group is so much of one of its strata that shuffling within it changes little.
    fn fills_a_stratum(&self, at: usize) -> bool {
        let window = self.bench.window;
        let mut own = [0_u32; STRATA];
        for account in self.groups[at].members.iter().filter_map(|member| window.account(*member)) {
            own[usize::from(account.stratum)] += 1;
        }
        own.iter().zip(self.strata).any(|(own, all)| *own > 0 && f64::from(*own) >= FILLED * f64::from(all))
    }

    fn verdict_of_group(&self, at: usize) -> Verdict {
        let (group, scored) = (&self.groups[at], &self.scored[at]);
        let operator: Vec<Family> = operator(scored, self.thresholds[at]);
        self.judge(&group.members, &operator).verdict
    }

    /// Purpose and verdict of a coordinated set.
    pub(in crate::detect) fn judge(&self, members: &[u32], operator: &[Family]) -> Judged {
        let extraction = self.asking.of_group(members, self.seed);
        let deception = self.deception(members);
        let (one_card, one_net) =
            (self.most_common(Kind::Payment, members), self.most_common(Kind::Prefix, members));
        let organisation = self.organisation(members);
        let about = Circumstances {
            accounts: members.len(),
            operator,
            deception,
            one_card,
            rented: self.rented(members),
            vouched: organisation.as_ref().map_or(0.0, |(_, share)| *share),
        };
        let verdict = verdict(&extraction, &about);
        Judged { extraction, verdict, deception, one_card, one_net, organisation }
    }

    /// The verified organisation that most members belong to, and their share.
    fn organisation(&self, members: &[u32]) -> Option<(String, f64)> {
        let window = self.bench.window;
        let mut held: Vec<&str> =
            members.iter().filter_map(|member| window.account(*member)?.organisation.as_deref()).collect();
        held.sort_unstable();
        // Of equally many the first by name.
        let most = held.chunk_by(|a, b| a == b).rev().max_by_key(|same| same.len())?;
        Some(((*most.first()?).to_owned(), most.len() as f64 / members.len().max(1) as f64))
    }

    /// Share of members that hold the value that most of them hold.
    fn most_common(&self, kind: Kind, members: &[u32]) -> f64 {
        let items = self.bench.window.items(kind);
        let mut held: Vec<u32> = members.iter().flat_map(|m| items.of_account.get(*m)).copied().collect();
        held.sort_unstable();
        let most = held.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
        most as f64 / members.len().max(1) as f64
    }

    /// Share of members that used an address in a hosting network together with seven others.
    pub(in crate::detect) fn rented(&self, members: &[u32]) -> f64 {
        let mut held: Vec<u32> =
            members.iter().flat_map(|member| self.rented.get(*member)).copied().collect();
        held.sort_unstable();
        let shared = held.chunk_by(|a, b| a == b).filter(|at_one| at_one.len() >= GROUP_MIN);
        let shared: Vec<u32> = shared.filter_map(|at_one| at_one.first().copied()).collect();
        let uses = |member: &&u32| {
            self.rented.get(**member).iter().any(|address| shared.binary_search(address).is_ok())
        };
        members.iter().filter(uses).count() as f64 / members.len().max(1) as f64
    }

    fn deception(&self, members: &[u32]) -> Deception {
        let window = self.bench.window;
        let is_member =
            |ordinal: u32| window.rank(ordinal).is_some_and(|rank| members.binary_search(&rank).is_ok());
        let inside = |passings: for<'f> fn(&'f DayFacts) -> &'f [Passing]| {
            let all = self.days.iter().flat_map(|facts| passings(facts));
            all.filter(|passing| is_member(passing.from) && is_member(passing.to)).count() as u32
        };
        let core = window.items(Kind::Core);
        let in_core = members.iter().filter(|member| !core.of_account.get(**member).is_empty()).count();
        Deception {
            core_share: in_core as f64 / members.len().max(1) as f64,
            successions: self.succeeds(members).len() as u32,
            handoffs: inside(|facts| &facts.handoffs),
            failovers: inside(|facts| &facts.failovers),
        }
    }

    /// Members that took the place of banned accounts.
    fn succeeds(&self, members: &[u32]) -> BTreeMap<String, String> {
        let names = members.iter().filter_map(|member| self.bench.window.account(*member)).map(|a| &a.name);
        names.filter_map(|name| Some((name.clone(), self.successors.get(name)?.clone()))).collect()
    }

    /// Asks candidates one by one whether they agree with those who are members at first, again with those
    /// who did, and tests who is left.
    pub(super) fn settle(&self, union: &Union, first: &RoaringBitmap) -> Option<Confirmed> {
        let threshold = union.groups.iter().map(|at| self.thresholds[*at]).fold(f64::INFINITY, f64::min);
        let candidates: Vec<u32> = union.members.iter().collect();
        let mut members: Vec<u32> = first.iter().collect();
        // In the order of the candidates.
        let mut answers: Vec<Answer> = Vec::new();
        let mut telling = Telling::default();
        for _ in 0..ROUNDS {
            let extreme = self.extreme(&members, threshold);
            let profile = Profile::of(self.bench, &members, extreme);
            answers = profile.ask_all(&candidates);
            telling = profile.telling(&answers, &candidates);
            let middle = self.asking.middle(&members);
            let is_one = |(account, answer): &(&u32, &Answer)| {
                // Who holds nothing of the members' own is known by place, volume and days alone.
                if !answer.in_hand() && self.asking.asks_for_other_things(**account, middle) {
                    return false;
                }
                let odds = telling.odds(**answer);
                let needed = needed(**answer, extreme.iter().filter(|is| **is).count());
                (agrees(**answer, needed) && odds >= MEMBER_ODDS)
                    || (agrees(**answer, 2) && odds >= SURE_ODDS)
            };
            let kept = candidates.iter().zip(&answers).filter(is_one);
            let kept: Vec<u32> = kept.map(|(account, _)| *account).collect();
            let settled = kept == members;
            members = kept;
            if settled || members.len() < GROUP_MIN {
                break;
            }
        }
        if members.len() < GROUP_MIN {
            return None;
        }
        let scored = self.score(&members);
        // The strongest family may be the one that made the set, so it does not count.
        let coordination = scored.ranked()[2];
        if coordination < threshold {
            return None;
        }
        let operator = operator(&scored, threshold);
        let judged = self.judge(&members, &operator);
        let mut of_members = Vec::with_capacity(members.len());
        let mut bystanders = Vec::new();
        for (account, answer) in candidates.iter().zip(&answers) {
            match members.binary_search(account) {
                Ok(_) => of_members.push(*answer),
                Err(_) => bystanders.push((*account, answer.families().count())),
            }
        }
        Some(Confirmed {
            bystanders,
            answers: of_members,
            telling,
            sure: false,
            succeeds: self.succeeds(&members),
            members,
            groups: union.groups.clone(),
            scored,
            coordination,
            threshold,
            q: 1.0,
            extraction: judged.extraction,
            deception: judged.deception,
            one_card: judged.one_card,
            one_net: judged.one_net,
            organisation: judged.organisation,
            verdict: judged.verdict,
        })
    }

    fn score(&self, members: &[u32]) -> Scored {
        let test = |scratch: &mut Scratch, at: usize| self.bench.test(Family::ALL[at], members, scratch);
        let findings = in_parallel_if(is_large(members), FAMILIES, Scratch::default, test);
        Scored { findings: std::array::from_fn(|at| findings.get(at).copied().flatten()) }
    }

    fn extreme(&self, members: &[u32], threshold: f64) -> [bool; FAMILIES] {
        let scored = self.score(members);
        Family::ALL.map(|family| scored.strength(family) >= threshold)
    }
}

/// In how many families an account has to agree: in three, unless it holds something in its hand and three are
/// asked too much, because fewer than four are extreme or it was here too briefly to answer. Neighbours at an address
/// who came in the same week are an office that hires.
fn needed(answer: Answer, extreme: usize) -> usize {
    if answer.in_hand() && (extreme < 4 || answer.spoken() < 4) { 2 } else { 3 }
}

/// Whether an account agrees in enough families, one of which is something that it holds.
fn agrees(answer: Answer, needed: usize) -> bool {
    const HELD: [Family; 4] = [Family::Net, Family::Client, Family::Content, Family::Money];
    answer.families().count() >= needed && HELD.into_iter().any(|family| answer.agrees(family))
}

pub(in crate::detect) fn operator(scored: &Scored, threshold: f64) -> Vec<Family> {
    scored.at_least(threshold).filter(|family| OPERATOR.contains(family)).collect()
}
