//! Verification: the same examination of the same data, and a comparison of every figure.
//!
//! Of the pack only what an examination has to be told is used: the days, the accounts set aside, since when
//! groups were strong, who succeeded whom. All else is computed again and has to agree to one part in 10^9.

use super::super::analysis::{facts_of_window, first_day_from, is_after_gap};
use super::super::clusters::{Cluster, Found, closing};
use super::super::examine::{Given, examine};
use super::super::facts::{Gathering, gather};
use super::super::history::History;
use super::super::records::Records;
use super::{FORMAT, RECORDS, RECORDS_LIST};
use crate::event::{Day, Dim, Micros};
use crate::limits::WINDOW_DAYS;
use crate::store::{Snapshot, StoreError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Relative difference up to which two figures agree.
const AGREES: f64 = 1e-9;

/// Name of the field that seals a document.
const SEAL: &str = "seal";

/// Name of the field with what the server's book says of a cluster.
pub(super) const CASE: &str = "case";

/// Why a pack could not be verified, or was refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not such a document.
    #[error("{0} is missing or of the wrong kind: this is no evidence of cahoots, or of another version")]
    Shape(&'static str),
    /// Its seal does not fit its content.
    #[error("the seal does not fit: the document was changed after it was made")]
    Seal,
    /// The data could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A figure that does not agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where in the document, as a JSON pointer.
    pub place: String,
    /// What the document says.
    pub claimed: String,
    /// What the data says.
    pub computed: String,
}

/// Seals a document about a cluster: adds what the book says of it, and the BLAKE3 digest of the compact form.
#[must_use]
pub fn seal(document: &Value, cluster: &Cluster) -> Value {
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        fields.insert(CASE.to_owned(), case(cluster));
    }
    let digest = blake3::hash(document.to_string().as_bytes()).to_hex().to_string();
    if let Some(fields) = document.as_object_mut() {
        fields.insert(SEAL.to_owned(), Value::String(digest));
    }
    document
}

/// What the book says of a cluster.
fn case(cluster: &Cluster) -> Value {
    let time = |day: i32| {
        let closed = jiff::Timestamp::from_microsecond(closing(day));
        closed.map_or(Value::Null, |instant| instant.to_string().into())
    };
    serde_json::json!({
        "cluster": cluster.id,
        "status": cluster.status.name(),
        "flagged_at": time(cluster.found),
        "confirmed_at": cluster.confirmed.map(time),
        "last_found_at": time(cluster.renewed),
        "is": "what the server has noted of the cluster; not computed again by a verification",
    })
}

/// Computes a sealed document again from data. Gives what does not agree, and how many figures do.
pub fn verify(sealed: &Value, snapshot: &Snapshot) -> Result<(Vec<Difference>, usize), VerifyError> {
    let mut claimed = sealed.clone();
    let fields = claimed.as_object_mut().ok_or(VerifyError::Shape("the document"))?;
    let seal = fields.remove(SEAL).ok_or(VerifyError::Shape("seal"))?;
    if seal.as_str() != Some(blake3::hash(claimed.to_string().as_bytes()).to_hex().as_str()) {
        return Err(VerifyError::Seal);
    }
    // When it was flagged is in the server's book and follows from days before the window: it is told, not proved.
    if let Some(fields) = claimed.as_object_mut() {
        fields.remove(CASE);
    }
    if claimed.pointer("/format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(VerifyError::Shape("format"));
    }
    let records = records(&mut claimed)?;
    let last = day(&claimed, "/window/last_day")?;
    let history = history(snapshot, last, &claimed)?;
    let facts = facts_of_window(snapshot, last)?;
    let given = Given {
        history: Some(&history),
        first_strong: first_strong(&claimed)?,
        book: None,
        bans: BTreeMap::new(),
        releases: releases(&claimed),
        records,
        successors: Some(successors(&claimed)),
        without_evidence: false,
    };
    let days: Vec<_> = facts.iter().collect();
    let examined = examine(snapshot, &days, &given);
    let again = nearest(&examined.found, &examined.evidence, &claimed);
    let mut differences = Vec::new();
    let mut agreed = 0;
    match again {
        Some(again) => compare(&claimed, &again, String::new(), &mut differences, &mut agreed),
        None => differences.push(Difference {
            place: "/members".to_owned(),
            claimed: "a cluster".to_owned(),
            computed: format!("none with these accounts; {}", examined.report.abstained.join("; ")),
        }),
    }
    Ok((differences, agreed))
}

/// The evidence, among what was computed, that names most of the claimed members.
fn nearest(found: &Found, evidence: &[String], claimed: &Value) -> Option<Value> {
    debug_assert_eq!(found.clusters.len(), evidence.len(), "one document each");
    let names = |document: &Value| -> Vec<String> {
        let members = document.pointer("/members").and_then(Value::as_array).cloned().unwrap_or_default();
        members.iter().filter_map(|m| Some(m.get("account")?.as_str()?.to_owned())).collect()
    };
    let mut wanted = names(claimed);
    wanted.sort_unstable();
    let common =
        |document: &Value| names(document).iter().filter(|n| wanted.binary_search(n).is_ok()).count();
    let documents = evidence.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
    let counted = documents.map(|document| (common(&document), document));
    counted.max_by_key(|(common, _)| *common).filter(|(common, _)| *common > 0).map(|(_, best)| best)
}

fn day(document: &Value, place: &'static str) -> Result<i32, VerifyError> {
    let text = document.pointer(place).and_then(Value::as_str).ok_or(VerifyError::Shape(place))?;
    parse_day(text).ok_or(VerifyError::Shape(place))
}

pub(super) fn parse_day(text: &str) -> Option<i32> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let instant = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Day::of(instant.as_microsecond()).0)
}

/// History as it was before the last day was judged: every day of the log up to it, and who is set aside.
fn history(snapshot: &Snapshot, last: i32, claimed: &Value) -> Result<History, VerifyError> {
    let mut history = History::default();
    let mut next = first_day_from(snapshot, i32::MIN)?;
    while let Some(day) = next.filter(|day| *day <= last) {
        history.add(&gather(snapshot, &Gathering { day: Day(day), rows: 0..snapshot.rows() })?);
        next = first_day_from(snapshot, day + 1)?;
        if next.is_some_and(|next| is_after_gap(next, day + 1)) {
            history.begin();
        }
    }
    let set_aside = claimed.pointer("/given/set_aside").and_then(Value::as_array);
    let set_aside = set_aside.ok_or(VerifyError::Shape("/given/set_aside"))?;
    for account in set_aside.iter().filter_map(Value::as_str) {
        let ordinal = snapshot.catalog().find(Dim::Account, account.as_bytes());
        if let Some(ordinal) = ordinal {
            history.set_clustered(ordinal, true);
        }
    }
    Ok(history)
}

/// Takes what account records filled in out of a document. Its digest stays, and is computed again.
fn records(claimed: &mut Value) -> Result<Records, VerifyError> {
    let place = "/given/records/list";
    let given = claimed.pointer_mut(RECORDS).and_then(Value::as_object_mut);
    let Some(given) = given else { return Ok(Records::default()) };
    let list = given.remove(RECORDS_LIST).ok_or(VerifyError::Shape(place))?;
    Records::from_document(&list, parse_day).ok_or(VerifyError::Shape(place))
}

fn first_strong(claimed: &Value) -> Result<BTreeMap<u64, i32>, VerifyError> {
    let place = "/given/first_strong";
    let fields = claimed.pointer(place).and_then(Value::as_object).ok_or(VerifyError::Shape(place))?;
    let entry = |(name, day): (&String, &Value)| {
        Some((u64::from_str_radix(name, 16).ok()?, parse_day(day.as_str()?)?))
    };
    fields.iter().map(entry).collect::<Option<_>>().ok_or(VerifyError::Shape(place))
}

fn successors(claimed: &Value) -> BTreeMap<String, String> {
    let fields: Option<&Map<String, Value>> = claimed.pointer("/given/successors").and_then(Value::as_object);
    let pairs = fields.into_iter().flatten();
    pairs.filter_map(|(name, of)| Some((name.clone(), of.as_str()?.to_owned()))).collect()
}

fn releases(claimed: &Value) -> BTreeMap<String, Micros> {
    let fields: Option<&Map<String, Value>> = claimed.pointer("/given/releases").and_then(Value::as_object);
    let release =
        |(model, day): (&String, &Value)| Some((model.clone(), Day(parse_day(day.as_str()?)?).start()));
    fields.into_iter().flatten().filter_map(release).collect()
}

/// Compares two documents leaf by leaf.
fn compare(claimed: &Value, computed: &Value, place: String, out: &mut Vec<Difference>, agreed: &mut usize) {
    match (claimed, computed) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let (a, b) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                compare(a, b, format!("{place}/{key}"), out, agreed);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for at in 0..a.len().max(b.len()) {
                let (a, b) = (a.get(at).unwrap_or(&Value::Null), b.get(at).unwrap_or(&Value::Null));
                compare(a, b, format!("{place}/{at}"), out, agreed);
            }
        }
        _ if same(claimed, computed) => *agreed += 1,
        _ => out.push(Difference { place, claimed: claimed.to_string(), computed: computed.to_string() }),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= AGREES * a.abs().max(b.abs()).max(1e-12),
        _ => a == b,
    }
}

const _: () = assert!(WINDOW_DAYS > 1);
