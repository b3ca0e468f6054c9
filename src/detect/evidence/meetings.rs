//! Who met where: visits to an address within a day of each other by two accounts of which neither lives there.

use super::{Context, figures};
use crate::detect::clusters::Confirmed;
use crate::detect::facts::Kind;
use crate::detect::groups::{CORE, Meeting};
use crate::detect::window::Window;
use crate::event::{Day, MICROS_A_SECOND, Micros};
use crate::limits::MEETINGS_SHOWN_MAX;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Meetings among the cluster's accounts: how many, and the first ones with address and times.
pub(super) fn of(context: &Context<'_>, cluster: &Confirmed) -> Value {
    let window = context.frame.bench.window;
    let is_member = |rank: u32| cluster.members.binary_search(&rank).is_ok();
    let inside = context.meetings.met.iter().filter(|met| is_member(met.a) && is_member(met.b));
    let inside: Vec<Meeting> = inside.copied().collect();
    // Whole pairs, because the order of a pair's addresses is that of their arrival.
    let mut shown: Vec<Meeting> = Vec::new();
    for of_two in inside.chunk_by(|a, b| (a.a, a.b) == (b.a, b.b)) {
        if shown.len() >= MEETINGS_SHOWN_MAX {
            break;
        }
        shown.extend_from_slice(of_two);
    }
    let visits = visits_at(window, &shown);
    let mut shown: Vec<(u32, u32, String, Value)> =
        shown.iter().filter_map(|met| one(context, met, &visits)).collect();
    shown.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
    let shown: Vec<Value> = shown.into_iter().map(|(.., meeting)| meeting).collect();
    json!({
        "count": inside.len(),
        "they_are": "two accounts at one address within a day of each other, of which neither lives there (on three days or \
                     more, or on over 34 % of its active days); where more than sixteen visitors come together within a day, \
                     in hosting networks and where a carrier puts many customers behind an address nothing counts",
        "core_is": format!(
            "accounts that have met at least {CORE} others, at {CORE} addresses or more, of those who are left when all \
             others are taken out again and again"
        ),
        "first": shown,
    })
}

/// Times of a visit, first and last.
type Times = (Micros, Micros);

/// Visits of the accounts of some meetings at their addresses, by address and account.
fn visits_at(window: &Window, met: &[Meeting]) -> BTreeMap<(u32, u32), Vec<Times>> {
    let mut visits: BTreeMap<(u32, u32), Vec<Times>> =
        met.iter().flat_map(|met| [(met.ip, met.a), (met.ip, met.b)]).map(|key| (key, Vec::new())).collect();
    if visits.is_empty() {
        return visits;
    }
    for at in 0..window.days() {
        let start = Day(window.first_day + at as i32).start();
        for visit in window.visits_on(at, |_| true) {
            if let Some(times) = visits.get_mut(&(visit.ip, visit.account)) {
                let time = |second: u32| start + i64::from(second) * MICROS_A_SECOND;
                times.push((time(visit.first), time(visit.last)));
            }
        }
    }
    visits
}

/// A meeting with its accounts and address: of all visits of the two those that are closest.
fn one(
    context: &Context<'_>,
    met: &Meeting,
    visits: &BTreeMap<(u32, u32), Vec<Times>>,
) -> Option<(u32, u32, String, Value)> {
    let window = context.frame.bench.window;
    let (of_a, of_b) = (visits.get(&(met.ip, met.a))?, visits.get(&(met.ip, met.b))?);
    let gap = |a: &Times, b: &Times| (a.0 - b.1).max(b.0 - a.1).max(0);
    let pairs = of_a.iter().flat_map(|a| of_b.iter().map(move |b| (a, b)));
    let (a, b) = pairs.min_by_key(|(a, b)| (gap(a, b), *a, *b))?;
    let side = |rank: u32, times: &Times| {
        let account = window.account(rank)?;
        Some(json!({"account": account.name, "from": time(times.0), "to": time(times.1)}))
    };
    let address = figures::value(context, Kind::Ip, met.ip);
    let meeting = json!({"address": address, "visitors": [side(met.a, a)?, side(met.b, b)?]});
    Some((met.a, met.b, address, meeting))
}

fn time(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}
