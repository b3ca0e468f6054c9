//! How each account was asked: the rates that answers are weighed by, and every member's odds.

use crate::detect::clusters::{Answer, Confirmed, Frame, MEMBER_ODDS};
use crate::detect::family::Family;
use serde_json::{Map, Value, json};

/// Families that count for membership.
fn counting(cluster: &Confirmed) -> impl Iterator<Item = Family> {
    Family::ALL.into_iter().filter(|family| cluster.telling.extreme[*family as usize])
}

/// What every account's odds follow from.
pub(super) fn rule(cluster: &Confirmed) -> Value {
    let telling = &cluster.telling;
    let families: Map<String, Value> = counting(cluster)
        .map(|family| {
            let (inside, outside) = (telling.inside[family as usize], telling.outside[family as usize]);
            (family.name().to_owned(), json!({"members": inside, "others": outside}))
        })
        .collect();
    json!({
        "families": families,
        "families_are": "share of those who agree in it, among members and among other accounts, of those who can answer; \
                         (agreeing + 0.5) / (asked + 1)",
        "ln_prior": telling.prior,
        "ln_odds_asked": MEMBER_ODDS,
        "besides": "three families have to agree, or two with a text, a client or a payment among them; who agrees in none of \
                    those three must not ask for less than half as much of the target as the middle account",
        "formula": "ln odds = ln prior + sum over families of ln(members / others) where the account agrees, of \
                    ln((1 - members) / (1 - others)) where it does not, of nothing where it cannot say",
    })
}

/// The members, each with its odds.
pub(super) fn list(frame: &Frame<'_>, cluster: &Confirmed) -> Vec<Value> {
    let window = frame.bench.window;
    let member = |(rank, answer): (&u32, &Answer)| {
        let account = window.account(*rank)?;
        let families: Vec<&str> = answer.families().map(Family::name).collect();
        let silent = counting(cluster).filter(|family| answer.is_silent(*family));
        let silent: Vec<&str> = silent.map(Family::name).collect();
        let mut member = json!({
            "account": account.name,
            "agrees_in": families,
            "ln_odds": cluster.telling.odds(*answer),
            "events": account.events,
            "first_seen": super::date(account.first_seen),
        });
        if !silent.is_empty() {
            member["cannot_say"] = json!(silent);
        }
        Some(member)
    };
    cluster.members.iter().zip(&cluster.answers).filter_map(member).collect()
}
