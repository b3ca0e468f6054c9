//! The world: its accounts, its days, and who is who.

use super::account::Account;
use super::benign::{self, BenignPlan};
use super::campaign::{self, Campaign, CampaignPlan};
use super::census::Census;
use super::dice::Dice;
use super::life::Sheet;
use super::line;
use super::net::Address;
use super::prompt::{Prompts, Text};
use super::topic::Topic;
use super::words::Words;
use crate::event::{Day, Micros};
use std::ops::Range;

/// What a world consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldPlan {
    /// The first day of the log.
    pub first_day: Day,
    /// Days of the log.
    pub days: u32,
    /// The honest customers.
    pub benign: BenignPlan,
    /// The campaigns that are planted.
    pub campaigns: Vec<CampaignPlan>,
    /// Whether lines have prompts.
    pub prompts: bool,
    /// Whether lines say where requests come from: `ip`, `asn` and `country`.
    pub ips: bool,
    /// The day of the log on which a new model is there, where no campaign turns to one.
    pub release_day: Option<u32>,
    /// Fingerprint and user agent of the client that most have, where the world is added to another's log: it
    /// then is the only one that many have.
    pub popular: Option<(String, String)>,
}

impl WorldPlan {
    /// The usual mix of honest customers, and nobody else.
    #[must_use]
    pub fn honest(first_day: Day, days: u32, accounts: u32) -> Self {
        let benign = BenignPlan::of(accounts);
        let (campaigns, release_day, popular) = (Vec::new(), None, None);
        Self { first_day, days, benign, campaigns, prompts: true, ips: true, release_day, popular }
    }

    /// The same with a campaign.
    #[must_use]
    pub fn with(mut self, campaign: CampaignPlan) -> Self {
        self.campaigns.push(campaign);
        self
    }
}

/// One request, made up. [`World::write_json`] writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// When it came.
    pub ts: Micros,
    /// The account's place in [`World::truth`].
    pub account: u32,
    /// Makes the request different from any other.
    pub(super) own: u64,
    pub(super) address: Address,
    pub(super) client: u32,
    pub(super) text: Text,
    pub(super) topic: Topic,
    pub(super) label: Topic,
    pub(super) model: u8,
    pub(super) status: u16,
    pub(super) input_tokens: u32,
    pub(super) output_tokens: u32,
}

impl Made {
    /// What the events of a day are sorted by.
    pub(super) fn order(&self) -> (Micros, u32, u64) {
        (self.ts, self.account, self.own)
    }
}

/// Who an account is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Name in the log.
    pub account: String,
    /// What it is: `home`, `mobile`, and so on, or `campaign`.
    pub class: &'static str,
    /// Which campaign of the plan it belongs to.
    pub campaign: Option<usize>,
}

/// A made-up provider.
pub struct World {
    pub(super) plan: WorldPlan,
    pub(super) seed: u64,
    pub(super) accounts: Vec<Account>,
    pub(super) texts: Vec<Topic>,
    pub(super) campaigns: Vec<Campaign>,
    pub(super) words: Words,
    /// Fingerprint and fixed text of each harness.
    pub(super) harnesses: [(u32, u32); 2],
    /// How lines give the client that most have, if it is another's log.
    pub(super) popular: Option<String>,
    /// The day of the log on which a new model is there.
    pub(super) release: Option<u32>,
}

impl World {
    /// Founds the accounts of a plan.
    #[must_use]
    pub fn new(plan: WorldPlan, seed: u64) -> Self {
        let mut census = Census::new(seed, &plan);
        let harnesses = benign::found(&mut census, &plan.benign);
        let enlist = |(number, campaign)| campaign::enlist(&mut census, number, campaign);
        let campaigns: Vec<Campaign> = (0..).zip(&plan.campaigns).map(enlist).collect();
        Self {
            seed,
            accounts: census.accounts,
            texts: census.texts,
            campaigns,
            words: Words::new(),
            harnesses,
            release: plan.campaigns.iter().filter_map(|one| one.pivot_day).chain(plan.release_day).min(),
            popular: plan
                .popular
                .as_ref()
                .map(|(fingerprint, agent)| line::quoted_client(fingerprint, agent)),
            plan,
        }
    }

    /// Days of the log.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.plan.days
    }

    /// The date of a day of the log.
    #[must_use]
    pub fn day_of(&self, day: u32) -> Day {
        Day(self.plan.first_day.0 + day as i32)
    }

    /// The events of a day of the log, sorted by time and account.
    #[must_use]
    pub fn day(&self, day: u32) -> Vec<Made> {
        let mut made = Vec::new();
        let honest = self.campaigns.first().map_or(self.accounts.len() as u32, |first| first.accounts.start);
        self.live(0..honest, day, &mut made);
        for campaign in &self.campaigns {
            let mut theirs = Vec::new();
            self.live(campaign.accounts.clone(), day, &mut theirs);
            campaign.pass_on(self.seed, day, &mut theirs);
            made.append(&mut theirs);
        }
        made.sort_unstable_by_key(Made::order);
        made
    }

    /// Makes a day of some accounts.
    fn live(&self, accounts: Range<u32>, day: u32, out: &mut Vec<Made>) {
        let some = self.accounts.get(accounts.start as usize..accounts.end as usize).unwrap_or_default();
        for (id, account) in accounts.zip(some) {
            if !(account.from..account.until).contains(&day) {
                continue;
            }
            let dice = Dice::of(&[self.seed, 0x51, u64::from(id), u64::from(day)]);
            let mut sheet = Sheet { world: self, account, id, day, dice, out };
            match self.campaign_of(account) {
                Some(campaign) => campaign.day(&mut sheet),
                None => benign::day(&mut sheet),
            }
        }
    }

    /// Writes an event as one line of NDJSON.
    pub fn write_json(&self, made: &Made, out: &mut Vec<u8>) {
        if let Some(account) = self.accounts.get(made.account as usize) {
            line::write(self, account, made, out);
        }
    }

    /// Who each account is, by number.
    #[must_use]
    pub fn truth(&self) -> Vec<Truth> {
        let truth = |(id, account): (u32, &Account)| Truth {
            account: line::account_name(self.seed, id),
            class: account.class.name(),
            campaign: account.campaign.map(usize::from),
        };
        (0..).zip(&self.accounts).map(truth).collect()
    }

    /// Accounts that the provider closes on a day of the log, and when. Those of campaigns are replaced.
    #[must_use]
    pub fn closings(&self, day: u32) -> Vec<(String, Micros)> {
        let closed = self.campaigns.iter().flat_map(|campaign| {
            let closing = move |id| Some((id, campaign.closing(self, id, day)?));
            campaign.accounts.clone().filter_map(closing)
        });
        closed.map(|(id, at)| (line::account_name(self.seed, id), at)).collect()
    }

    /// The campaign that an account belongs to.
    pub(super) fn campaign_of(&self, account: &Account) -> Option<&Campaign> {
        self.campaigns.get(usize::from(account.campaign?))
    }

    pub(super) fn topic_of(&self, text: u32) -> Topic {
        self.texts.get(text as usize).copied().unwrap_or(Topic::Chat)
    }

    pub(super) fn prompts(&self) -> Prompts<'_> {
        Prompts { words: &self.words, topics: &self.texts, seed: self.seed }
    }
}
