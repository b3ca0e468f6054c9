//! Weighing: the rule that led to the verdict, condition by condition, and what is left of it when a part of the
//! evidence is taken away.

use crate::detect::clusters::{Circumstances, Confirmed, Frame, Verdict, conditions, operator, verdict};
use crate::detect::family::Family;
use crate::detect::groups::{Group, Origin};
use crate::detect::score::Scored;
use crate::detect::scratch::Scratch;
use serde_json::{Value, json};

/// The conditions of the verdict, as they were measured.
pub(super) fn rule(frame: &Frame<'_>, cluster: &Confirmed) -> Value {
    let operator = operator(&cluster.scored, cluster.threshold);
    let about = about(frame, cluster, &operator);
    let coordination = json!({
        "condition": "coordination: strength of the third strongest family",
        "measured": cluster.coordination,
        "asked": format!("at least {:.2}", cluster.threshold),
        "holds": cluster.coordination >= cluster.threshold,
    });
    let others = conditions(&cluster.extraction, &about).into_iter().map(|condition| {
        json!({
            "condition": condition.what,
            "measured": condition.measured,
            "asked": condition.asked,
            "holds": condition.holds,
        })
    });
    json!({
        "conditions": std::iter::once(coordination).chain(others).collect::<Vec<_>>(),
        "operator_families": operator.iter().map(|family| family.name()).collect::<Vec<_>>(),
        "operator_families_are": "NET, MONEY and LOAD; CLIENT too where half the accounts share rented addresses",
        "rented_share": about.rented,
        "is": "coordination alone accuses nobody; an accusation needs every condition",
    })
}

fn about<'o>(frame: &Frame<'_>, cluster: &Confirmed, operator: &'o [Family]) -> Circumstances<'o> {
    Circumstances {
        accounts: cluster.members.len(),
        operator,
        deception: cluster.deception,
        one_card: cluster.one_card,
        rented: frame.rented(&cluster.members),
        vouched: cluster.organisation.as_ref().map_or(0.0, |(_, share)| *share),
    }
}

/// What is left when a part of the evidence is taken away.
pub(super) fn sensitivity(frame: &Frame<'_>, cluster: &Confirmed) -> Value {
    let threshold = cluster.threshold;
    let line = |without: &str, coordination: f64, verdict: Verdict| {
        let passes = coordination >= threshold;
        let verdict = if passes { verdict.name() } else { "none" };
        json!({"without": without, "coordination": coordination, "still_passes": passes, "verdict": verdict})
    };
    let ranked = cluster.scored.ranked();
    let without = |families: &[Family]| {
        let mut left = operator(&cluster.scored, threshold);
        left.retain(|family| !families.contains(family));
        let mut about = about(frame, cluster, &left);
        if families.contains(&Family::Net) {
            (about.deception.core_share, about.rented) = (0.0, 0.0);
        }
        verdict(&cluster.extraction, &about)
    };
    let by_strength = strongest(&cluster.scored);
    let smaller = without_largest(frame, cluster);
    let group = Group { origin: Origin::Union, defining: None, members: smaller };
    let scored = Scored::of(frame.bench, &group, &mut Scratch::default());
    let of_smaller = frame.judge(&group.members, &operator(&scored, threshold)).verdict;
    let left_without = |family: Family| {
        let mut findings = cluster.scored.findings;
        findings[family as usize] = None;
        Scored { findings }.ranked()[2]
    };
    let mut lines = vec![
        line("the strongest family: what the verdict goes by", ranked[2], without(&by_strength[..1])),
        line("the two strongest families", ranked[3], without(&by_strength[..2])),
        line("the largest 5 % of accounts, and the strongest family", scored.ranked()[2], of_smaller),
        line(
            "everything from addresses (NET, rented addresses), and the strongest family",
            left_without(Family::Net),
            without(&[Family::Net]),
        ),
    ];
    // Family by family, so that what alone shows an operator is taken away once.
    for family in cluster.scored.at_least(threshold).filter(|family| *family != Family::Net) {
        let what = format!("{}, and the strongest family that is left", family.name());
        lines.push(line(&what, left_without(family), without(&[family])));
    }
    lines.into()
}

/// Families, strongest first.
fn strongest(scored: &Scored) -> [Family; 7] {
    let mut families = Family::ALL;
    families.sort_by(|a, b| scored.strength(*b).total_cmp(&scored.strength(*a)));
    families
}

/// The members but the largest twentieth, ascending.
fn without_largest(frame: &Frame<'_>, cluster: &Confirmed) -> Vec<u32> {
    let events = |rank: &u32| Some((frame.bench.window.account(*rank)?.events, *rank));
    let mut by_size: Vec<(u64, u32)> = cluster.members.iter().filter_map(events).collect();
    by_size.sort_unstable();
    let kept = by_size.len() - by_size.len().div_ceil(20);
    let mut smaller: Vec<u32> = by_size.iter().take(kept).map(|(_, rank)| *rank).collect();
    smaller.sort_unstable();
    smaller
}
