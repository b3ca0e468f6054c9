//! Answers about clusters: what the analysis knew at its last closing, in the words of the contract.
//!
//! One cluster in full is in `words.rs`, its events by day in `timeline.rs`. The figures behind a verdict are in
//! its evidence.

mod timeline;
mod words;

pub(super) use timeline::timeline;

use super::cursor::Pager;
use super::{Answer, Page, QueryError, Span, Table, render};
use crate::detect::{Alarm, Cluster, Family, Ledger, Report, Status, Verdict};
use crate::event::{Day, Micros};
use serde_json::{Value, json};

/// A question about clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterRequest {
    /// All clusters, those that accuse first, then the newest.
    List {
        /// Only those as sure.
        status: Option<Status>,
        /// Only those of a verdict.
        verdict: Option<Verdict>,
        /// Only those that were found in a window.
        span: Span,
        /// How much of the list.
        page: Page,
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
        /// How much of the list.
        page: Page,
    },
}

/// Answers a question, given the time of the newest event.
pub fn clusters(ledger: &Ledger, request: &ClusterRequest, newest: Micros) -> Result<Answer, QueryError> {
    let mut bare = request.clone();
    let (span, page) = match &mut bare {
        ClusterRequest::List { span, page, .. } => (*span, std::mem::take(page)),
        ClusterRequest::Members { page, .. } => (Span::default(), std::mem::take(page)),
        ClusterRequest::One { id } => return find(ledger, id).map(words::one),
    };
    let pager = Pager::of(&format!("{bare:?}"), span, page, newest)?;
    match &bare {
        ClusterRequest::Members { id, excluded: false, .. } => members(find(ledger, id)?, &pager),
        ClusterRequest::Members { id, .. } => excluded(find(ledger, id)?, &pager),
        ClusterRequest::List { status, verdict, .. } => list(ledger, (*status, *verdict), &pager),
        ClusterRequest::One { id } => find(ledger, id).map(words::one),
    }
}

/// The cluster of an id; one that was taken up leads to the one that took it.
pub fn find<'a>(ledger: &'a Ledger, id: &str) -> Result<&'a Cluster, QueryError> {
    ledger.find(id).ok_or_else(|| QueryError::NotFound { what: "cluster", name: id.to_owned() })
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
        "text": alarm_text(alarm),
    })
}

fn alarm_text(alarm: &Alarm) -> String {
    format!(
        "{} newcomers from {} networks ask for what extraction aims at; {:.1} on a day are usual. No account can be told from its neighbours yet.",
        alarm.newcomers, alarm.network, alarm.usual
    )
}

/// The cluster of an account, for its profile.
pub(super) fn of_account(ledger: &Ledger, account: &str) -> Value {
    let Some(cluster) = ledger.of_account(account) else { return Value::Null };
    let Some(member) = cluster.member(account) else { return Value::Null };
    json!({
        "id": cluster.id,
        "status": cluster.status.name(),
        "verdict": cluster.verdict.name(),
        "flagged_at": render::time(member.flagged),
        "agreements": names(&member.agreements),
        "by_signature": member.by_signature,
        "succeeds": member.succeeds,
    })
}

fn list(
    ledger: &Ledger,
    (status, verdict): (Option<Status>, Option<Verdict>),
    pager: &Pager,
) -> Result<Answer, QueryError> {
    let mut clusters: Vec<&Cluster> = ledger
        .current()
        .filter(|cluster| status.is_none_or(|status| cluster.status == status))
        .filter(|cluster| verdict.is_none_or(|verdict| cluster.verdict == verdict))
        .filter(|cluster| pager.window.contains(cluster.flagged()))
        .collect();
    clusters.sort_by_key(|c| (!c.verdict.accuses(), std::cmp::Reverse(c.found), c.id.clone()));
    let total = clusters.len();
    let (start, end, next) = pager.slice(total)?;
    let clusters = clusters.get(start..end).unwrap_or_default();
    let columns = vec![
        "id",
        "status",
        "verdict",
        "accounts",
        "events",
        "first_seen",
        "flagged_at",
        "families",
        "coordination",
        "extraction",
        "deception",
        "q",
    ];
    let rows = clusters.iter().map(|cluster| {
        vec![
            cluster.id.clone().into(),
            cluster.status.name().into(),
            cluster.verdict.name().into(),
            cluster.members.len().into(),
            cluster.events.into(),
            render::time(Day(cluster.first_seen).start()),
            render::time(cluster.flagged()),
            families_of(cluster),
            rounded(cluster.coordination),
            rounded(cluster.extraction),
            deception(cluster).into(),
            significant(cluster.q),
        ]
    });
    let mut table = Table::new(columns, rows.collect());
    table.lines = clusters.iter().map(|cluster| summary(cluster)).collect();
    table.notes = notes(ledger, total);
    let document = json!({
        "clusters": table.lines,
        "total": total,
        "analysis": if ledger.closed.is_some() { report(&ledger.report) } else { Value::Null },
        "next": next,
    });
    Ok(Answer { document, table, next })
}

/// What was looked at, and what could not be judged, so that an empty list is not taken for innocence.
fn notes(ledger: &Ledger, total: usize) -> Vec<String> {
    let Some(closed) = ledger.closed else {
        return vec![
            "nothing is analysed yet: a day is, ten minutes past its end by the log's own time".to_owned(),
        ];
    };
    let report = &ledger.report;
    let mut notes = vec![format!(
        "{total} listed; analysed up to {}: {} accounts in {} days, {} of them established, {} groups tested, {} passed",
        render::plain(&day(closed)),
        report.accounts,
        report.days,
        report.established,
        report.groups,
        report.passed
    )];
    notes.extend(report.alarms.iter().map(alarm_text));
    notes.extend(report.abstained.iter().cloned());
    notes
}

/// A day without its midnight.
fn day(day: i32) -> Value {
    let start = render::plain(&render::time(Day(day).start()));
    start.get(..10).unwrap_or(&start).into()
}

/// Names of families by their numbers.
fn names(families: &[u8]) -> Value {
    families.iter().filter_map(|at| Family::ALL.get(usize::from(*at))).map(|family| family.name()).collect()
}

fn families_of(cluster: &Cluster) -> Value {
    cluster.families().collect()
}

fn rounded(value: f64) -> Value {
    json!((value * 100.0).round() / 100.0)
}

/// Three significant digits: a rate of 0.000347 is no 0.0.
fn significant(value: f64) -> Value {
    json!(format!("{value:.2e}").parse::<f64>().unwrap_or(value))
}

fn summary(cluster: &Cluster) -> Value {
    json!({
        "id": cluster.id,
        "status": cluster.status.name(),
        "verdict": cluster.verdict.name(),
        "accounts": cluster.members.len(),
        "events": cluster.events,
        "first_seen": render::time(Day(cluster.first_seen).start()),
        "flagged_at": render::time(cluster.flagged()),
        "confirmed_at": cluster.confirmed.map(|day| render::time(cluster.at(day))),
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

fn members(cluster: &Cluster, pager: &Pager) -> Result<Answer, QueryError> {
    let rows = cluster.members.iter().map(|member| {
        vec![
            member.account.clone().into(),
            render::time(member.flagged),
            render::time(Day(member.first_seen).start()),
            names(&member.agreements),
            member.by_signature.into(),
            member.succeeds.clone().into(),
        ]
    });
    let columns = vec!["account", "flagged_at", "first_seen", "agreements", "by_signature", "succeeds"];
    listed(cluster, "members", (columns, rows), pager)
}

fn excluded(cluster: &Cluster, pager: &Pager) -> Result<Answer, QueryError> {
    let rows = cluster.bystanders.iter().map(|one| vec![one.account.clone().into(), one.agreements.into()]);
    listed(cluster, "excluded", (vec!["account", "agreements"], rows), pager)
}

fn listed(
    cluster: &Cluster,
    name: &str,
    (columns, rows): (Vec<&'static str>, impl ExactSizeIterator<Item = Vec<Value>>),
    pager: &Pager,
) -> Result<Answer, QueryError> {
    let total = rows.len();
    let (start, end, next) = pager.slice(total)?;
    let table = Table::new(columns, rows.skip(start).take(end - start).collect());
    let document = json!({ "id": cluster.id, "total": total, name: table.objects(), "next": next });
    Ok(Answer { document, table, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_why() {
        let abstained = vec!["not enough to say: 3 accounts in the window, 100 are needed".to_owned()];
        let report = Report { abstained, ..Report::default() };
        let ledger = Ledger { closed: Some(1), report, ..Ledger::default() };
        let request = ClusterRequest::List {
            status: None,
            verdict: None,
            span: Span::default(),
            page: Page::default(),
        };
        let answer = clusters(&ledger, &request, 0).expect("answer");
        assert_eq!(answer.document["clusters"], json!([]));
        assert_eq!(answer.document["analysis"]["abstained"][0], ledger.report.abstained[0].as_str());
        assert_eq!(answer.table.notes.last(), ledger.report.abstained.last());
    }

    #[test]
    fn an_unknown_cluster_is_no_empty_one() {
        let request = ClusterRequest::One { id: "c-0".to_owned() };
        assert!(matches!(clusters(&Ledger::default(), &request, 0), Err(QueryError::NotFound { .. })));
    }

    #[test]
    fn small_rates_keep_their_digits() {
        assert_eq!(significant(0.000_347_222), json!(0.000_347));
        assert_eq!((significant(0.0), significant(1.0)), (json!(0.0), json!(1.0)));
    }
}
