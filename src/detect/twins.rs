//! Twins: for each finding the innocent thing that looks like it, and whether it was ruled out.

use super::clusters::Confirmed;
use super::family::Family;
use crate::limits::{ONE_CARD_ACCOUNTS_MAX, ONE_CARD_SHARE, VOUCHED_SHARE};

/// Share of accounts in one network from which they are one site.
const SITE_SHARE: f64 = 0.8;

/// What a family's figure shows, as an observation.
#[must_use]
pub(super) fn observed(family: Family) -> &'static str {
    match family {
        Family::Net => "Accounts keep meeting as visitors at addresses where strangers do not meet.",
        Family::Client => "Accounts use a client that hardly anybody else uses.",
        Family::Content => "Accounts send the same phrases, which hardly anybody else sends.",
        Family::Money => "Accounts share a payment or a key.",
        Family::Life => "Accounts were created together.",
        Family::Load => "Accounts carry more equal volumes than people do.",
        Family::Sync => "Accounts rise and fall together, day by day.",
    }
}

/// The innocent thing that looks the same.
#[must_use]
pub fn innocent_twin(family: Family) -> &'static str {
    match family {
        Family::Net => "A family, an office or a train whose people use two networks.",
        Family::Client => "A niche library, or one company's own program.",
        Family::Content => "A course, a benchmark, a viral prompt, the text of a harness.",
        Family::Money => "An agency or a company that pays for its people.",
        Family::Life => "A launch, a class, a hackathon.",
        Family::Load => "Scheduled jobs, a quota that all use up.",
        Family::Sync => "Working days of one country or one company, or a launch on one day.",
    }
}

/// The innocent explanations of a cluster, one sentence each: what was measured, and what that leaves open.
#[must_use]
pub(super) fn checked(cluster: &Confirmed) -> Vec<String> {
    let mut sentences = vec![site(cluster), one_customer(cluster), one_dataset(cluster)];
    if let Some((organisation, share)) = &cluster.organisation {
        sentences.push(format!(
            "A verified organisation (agency, reseller, research partner): {:.0} % of the accounts belong to {organisation}, \
             which the operator has verified; from {:.0} % a group accuses nobody.",
            share * 100.0,
            VOUCHED_SHARE * 100.0
        ));
    }
    let strong = |family: Family| cluster.scored.strength(family) >= cluster.threshold;
    if strong(Family::Life) || strong(Family::Sync) {
        sentences.push(
            "A launch, a class, a hackathon: made together and busy on the same days, which is all that the dates can say. \
             Not ruled out by the dates; accounts are accused only if money, machinery, rented addresses or signs of \
             hiding are in common as well."
                .to_owned(),
        );
    }
    if strong(Family::Content) || strong(Family::Client) {
        sentences.push(
            "A popular library or harness: texts and clients that established accounts use as well are left out before \
             anything is tested. Ruled out as far as established accounts use it; one that is new, or used by these \
             accounts alone, looks the same."
                .to_owned(),
        );
    }
    if strong(Family::Load) {
        sentences.push(format!(
            "Scheduled jobs: {:.0} % of the accounts were active in all 24 hours of the day. Not ruled out; equal volumes \
             alone accuse nobody, at least two further families are as strong.",
            cluster.extraction.round_the_clock * 100.0
        ));
    }
    if strong(Family::Net) {
        sentences.push(
            "A carrier that puts many customers behind an address: networks in which two established strangers share an \
             address more often than one pair in 300 are passed over. Ruled out."
                .to_owned(),
        );
    }
    sentences.push(
        "A reseller that runs such accounts under contract: no log can tell. Not checked; the operator has to know."
            .to_owned(),
    );
    sentences
}

fn site(cluster: &Confirmed) -> String {
    let verdict = if cluster.one_net >= SITE_SHARE { "Not ruled out" } else { "Ruled out" };
    format!(
        "One site (office, campus, venue): {:.0} % of the accounts were seen in the most common /24 or /64; from {:.0} % on \
         one site would explain what they share. {verdict}.",
        cluster.one_net * 100.0,
        SITE_SHARE * 100.0
    )
}

fn one_customer(cluster: &Confirmed) -> String {
    let verdict = if cluster.one_card < ONE_CARD_SHARE {
        "Ruled out"
    } else if cluster.members.len() < ONE_CARD_ACCOUNTS_MAX {
        "Not ruled out: it is openly one customer, and not accused"
    } else {
        "Not ruled out: for so many accounts one payment is no excuse any more"
    };
    format!(
        "One customer with many accounts (agency, fleet): {:.0} % share the most common payment; from {:.0} % on fewer than \
         {ONE_CARD_ACCOUNTS_MAX} accounts count as openly one. {verdict}.",
        cluster.one_card * 100.0,
        ONE_CARD_SHARE * 100.0
    )
}

fn one_dataset(cluster: &Confirmed) -> String {
    match cluster.extraction.overlap {
        Some(overlap) => format!(
            "The same dataset (benchmark, homework): two accounts have {:.1} % of their prompts in common on average; from \
             50 % on it is one. {}.",
            overlap * 100.0,
            if cluster.extraction.is_same_dataset() { "Not ruled out, and not accused" } else { "Ruled out" }
        ),
        None => "The same dataset (benchmark, homework): too few prompts are known. Not checked.".to_owned(),
    }
}
