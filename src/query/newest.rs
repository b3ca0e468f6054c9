//! The newest rows that carry some aspect keys, newest first: parts are read from the newest back, and
//! only until no older part can hold a newer row.

use super::{Budget, QueryError};
use crate::event::{Aspect, Micros, Window};
use crate::store::{Part, Snapshot};
use roaring::RoaringBitmap;

/// A row that was found.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) ts: Micros,
    /// Number in the database.
    pub(super) number: u64,
    pub(super) subject: u32,
    /// Which of the visited parts holds it.
    pub(super) part: usize,
}

/// Up to `limit` rows, newest first; rows of the same time by arrival, latest first.
pub(super) fn rows(
    snapshot: &Snapshot,
    aspect: Aspect,
    keys: &RoaringBitmap,
    window: Window,
    limit: usize,
    budget: &Budget,
) -> Result<Vec<Row>, QueryError> {
    Ok(rows_and_parts(snapshot, aspect, keys, (window, None), limit, budget)?.0)
}

/// The same, with the parts that the rows' numbers refer to, and only rows before a position.
pub(super) fn rows_and_parts(
    snapshot: &Snapshot,
    aspect: Aspect,
    keys: &RoaringBitmap,
    (window, before): (Window, Option<(Micros, u64)>),
    limit: usize,
    budget: &Budget,
) -> Result<(Vec<Row>, Vec<Part>), QueryError> {
    let mut parts = snapshot.parts(window);
    parts.sort_by_key(|part| std::cmp::Reverse((part.span().1, part.first_row())));
    let mut found: Vec<Row> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        budget.check()?;
        let full = found.len() >= limit;
        if full && found.last().is_some_and(|oldest| part.span().1 < oldest.ts) {
            break;
        }
        let mut reader = part.reader();
        for row in part.rows_with(aspect, keys)?.iter().rev() {
            let ts = reader.ts(row)?;
            let number = part.first_row() + u64::from(row);
            if window.contains(ts) && before.is_none_or(|before| (ts, number) < before) {
                let subject = reader.key(Aspect::Subject, row)?;
                found.push(Row { ts, number, subject, part: at });
            }
        }
        found.sort_unstable_by_key(|row| std::cmp::Reverse((row.ts, row.number)));
        found.truncate(limit);
    }
    Ok((found, parts))
}
