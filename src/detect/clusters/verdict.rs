//! Verdicts: three scores to one word. An accusation needs coordination, an operator's hand, and a
//! purpose; everything else is told and accuses nobody.

use crate::detect::extraction::{Extraction, LEANING};
use crate::detect::family::Family;
use crate::limits::{ONE_CARD_ACCOUNTS_MAX, ONE_CARD_SHARE, VOUCHED_SHARE};
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
pub(in crate::detect) struct Circumstances<'a> {
    pub(in crate::detect) accounts: usize,
    pub(in crate::detect) operator: &'a [Family],
    pub(in crate::detect) deception: Deception,
    /// Share of members that pay with the payment that most of them share.
    pub(in crate::detect) one_card: f64,
    /// Share of members that used an address in a hosting network together with seven others.
    pub(in crate::detect) rented: f64,
    /// Share of members that belong to the verified organisation that most of them belong to.
    pub(in crate::detect) vouched: f64,
}

impl Circumstances<'_> {
    /// Whether it is openly one customer, who hides nothing.
    fn openly_one(&self) -> bool {
        self.one_card >= ONE_CARD_SHARE && self.accounts < ONE_CARD_ACCOUNTS_MAX
    }

    /// Whether the operator of the service knows who that is. From a log a reseller of agents cannot be told from a
    /// campaign.
    fn vouched_for(&self) -> bool {
        self.vouched >= VOUCHED_SHARE
    }

    /// Families that show an operator. A client of one's own, the text that it sends and a day on which it came
    /// out are one product and its users: only money, machinery or rented addresses in common show one.
    fn shown_by(&self) -> impl Iterator<Item = Family> {
        let pooled = self.rented >= 0.5;
        self.operator.iter().copied().filter(move |family| *family != Family::Client || pooled)
    }
}

/// One condition of an accusation.
pub(in crate::detect) struct Condition {
    /// What is measured.
    pub what: &'static str,
    /// How much it is.
    pub measured: Option<f64>,
    /// What it has to be.
    pub asked: String,
    /// Whether it is.
    pub holds: bool,
}

/// The conditions of an accusation besides coordination: all have to hold.
pub(in crate::detect) fn conditions(found: &Extraction, about: &Circumstances<'_>) -> Vec<Condition> {
    let deceptive = about.deception.is_high();
    let mixed = deceptive && !passes(found, &GATE, found.agreement);
    let (gate, accounts) = if mixed { (GATE_DECEPTIVE, found.leaning) } else { (GATE, found.agreement) };
    let hands = about.shown_by().count() + usize::from(deceptive);
    let at_least = |what, measured: f64, asked: f64| Condition {
        what,
        measured: Some(measured),
        asked: format!("at least {asked}"),
        holds: measured >= asked,
    };
    vec![
        at_least("an operator's hand: families that show one, and signs of hiding", hands as f64, 1.0),
        Condition {
            what: "not openly one customer: share of accounts with the most common payment",
            measured: Some(about.one_card),
            asked: format!("under {ONE_CARD_SHARE}, or {ONE_CARD_ACCOUNTS_MAX} accounts or more"),
            holds: !about.openly_one(),
        },
        Condition {
            what: "not of one verified organisation: share of accounts that belong to it",
            measured: Some(about.vouched),
            asked: format!("under {VOUCHED_SHARE}"),
            holds: !about.vouched_for(),
        },
        Condition {
            what: "purpose can be judged: accounts whose requests can be told apart",
            measured: Some(f64::from(found.accounts)),
            asked: format!("at least half of the {} accounts", about.accounts),
            holds: found.assessable,
        },
        Condition {
            what: "not one dataset: share of prompts that two accounts have in common",
            measured: found.overlap,
            asked: "under 0.5".to_owned(),
            holds: !found.is_same_dataset(),
        },
        at_least("share of requests of the kind that extraction aims at", found.target, gate.target),
        at_least("that share over the platform's", found.lift, gate.lift),
        at_least("share of accounts that ask for it themselves", accounts, gate.accounts),
    ]
}

/// The verdict on a coordinated group.
pub(in crate::detect) fn verdict(found: &Extraction, about: &Circumstances<'_>) -> Verdict {
    let deceptive = about.deception.is_high();
    let has_operator = about.shown_by().next().is_some() || deceptive;
    if !has_operator || about.openly_one() || about.vouched_for() {
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
        Circumstances { accounts: 200, operator, deception, one_card: 0.0, rented: 0.0, vouched: 0.0 }
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
    fn a_verified_organisation_is_not_accused_and_cannot_cover_for_others() {
        let reseller = Circumstances { vouched: 0.9, ..about(&[Family::Load]) };
        assert_eq!(verdict(&target(), &reseller), Verdict::CoordinatedNoExtraction);
        let cover = Circumstances { vouched: 0.5, ..about(&[Family::Load]) };
        assert_eq!(verdict(&target(), &cover), Verdict::CoordinatedExtraction);
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
    fn an_accusation_is_made_exactly_where_all_its_conditions_hold() {
        let deceptive = Deception { core_share: 0.9, ..Deception::default() };
        let mixed = Extraction { target: 0.4, lift: 1.6, agreement: 0.1, ..target() };
        let homework = Extraction { overlap: Some(0.8), ..target() };
        let unknown = Extraction { assessable: false, ..target() };
        for found in [target(), mixed, homework, unknown, Extraction::default()] {
            for operator in [&[][..], &[Family::Load], &[Family::Client], &[Family::Money, Family::Client]] {
                for deception in [Deception::default(), deceptive] {
                    for (one_card, rented) in [(0.0, 0.0), (0.9, 0.0), (0.0, 0.9)] {
                        let about =
                            Circumstances { accounts: 60, deception, one_card, rented, ..about(operator) };
                        let all = conditions(&found, &about).iter().all(|condition| condition.holds);
                        assert_eq!(verdict(&found, &about).accuses(), all, "{found:?} {about:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn homework_is_no_extraction() {
        let homework = Extraction { overlap: Some(0.8), ..target() };
        assert_eq!(verdict(&homework, &about(&[Family::Client])), Verdict::CoordinatedNoExtraction);
    }
}
