//! Wrappers around records: an object that holds a list of them, or a text that holds one.

use super::super::flat::Flat;
use super::super::value::Scalar;
use super::{Kind, Mappings, borrowed, nginx};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Fields in which shippers put the line that they read: Docker and Fluent Bit, Datadog, journald,
/// syslog-ng, OTLP.
const TEXT_NAMES: [&str; 6] = ["message", "log", "MESSAGE", "body", "line", "event"];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lists<'a> {
    #[serde(borrow)]
    batch: Option<&'a RawValue>,
    #[serde(borrow)]
    logs: Option<&'a RawValue>,
}

/// The records of `{"batch":[...]}` or `{"logs":[...]}`. Empty for anything else.
pub(super) fn elements(object: &[u8]) -> Vec<&RawValue> {
    // Most objects hold neither, and finding that out is cheaper than reading them again.
    let may =
        [&b"\"batch\""[..], b"\"logs\""].into_iter().any(|name| memchr::memmem::find(object, name).is_some());
    if !may {
        return Vec::new();
    }
    let Ok(lists) = serde_json::from_slice::<Lists<'_>>(object) else { return Vec::new() };
    let list = lists.batch.or(lists.logs).map(RawValue::get).filter(|list| list.starts_with('['));
    let elements =
        list.and_then(|list| serde_json::from_str::<Vec<&RawValue>>(list).ok()).unwrap_or_default();
    if elements.iter().all(|element| element.get().starts_with('{')) { elements } else { Vec::new() }
}

/// The record that a field of another one holds as a text, with the fields around it after its own, and its source.
pub(super) fn text<'f>(outer: &'f Flat<'_>, own: Mappings) -> Option<(Flat<'f>, Kind)> {
    // Most records have none of them: one look at all paths.
    if !outer.iter().any(|(path, _)| TEXT_NAMES.contains(&path)) {
        return None;
    }
    for name in TEXT_NAMES {
        let Some(Scalar::Text(text)) = outer.get(name) else { continue };
        let text = text.trim();
        let inner = if text.starts_with('{') {
            Flat::from_json(text.as_bytes()).ok().map(|(flat, _)| flat)
        } else {
            nginx::combined(text)
        };
        let Some(mut inner) = inner else { continue };
        for (path, value) in outer.iter().filter(|(path, _)| *path != name) {
            inner.push(path, borrowed(value));
        }
        if let Some(kind) = own.told(&inner) {
            return Some((inner, kind));
        }
    }
    None
}
