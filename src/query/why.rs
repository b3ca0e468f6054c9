//! Why two accounts are neighbors: every thing that they share, the family of evidence that it belongs to, how
//! many others share it, and when each of the two was seen with it.

use super::newest::{self, Row, Wish};
use super::pivot::{
    Attributes, Hub, Hubs, SHAREABLE, accounts_of, attributes, family, holders, rarity_weight, subjects_of,
};
use super::resolve::scanned;
use super::scan::{Scan, through_catalog};
use super::{Answer, Budget, QueryError, Table, render, templates};
use crate::detect::Family;
use crate::event::{Aspect, Day, Dim, Micros, Text, Window};
use crate::limits::{HUB_MAX_DEFAULT, WHY_PROMPTS_MAX, WHY_ROWS_MAX};
use crate::store::{Part, Snapshot};
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Request ids shown for each account and thing.
const SAMPLES_MAX: usize = 3;

/// A thing that the two share.
struct Common {
    family: Family,
    via: &'static str,
    value: Value,
    /// Further keys of a template.
    also: Vec<String>,
    /// Accounts that had it in the window, the two among them.
    accounts: u64,
    mark: Mark,
}

/// How a row is known to be about a thing.
enum Mark {
    Keys(Aspect, RoaringBitmap),
    Template(Vec<u32>),
}

/// The newest events of one of the two.
struct Newest {
    rows: Vec<Row>,
    parts: Vec<Part>,
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
    let wish = Wish { window, after: None, limit: WHY_ROWS_MAX };
    let newest = |subjects| {
        let (rows, parts) = newest::rows(snapshot, Aspect::Subject, subjects, wish, budget)?;
        Ok::<_, QueryError>(Newest { rows, parts })
    };
    let (newest_a, newest_b) = (newest(&of_a)?, newest(&of_b)?);
    let mut shared = values(snapshot, window, (&of_a, &of_b), budget)?;
    shared.extend(created_together(snapshot, (&of_a, &of_b), budget)?);
    let prompts = templates::in_common(
        snapshot,
        window,
        ((&newest_a.rows, &newest_a.parts), (&newest_b.rows, &newest_b.parts)),
        budget,
    )?;
    shared.extend(prompts.templates.into_iter().filter_map(template));
    // Stable: among equally rare things the order of kinds stays.
    shared.sort_by_key(|thing| thing.accounts);
    let sights_a = sights(&newest_a, &shared, budget)?;
    let sights_b = sights(&newest_b, &shared, budget)?;
    let mut answer = present((a, b), window, &shared, (&sights_a, &sights_b));
    if prompts.left_out > 0 {
        answer.document["templates_left_out"] = prompts.left_out.into();
        answer
            .table
            .notes
            .push(format!("{} further phrases of prompts in common are left out", prompts.left_out));
    }
    Ok(answer)
}

/// The values that both had in a window.
fn values(
    snapshot: &Snapshot,
    window: Window,
    (of_a, of_b): (&RoaringBitmap, &RoaringBitmap),
    budget: &Budget,
) -> Result<Vec<Common>, QueryError> {
    let plan = snapshot.plan(window);
    let had = |subjects| attributes(snapshot, &plan, subjects, &SHAREABLE, budget);
    let both: Attributes = had(of_a)?.intersection(&had(of_b)?).copied().collect();
    // Also what very many share is listed here, and of no thing who else has it, only how many: so
    // everything is a hub, and counted to the end.
    let mut all = holders(snapshot, &plan, &both, Hubs { over: 0, at_least: false }, budget)?.hubs;
    all.sort_by_key(|thing| (thing.dim, thing.name));
    let catalog = snapshot.catalog();
    let common = |thing: Hub| Common {
        family: family(thing.dim),
        via: thing.dim.name(),
        value: render::value(snapshot.privacy(), thing.dim, catalog.value(thing.dim, thing.name)),
        also: Vec::new(),
        accounts: thing.accounts,
        mark: Mark::Keys(thing.dim.aspect(), catalog.keys_with(thing.dim, thing.name)),
    };
    Ok(all.into_iter().map(common).collect())
}

/// The day on which both accounts were created, if it is one. All accounts of the log count as its others.
fn created_together(
    snapshot: &Snapshot,
    (of_a, of_b): (&RoaringBitmap, &RoaringBitmap),
    budget: &Budget,
) -> Result<Option<Common>, QueryError> {
    let day_of = |value: &[u8]| value.try_into().ok().map(|bytes| Day::of(i64::from_be_bytes(bytes)));
    let created = |subjects: &RoaringBitmap| {
        through_catalog(snapshot, subjects, budget, |catalog, key| {
            day_of(catalog.value(Dim::Created, catalog.name_of(Dim::Created, key)?))
        })
        .map(|days| days.into_iter().max())
    };
    let Some(day) = created(of_a)?.filter(|day| created(of_b).is_ok_and(|other| other == Some(*day))) else {
        return Ok(None);
    };
    let names = scanned(snapshot, Dim::Created, budget, |value| day_of(value) == Some(day))?;
    let mut keys = RoaringBitmap::new();
    through_catalog(snapshot, names, budget, |catalog, name| {
        keys |= catalog.keys_with(Dim::Created, name);
        None::<()>
    })?;
    let accounts = accounts_of(snapshot, &keys, budget)?.len();
    Ok(Some(Common {
        family: Family::Life,
        via: "created_on",
        value: render::time(day.start()),
        also: Vec::new(),
        accounts,
        mark: Mark::Keys(Aspect::Subject, keys),
    }))
}

/// A template as a thing that is shared.
fn template(common: templates::Common) -> Option<Common> {
    let (first, also) = common.keys.split_first()?;
    Some(Common {
        family: Family::Content,
        via: "template",
        value: first.to_string().into(),
        also: also.iter().map(u32::to_string).collect(),
        accounts: common.accounts,
        mark: Mark::Template(common.keys),
    })
}

fn present(
    (a, b): (&str, &str),
    window: Window,
    shared: &[Common],
    (sights_a, sights_b): (&Sights, &Sights),
) -> Answer {
    let columns =
        vec!["family", "via", "value", "accounts", "weight", "a_first", "a_last", "b_first", "b_last"];
    let mut table = Table::new(columns, Vec::new());
    let mut list = Vec::new();
    // What is nested (an address, its network) is one observation, so a family weighs what its rarest thing does.
    let mut families: BTreeMap<Family, (u64, f64)> = BTreeMap::new();
    let of_both = sights_a.of_things.iter().zip(&sights_b.of_things);
    for (thing, (sight_a, sight_b)) in shared.iter().zip(of_both) {
        let weight = rounded(rarity_weight(thing.accounts));
        let of_family = families.entry(thing.family).or_default();
        *of_family = (of_family.0 + 1, of_family.1.max(weight));
        let time = |instant: Option<Micros>| instant.map_or(Value::Null, render::time);
        let family = thing.family.name();
        let mut row =
            vec![family.into(), thing.via.into(), thing.value.clone(), thing.accounts.into(), weight.into()];
        row.extend([sight_a, sight_b].iter().flat_map(|sight| [time(sight.first), time(sight.last)]));
        table.rows.push(row);
        let [sight_a, sight_b] = [sight_a, sight_b].map(|sight| {
            json!({
                "events": sight.events, "first_seen": time(sight.first), "last_seen": time(sight.last),
                "sample_request_ids": sight.samples,
            })
        });
        let mut line = json!({
            "family": family, "via": thing.via, "value": thing.value, "accounts": thing.accounts,
            "others": thing.accounts.saturating_sub(2), "common": thing.accounts > HUB_MAX_DEFAULT,
            "weight": weight, "a": sight_a, "b": sight_b,
        });
        if !thing.also.is_empty() {
            line["also"] = json!(thing.also);
        }
        list.push(line);
    }
    let total: f64 = shared.iter().map(|thing| rarity_weight(thing.accounts)).sum();
    let families = families.into_iter().map(
        |(family, (things, weight))| json!({"family": family.name(), "things": things, "weight": weight}),
    );
    let document = json!({
        "a": a, "b": b, "window": render::window(window), "total": shared.len(), "shared": list,
        "weight": rounded(total), "families": families.collect::<Vec<_>>(),
        "seen_over_newest_events": { "a": sights_a.events, "b": sights_b.events },
        "seen_over_all_events": { "a": sights_a.is_complete, "b": sights_b.is_complete },
        "templates_over_newest_events": {
            "a": sights_a.events.min(WHY_PROMPTS_MAX), "b": sights_b.events.min(WHY_PROMPTS_MAX),
        },
        "note": "sharing is what was observed; it says nothing yet of coordination",
    });
    Answer { document, table, next: None }
}

fn rounded(weight: f64) -> f64 {
    (weight * 1e6).round() / 1e6
}

/// How an account was seen with each of the shared things, in the order of the things.
fn sights(newest: &Newest, shared: &[Common], budget: &Budget) -> Result<Sights, QueryError> {
    let has_templates = shared.iter().any(|thing| matches!(thing.mark, Mark::Template(_)));
    let mut by_part: Vec<&Row> = newest.rows.iter().collect();
    // Stable, so the newest of a part still comes first.
    by_part.sort_by_key(|row| row.part);
    let mut of_things: Vec<Sight> = shared.iter().map(|_| Sight::default()).collect();
    for group in by_part.chunk_by(|a, b| a.part == b.part) {
        budget.check()?;
        let Some(part) = group.first().and_then(|row| newest.parts.get(row.part)) else { continue };
        let mut scan = Scan::of(part);
        scan.expect(group.len() as u64);
        for row in group {
            let at = (row.number - part.first_row()) as u32;
            let of_row = [row.subject, scan.key(Aspect::Origin, at)?, scan.key(Aspect::Client, at)?];
            let phrases: Vec<u32> =
                if has_templates { templates::row_keys(&mut scan, at)?.collect() } else { Vec::new() };
            for (thing, sight) in shared.iter().zip(&mut of_things) {
                let is_about = match &thing.mark {
                    Mark::Keys(aspect, keys) => {
                        of_row.get(aspect.index()).is_some_and(|key| keys.contains(*key))
                    }
                    Mark::Template(keys) => phrases.iter().any(|phrase| keys.contains(phrase)),
                };
                if is_about {
                    note(sight, row, part, &mut scan)?;
                }
            }
        }
    }
    let is_complete = newest.rows.len() < WHY_ROWS_MAX;
    Ok(Sights { of_things, events: newest.rows.len(), is_complete })
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
