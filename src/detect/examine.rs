//! The examination: from a window of facts to a day's findings, pure over what it is given.
//!
//! The closing of a day and the verification of an evidence pack both go through here, so that a pack is
//! recomputed by the same code from the same data, and by nothing that the pack claims.

use super::alarm::{Alarm, alarms};
use super::background;
use super::clusters::{Book, Found, Frame, find};
use super::evidence::{self, Context};
use super::extraction::Asking;
use super::facts::{DayFacts, Kind};
use super::family::Bench;
use super::groups::{Meetings, cells, cohorts, stars};
use super::history::History;
use super::null::{Null, Rates};
use super::records::Records;
use super::score::threshold;
use super::succession::successors;
use super::window::Window;
use crate::event::Micros;
use crate::store::{Decode, Encode, Snapshot};
use serde_json::Value;
use std::collections::BTreeMap;

/// Seed of everything random; it is in the evidence.
pub(super) const SEED: u64 = 0xca40_0715;

/// What a closing did, and what it could not say.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
pub struct Report {
    /// The day.
    pub day: i32,
    /// Days of the window that the log covers.
    pub days: u32,
    /// Accounts in the window.
    pub accounts: u32,
    /// Of them established.
    pub established: u32,
    /// Groups tested.
    pub groups: u32,
    /// Groups that passed the threshold.
    pub passed: u32,
    /// Strongest permuted group.
    pub null_max: f64,
    /// Strength asked of a group on its first day.
    pub threshold: f64,
    /// Permutations.
    pub permutations: u32,
    /// What could not be judged, and why.
    pub abstained: Vec<String>,
    /// Newcomers far beyond what is usual, of whom no account can be named.
    pub alarms: Vec<Alarm>,
}

/// What an examination needs besides the events of the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Given<'a> {
    /// What is known of accounts from before.
    pub history: Option<&'a History>,
    /// The day on which each group was first strong, by a hash of what made it.
    pub first_strong: BTreeMap<u64, i32>,
    /// Clusters that are known, in which successors of banned accounts are looked for.
    pub book: Option<&'a Book>,
    /// Banned accounts, and when.
    pub bans: BTreeMap<String, Micros>,
    /// Models that came out, and when.
    pub releases: BTreeMap<String, Micros>,
    /// What the operator said of accounts where their events say nothing.
    pub records: Records,
    /// Accounts that took the place of banned ones, and whose, by name; found out if not given.
    pub successors: Option<BTreeMap<String, String>>,
    /// Whether nobody will ask for evidence.
    pub without_evidence: bool,
}

/// What an examination found.
pub(super) struct Examined {
    /// The window.
    pub window: Window,
    /// Figures of the day.
    pub report: Report,
    /// Clusters.
    pub found: Found,
    /// Groups that were strong for the first time or are still.
    pub strong: BTreeMap<u64, i32>,
    /// Evidence of each cluster, in their order, written out: as text it is a tenth of what it is as a tree.
    pub evidence: Vec<String>,
}

/// Examines the window that ends with the last of some days.
#[must_use]
pub(super) fn examine(snapshot: &Snapshot, days: &[&DayFacts], given: &Given<'_>) -> Examined {
    let nothing = History::default();
    let mut window = Window::of(snapshot, days, given.history.unwrap_or(&nothing), &given.records);
    let meetings = Meetings::of(&window);
    window.set_core(meetings.core());
    window.set_pivots(snapshot, days, &given.releases);
    let mut report = Report {
        day: window.day,
        days: days.len() as u32,
        accounts: window.accounts.len() as u32,
        established: window.accounts.iter().filter(|account| account.mature).count() as u32,
        ..Report::default()
    };
    if let Err(reason) = super::enough::check(&window, &mut report.abstained) {
        report.abstained.push(reason);
        let (found, strong) = (Found::default(), BTreeMap::new());
        return Examined { window, report, found, strong, evidence: Vec::new() };
    }
    let (found, strong, evidence) = judge(snapshot, &window, days, &meetings, given, &mut report);
    Examined { window, report, found, strong, evidence }
}

fn judge(
    snapshot: &Snapshot,
    window: &Window,
    days: &[&DayFacts],
    meetings: &Meetings,
    given: &Given<'_>,
    report: &mut Report,
) -> (Found, BTreeMap<u64, i32>, Vec<String>) {
    let bench = bench(window, Null::of(window, background::is_young(window)));
    let mut groups = {
        let catalog = snapshot.catalog();
        stars(window, &bench.rates, &|kind, value| super::name_of_value(&catalog, window, kind, value))
    };
    groups.extend(meetings.groups());
    groups.extend(cells(window, days, SEED));
    groups.extend(cohorts(window, log_start(given)));
    let scored = super::score_all(&bench, &groups);
    let base = threshold(groups.len(), 1);
    let mut strong = BTreeMap::new();
    let mut thresholds = Vec::with_capacity(groups.len());
    let names = super::names_of(snapshot, window, &groups);
    for (name, scored) in names.iter().zip(&scored) {
        if scored.coordination() < base {
            thresholds.push(base);
            continue;
        }
        let first = given.first_strong.get(name).copied().unwrap_or(window.day);
        strong.insert(*name, first);
        thresholds.push(threshold(groups.len(), (window.day - first + 1).max(1) as u32));
    }
    let asking = Asking::of(window, days);
    let successors = given.successors.clone().unwrap_or_else(|| {
        given.book.map(|book| successors(snapshot, window, book, &given.bans)).unwrap_or_default()
    });
    let frame = Frame {
        bench: &bench,
        asking: &asking,
        days,
        groups: &groups,
        scored: &scored,
        thresholds: &thresholds,
        strata: window.strata(),
        rented: window.rented(),
        successors: &successors,
        seed: SEED.wrapping_add((window.day as u64) << 20),
    };
    let found = find(&frame);
    report.groups = groups.len() as u32;
    report.passed = found.passed as u32;
    report.null_max = found.null.max();
    report.threshold = base;
    report.permutations = found.null.runs;
    report.alarms = alarms(window, log_start(given), &found.clusters);
    let context = Context { snapshot, meetings, frame: &frame, report, given, strong: &strong };
    let documents = if given.without_evidence { 0 } else { found.clusters.len() };
    let evidence = super::in_parallel(
        documents,
        || (),
        |(), at| {
            let document = found.clusters.get(at).map(|cluster| evidence::document(&context, cluster));
            document.unwrap_or(Value::Null).to_string()
        },
    );
    (found, strong, evidence)
}

/// First day of the log.
fn log_start(given: &Given<'_>) -> i32 {
    given.history.map_or(i32::MIN / 2, History::log_start)
}

/// The tests of a window with the kinds that count as evidence.
fn bench(window: &Window, null: Null) -> Bench<'_> {
    const EVIDENCE: [(Kind, bool); 7] = [
        (Kind::Fingerprint, true),
        (Kind::UserAgent, true),
        (Kind::Template, true),
        (Kind::Payment, false),
        (Kind::ApiKey, false),
        (Kind::Core, false),
        (Kind::Pivot, true),
    ];
    let rates = super::in_parallel(
        EVIDENCE.len(),
        || (),
        |(), at| {
            let (kind, may_be_background) = EVIDENCE[at];
            let items = window.items(kind);
            let background = if may_be_background {
                background::with_standing(window, items)
            } else {
                vec![false; items.len()]
            };
            Rates::of(window, &null, kind, items, background)
        },
    );
    Bench::new(window, null, rates)
}
