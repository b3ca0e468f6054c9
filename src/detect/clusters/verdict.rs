//! Verdicts: three scores to one word. An accusation needs coordination, an operator's hand, and a
//! purpose; everything else is told and accuses nobody.

use crate::detect::extraction::{Extraction, LEANING};
use crate::detect::family::Family;
use crate::limits::{ONE_CARD_ACCOUNTS_MAX, ONE_CARD_SHARE};
use crate::store::{Decode, Encode};

/// What a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Verdict {
    /// Coordinated, and asks for what extraction aims at.
    CoordinatedExtraction,
    /// Coordinated, hidden, and leaning towards what extraction aims at.
    CoordinatedEvasiveExtraction,
    /// Coordinated without evidence of extraction: an agency, a fleet, a reseller, a class.
    CoordinatedNoExtraction,
    /// Newcomers of one kind ask for what extraction aims at; no accounts are named.
    CohortAlarm,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 4] = [
        Self::CoordinatedExtraction,
        Self::CoordinatedEvasiveExtraction,
        Self::CoordinatedNoExtraction,
        Self::CohortAlarm,
    ];

    /// The verdict of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    /// The word in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CoordinatedExtraction => "coordinated_extraction",
            Self::CoordinatedEvasiveExtraction => "coordinated_evasive_extraction",
            Self::CoordinatedNoExtraction => "coordinated_no_extraction",
            Self::CohortAlarm => "cohort_alarm",
        }
    }

    /// Whether it accuses.
    #[must_use]
    pub fn accuses(self) -> bool {
        matches!(self, Self::CoordinatedExtraction | Self::CoordinatedEvasiveExtraction)
    }
}

/// What hides a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Encode, Decode)]
pub struct Deception {
    /// Share of members in the core of visitors who keep meeting at strangers' addresses.
    pub core_share: f64,
    /// Accounts that took the place of banned ones.
    pub successions: u32,
    /// Conversations that went on in another account of the cluster.
    pub handoffs: u32,
    /// Refused requests that were answered on another account of the cluster.
    pub failovers: u32,
}

impl Deception {
    /// Whether any of it is beyond what an honest customer does.
    #[must_use]
    pub fn is_high(&self) -> bool {
        self.core_share >= 0.5 || self.successions >= 3 || self.handoffs + self.failovers >= 10
    }
}

/// The thresholds of target share, lift, and the share of accounts that have such a lift of their own.
struct Gate {
    target: f64,
    lift: f64,
    accounts: f64,
}

/// Without signs of deception.
const GATE: Gate = Gate { target: 0.55, lift: 2.0, accounts: 0.6 };

/// With them: the target requests may be mixed with ordinary ones.
const GATE_DECEPTIVE: Gate = Gate { target: 0.25, lift: LEANING, accounts: 0.6 };

fn passes(found: &Extraction, gate: &Gate, accounts: f64) -> bool {
    found.assessable
        && !found.is_same_dataset()
        && found.target >= gate.target
        && found.lift >= gate.lift
        && accounts >= gate.accounts
}

/// What is known of a coordinated group besides its purpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances<'a> {
    pub(super) accounts: usize,
    pub(super) operator: &'a [Family],
    pub(super) deception: Deception,
    /// Share of members that pay with the payment that most of them share.
    pub(super) one_card: f64,
    /// Share of members that used an address in a hosting network together with seven others.
    pub(super) rented: f64,
}

/// The verdict on a coordinated group.
pub(super) fn verdict(found: &Extraction, about: &Circumstances<'_>) -> Verdict {
    let openly_one = about.one_card >= ONE_CARD_SHARE && about.accounts < ONE_CARD_ACCOUNTS_MAX;
    // A client of one's own, the text that it sends and a day on which it came out are one product and its
    // users. Only money, machinery or rented addresses in common show an operator.
    let pooled = about.rented >= 0.5;
    let shows = |family: &Family| *family != Family::Client || pooled;
    let deceptive = about.deception.is_high();
    let has_operator = about.operator.iter().any(shows) || deceptive;
    if !has_operator || openly_one {
        return Verdict::CoordinatedNoExtraction;
    }
    if passes(found, &GATE, found.agreement) {
        Verdict::CoordinatedExtraction
    } else if deceptive && passes(found, &GATE_DECEPTIVE, found.leaning) {
        Verdict::CoordinatedEvasiveExtraction
    } else {
        Verdict::CoordinatedNoExtraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Extraction {
        Extraction {
            assessable: true,
            target: 0.8,
            lift: 4.0,
            agreement: 0.9,
            leaning: 0.9,
            ..Extraction::default()
        }
    }

    fn about(operator: &[Family]) -> Circumstances<'_> {
        let deception = Deception::default();
        Circumstances { accounts: 200, operator, deception, one_card: 0.0, rented: 0.0 }
    }

    #[test]
    fn an_event_without_an_operator_is_no_extraction() {
        // A hackathon: fresh accounts, one venue, one starter prompt, agents all day.
        assert_eq!(verdict(&target(), &about(&[])), Verdict::CoordinatedNoExtraction);
        assert_eq!(verdict(&target(), &about(&[Family::Load])), Verdict::CoordinatedExtraction);
        // With a kit of its own, or a new product: one client, one text, one day.
        assert_eq!(verdict(&target(), &about(&[Family::Client])), Verdict::CoordinatedNoExtraction);
        let pooled = Circumstances { rented: 0.9, ..about(&[Family::Client]) };
        assert_eq!(verdict(&target(), &pooled), Verdict::CoordinatedExtraction);
    }

    #[test]
    fn a_fleet_that_pays_with_one_card_hides_nothing() {
        let fleet = Circumstances { accounts: 20, one_card: 1.0, ..about(&[Family::Load, Family::Money]) };
        assert_eq!(verdict(&target(), &fleet), Verdict::CoordinatedNoExtraction);
    }

    #[test]
    fn mixing_is_seen_through_only_where_something_is_hidden() {
        let mixed = Extraction { target: 0.4, lift: 1.6, agreement: 0.1, leaning: 0.8, ..target() };
        assert_eq!(verdict(&mixed, &about(&[Family::Load])), Verdict::CoordinatedNoExtraction);
        let deception = Deception { core_share: 0.9, ..Deception::default() };
        let hidden = Circumstances { deception, ..about(&[Family::Load]) };
        assert_eq!(verdict(&mixed, &hidden), Verdict::CoordinatedEvasiveExtraction);
    }

    #[test]
    fn homework_is_no_extraction() {
        let homework = Extraction { overlap: Some(0.8), ..target() };
        assert_eq!(verdict(&homework, &about(&[Family::Client])), Verdict::CoordinatedNoExtraction);
    }
}
