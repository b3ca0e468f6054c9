//! The newest rows that carry some aspect keys, newest first: parts are read from the newest back, and
//! only until no older part can hold a newer row.

use super::scan::Scan;
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

/// Which of the matching rows are wanted.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) window: Window,
    /// Only rows that come after this one in the order of an answer: earlier, or as early and arrived before.
    pub(super) after: Option<(Micros, u64)>,
    pub(super) limit: usize,
}

/// Up to `limit` rows, newest first; rows of the same time by arrival, latest first. With them the parts
/// that the rows refer to.
pub(super) fn rows(
    snapshot: &Snapshot,
    aspect: Aspect,
    keys: &RoaringBitmap,
    wish: Wish,
    budget: &Budget,
) -> Result<(Vec<Row>, Vec<Part>), QueryError> {
    rows_by(snapshot, wish, budget, |part, _| Ok(part.rows_with(aspect, keys)?))
}

/// The same for whatever rows of a part `matching` gives.
pub(super) fn rows_by(
    snapshot: &Snapshot,
    wish: Wish,
    budget: &Budget,
    mut matching: impl FnMut(&Part, &mut Scan) -> Result<RoaringBitmap, QueryError>,
) -> Result<(Vec<Row>, Vec<Part>), QueryError> {
    let Wish { window, after, limit } = wish;
    let mut parts = snapshot.parts(window);
    parts.retain(|part| after.is_none_or(|(ts, _)| part.span().0 <= ts));
    parts.sort_by_key(|part| std::cmp::Reverse((part.span().1, part.first_row())));
    let mut found: Vec<Row> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        budget.check()?;
        let oldest = found.last().filter(|_| found.len() >= limit).map(|oldest| oldest.ts);
        if oldest.is_some_and(|oldest| part.span().1 < oldest) {
            break;
        }
        let mut scan = Scan::of(part);
        let rows = matching(part, &mut scan)?;
        scan.expect(rows.len());
        for row in rows.iter().rev() {
            let ts = scan.ts(row)?;
            let number = part.first_row() + u64::from(row);
            let is_too_old = oldest.is_some_and(|oldest| ts < oldest);
            if !is_too_old && window.contains(ts) && after.is_none_or(|after| (ts, number) < after) {
                found.push(Row { ts, number, subject: 0, part: at });
            }
        }
        found.sort_unstable_by_key(|row| std::cmp::Reverse((row.ts, row.number)));
        found.truncate(limit);
        // Only what is kept is read further.
        scan.expect(found.iter().filter(|row| row.part == at).count() as u64);
        for row in found.iter_mut().filter(|row| row.part == at) {
            row.subject = scan.key(Aspect::Subject, (row.number - part.first_row()) as u32)?;
        }
    }
    Ok((found, parts))
}
