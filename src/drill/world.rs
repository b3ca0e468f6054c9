//! The world: its accounts, its days, and who is who.

use super::account::Account;
use super::benign::{self, BenignPlan};
use super::census::Census;
use super::dice::Dice;
use super::life::Sheet;
use super::line;
use super::net::Address;
use super::prompt::{Prompts, Text};
use super::topic::Topic;
use super::words::Words;
use crate::event::{Day, Micros};

/// What a world consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldPlan {
    /// The first day of the log.
    pub first_day: Day,
    /// Days of the log.
    pub days: u32,
    /// The honest customers.
    pub benign: BenignPlan,
    /// Whether lines have prompts.
    pub prompts: bool,
    /// Whether lines say where requests come from: `ip`, `asn` and `country`.
    pub ips: bool,
}

/// One request, made up. [`World::write_json`] writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// When it came.
    pub ts: Micros,
    /// The account's number in [`World::truth`].
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
    pub(super) words: Words,
    /// Fingerprint and fixed text of each harness.
    pub(super) harnesses: Vec<(u32, u32)>,
    /// The day of the log on which a new model is there.
    pub(super) release: Option<u32>,
}

impl World {
    /// Founds the accounts of a plan.
    #[must_use]
    pub fn new(plan: WorldPlan, seed: u64) -> Self {
        let mut census = Census::new(seed, plan.first_day, plan.days);
        benign::found(&mut census, &plan.benign);
        Self {
            seed,
            accounts: census.accounts,
            texts: census.texts,
            words: Words::new(),
            harnesses: Vec::new(),
            release: None,
            plan,
        }
    }

    /// The events of a day of the log, sorted by time and account.
    #[must_use]
    pub fn day(&self, day: u32) -> Vec<Made> {
        let mut made = Vec::new();
        for (id, account) in (0..).zip(&self.accounts) {
            if account.from <= day && day < account.until {
                let dice = Dice::of(&[self.seed, 0x51, u64::from(id), u64::from(day)]);
                Sheet { world: self, account, id, day, dice, out: &mut made }.fill();
            }
        }
        made.sort_unstable_by_key(|event| (event.ts, event.account, event.own));
        made
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

    /// The date of a day of the log.
    #[must_use]
    pub fn day_of(&self, day: u32) -> Day {
        Day(self.plan.first_day.0 + day as i32)
    }

    pub(super) fn topic_of(&self, text: u32) -> Topic {
        self.texts.get(text as usize).copied().unwrap_or(Topic::Chat)
    }

    pub(super) fn prompts(&self) -> Prompts<'_> {
        Prompts { words: &self.words, topics: &self.texts, seed: self.seed }
    }
}
