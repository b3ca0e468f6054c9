//! Twins: for each finding the innocent thing that looks like it, and whether it was ruled out.

use super::clusters::Confirmed;
use super::family::Family;

/// The innocent explanations that were checked for a cluster, one sentence each.
#[must_use]
pub(super) fn checked(cluster: &Confirmed) -> Vec<String> {
    let mut sentences = vec![
        format!(
            "One site (office, campus, venue): {:.0} % of the accounts were seen in the most common /24 or /64; a site \
             is assumed from 80 %.",
            cluster.one_net * 100.0
        ),
        format!(
            "One customer with many accounts (agency, fleet): {:.0} % share the most common payment; from 80 % a group \
             of under 100 counts as openly one.",
            cluster.one_card * 100.0
        ),
    ];
    sentences.push(match cluster.extraction.overlap {
        Some(overlap) => format!(
            "The same dataset (benchmark, homework): two accounts have {:.1} % of their prompts in common on average; \
             from 50 % it is one.",
            overlap * 100.0
        ),
        None => "The same dataset (benchmark, homework): not checked, too few prompts are known.".to_owned(),
    });
    let strong = |family: Family| cluster.scored.strength(family) >= cluster.threshold;
    if strong(Family::Life) {
        sentences.push(
            "A launch or a class: creation days were compared with those of accounts of the same kind of network and \
             volume."
                .to_owned(),
        );
    }
    if strong(Family::Content) || strong(Family::Client) {
        sentences.push(
            "A popular library or harness: texts and clients that established accounts use are left out."
                .to_owned(),
        );
    }
    if strong(Family::Load) {
        sentences.push(
            "Scheduled jobs: equal volumes alone accuse nobody; another family besides the one that made the group is \
             as strong."
                .to_owned(),
        );
    }
    sentences
}
