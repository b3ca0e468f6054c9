//! One cluster in full: figures for programs, and lines that a person can read. Observed, inferred and not shown
//! are kept apart.

use super::{deception, families_of, summary};
use crate::detect::{Cluster, Family, Status, innocent_twin};
use crate::event::Day;
use crate::query::{Answer, Table, render};
use serde_json::{Value, json};

/// The answer about one cluster.
pub(super) fn one(cluster: &Cluster) -> Answer {
    let mut document = summary(cluster);
    let strengths: Vec<Value> = cluster
        .strengths
        .iter()
        .filter_map(|strength| {
            let family = *Family::ALL.get(usize::from(strength.family))?;
            let extreme = strength.strength >= cluster.threshold;
            Some(json!({
                "family": family.name(), "strength": strength.strength, "extreme": extreme,
                "innocent_twin": innocent_twin(family),
            }))
        })
        .collect();
    let history: Vec<Value> = cluster
        .history
        .iter()
        .map(|line| {
            json!({"at": render::time(cluster.at(line.day)), "what": line.step.name(), "accounts": line.accounts, "about": line.about})
        })
        .collect();
    let more = json!({
        "strengths": strengths,
        "deception": {
            "core_share": cluster.deception.core_share,
            "successions": cluster.deception.successions,
            "handoffs": cluster.deception.handoffs,
            "failovers": cluster.deception.failovers,
        },
        "signature_keys": cluster.signature.len(),
        "excluded": cluster.bystanders.len(),
        "benign_explanations": cluster.twins,
        "says": says(cluster),
        "history": history,
    });
    if let (Some(fields), Value::Object(more)) = (document.as_object_mut(), more) {
        fields.extend(more);
    }
    Answer { document, table: Table::new(vec!["figure", "value"], rows(cluster)), next: None }
}

/// The figures in the order in which a person asks for them, a sentence a line.
fn rows(cluster: &Cluster) -> Vec<Vec<Value>> {
    let time = |day: i32| render::time(cluster.at(day));
    let mut rows: Vec<(&str, Value)> = vec![
        ("id", cluster.id.clone().into()),
        ("verdict", cluster.verdict.name().into()),
        ("status", cluster.status.name().into()),
        ("accounts", cluster.members.len().into()),
        ("events", cluster.events.into()),
        ("first_seen", render::time(Day(cluster.first_seen).start())),
        ("flagged_at", render::time(cluster.flagged())),
        ("confirmed_at", cluster.confirmed.map_or(Value::Null, time)),
        ("last_found_at", time(cluster.renewed)),
        ("families", families_of(cluster)),
        ("coordination", super::rounded(cluster.coordination)),
        ("coordination_asked", super::rounded(cluster.threshold)),
        ("extraction", super::rounded(cluster.extraction)),
        ("deception", deception(cluster).into()),
        ("q", super::significant(cluster.q)),
        ("excluded", cluster.bystanders.len().into()),
    ];
    rows.extend(says(cluster).into_iter().map(|sentence| ("says", sentence.into())));
    rows.extend(cluster.strengths.iter().filter_map(|strength| {
        let family = *Family::ALL.get(usize::from(strength.family))?;
        let counts = if strength.strength >= cluster.threshold { "counts" } else { "too weak to count" };
        let line = format!(
            "{} {:.1}, {counts}. Looks the same: {}",
            family.name(),
            strength.strength,
            innocent_twin(family)
        );
        Some(("strength", line.into()))
    }));
    rows.extend(cluster.twins.iter().map(|sentence| ("checked", sentence.clone().into())));
    rows.extend(cluster.history.iter().map(|line| {
        let at = render::plain(&time(line.day));
        let about = if line.about.is_empty() { String::new() } else { format!(", {}", line.about) };
        ("history", format!("{at} {}: {} accounts{about}", line.step.name(), line.accounts).into())
    }));
    rows.into_iter().map(|(figure, value)| vec![figure.into(), value]).collect()
}

/// What was observed, what is inferred, what is not shown.
fn says(cluster: &Cluster) -> Vec<String> {
    let families = cluster.families().collect::<Vec<_>>().join(", ");
    let inferred = if cluster.verdict.accuses() {
        "Inferred: one operator stands behind them, because they also have money, machinery or rented addresses in \
         common, or hide; and what they ask for is what extraction asks for."
    } else {
        "Inferred: somebody or something coordinates them. Nothing says extraction: an agency, a fleet, a class or an \
         event looks like this."
    };
    let mut says = vec![
        format!(
            "Observed: {} accounts are alike in {families}. Among strangers of the same kind of network and volume so \
             much likeness in the family that decides comes up with probability 10^-{:.1}; 10^-{:.1} was asked.",
            cluster.members.len(),
            cluster.coordination,
            cluster.threshold
        ),
        inferred.to_owned(),
        "Not shown: who they are, what they intend, and whether answers were used for training.".to_owned(),
    ];
    if cluster.status == Status::Watch {
        let why = if cluster.hour.is_some() {
            "Watched, not confirmed: the day is open, and its close asks every account anew."
        } else {
            "Watched, not confirmed: too few accounts, or too many shuffled groups as strong, to be sure at a day's close."
        };
        says.push(why.to_owned());
    }
    says
}
