//! Evidence: everything behind a cluster's verdict, as one JSON document that anybody with the same events
//! can compute again.
//!
//! `figures.rs` has what each family says, `meetings.rs` who met where, `members.rs` how each account was asked,
//! `weigh.rs` the rule of the verdict and what is left when a part of the evidence is taken away, `markdown.rs` the same for people, `verify.rs` the recomputation.
//! Writing files belongs to `cli`.

mod figures;
mod markdown;
mod meetings;
mod members;
mod verify;
mod weigh;

pub use markdown::markdown;
pub use verify::{Difference, VerifyError, seal, verify};

use super::clusters::{Cluster, Confirmed, Frame};
use super::examine::{Given, Report, SEED};
use super::facts::hex;
use super::groups::{Group, Meetings, Origin};
use super::records::Records;
use super::score::{ALPHA, Scored};
use super::twins;
use crate::event::Day;
use crate::limits::{BYSTANDERS_MAX, FALSE_RATE_MAX, GROUPS_SHOWN_MAX};
use crate::store::{Shelf, Snapshot, Store, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Version of the document.
pub(super) const FORMAT: &str = "cahoots-evidence-1";

/// What is not shown, in words that a reader must not have to look for.
const NOT_SHOWN: [&str; 6] = [
    "Who is behind the accounts is not shown: no identity follows from a log.",
    "Intent is not shown: that requests look like those of extraction does not say what they were for.",
    "Use for training is not shown: what became of the answers left no trace here.",
    "Completeness is not shown: accounts that share nothing with these would not have been found.",
    "Truth of the log is not shown: everything is from one source, the provider's own log; the digests only say which events \
     were used.",
    "Odds of guilt are not shown: a strength says how rarely strangers of the same kind of network and volume are as alike by \
     chance, under the assumptions written beside each formula; it is not the probability that somebody is innocent.",
];

/// What evidence is made from.
pub(super) struct Context<'a> {
    /// Names of values.
    pub snapshot: &'a Snapshot,
    /// Who met whom.
    pub meetings: &'a Meetings,
    /// The day's groups and tests.
    pub frame: &'a Frame<'a>,
    /// Figures of the day.
    pub report: &'a Report,
    /// What was known before.
    pub given: &'a Given<'a>,
    /// When strong groups were first strong.
    pub strong: &'a BTreeMap<u64, i32>,
}

/// The document of a cluster.
#[must_use]
pub(super) fn document(context: &Context<'_>, cluster: &Confirmed) -> Value {
    let frame = context.frame;
    let window = frame.bench.window;
    let name = |rank: &u32| window.account(*rank).map(|account| account.name.as_str());
    let bystanders: Vec<Value> = cluster
        .bystanders
        .iter()
        .take(BYSTANDERS_MAX)
        .filter_map(|(rank, agreements)| Some(json!({"account": name(rank)?, "agrees_in": agreements})))
        .collect();
    let events: u64 =
        cluster.members.iter().filter_map(|rank| window.account(*rank)).map(|account| account.events).sum();
    json!({
        "format": FORMAT,
        "made_by": {"program": "cahoots", "version": env!("CARGO_PKG_VERSION"), "seed": SEED},
        "verdict": cluster.verdict.name(),
        "window": {
            "first_day": date(window.first_day),
            "last_day": date(window.day),
            "days": window.days(),
            "clock": "UTC, time of the event as logged",
        },
        "counted": {
            "unit": "one event is one API request as the gateway logged it",
            "rule": "an event counts once: by account and request id, or by its whole record where it has no id; only events of \
                     the window by accounts of the cluster count",
            "accounts": cluster.members.len(),
            "events": events,
        },
        "data": data(frame),
        "population": figures::population(&frame.bench.null, window),
        "given": given(context),
        "threshold": threshold(context, cluster),
        "by_day": by_day(frame, cluster),
        "families": figures::families(context, cluster),
        "groups_joined": cluster.groups.len(),
        "groups": groups(context, cluster),
        "extraction": figures::extraction(&cluster.extraction),
        "deception": {
            "core_share": cluster.deception.core_share,
            "successions": cluster.deception.successions,
            "handoffs": cluster.deception.handoffs,
            "failovers": cluster.deception.failovers,
        },
        "verdict_rule": weigh::rule(frame, cluster),
        "sensitivity": weigh::sensitivity(frame, cluster),
        "benign_explanations": twins::checked(cluster),
        "not_shown": NOT_SHOWN,
        "meetings": meetings::of(context, cluster),
        "membership": members::rule(cluster),
        "members": members::list(frame, cluster),
        "excluded": {"accounts": cluster.bystanders.len(), "first": bystanders},
    })
}

/// A day as text.
pub(super) fn date(day: i32) -> String {
    let seconds = Day(day).start() / crate::event::MICROS_A_SECOND;
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| day.to_string(), |instant| instant.strftime("%Y-%m-%d").to_string())
}

/// What was asked of the cluster, and what it has.
fn threshold(context: &Context<'_>, cluster: &Confirmed) -> Value {
    json!({
        "alpha": ALPHA,
        "tests": context.report.groups,
        "asked": cluster.threshold,
        "formula": "-log10(alpha * 6 / (pi^2 d^2) / (5 M)), M groups tested, d-th day on which the group was strong",
        "coordination": cluster.coordination,
        "coordination_is": "-log10 p of the third strongest family: the strongest may have made the group",
        "q": cluster.q,
        "q_max": FALSE_RATE_MAX,
        "q_max_is": "groups with a larger q are left out before a cluster is gathered; q is that of the cluster as a whole",
        "q_formula": "((1 + null groups with s2 >= t) / B) / max(1, observed groups with s2 >= t)",
        "permutations": context.report.permutations,
        "strongest_null": context.report.null_max,
    })
}

/// Requests of the cluster's accounts by day, and how many of them were active.
fn by_day(frame: &Frame<'_>, cluster: &Confirmed) -> Vec<Value> {
    let window = frame.bench.window;
    let of_day = |(at, facts): (usize, &&super::facts::DayFacts)| {
        let own = cluster.members.iter().filter_map(|rank| window.daily(*rank).get(at).copied());
        let active: Vec<u64> = own.filter(|events| *events > 0).map(u64::from).collect();
        let (events, accounts) = (active.iter().sum::<u64>(), active.len());
        json!({"day": date(facts.day), "events": events, "accounts": accounts})
    };
    frame.days.iter().enumerate().map(of_day).collect()
}

fn data(frame: &Frame<'_>) -> Value {
    let days: Vec<Value> = frame
        .days
        .iter()
        .map(|facts| {
            json!({"day": date(facts.day), "events": facts.events, "accounts": facts.accounts.len(), "digest": hex(facts.digest)})
        })
        .collect();
    json!({
        "digest_is": "sum, lane by lane, of the BLAKE3 digests of the day's events as four little-endian u64",
        "days": days,
    })
}

/// What the examination was told besides the events: what a second one has to be told too.
fn given(context: &Context<'_>) -> Value {
    let window = context.frame.bench.window;
    let history = context.given.history;
    let set_aside: Vec<&str> = window
        .accounts
        .iter()
        .filter(|account| history.is_some_and(|history| history.is_clustered(account.ordinal)))
        .map(|account| account.name.as_str())
        .collect();
    let first_strong: BTreeMap<String, String> = context
        .given
        .first_strong
        .iter()
        .filter(|(name, _)| context.strong.contains_key(name))
        .map(|(name, day)| (format!("{name:016x}"), date(*day)))
        .collect();
    let mut given = json!({
        "set_aside": set_aside,
        "set_aside_is": "accounts of clusters confirmed on days before, which do not say what is usual",
        "first_strong": first_strong,
        "successors": context.frame.successors,
        "releases": releases(context),
    });
    let records = &context.given.records;
    if records.len() > 0 {
        given["records"] = json!({
            "accounts": records.len(),
            "digest": records.digest(),
            "they_are": "what the operator said of accounts where their events say nothing",
        });
    }
    given
}

/// A document as it is given out: with what account records filled in on its day, and sealed.
pub fn complete(store: &Store, document: &Value, cluster: &Cluster) -> Result<Value, StoreError> {
    let mut document = document.clone();
    let day = document.pointer("/window/last_day").and_then(Value::as_str).and_then(verify::parse_day);
    if let Some(given) = document.pointer_mut(RECORDS).and_then(Value::as_object_mut)
        && let Some(day) = day
    {
        let records: Option<Records> = store.kept(Shelf::Told, day)?;
        let missing =
            || StoreError::corrupt(format!("account records of {}", date(day)), "they are not there");
        given.insert(RECORDS_LIST.to_owned(), records.ok_or_else(missing)?.document());
    }
    Ok(seal(&document, cluster))
}

/// Where a document says with which account records it was made.
pub(super) const RECORDS: &str = "/given/records";

/// The field of it that lists them.
pub(super) const RECORDS_LIST: &str = "list";

fn releases<'a>(context: &'a Context<'_>) -> BTreeMap<&'a str, String> {
    let releases = context.given.releases.iter();
    releases.map(|(model, at)| (model.as_str(), date(Day::of(*at).0))).collect()
}

/// The strongest groups that the cluster was joined from.
fn groups(context: &Context<'_>, cluster: &Confirmed) -> Value {
    let frame = context.frame;
    let strength = |at: usize| frame.scored.get(at).map_or(0.0, Scored::coordination);
    let mut strengths: Vec<f64> = cluster.groups.iter().map(|at| strength(*at)).collect();
    strengths.sort_unstable_by(|a, b| b.total_cmp(a));
    // Names cost a look into the catalog, so only those that can be among the shown get one.
    let least = strengths.get(GROUPS_SHOWN_MAX).copied().unwrap_or(0.0);
    let mut groups: Vec<(String, usize, f64)> = cluster
        .groups
        .iter()
        .filter(|at| strength(**at) >= least)
        .filter_map(|at| {
            let group = frame.groups.get(*at)?;
            Some((origin(context, group), group.members.len(), strength(*at)))
        })
        .collect();
    groups.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let shown = groups.iter().take(GROUPS_SHOWN_MAX).map(|(by, accounts, coordination)| {
        json!({"made_by": by, "accounts": accounts, "coordination": coordination})
    });
    shown.collect()
}

fn origin(context: &Context<'_>, group: &Group) -> String {
    match group.origin {
        Origin::Star(kind, value) => {
            format!("all who share {} {}", kind.name(), figures::value(context, kind, value))
        }
        Origin::Visitors => "visitors who keep meeting at addresses where neither lives".to_owned(),
        Origin::Cell(_) => "accounts of one rate of work that take turns".to_owned(),
        Origin::Cohort(day, network) => {
            let network = super::networks::NetworkType::name(network);
            format!("accounts that came on {} from {network} networks", date(day))
        }
        Origin::Union => "several groups".to_owned(),
    }
}
