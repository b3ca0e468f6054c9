//! Answers about clusters: what the analysis knew at its last closing, in the words of the contract.
//!
//! Observed, inferred and not shown are kept apart; the figures behind a verdict are in its evidence.

use super::{Answer, QueryError, Table, render};
use crate::detect::{Alarm, Cluster, Family, Ledger, Report, Status, Verdict, closing};
use crate::event::{Aspect, Day, Dim, Micros, Window};
use crate::limits::LIMIT_DEFAULT;
use crate::store::Snapshot;
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A question about clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterRequest {
    /// All clusters, those that accuse first, then the newest.
    List {
        /// Only those as sure.
        status: Option<Status>,
        /// Only those of a verdict.
        verdict: Option<Verdict>,
        /// Only those that were found at or after an instant.
        since: Option<Micros>,
        /// Rows at the most, and where the page before ended.
        page: Rows,
    },
    /// One cluster.
    One {
        /// Its id.
        id: String,
    },
    /// Its accounts, or those that were looked at and left out.
    Members {
        /// Its id.
        id: String,
        /// Whether to list those left out.
        excluded: bool,
        /// Rows at the most, and where the page before ended.
        page: Rows,
    },
}

/// Which rows of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows at the most.
    pub limit: Option<usize>,
    /// Rows before the first.
    pub skip: usize,
}

impl Rows {
    /// The rows of a list, and the cursor of the next page.
    fn of<T>(self, list: Vec<T>) -> (Vec<T>, Option<String>) {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        let end = self.skip.saturating_add(limit);
        let next = (list.len() > end).then(|| end.to_string());
        (list.into_iter().skip(self.skip).take(limit).collect(), next)
    }
}

/// Answers a question.
pub fn clusters(ledger: &Ledger, request: &ClusterRequest) -> Result<Answer, QueryError> {
    match request {
        ClusterRequest::List { status, verdict, since, page } => {
            Ok(list(ledger, (*status, *verdict, *since), *page))
        }
        ClusterRequest::One { id } => find(ledger, id).map(one),
        ClusterRequest::Members { id, excluded: false, page } => {
            find(ledger, id).map(|cluster| members(cluster, *page))
        }
        ClusterRequest::Members { id, excluded: true, page } => {
            find(ledger, id).map(|cluster| excluded(cluster, *page))
        }
    }
}

/// The cluster of an id; one that was taken up leads to the one that took it.
pub fn find<'a>(ledger: &'a Ledger, id: &str) -> Result<&'a Cluster, QueryError> {
    let mut cluster = ledger.book.find(id);
    while let Some(into) = cluster.and_then(|cluster| cluster.merged_into.as_deref()) {
        cluster = ledger.book.find(into);
    }
    cluster.ok_or_else(|| QueryError::NotFound { what: "cluster", name: id.to_owned() })
}

/// What the last closing did.
#[must_use]
pub fn report(report: &Report) -> Value {
    json!({
        "day": render::time(Day(report.day).start()),
        "window_days": report.days,
        "accounts": report.accounts,
        "established": report.established,
        "groups": report.groups,
        "passed": report.passed,
        "threshold": report.threshold,
        "permutations": report.permutations,
        "strongest_null": report.null_max,
        "abstained": report.abstained,
        "alarms": report.alarms.iter().map(alarm).collect::<Vec<Value>>(),
    })
}

/// An alarm: newcomers of a day, none of whom is named.
fn alarm(alarm: &Alarm) -> Value {
    json!({
        "verdict": Verdict::CohortAlarm.name(),
        "network": alarm.network,
        "newcomers": alarm.newcomers,
        "usual_a_day": alarm.usual,
        "days_compared": alarm.days,
        "strength": alarm.strength,
        "text": format!(
            "{} newcomers from {} networks ask for what extraction aims at; {:.1} on a day are usual. No account can be told from its neighbours yet.",
            alarm.newcomers, alarm.network, alarm.usual
        ),
    })
}

/// The cluster of an account, for its profile.
#[must_use]
pub fn of_account(ledger: &Ledger, account: &str) -> Value {
    let Some(cluster) = ledger.book.of_account(account) else { return Value::Null };
    let flagged = cluster.member(account).map_or(Value::Null, |member| render::time(member.flagged));
    json!({
        "id": cluster.id,
        "status": cluster.status.name(),
        "verdict": cluster.verdict.name(),
        "flagged_at": flagged,
    })
}

/// Events of a cluster's members by day, over the days of the log's relations.
pub fn timeline(snapshot: &Snapshot, cluster: &Cluster) -> Result<Vec<(Value, u64)>, QueryError> {
    let mut subjects = RoaringBitmap::new();
    {
        let catalog = snapshot.catalog();
        for member in &cluster.members {
            if let Some(account) = catalog.find(Dim::Account, member.account.as_bytes()) {
                subjects |= catalog.keys_with(Dim::Account, account);
            }
        }
    }
    let mut days: BTreeMap<i32, u64> = BTreeMap::new();
    let plan = snapshot.plan(Window::ALL);
    for run in &plan.runs {
        let events = days.entry(run.day().0).or_default();
        snapshot.counters(run, Aspect::Subject, &subjects, &mut |_, counters| *events += counters.events)?;
    }
    for part in &plan.parts {
        let mut reader = part.reader();
        let (ts, keys) = (reader.all_ts()?, reader.all_keys(Aspect::Subject)?);
        for (row, (ts, key)) in ts.into_iter().zip(keys).enumerate() {
            if subjects.contains(key) && plan.keeps(part.first_row() + row as u64, ts) {
                *days.entry(Day::of(ts).0).or_default() += 1;
            }
        }
    }
    days.retain(|_, events| *events > 0);
    Ok(days.into_iter().map(|(day, events)| (render::time(Day(day).start()), events)).collect())
}

fn list(
    ledger: &Ledger,
    (status, verdict, since): (Option<Status>, Option<Verdict>, Option<Micros>),
    page: Rows,
) -> Answer {
    let mut clusters: Vec<&Cluster> = ledger
        .book
        .current()
        .filter(|cluster| status.is_none_or(|status| cluster.status == status))
        .filter(|cluster| verdict.is_none_or(|verdict| cluster.verdict == verdict))
        .filter(|cluster| since.is_none_or(|since| closing(cluster.found) >= since))
        .collect();
    clusters.sort_by_key(|c| (!c.verdict.accuses(), std::cmp::Reverse(c.found), c.id.clone()));
    let (clusters, next) = page.of(clusters);
    let columns = vec![
        "id",
        "status",
        "verdict",
        "accounts",
        "events",
        "flagged_at",
        "families",
        "coordination",
        "extraction",
        "q",
    ];
    let rows = clusters.iter().map(|cluster| {
        vec![
            cluster.id.clone().into(),
            cluster.status.name().into(),
            cluster.verdict.name().into(),
            cluster.members.len().into(),
            cluster.events.into(),
            render::time(closing(cluster.found)),
            cluster.families().collect::<Vec<_>>().join(" ").into(),
            rounded(cluster.coordination),
            rounded(cluster.extraction),
            cluster.q.into(),
        ]
    });
    let document = json!({
        "clusters": clusters.iter().map(|cluster| summary(cluster)).collect::<Vec<_>>(),
        "analysis": if ledger.closed.is_some() { report(&ledger.report) } else { Value::Null },
        "next": next,
    });
    Answer { document, table: Table { columns, rows: rows.collect() }, next }
}

fn rounded(value: f64) -> Value {
    json!((value * 100.0).round() / 100.0)
}

fn summary(cluster: &Cluster) -> Value {
    json!({
        "id": cluster.id,
        "status": cluster.status.name(),
        "verdict": cluster.verdict.name(),
        "accounts": cluster.members.len(),
        "events": cluster.events,
        "first_seen": render::time(Day(cluster.first_seen).start()),
        "flagged_at": render::time(closing(cluster.found)),
        "confirmed_at": cluster.confirmed.map(|day| render::time(closing(day))),
        "families": cluster.families().collect::<Vec<_>>(),
        "scores": {
            "coordination": cluster.coordination,
            "extraction": cluster.extraction,
            "deception": deception(cluster),
        },
        "threshold": cluster.threshold,
        "q": cluster.q,
    })
}

/// One for each sign that something is hidden, 0 to 4.
fn deception(cluster: &Cluster) -> u32 {
    let signs = &cluster.deception;
    u32::from(signs.core_share >= 0.5)
        + u32::from(signs.successions >= 3)
        + u32::from(signs.handoffs >= 10)
        + u32::from(signs.failovers >= 10)
}

fn one(cluster: &Cluster) -> Answer {
    let mut document = summary(cluster);
    let strengths: Vec<Value> = cluster
        .strengths
        .iter()
        .filter_map(|strength| {
            let family = Family::ALL.get(usize::from(strength.family))?;
            let extreme = strength.strength >= cluster.threshold;
            Some(json!({"family": family.name(), "strength": strength.strength, "extreme": extreme}))
        })
        .collect();
    let history: Vec<Value> = cluster
        .history
        .iter()
        .map(|line| {
            json!({"at": render::time(closing(line.day)), "what": line.step.name(), "accounts": line.accounts, "about": line.about})
        })
        .collect();
    let more = json!({
        "strengths": strengths,
        "deception": {
            "core_share": cluster.deception.core_share,
            "successions": cluster.deception.successions,
            "handoffs": cluster.deception.handoffs,
            "failovers": cluster.deception.failovers,
        },
        "signature_keys": cluster.signature.len(),
        "excluded": cluster.bystanders.len(),
        "benign_explanations": cluster.twins,
        "says": says(cluster),
        "history": history,
    });
    let (Some(fields), Value::Object(more)) = (document.as_object_mut(), more) else {
        return Answer { document, table: Table::default(), next: None };
    };
    fields.extend(more);
    let rows = fields.iter().map(|(name, value)| vec![name.clone().into(), cell(value)]).collect();
    Answer { document, table: Table { columns: vec!["figure", "value"], rows }, next: None }
}

/// A value in one cell: lists of sentences as lines, everything else as JSON.
fn cell(value: &Value) -> Value {
    match value {
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ").into()
        }
        Value::Array(_) | Value::Object(_) => value.to_string().into(),
        plain => plain.clone(),
    }
}

/// What was observed, what is inferred, what is not shown.
fn says(cluster: &Cluster) -> Vec<String> {
    let families = cluster.families().collect::<Vec<_>>().join(", ");
    let inferred = if cluster.verdict.accuses() {
        "Inferred: one operator stands behind them, and what they ask for is what extraction asks for."
    } else {
        "Inferred: somebody coordinates them. Nothing says extraction: an agency, a fleet, a class or an event looks like this."
    };
    vec![
        format!(
            "Observed: {} accounts are alike in {families}, more than chance allows by a factor of 10^{:.1} in the weakest that counts.",
            cluster.members.len(),
            cluster.coordination
        ),
        inferred.to_owned(),
        "Not shown: who they are, what they intend, and whether answers were used for training.".to_owned(),
    ]
}

fn members(cluster: &Cluster, page: Rows) -> Answer {
    let (members, next) = page.of(cluster.members.iter().collect());
    let rows: Vec<Vec<Value>> = members
        .iter()
        .map(|member| {
            let families = member.agreements.iter().filter_map(|at| Family::ALL.get(usize::from(*at)));
            vec![
                member.account.clone().into(),
                render::time(member.flagged),
                render::time(Day(member.first_seen).start()),
                families.map(|family| family.name()).collect::<Vec<_>>().join(" ").into(),
                member.by_signature.into(),
                member.succeeds.clone().into(),
            ]
        })
        .collect();
    let columns = vec!["account", "flagged_at", "first_seen", "agreements", "by_signature", "succeeds"];
    listed(cluster, "members", Table { columns, rows }, next)
}

fn excluded(cluster: &Cluster, page: Rows) -> Answer {
    let (accounts, next) = page.of(cluster.bystanders.iter().collect());
    let row = |one: &&crate::detect::Bystander| vec![one.account.clone().into(), one.agreements.into()];
    let rows = accounts.iter().map(row).collect();
    listed(cluster, "excluded", Table { columns: vec!["account", "agreements"], rows }, next)
}

fn listed(cluster: &Cluster, name: &str, table: Table, next: Option<String>) -> Answer {
    let object = |row: &Vec<Value>| {
        table
            .columns
            .iter()
            .zip(row)
            .map(|(column, cell)| ((*column).to_owned(), cell.clone()))
            .collect::<Value>()
    };
    let list: Vec<Value> = table.rows.iter().map(object).collect();
    let document = json!({ "id": cluster.id, name: list, "next": next });
    Answer { document, table, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_why() {
        let abstained = vec!["not enough to say: 3 accounts in the window, 100 are needed".to_owned()];
        let report = Report { abstained, ..Report::default() };
        let ledger = Ledger { closed: Some(1), report, ..Ledger::default() };
        let request =
            ClusterRequest::List { status: None, verdict: None, since: None, page: Rows::default() };
        let answer = clusters(&ledger, &request).expect("answer");
        assert_eq!(answer.document["clusters"], json!([]));
        assert_eq!(answer.document["analysis"]["abstained"][0], ledger.report.abstained[0].as_str());
    }

    #[test]
    fn an_unknown_cluster_is_no_empty_one() {
        let request = ClusterRequest::One { id: "c-0".to_owned() };
        assert!(matches!(clusters(&Ledger::default(), &request), Err(QueryError::NotFound { .. })));
    }

    #[test]
    fn pages_follow_each_other() {
        let (first, next) = Rows { limit: Some(2), skip: 0 }.of(vec![1, 2, 3]);
        assert_eq!((first, next.as_deref()), (vec![1, 2], Some("2")));
        assert_eq!(Rows { limit: Some(2), skip: 2 }.of(vec![1, 2, 3]), (vec![3], None));
    }
}
