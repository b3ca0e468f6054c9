//! An account's day in a campaign: when it is its turn, and what it is given to do.
//!
//! Work comes in turns of some requests. A program that gives each turn to the account that has waited longest gives
//! all the same number of turns in the same order, which needs no simulation: with the work that the campaign has
//! had by a time known, place `r` of `n` in line has its turn `k` when that work reaches `k + r / n` rounds.

use super::{Campaign, CampaignPlan, Scheduler};
use crate::drill::account::Routine;
use crate::drill::dice::Dice;
use crate::drill::life::Sheet;
use crate::drill::prompt::Text;
use crate::drill::topic::{Taste, Topic};
use crate::drill::world::{Made, World};
use crate::event::{MICROS_A_DAY, Micros};

/// Turns that an account has a day if it has not much to do, and the requests of a turn at most, on average.
const TURNS_A_DAY: f64 = 2.7;
const TURN_REQUESTS: f64 = 9.5;

/// How far the campaign's days are apart: standard deviation of the logarithm of its work.
const WORK_SIGMA: f64 = 0.25;

/// Requests that are still sent, and refused, after an account was closed.
const REFUSED: usize = 3;

/// Requests of a turn, on average.
fn requests(plan: &CampaignPlan) -> f64 {
    (plan.per_day / TURNS_A_DAY).clamp(1.0, TURN_REQUESTS)
}

/// The part of its usual work that a campaign has on a day of the log.
fn grown(plan: &CampaignPlan, day: u32) -> f64 {
    let days = day.checked_sub(plan.first_day).map_or(0, |since| since + 1);
    (f64::from(days) / f64::from(plan.ramp_days.max(1))).min(1.0)
}

/// Turns that each place in line has had by the start of each day of the log, and by its end.
pub(super) fn turns(plan: &CampaignPlan, seed: u64, days: u32) -> Vec<f64> {
    let mut turns = vec![0.0];
    let mut had = 0.0;
    for day in 0..days {
        let work = WORK_SIGMA * Dice::of(&[seed, 0x71, u64::from(day)]).normal();
        let work = libm::exp(work - WORK_SIGMA * WORK_SIGMA / 2.0);
        had += plan.per_day / requests(plan) * grown(plan, day) * work;
        turns.push(had);
    }
    turns
}

impl Campaign {
    /// Makes an account's day.
    pub(crate) fn day(&self, sheet: &mut Sheet<'_>) {
        let start = sheet.out.len();
        match self.plan.scheduler {
            Scheduler::EqualShares => self.in_line(sheet),
            Scheduler::Random => self.at_random(sheet),
            Scheduler::LogNormal => sheet.person_at(grown(&self.plan, sheet.day)),
        }
        if self.plan.churn_days.is_some() && sheet.day + 1 == sheet.account.until {
            close(sheet, start);
        }
    }

    /// When the provider closes an account, if it does on a day.
    pub(crate) fn closing(&self, world: &World, id: u32, day: u32) -> Option<Micros> {
        let until = world.accounts.get(id as usize)?.until;
        (self.plan.churn_days.is_some() && day + 1 == until).then(|| closed_at(world, id, day))
    }

    /// Turns of a day, by the work done at its start and end.
    fn work(&self, day: u32) -> (f64, f64) {
        let had = |day: u32| self.turns.get(day as usize).copied().unwrap_or_default();
        (had(day), had(day + 1))
    }

    fn in_line(&self, sheet: &mut Sheet<'_>) {
        let Routine::Slot(slot) = sheet.account.routine else { return };
        let (start, end) = self.work(sheet.day);
        let places = f64::from(self.plan.accounts.max(1));
        let place = f64::from(slot) / places;
        let mut turn = (start - place).ceil().max(0.0);
        while turn + place < end {
            let late = sheet.dice.unit() / places;
            let part = (turn + place + late - start) / (end - start);
            let second = 86_400.0 * sheet.account.hours.done(part.min(1.0));
            let requests = requests(&self.plan) * (0.8 + 0.4 * sheet.dice.unit()) + sheet.dice.unit();
            sheet.sitting(second, requests as u32);
            turn += 1.0;
        }
    }

    fn at_random(&self, sheet: &mut Sheet<'_>) {
        let (start, end) = self.work(sheet.day);
        for _ in 0..sheet.dice.poisson(end - start) {
            let part = sheet.dice.unit();
            let second = 86_400.0 * sheet.account.hours.done(part);
            let requests = requests(&self.plan) * (0.8 + 0.4 * sheet.dice.unit()) + sheet.dice.unit();
            sheet.sitting(second, requests as u32);
        }
    }

    /// What is asked in one request.
    pub(crate) fn request(&self, dice: &mut Dice, world: &World) -> (Topic, Text) {
        let plan = &self.plan;
        if dice.chance(plan.mixing) {
            // Unrelated traffic of the same operator's ordinary customers.
            return (Taste::Resold.topic(dice), Text::Fill);
        }
        if plan.templates == 0 || !dice.chance(plan.template_share) {
            return (Taste::Target.topic(dice), Text::Fill);
        }
        let text = self.templates + dice.under(plan.templates);
        let topic = world.topic_of(text);
        if dice.chance(plan.paraphrase) {
            // In other words each time: nothing is left of the text but what it asks for.
            (topic, Text::Fill)
        } else if text.is_multiple_of(3) {
            (topic, Text::Tail(text))
        } else {
            (topic, Text::Head(text))
        }
    }
}

/// The time of its last day at which an account is closed.
fn closed_at(world: &World, id: u32, day: u32) -> Micros {
    let part = Dice::of(&[world.seed, 0x73, u64::from(id)]).unit();
    world.day_of(day).start() + (MICROS_A_DAY as f64 * part) as Micros
}

/// Closes an account: a few requests are refused, and it is left alone.
fn close(sheet: &mut Sheet<'_>, start: usize) {
    let closed = closed_at(sheet.world, sheet.id, sheet.day);
    let Some(today) = sheet.out.get_mut(start..) else { return };
    today.sort_unstable_by_key(Made::order);
    let before = today.iter().filter(|event| event.ts < closed).count();
    for event in today.iter_mut().skip(before) {
        (event.status, event.output_tokens) = (403, 0);
    }
    sheet.out.truncate(start + before + REFUSED);
}
