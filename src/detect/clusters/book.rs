//! The book: every cluster that was ever found, kept up to date at each day's close.

use super::find::Confirmed;
use super::{Bystander, Cluster, Key, Member, Status, Strength};
use crate::detect::family::Family;
use crate::detect::history::History;
use crate::detect::window::Window;
use crate::event::{Day, Micros};
use crate::limits::{BYSTANDERS_MAX, CLUSTERS_MAX, MICROS_AFTER_DAY};
use crate::store::{Decode, Encode};
use std::collections::{BTreeMap, BTreeSet};

/// Share of the smaller set of members from which a found cluster is one that is known.
const SAME_SHARE: f64 = 0.3;

/// Members whose names make a cluster's id.
const ID_MEMBERS: usize = 8;

/// What happened to a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[repr(u8)]
pub enum Step {
    /// It was found.
    Found = 0,
    /// It was confirmed.
    Confirmed = 1,
    /// Accounts joined.
    Grew = 2,
    /// Accounts were taken out, because they agree with the others no longer.
    Shrank = 3,
    /// Another cluster was taken up.
    Merged = 4,
    /// The verdict changed.
    Judged = 5,
    /// Members were banned.
    Banned = 6,
    /// Accounts went to a cluster of their own, or came from the other one.
    Split = 7,
}

impl Step {
    /// The word in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Confirmed => "confirmed",
            Self::Grew => "grew",
            Self::Shrank => "shrank",
            Self::Merged => "merged",
            Self::Judged => "judged",
            Self::Banned => "banned",
            Self::Split => "split",
        }
    }
}

/// One line of a cluster's history.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Happening {
    /// The day at whose close it happened.
    pub day: i32,
    /// What.
    pub step: Step,
    /// How many accounts it concerned.
    pub accounts: u32,
    /// The other cluster, or the verdict.
    pub about: String,
}

/// All clusters.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Book {
    /// In order of finding.
    pub clusters: Vec<Cluster>,
}

/// What the book needs of a day.
pub struct Page<'w> {
    /// The window.
    pub window: &'w Window,
    /// Signatures of the clusters found, in their order.
    pub signatures: Vec<Vec<Key>>,
    /// Sentences on what was checked, in their order.
    pub twins: Vec<Vec<String>>,
    /// When accounts had enough keys of a known cluster, by name.
    pub arrived: BTreeMap<String, Micros>,
}

impl Book {
    /// A cluster by its id, even if another took it up.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.id == id)
    }

    /// Clusters that were not taken up by another.
    pub fn current(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.iter().filter(|cluster| cluster.merged_into.is_none())
    }

    /// Whether a found cluster is one that is known.
    pub(in crate::detect) fn knows(&self, window: &Window, found: &Confirmed) -> bool {
        let names = names_of(window, found);
        self.clusters.iter().any(|cluster| cluster.is_same(&names))
    }

    /// Notes in the history of clusters that members were banned.
    pub(in crate::detect) fn banned(&mut self, accounts: &[&String], day: i32) {
        for cluster in self.clusters.iter_mut().filter(|cluster| cluster.merged_into.is_none()) {
            let banned = accounts.iter().filter(|account| cluster.member(account).is_some()).count();
            if banned > 0 {
                cluster.happened(day, Step::Banned, banned, String::new());
            }
        }
    }

    /// Takes in what a day has found, and tells the history who is a member. Says for each where it is.
    pub fn close(
        &mut self,
        page: &Page<'_>,
        found: &[Confirmed],
        history: &mut History,
    ) -> Vec<Option<usize>> {
        self.drop_provisional(page.window.day);
        let mut places = Vec::with_capacity(found.len());
        for (at, one) in found.iter().enumerate() {
            let place = self.place(page, one, at);
            places.push(place);
            let Some(cluster) = place.and_then(|at| self.clusters.get(at)) else { continue };
            // Accounts of a cluster that accuses say no longer what is usual.
            if cluster.status == Status::Confirmed && cluster.verdict.accuses() {
                let ranks = cluster.members.iter().filter_map(|member| page.window.find(&member.account));
                for account in ranks.filter_map(|rank| page.window.account(rank)) {
                    history.set_clustered(account.ordinal, true);
                }
            }
        }
        places
    }

    /// Lets go who came in by signature while the day was open: the close asks everybody anew, and when an
    /// account was seen first depends on the order of arrival.
    fn drop_provisional(&mut self, day: i32) {
        for cluster in &mut self.clusters {
            cluster.members.retain(|member| !member.by_signature || member.flagged < Day(day).start());
        }
    }

    /// Joins a found cluster to the one it is, or enters it; says where.
    fn place(&mut self, page: &Page<'_>, found: &Confirmed, at: usize) -> Option<usize> {
        let names = names_of(page.window, found);
        let day = page.window.day;
        let same = (0..self.clusters.len()).filter(|at| self.clusters[*at].is_same(&names));
        // What was found again today already is found a second time: it has come apart.
        let (whole, mut same): (Vec<usize>, Vec<usize>) =
            same.partition(|at| self.clusters[*at].renewed == day);
        // The first found keeps its id.
        let Some(first) = same.first().copied() else {
            if self.clusters.len() >= CLUSTERS_MAX {
                tracing::error!("the book of clusters is full: {CLUSTERS_MAX}");
                return None;
            }
            let mut cluster = begin(page, found);
            if self.find(&cluster.id).is_some() {
                // The oldest have parted from the cluster that is named after them.
                cluster.id = format!("{}-{day}", cluster.id);
            }
            self.clusters.push(cluster);
            let last = self.clusters.len() - 1;
            self.clusters[last].renew(page, found, at);
            for first in whole {
                self.part(first, last, day);
            }
            return Some(last);
        };
        for other in same.drain(1..) {
            let taken = std::mem::take(&mut self.clusters[other].members);
            let (id, into) = (self.clusters[other].id.clone(), self.clusters[first].id.clone());
            self.clusters[other].merged_into = Some(into);
            let events = self.clusters[other].events;
            let cluster = &mut self.clusters[first];
            cluster.events += events;
            cluster.happened(page.window.day, Step::Merged, taken.len(), id);
            for member in taken {
                cluster.join(member);
            }
        }
        self.clusters[first].renew(page, found, at);
        Some(first)
    }
}

impl Book {
    /// Takes out of a cluster who belongs to the one that parted from it. Who was flagged there stays flagged as of
    /// then.
    fn part(&mut self, from: usize, to: usize, day: i32) {
        let (before, gone): (Vec<Member>, Vec<Member>) = std::mem::take(&mut self.clusters[from].members)
            .into_iter()
            .partition(|member| self.clusters[to].member(&member.account).is_none());
        self.clusters[from].members = before;
        for old in &gone {
            let members = &mut self.clusters[to].members;
            if let Ok(at) = members.binary_search_by(|member| member.account.cmp(&old.account)) {
                members[at].flagged = members[at].flagged.min(old.flagged);
            }
        }
        let (old, new) = (self.clusters[from].id.clone(), self.clusters[to].id.clone());
        self.clusters[from].happened(day, Step::Split, gone.len(), new);
        self.clusters[to].happened(day, Step::Split, gone.len(), old);
    }
}

/// Names of the members of a found cluster.
fn names_of<'w>(window: &'w Window, found: &Confirmed) -> BTreeSet<&'w str> {
    found.members.iter().filter_map(|rank| window.account(*rank)).map(|one| one.name.as_str()).collect()
}

/// A new entry: its id is that of its oldest members.
fn begin(page: &Page<'_>, found: &Confirmed) -> Cluster {
    let mut oldest: Vec<(i32, &str)> = found
        .members
        .iter()
        .filter_map(|member| page.window.account(*member))
        .map(|account| (account.first_seen, account.name.as_str()))
        .collect();
    oldest.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (_, name) in oldest.iter().take(ID_MEMBERS) {
        hasher.update(name.as_bytes());
        hasher.update(&[0]);
    }
    let day = page.window.day;
    Cluster {
        id: format!("c-{}", &hasher.finalize().to_hex()[..12]),
        status: Status::Watch,
        verdict: found.verdict,
        first_seen: oldest.first().map_or(day, |(day, _)| *day),
        found: day,
        hour: None,
        confirmed: None,
        renewed: day,
        members: Vec::new(),
        bystanders: Vec::new(),
        strengths: Vec::new(),
        threshold: found.threshold,
        q: found.q,
        coordination: found.coordination,
        extraction: found.extraction.score,
        deception: found.deception,
        signature: Vec::new(),
        twins: Vec::new(),
        events: 0,
        history: vec![Happening {
            day,
            step: Step::Found,
            accounts: found.members.len() as u32,
            about: found.verdict.name().to_owned(),
        }],
        merged_into: None,
    }
}

impl Cluster {
    /// Whether it was not taken up by another, and has enough of some accounts to be the cluster of them.
    fn is_same(&self, names: &BTreeSet<&str>) -> bool {
        let both = self.members.iter().filter(|member| names.contains(member.account.as_str())).count();
        let smaller = self.members.len().min(names.len());
        self.merged_into.is_none() && both as f64 >= SAME_SHARE * smaller as f64 && both > 0
    }

    pub(super) fn happened(&mut self, day: i32, step: Step, accounts: usize, about: String) {
        self.history.push(Happening { day, step, accounts: accounts as u32, about });
    }

    /// Takes over what a day says of the cluster.
    fn renew(&mut self, page: &Page<'_>, found: &Confirmed, at: usize) {
        let window = page.window;
        let day = window.day;
        self.renewed = day;
        if self.verdict != found.verdict {
            self.happened(day, Step::Judged, found.members.len(), found.verdict.name().to_owned());
            self.verdict = found.verdict;
        }
        if found.sure && self.status == Status::Watch {
            self.status = Status::Confirmed;
            self.confirmed = Some(day);
            self.happened(day, Step::Confirmed, found.members.len(), String::new());
        }
        (self.threshold, self.q, self.coordination) = (found.threshold, found.q, found.coordination);
        (self.extraction, self.deception) = (found.extraction.score, found.deception);
        let mut strengths: Vec<Strength> = Family::ALL
            .into_iter()
            .map(|family| Strength { family: family as u8, strength: found.scored.strength(family) })
            .filter(|strength| strength.strength > 0.0)
            .collect();
        strengths.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        self.strengths = strengths;
        self.signature = page.signatures.get(at).cloned().unwrap_or_default();
        self.twins = page.twins.get(at).cloned().unwrap_or_default();
        self.enter(page, found);
        self.take_out(page, found);
        let today = self.members.iter().filter_map(|member| {
            let rank = window.find(&member.account)?;
            // Whoever joined today, at its close or in one of its hours.
            if member.flagged > closing(day - 1) {
                window.account(rank).map(|a| a.events)
            } else {
                window.daily(rank).last().map(|n| u64::from(*n))
            }
        });
        self.events += today.sum::<u64>();
    }

    /// Enters those who were found. Who had come by signature before the day was over was flagged then.
    fn enter(&mut self, page: &Page<'_>, found: &Confirmed) {
        let day = page.window.day;
        let close = closing(day);
        let before = self.members.len();
        for (rank, answer) in found.members.iter().zip(&found.answers) {
            let Some(account) = page.window.account(*rank) else { continue };
            let agreements: Vec<u8> = answer.families().map(|family| family as u8).collect();
            match self.members.binary_search_by(|member| member.account.cmp(&account.name)) {
                Ok(at) => {
                    self.members[at].agreements = agreements;
                    // A ban is looked at for some days only; whose place was taken stays true.
                    if let Some(banned) = found.succeeds.get(&account.name) {
                        self.members[at].succeeds = Some(banned.clone());
                    }
                }
                Err(at) => {
                    let flagged = page.arrived.get(&account.name).map_or(close, |at| close.min(*at));
                    let member = Member {
                        account: account.name.clone(),
                        first_seen: account.first_seen,
                        flagged,
                        agreements,
                        by_signature: flagged < close,
                        succeeds: found.succeeds.get(&account.name).cloned(),
                    };
                    self.members.insert(at, member);
                }
            }
        }
        let grown = self.members.len() - before;
        if grown > 0 && before > 0 {
            self.happened(day, Step::Grew, grown, String::new());
        }
    }

    /// Takes out members that were asked again and agree no longer.
    fn take_out(&mut self, page: &Page<'_>, found: &Confirmed) {
        let asked: BTreeMap<&str, usize> = found
            .bystanders
            .iter()
            .filter_map(|(rank, agreements)| Some((page.window.account(*rank)?.name.as_str(), *agreements)))
            .collect();
        let before = self.members.len();
        self.members.retain(|member| !asked.contains_key(member.account.as_str()));
        let gone = before - self.members.len();
        if gone > 0 {
            self.happened(page.window.day, Step::Shrank, gone, String::new());
        }
        self.bystanders = asked
            .into_iter()
            .take(BYSTANDERS_MAX)
            .map(|(account, agreements)| Bystander {
                account: account.to_owned(),
                agreements: agreements as u8,
            })
            .collect();
    }
}

/// When a day closes.
#[must_use]
pub fn closing(day: i32) -> Micros {
    Day(day).end() + MICROS_AFTER_DAY
}
