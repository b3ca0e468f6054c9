//! Families: kinds of evidence, each with one test that asks whether a group is more alike than chance
//! allows. A test sees the members of a group and nothing of why they are one; whoever calls it takes
//! care that the family which made the group does not count.

mod life;
mod load;
mod sync;

pub(super) use life::Creation;
pub(super) use load::Volumes;

use super::facts::Kind;
use super::null::{Categorical, Null, Rates};
use super::scratch::Scratch;
use super::window::Window;

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// Addresses: visitors who keep meeting at addresses where strangers do not meet.
    Net = 0,
    /// Rare clients.
    Client = 1,
    /// Shared texts.
    Content = 2,
    /// Shared payment or keys.
    Money = 3,
    /// Accounts made, or starting, together.
    Life = 4,
    /// Work spread evenly.
    Load = 5,
    /// Ups and downs together.
    Sync = 6,
}

/// How many there are.
pub(super) const FAMILIES: usize = 7;

impl Family {
    /// Every family.
    pub const ALL: [Self; FAMILIES] =
        [Self::Net, Self::Client, Self::Content, Self::Money, Self::Life, Self::Load, Self::Sync];

    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Net => "NET",
            Self::Client => "CLIENT",
            Self::Content => "CONTENT",
            Self::Money => "MONEY",
            Self::Life => "LIFE",
            Self::Load => "LOAD",
            Self::Sync => "SYNC",
        }
    }

    /// The family that a kind of shared value belongs to.
    #[must_use]
    pub fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Ip | Kind::Prefix | Kind::Site | Kind::Core => Self::Net,
            Kind::Fingerprint | Kind::UserAgent => Self::Client,
            Kind::Template => Self::Content,
            Kind::Payment | Kind::ApiKey => Self::Money,
            Kind::EmailDomain | Kind::Model => Self::Life,
            Kind::Pivot => Self::Sync,
        }
    }
}

/// What one family says of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// The family.
    pub family: Family,
    /// ln p.
    pub ln_p: f64,
    /// The figures behind it.
    pub basis: Basis,
}

/// Figures behind a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// A shared value.
    Shared(Kind, Categorical),
    /// A window of creation days.
    Created(Creation, Categorical),
    /// Volumes: accounts, variance of log volume, base deviation, coefficient of variation.
    Volumes(Volumes),
    /// Days, ratio of variances.
    Rhythm {
        /// Days compared.
        days: u32,
        /// Variance of the sum over the sum of variances.
        ratio: f64,
    },
}

/// Everything that a test needs of a window, prepared once.
pub struct Bench<'w> {
    /// The window.
    pub window: &'w Window,
    /// Who says what is usual.
    pub null: Null,
    /// Kinds that are tested by shared value.
    pub rates: Vec<Rates<'w>>,
    created: life::Calendar,
    volumes: load::Baseline,
    rhythm: sync::Rhythm,
}

impl<'w> Bench<'w> {
    /// Prepares the tests of a window. `rates` are the kinds whose shared values count.
    #[must_use]
    pub fn new(window: &'w Window, null: Null, rates: Vec<Rates<'w>>) -> Self {
        let created = life::Calendar::of(window, &null);
        let volumes = load::Baseline::of(window);
        let rhythm = sync::Rhythm::of(window);
        Self { window, null, rates, created, volumes, rhythm }
    }

    /// What a family says of a group; none if it has nothing to go by. `members` are sorted.
    #[must_use]
    pub fn test(&self, family: Family, members: &[u32], scratch: &mut Scratch) -> Option<Finding> {
        match family {
            Family::Life => self.created.test(self.window, &self.null, members),
            Family::Load => self.volumes.test(self.window, members),
            Family::Sync => {
                let rhythm = self.rhythm.test(members);
                let pivot = self.shared(family, members, scratch);
                let both = rhythm.is_some() && pivot.is_some();
                let best = rhythm.into_iter().chain(pivot).min_by(|a, b| a.ln_p.total_cmp(&b.ln_p))?;
                // Two tests are two tries.
                let tries = if both { std::f64::consts::LN_2 } else { 0.0 };
                Some(Finding { ln_p: (best.ln_p + tries).min(0.0), ..best })
            }
            Family::Net | Family::Client | Family::Content | Family::Money => {
                self.shared(family, members, scratch)
            }
        }
    }

    /// The strongest shared value of a family's kinds.
    fn shared(&self, family: Family, members: &[u32], scratch: &mut Scratch) -> Option<Finding> {
        let kinds = self.rates.iter().filter(|rates| Family::of_kind(rates.kind) == family);
        let found = kinds.filter_map(|rates| {
            let test = rates.test(self.window, &self.null, members, scratch)?;
            Some((rates.kind, test))
        });
        let found: Vec<_> = found.collect();
        let (kind, best) = found.iter().min_by(|a, b| a.1.ln_p.total_cmp(&b.1.ln_p)).copied()?;
        // Each kind that had something to try is a try.
        let ln_p = (best.ln_p + libm::log(found.len() as f64)).min(0.0);
        Some(Finding { family, ln_p, basis: Basis::Shared(kind, best) })
    }

    /// The rates of a kind.
    #[must_use]
    pub fn rates_of(&self, kind: Kind) -> Option<&Rates<'w>> {
        self.rates.iter().find(|rates| rates.kind == kind)
    }

    /// Everybody's rhythm.
    #[must_use]
    pub fn rhythm(&self) -> &sync::Rhythm {
        &self.rhythm
    }

    /// The calendar of creation days.
    #[must_use]
    pub fn creation(&self) -> &life::Calendar {
        &self.created
    }
}
