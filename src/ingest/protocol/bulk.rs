//! Elasticsearch bulk bodies: a line that says what to do, and a line with the document.
//!
//! Index names mean nothing here, and nothing is ever changed or deleted: `create`, `index` and `update` add
//! the document's event, `delete` is answered and not done.

use super::{Out, Wrong};
use crate::ingest::flat::Flat;
use crate::limits::{BULK_ITEMS_MAX, LINE_BYTES_MAX};
use crate::privacy::json_error;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One request of a bulk body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// What was to be done.
    pub action: &'static str,
    /// The index that was named.
    pub index: String,
    /// The id that was named, empty for none.
    pub id: String,
}

#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow, default)]
    index: Option<About<'a>>,
    #[serde(borrow, default)]
    create: Option<About<'a>>,
    #[serde(borrow, default)]
    update: Option<About<'a>>,
    #[serde(borrow, default)]
    delete: Option<About<'a>>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow, default, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "_id")]
    id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Update<'a> {
    #[serde(borrow)]
    doc: &'a RawValue,
}

impl Action<'_> {
    fn item(self) -> Option<Item> {
        let actions = [
            ("index", self.index),
            ("create", self.create),
            ("update", self.update),
            ("delete", self.delete),
        ];
        let (action, about) = actions.into_iter().find_map(|(name, about)| Some((name, about?)))?;
        let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned).unwrap_or_default();
        Some(Item { action, index: text(about.index), id: text(about.id) })
    }
}

pub(super) fn requests(body: &[u8], out: &mut Out) -> Result<(), String> {
    let mut flat = Flat::new();
    let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        out.next()?;
        if out.summary.items.len() >= BULK_ITEMS_MAX {
            return Err(format!("a bulk body has at most {BULK_ITEMS_MAX} requests"));
        }
        let Some(item) = serde_json::from_slice::<Action<'_>>(line).ok().and_then(Action::item) else {
            return Err(format!(
                "request {} of the body is no action: expected {{\"create\":{{}}}} or {{\"index\":{{}}}}, and the document on the next line",
                out.line
            ));
        };
        // The answer names both, and is no place for a secret either.
        let (index, id) = (out.kept(&item.index), out.kept(&item.id));
        out.summary.items.push(Item { action: item.action, index, id });
        if item.action == "delete" {
            continue;
        }
        match lines.next() {
            Some(document) => take(document, &item, &mut flat, out),
            None => out.refuse(Wrong::whole("the document is missing: the body ends after its action")),
        }
    }
    Ok(())
}

fn take<'a>(document: &'a [u8], item: &Item, flat: &mut Flat<'a>, out: &mut Out) {
    if document.len() > LINE_BYTES_MAX {
        out.refuse(Wrong::whole(format!("longer than {} MiB", LINE_BYTES_MAX >> 20)));
        return;
    }
    let is_update = item.action == "update";
    let inner = if is_update { serde_json::from_slice::<Update<'_>>(document).ok() } else { None };
    let document = inner.map_or(document, |update| update.doc.get().as_bytes());
    flat.clear();
    match flat.add_json("", document) {
        Ok(_) => out.record(flat, None, &item.id),
        Err(error) => {
            out.refuse(Wrong::whole(format!("the document is no JSON object: {}", json_error(&error))));
        }
    }
}
