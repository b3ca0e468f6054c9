//! What each log source has brought, for `/v1/status`: as a document for programs, as lines for people.

use crate::detect::NEEDS;
use crate::event::{Micros, PRESENCE};
use crate::store::{Coverage, Covered, edge_source};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Share of events below which a field counts as missing.
const MISSING_SHARE: f64 = 0.5;

/// What one source has brought.
#[derive(Clone, Copy, Default)]
struct Brought<'c> {
    events: Option<&'c Covered>,
    edges: Option<&'c Covered>,
}

/// Events and edge records of each source together.
fn sources(coverage: &Coverage) -> BTreeMap<&str, Brought<'_>> {
    let mut sources = BTreeMap::<&str, Brought<'_>>::new();
    for (name, covered) in coverage {
        match edge_source(name) {
            Some(source) => sources.entry(source).or_default().edges = Some(covered),
            None => sources.entry(name).or_default().events = Some(covered),
        }
    }
    sources
}

/// Fields of every source in the document.
pub(crate) fn document(coverage: &Coverage) -> Value {
    let (all, none) = (together(coverage), Covered::default());
    let sources = sources(coverage).into_iter().map(|(name, brought)| {
        let covered = brought.events.unwrap_or(&none);
        let reasons = reasons(covered).map(|(field, reason, count)| {
            let mut members = Map::new();
            if !field.is_empty() {
                members.insert("field".into(), field.into());
            }
            members.insert("reason".into(), reason.into());
            members.insert("count".into(), count.into());
            Value::from(members)
        });
        let missing = missing(covered).map(|(field, costs)| {
            let elsewhere = share(&all, field) >= MISSING_SHARE;
            json!({"field": field, "share": rounded(share(covered, field)), "costs": costs, "elsewhere": elsewhere})
        });
        let mut source = json!({
            "source": name,
            "events": covered.events,
            "last_event": covered.newest.and_then(time),
            "rejected": covered.refused,
            "rejects": reasons.collect::<Vec<_>>(),
            "fields": shares(covered),
            "missing": missing.collect::<Vec<_>>(),
        });
        if let Some(edges) = brought.edges {
            source["edge"] = json!({
                "records": edges.events,
                "last_record": edges.newest.and_then(time),
                "fields": shares(edges),
            });
        }
        source
    });
    sources.collect()
}

/// The share of records with each field.
fn shares(covered: &Covered) -> Map<String, Value> {
    PRESENCE.iter().map(|field| ((*field).to_owned(), rounded(share(covered, field)).into())).collect()
}

/// The same as lines, a name and a sentence each.
pub(crate) fn lines(coverage: &Coverage) -> Vec<(String, String)> {
    let (all, none) = (together(coverage), Covered::default());
    let mut lines = Vec::new();
    for (name, brought) in sources(coverage) {
        let covered = brought.events.unwrap_or(&none);
        let figures = format!("{} events{}; {} rejected", covered.events, last(covered), covered.refused);
        lines.push((format!("source {name}"), figures));
        for (field, reason, count) in reasons(covered) {
            let field = if field.is_empty() { String::new() } else { format!(" ({field})") };
            lines.push(("  rejected".to_owned(), format!("{count} x {reason}{field}")));
        }
        let having = fields(covered);
        if !having.is_empty() {
            lines.push(("  fields".to_owned(), having));
        }
        if let Some(edges) = brought.edges {
            let figures =
                format!("{}{}: halves of events, with {}", edges.events, last(edges), fields(edges));
            lines.push(("  edge records".to_owned(), figures));
        }
        for (field, costs) in missing(covered) {
            let elsewhere = if share(&all, field) >= MISSING_SHARE { " (other sources have it)" } else { "" };
            lines.push((format!("  without {field}"), format!("{costs}{elsewhere}")));
        }
    }
    lines
}

/// When the newest record was written.
fn last(covered: &Covered) -> String {
    covered.newest.and_then(time).map_or(String::new(), |last| format!(", the last of {last}"))
}

/// Fields that records have.
fn fields(covered: &Covered) -> String {
    let shown = PRESENCE
        .iter()
        .map(|field| (field, share(covered, field)))
        .filter(|(_, share)| *share > 0.0)
        .map(|(field, share)| format!("{field} {:.0} %", (share * 100.0).max(1.0)));
    shown.collect::<Vec<_>>().join(", ")
}

/// All events as one.
fn together(coverage: &Coverage) -> Covered {
    let mut all = Covered { with: vec![0; PRESENCE.len()], ..Covered::default() };
    for covered in sources(coverage).into_values().filter_map(|brought| brought.events) {
        all.events += covered.events;
        for (sum, more) in all.with.iter_mut().zip(&covered.with) {
            *sum += more;
        }
    }
    all
}

/// Fields that most events lack, the ones that cost most first, each with what it costs.
fn missing(covered: &Covered) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_missing = |field| covered.events > 0 && share(covered, field) < MISSING_SHARE;
    NEEDS.into_iter().filter(move |(field, _)| is_missing(field))
}

fn reasons(covered: &Covered) -> impl Iterator<Item = (&str, &str, u64)> {
    let mut reasons: Vec<_> =
        covered.reasons.iter().map(|why| (why.field.as_str(), why.reason.as_str(), why.count)).collect();
    reasons.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    reasons.into_iter()
}

fn share(covered: &Covered, field: &str) -> f64 {
    let bit = PRESENCE.iter().position(|name| *name == field);
    let with = bit.and_then(|bit| covered.with.get(bit)).copied().unwrap_or_default();
    with as f64 / covered.events.max(1) as f64
}

fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

fn time(micros: Micros) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::{document, lines};
    use crate::detect::NEEDS;
    use crate::event::PRESENCE;
    use crate::store::{Coverage, Covered, Reason};

    fn covered(events: u64, fields: &[(&str, u64)]) -> Covered {
        let with =
            PRESENCE.map(|name| fields.iter().find(|(field, _)| *field == name).map_or(0, |(_, n)| *n));
        Covered { events, newest: Some(1_795_426_307_000_000), with: with.into(), ..Covered::default() }
    }

    #[test]
    fn edge_records_are_counted_by_themselves() {
        let mut coverage = coverage();
        coverage.insert("caddy/edge".to_owned(), covered(40, &[("ip", 40), ("user_agent", 30)]));
        coverage.insert("nginx/edge".to_owned(), covered(7, &[("ip", 7)]));
        let document = document(&coverage);
        assert_eq!(document.as_array().map(Vec::len), Some(3));
        let (caddy, nginx) = (&document[0], &document[2]);
        assert_eq!((&caddy["events"], &caddy["edge"]["records"]), (&1_000.into(), &40.into()));
        assert_eq!(
            (&caddy["fields"]["user_agent"], &caddy["edge"]["fields"]["user_agent"]),
            (&0.003.into(), &0.75.into())
        );
        assert_eq!(
            (&nginx["source"], &nginx["events"], &nginx["edge"]["records"]),
            (&"nginx".into(), &0.into(), &7.into())
        );
        assert_eq!(nginx["missing"], serde_json::json!([]));
        let text: Vec<String> =
            lines(&coverage).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        for line in [
            "source nginx: 0 events; 0 rejected",
            "  edge records: 7, the last of 2026-11-23T09:31:47Z: halves of events, with ip 100 %",
        ] {
            assert!(text.iter().any(|found| found == line), "{line} is not in {text:#?}");
        }
    }

    fn coverage() -> Coverage {
        let mut caddy = covered(1_000, &[("ip", 1_000), ("user_agent", 3)]);
        let reason = Reason { field: "ts".into(), reason: "ts is missing".into(), count: 2 };
        (caddy.refused, caddy.reasons) = (2, vec![reason]);
        [("caddy".to_owned(), caddy), ("litellm".to_owned(), covered(500, &[("model", 500)]))].into()
    }

    #[test]
    fn a_field_that_is_missing_is_named_with_what_it_costs() {
        let document = document(&coverage());
        let (caddy, litellm) = (&document[0], &document[1]);
        assert_eq!(
            (&caddy["source"], &caddy["events"], &caddy["rejected"]),
            (&"caddy".into(), &1_000.into(), &2.into())
        );
        assert_eq!(caddy["last_event"], "2026-11-23T09:31:47Z");
        assert_eq!(caddy["rejects"][0]["reason"], "ts is missing");
        assert_eq!((&caddy["fields"]["ip"], &caddy["fields"]["user_agent"]), (&1.0.into(), &0.003.into()));
        let missing = |source: &serde_json::Value, field: &str| {
            source["missing"].as_array().expect("a list").iter().find(|one| one["field"] == field).cloned()
        };
        assert!(missing(caddy, "ip").is_none());
        let ip = missing(litellm, "ip").expect("named");
        assert!(ip["costs"].as_str().expect("text").starts_with("NET abstains"));
        assert_eq!((&ip["share"], &ip["elsewhere"]), (&0.0.into(), &true.into()));
        assert_eq!(missing(litellm, "payment").expect("named")["elsewhere"], false);
    }

    #[test]
    fn people_read_the_same_in_lines() {
        let text: Vec<String> =
            lines(&coverage()).into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        for line in [
            "source caddy: 1000 events, the last of 2026-11-23T09:31:47Z; 2 rejected",
            "  rejected: 2 x ts is missing (ts)",
            "  fields: ip 100 %, user_agent 1 %",
            "source litellm: 500 events, the last of 2026-11-23T09:31:47Z; 0 rejected",
        ] {
            assert!(text.iter().any(|found| found == line), "{line} is not in {text:#?}");
        }
        assert!(text.iter().any(|line| line.starts_with("  without ip: NET") && line.ends_with("have it)")));
    }

    #[test]
    fn every_need_is_a_field_that_is_counted() {
        for (field, costs) in NEEDS {
            assert!(PRESENCE.contains(&field) && !costs.is_empty(), "{field}");
        }
    }
}
