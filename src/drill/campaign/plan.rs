//! What a campaign does, in the words in which people describe one.

/// When accounts were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// All of them within so many days before the campaign begins.
    Burst(u32),
    /// Each some time within so many days before it starts.
    Spread(u32),
    /// Long before, and kept.
    Aged,
}

/// Where requests come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exits {
    /// So many rented addresses, shared by all.
    Pool(u32),
    /// Homes that also have honest residents.
    Residential {
        /// How many.
        pool: u32,
        /// How many an account uses in a day.
        per_day: u32,
    },
    /// A line each, like a home's and in the networks of homes.
    Dedicated,
    /// Such a line and a server in a cloud each, by turns.
    TwoCountries,
}

/// What requests are sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// One that nobody else has.
    OneRare,
    /// The one that most have.
    Popular,
    /// One for each account, drawn from those that honest accounts have.
    RandomEach,
}

/// How work is given to accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// To the one that has waited longest: equal shares.
    EqualShares,
    /// At random.
    Random,
    /// As people would.
    LogNormal,
}

/// What accounts pay with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// A card each.
    Unique,
    /// So many accounts on a card.
    Groups(u32),
    /// None.
    None,
}

/// A campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CampaignPlan {
    /// Accounts at work at once.
    pub accounts: u32,
    /// Exchanges of an account in a day.
    pub per_day: f64,
    /// Its first day, counted from the log's first.
    pub first_day: u32,
    /// When accounts were made.
    pub creation: Creation,
    /// Where requests come from.
    pub exits: Exits,
    /// What they are sent with.
    pub client: Client,
    /// Share of requests that carry a template.
    pub template_share: f64,
    /// How many templates there are.
    pub templates: u32,
    /// Share of those that are put in other words each time.
    pub paraphrase: f64,
    /// How work is given out.
    pub scheduler: Scheduler,
    /// Share of requests that look like anybody's.
    pub mixing: f64,
    /// Days after which an account is closed, and replaced by a new one.
    pub churn_days: Option<u32>,
    /// What accounts pay with.
    pub payment: Payment,
    /// Days over which accounts start.
    pub stagger_days: u32,
    /// Days over which its work grows to that volume.
    pub ramp_days: u32,
    /// Whether conversations go over from account to account.
    pub handoffs: bool,
    /// Whether refused requests are sent again from another account.
    pub failovers: bool,
    /// The day of the log on which most of the work goes to a new model, which others take up slowly.
    pub pivot_day: Option<u32>,
}

impl Default for CampaignPlan {
    fn default() -> Self {
        Self {
            accounts: 1_000,
            per_day: 26.0,
            first_day: 0,
            creation: Creation::Burst(5),
            exits: Exits::Pool(50),
            client: Client::OneRare,
            template_share: 0.5,
            templates: 20,
            paraphrase: 0.0,
            scheduler: Scheduler::EqualShares,
            mixing: 0.0,
            churn_days: None,
            payment: Payment::Unique,
            stagger_days: 1,
            ramp_days: 1,
            handoffs: false,
            failovers: false,
            pivot_day: None,
        }
    }
}
