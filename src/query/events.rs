//! Raw events with all their fields.

use super::cursor::Pager;
use super::newest::{self, Row, Wish};
use super::pivot::subjects_of;
use super::{Answer, Budget, QueryError, Table, render};
use crate::event::{Aspect, Dim, Number, Text};
use crate::store::{Part, PartReader, Snapshot};
use serde_json::{Map, Value, json};

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
    columns.extend(Number::FIELDS.map(Number::name));
    columns.extend(["session", "prompt_hash", "extra"]);
    columns
}

/// Answers the events of an account.
pub(super) fn answer(
    snapshot: &Snapshot,
    account: &str,
    pager: &Pager,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let subjects = subjects_of(snapshot, account)?;
    let found = newest::rows(snapshot, Aspect::Subject, &subjects, wish(pager)?, budget)?;
    present(snapshot, found, pager, Some(("account", account.into())), budget)
}

/// The rows of a page and one more, which tells whether there is a next page.
pub(super) fn wish(pager: &Pager) -> Result<Wish, QueryError> {
    Ok(Wish { window: pager.window, after: pager.after()?, limit: pager.limit.saturating_add(1) })
}

/// The rows of a page with all their fields, as an answer.
pub(super) fn present(
    snapshot: &Snapshot,
    (mut rows, parts): (Vec<Row>, Vec<Part>),
    pager: &Pager,
    member: Option<(&str, Value)>,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let has_more = rows.len() > pager.limit;
    rows.truncate(pager.limit);
    let last = rows.last().filter(|_| has_more);
    let next = last.map(|last| pager.encode(&format!("{}_{}", last.ts, last.number)));
    let events = read_all(snapshot, &rows, &parts, budget)?;
    let columns = columns();
    let cells = |event: &Map<String, Value>| {
        columns.iter().map(|column| event.get(*column).cloned().unwrap_or(Value::Null)).collect()
    };
    let table = Table::new(columns.clone(), events.iter().map(cells).collect());
    let list: Vec<Value> = events.into_iter().map(Value::from).collect();
    let mut document: Map<String, Value> =
        member.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    document.insert("window".into(), render::window(pager.window));
    document.insert("events".into(), list.into());
    document.insert("next".into(), next.clone().into());
    Ok(Answer { document: document.into(), table, next })
}

/// The fields of rows. Those of one part are read together, so that each page is fetched once and only
/// the pages of one part are held at a time.
fn read_all(
    snapshot: &Snapshot,
    rows: &[Row],
    parts: &[Part],
    budget: &Budget,
) -> Result<Vec<Map<String, Value>>, QueryError> {
    let mut by_part: Vec<(usize, usize)> = rows.iter().enumerate().map(|(at, row)| (row.part, at)).collect();
    by_part.sort_unstable();
    let mut events = vec![Map::new(); rows.len()];
    for group in by_part.chunk_by(|a, b| a.0 == b.0) {
        let Some(part) = group.first().and_then(|(part, _)| parts.get(*part)) else { continue };
        let mut reader = part.reader();
        for (_, at) in group {
            budget.check()?;
            let (Some(row), Some(event)) = (rows.get(*at), events.get_mut(*at)) else { continue };
            *event = read(snapshot, &mut reader, row, (row.number - part.first_row()) as u32)?;
        }
    }
    Ok(events)
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
                event.insert(
                    dim.name().into(),
                    render::value(snapshot.privacy(), dim, catalog.value(dim, name)),
                );
            }
        }
    }
    for number in Number::FIELDS {
        if let Some(value) = reader.number(number, at)? {
            event.insert(number.name().into(), value.into());
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
