//! Why two accounts are neighbors: every thing that they share, how many others share it, and when each
//! of the two was seen with it.

use super::newest::{self, Row, Wish};
use super::pivot::{Attributes, Hub, Hubs, SHAREABLE, attributes, holders, rarity_weight, subjects_of};
use super::scan::Scan;
use super::{Answer, Budget, QueryError, Table, render};
use crate::event::{Aspect, Dim, Micros, Text, Window};
use crate::limits::{HUB_MAX_DEFAULT, WHY_ROWS_MAX};
use crate::store::{Part, Snapshot};
use roaring::RoaringBitmap;
use serde_json::{Value, json};

/// Request ids shown for each account and thing.
const SAMPLES_MAX: usize = 3;

/// A thing that the two share.
struct Common {
    dim: Dim,
    name: u32,
    /// Accounts that had it in the window, the two among them.
    accounts: u64,
    weight: f64,
}

/// How one of the two was seen with a thing.
#[derive(Default)]
struct Sight {
    first: Option<Micros>,
    last: Option<Micros>,
    events: u64,
    samples: Vec<String>,
}

/// How one of the two was seen with each of the things.
struct Sights {
    of_things: Vec<Sight>,
    /// Events that were looked at.
    events: usize,
    /// Whether these are all of its events in the window.
    is_complete: bool,
}

/// Answers `why`.
pub(super) fn answer(
    snapshot: &Snapshot,
    (a, b): (&str, &str),
    window: Window,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let (of_a, of_b) = (subjects_of(snapshot, a)?, subjects_of(snapshot, b)?);
    if a == b {
        let reason = format!("it is {b:?} as well: name two accounts");
        return Err(QueryError::Parameter { field: "b", reason });
    }
    let plan = snapshot.plan(window);
    let had = |subjects| attributes(snapshot, &plan, subjects, &SHAREABLE, budget);
    let both: Attributes = had(&of_a)?.intersection(&had(&of_b)?).copied().collect();
    // Also what very many share is listed here, and of no thing who else has it, only how many: so
    // everything is a hub, and counted to the end.
    let all = holders(snapshot, &plan, &both, Hubs { over: 0, at_least: false }, budget)?;
    let common = |thing: Hub| Common {
        dim: thing.dim,
        name: thing.name,
        accounts: thing.accounts,
        weight: rarity_weight(thing.accounts),
    };
    let mut shared: Vec<Common> = all.hubs.into_iter().map(common).collect();
    shared.sort_by_key(|thing| (thing.accounts, thing.dim, thing.name));
    let sights_a = sights(snapshot, &of_a, window, &shared, budget)?;
    let sights_b = sights(snapshot, &of_b, window, &shared, budget)?;
    Ok(present(snapshot, (a, b), window, &shared, (&sights_a, &sights_b)))
}

fn present(
    snapshot: &Snapshot,
    (a, b): (&str, &str),
    window: Window,
    shared: &[Common],
    (sights_a, sights_b): (&Sights, &Sights),
) -> Answer {
    let columns = vec!["via", "value", "accounts", "weight", "a_first", "a_last", "b_first", "b_last"];
    let mut table = Table { columns, rows: Vec::new() };
    let mut list = Vec::new();
    let of_both = sights_a.of_things.iter().zip(&sights_b.of_things);
    for (thing, (sight_a, sight_b)) in shared.iter().zip(of_both) {
        let value = render::value(thing.dim, snapshot.catalog().value(thing.dim, thing.name));
        let weight = (thing.weight * 1e6).round() / 1e6;
        let time = |instant: Option<Micros>| instant.map_or(Value::Null, render::time);
        let mut row = vec![thing.dim.name().into(), value.clone(), thing.accounts.into(), weight.into()];
        row.extend([sight_a, sight_b].iter().flat_map(|sight| [time(sight.first), time(sight.last)]));
        table.rows.push(row);
        let [sight_a, sight_b] = [sight_a, sight_b].map(|sight| {
            json!({
                "events": sight.events, "first_seen": time(sight.first), "last_seen": time(sight.last),
                "sample_request_ids": sight.samples,
            })
        });
        list.push(json!({
            "via": thing.dim.name(), "value": value, "accounts": thing.accounts,
            "others": thing.accounts.saturating_sub(2), "common": thing.accounts > HUB_MAX_DEFAULT,
            "weight": weight, "a": sight_a, "b": sight_b,
        }));
    }
    let total: f64 = shared.iter().map(|thing| thing.weight).sum();
    let document = json!({
        "a": a, "b": b, "window": render::window(window), "total": shared.len(), "shared": list,
        "weight": (total * 1e6).round() / 1e6,
        "seen_over_newest_events": { "a": sights_a.events, "b": sights_b.events },
        "seen_over_all_events": { "a": sights_a.is_complete, "b": sights_b.is_complete },
        "note": "sharing is what was observed; it says nothing yet of coordination",
    });
    Answer { document, table, next: None }
}

/// How an account was seen with each of the shared things, in the order of the things.
fn sights(
    snapshot: &Snapshot,
    subjects: &RoaringBitmap,
    window: Window,
    shared: &[Common],
    budget: &Budget,
) -> Result<Sights, QueryError> {
    let keys: Vec<RoaringBitmap> =
        shared.iter().map(|thing| snapshot.catalog().keys_with(thing.dim, thing.name)).collect();
    let wish = Wish { window, after: None, limit: WHY_ROWS_MAX };
    let (rows, parts) = newest::rows(snapshot, Aspect::Subject, subjects, wish, budget)?;
    let mut by_part: Vec<&Row> = rows.iter().collect();
    // Stable, so the newest of a part still comes first.
    by_part.sort_by_key(|row| row.part);
    let mut of_things: Vec<Sight> = shared.iter().map(|_| Sight::default()).collect();
    for group in by_part.chunk_by(|a, b| a.part == b.part) {
        budget.check()?;
        let Some(part) = group.first().and_then(|row| parts.get(row.part)) else { continue };
        let mut scan = Scan::of(part);
        scan.expect(group.len() as u64);
        for row in group {
            let at = (row.number - part.first_row()) as u32;
            let of_row = [row.subject, scan.key(Aspect::Origin, at)?, scan.key(Aspect::Client, at)?];
            for ((thing, keys), sight) in shared.iter().zip(&keys).zip(&mut of_things) {
                if of_row.get(thing.dim.aspect().index()).is_some_and(|key| keys.contains(*key)) {
                    note(sight, row, part, &mut scan)?;
                }
            }
        }
    }
    let is_complete = rows.len() < WHY_ROWS_MAX;
    Ok(Sights { of_things, events: rows.len(), is_complete })
}

/// Adds a row to a sight. Parts may overlap in time, so an earlier row can come later.
fn note(sight: &mut Sight, row: &Row, part: &Part, scan: &mut Scan) -> Result<(), QueryError> {
    sight.events += 1;
    sight.first = Some(sight.first.map_or(row.ts, |first| first.min(row.ts)));
    sight.last = Some(sight.last.map_or(row.ts, |last| last.max(row.ts)));
    if sight.samples.len() < SAMPLES_MAX {
        let id = scan.reader.text(Text::RequestId, (row.number - part.first_row()) as u32)?;
        sight.samples.extend(Some(id).filter(|id| !id.is_empty()));
    }
    Ok(())
}
