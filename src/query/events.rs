//! Raw events with all their fields.

use super::newest::{Row, rows_and_parts};
use super::pivot::subjects_of;
use super::{Answer, Budget, Page, QueryError, Table, cursor, render};
use crate::event::{Aspect, Dim, Micros, Number, Text, Window};
use crate::limits::LIMIT_DEFAULT;
use crate::store::{Part, PartReader, Snapshot};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Names of the numbers, in the order of [`Number::ALL`].
const NUMBERS: [&str; 3] = ["input_tokens", "output_tokens", "latency_ms"];

/// Names of the texts, in the order of [`Text::ALL`].
const TEXTS: [&str; 4] = ["request_id", "session", "prompt_hash", "extra"];

/// The dimensions that an event carries itself.
fn carried() -> impl Iterator<Item = Dim> {
    Dim::ALL.into_iter().filter(|dim| !matches!(dim, Dim::Net | Dim::Site))
}

/// The columns of events as a table.
pub(super) fn columns() -> Vec<&'static str> {
    let mut columns = vec!["ts", "request_id"];
    columns.extend(carried().map(Dim::name));
    columns.extend(NUMBERS);
    columns.extend(["session", "prompt_hash", "extra"]);
    columns
}

/// Answers the events of an account.
pub(super) fn answer(
    snapshot: &Snapshot,
    account: &str,
    window: Window,
    page: &Page,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let subjects = subjects_of(snapshot, account)?;
    let question = ["events", account];
    let before = position(page, &question)?;
    let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
    let window_before = (window, before);
    let (rows, parts) =
        rows_and_parts(snapshot, Aspect::Subject, &subjects, window_before, limit.saturating_add(1), budget)?;
    let next = next_of(&rows, limit, &question);
    let rows = rows.get(..limit.min(rows.len())).unwrap_or_default();
    let members = [("account", account.into()), ("window", render::window(window))];
    present(snapshot, rows, &parts, members.into_iter(), next, budget)
}

/// The position of a page's cursor: time and number of the last row shown.
pub(super) fn position(page: &Page, question: &[&str]) -> Result<Option<(Micros, u64)>, QueryError> {
    let Some(cursor) = &page.cursor else { return Ok(None) };
    let position = cursor::decode(question, cursor)?;
    let parsed = position.split_once('_').and_then(|(ts, row)| Some((ts.parse().ok()?, row.parse().ok()?)));
    let wrong = || QueryError::Parameter { field: "cursor", reason: "it holds no position".to_owned() };
    parsed.map(Some).ok_or_else(wrong)
}

/// The cursor behind the first `limit` rows, if there are more.
pub(super) fn next_of(rows: &[Row], limit: usize, question: &[&str]) -> Option<String> {
    let last = limit.checked_sub(1).and_then(|last| rows.get(last)).filter(|_| rows.len() > limit)?;
    Some(cursor::encode(question, &format!("{}_{}", last.ts, last.number)))
}

/// Rows with all their fields, as an answer.
pub(super) fn present(
    snapshot: &Snapshot,
    rows: &[Row],
    parts: &[Part],
    members: impl Iterator<Item = (&'static str, Value)>,
    next: Option<String>,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    // Rows of one part are read together, so that each page is fetched once.
    let mut readers: HashMap<usize, PartReader> = HashMap::new();
    let mut table = Table { columns: columns(), rows: Vec::with_capacity(rows.len()) };
    let mut list = Vec::with_capacity(rows.len());
    for row in rows {
        budget.check()?;
        let Some(part) = parts.get(row.part) else { continue };
        let reader = readers.entry(row.part).or_insert_with(|| part.reader());
        let event = read(snapshot, reader, row, (row.number - part.first_row()) as u32)?;
        let cell = |column: &&str| event.get(*column).cloned().unwrap_or(Value::Null);
        table.rows.push(table.columns.iter().map(cell).collect());
        list.push(Value::from(event));
    }
    let mut document: Map<String, Value> = members.map(|(name, value)| (name.to_owned(), value)).collect();
    document.insert("events".into(), list.into());
    document.insert("next".into(), next.clone().into());
    Ok(Answer { document: document.into(), table, next })
}

/// All fields of a row that it has.
fn read(
    snapshot: &Snapshot,
    reader: &mut PartReader,
    row: &Row,
    at: u32,
) -> Result<Map<String, Value>, QueryError> {
    let mut event = Map::new();
    event.insert("ts".into(), render::time(row.ts));
    let mut keys = [0; 4];
    for (aspect, key) in Aspect::ALL.into_iter().zip(&mut keys) {
        *key = reader.key(aspect, at)?;
    }
    {
        let catalog = snapshot.catalog();
        for dim in carried() {
            let key = keys.get(dim.aspect().index()).copied().unwrap_or_default();
            if let Some(name) = catalog.name_of(dim, key) {
                event.insert(dim.name().into(), render::value(dim, catalog.value(dim, name)));
            }
        }
    }
    for (number, name) in Number::ALL.into_iter().zip(NUMBERS) {
        if let Some(value) = reader.number(number, at)? {
            event.insert(name.into(), value.into());
        }
    }
    for (text, name) in Text::ALL.into_iter().zip(TEXTS) {
        let value = reader.text(text, at)?;
        if !value.is_empty() {
            // Extra fields come back as the object that they were.
            let kept = (text == Text::Extra).then(|| serde_json::from_str(&value).ok()).flatten();
            event.insert(name.into(), kept.unwrap_or_else(|| json!(value)));
        }
    }
    Ok(event)
}
