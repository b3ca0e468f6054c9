//! Cells: accounts of one rate of work that take turns.
//!
//! A scheduler that gives each piece of work to the account that has waited longest makes any two of its accounts
//! alternate, which no proxy and no paraphrase hides. Whether two accounts take turns more often than chance has
//! it is the runs test of Wald and Wolfowitz over the starts of their sessions, merged by time:
//!
//! ```text
//! mu = 1 + 2ab / (a + b),   sigma^2 = 2ab (2ab - a - b) / ((a + b)^2 (a + b - 1)),   z = (runs - mu) / sigma
//! ```
//!
//! Accounts are compared within cells of one rate of sessions, by sampled pairs, never all of them. Whatever runs by a
//! clock alternates perfectly and is nobody's pool: accounts whose sessions come at one time of the day or of the
//! hour, or evenly, are left out. What is found is a group to be tested by everything else: its own family, LOAD,
//! never counts for it.

use super::{Group, Origin};
use crate::detect::extraction::below;
use crate::detect::facts::{DayFacts, halves, pair};
use crate::detect::family::Family;
use crate::detect::window::{Lists, Window};
use crate::detect::{in_parallel, math};
use crate::limits::{CELL_PAIRS, CELL_PARTNERS, GROUP_MIN, SESSIONS_MIN};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// Rates of one cell differ by less than this factor.
const CELL_WIDTH: f64 = 1.35;

/// z from which two accounts take turns; chance has it in two of a thousand pairs of established accounts.
const TURNS: f64 = 3.0;

/// Share of pairs that chance makes take turns.
const CHANCE: f64 = 0.002;

/// ln p of a cell's sampled pairs from which its accounts are asked one by one. Their own evidence comes later.
const PROMISING: f64 = -7.0;

/// Partners with whom an account has to take turns before the others are chosen from those like it.
const FIRST_TURNS: usize = 2;

/// Share of partners of the core with whom a member takes turns.
const SHARE_OF_CORE: f64 = 0.7;

/// Mean resultant length of session starts on the circle of a day or an hour from which a clock starts them.
const ONE_TIME: f64 = 0.8;

/// Standard deviation over mean of the times between sessions below which a clock starts them.
const EVEN: f64 = 0.15;

/// The groups of a window's cells. `seed` chooses the pairs.
#[must_use]
pub(crate) fn cells(window: &Window, days: &[&DayFacts], seed: u64) -> Vec<Group> {
    let mut starts: Vec<u64> = Vec::new();
    for (day, facts) in days.iter().enumerate() {
        let start = day as u32 * 86_400;
        starts.extend(facts.sessions.iter().filter_map(|session| {
            let (ordinal, second) = halves(*session);
            Some(pair(window.rank(ordinal)?, start + second))
        }));
    }
    starts.sort_unstable();
    let sessions = Lists::of(&starts, window.accounts.len());
    let mut cells: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (rank, account) in window.accounts.iter().enumerate() {
        let own = sessions.get(rank as u32);
        if own.len() >= SESSIONS_MIN && !runs_by_a_clock(own) {
            let rate = own.len() as f64 / f64::from(account.active_days.max(1));
            let cell = (libm::log(rate) / libm::log(CELL_WIDTH)).floor() as i32;
            cells.entry(cell).or_default().push(rank as u32);
        }
    }
    let found = cells.into_iter().filter_map(|(cell, accounts)| {
        let members = taking_turns(&sessions, &accounts, seed ^ cell as u64)?;
        Some(Group { origin: Origin::Cell(cell), defining: Some(Family::Load), members })
    });
    found.collect()
}

/// Those of a cell's accounts that take turns with each other, if the cell is promising and they are enough.
fn taking_turns(sessions: &Lists, accounts: &[u32], seed: u64) -> Option<Vec<u32>> {
    if accounts.len() < GROUP_MIN {
        return None;
    }
    let alternate = |a: u32, b: u32| a != b && runs_z(sessions.get(a), sessions.get(b)) > TURNS;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut any = || accounts.get(below(&mut random, accounts.len())).copied().unwrap_or_default();
    let pairs: Vec<(u32, u32)> = (0..CELL_PAIRS).map(|_| (any(), any())).collect();
    let turns = pairs.iter().filter(|(a, b)| alternate(*a, *b)).count();
    // Pairs that share accounts are not independent: no more count than can be disjoint.
    let disjoint = (accounts.len() / 2).min(CELL_PAIRS) as f64;
    let share = turns as f64 / CELL_PAIRS as f64;
    let k = (share * disjoint).floor();
    if k < 1.0 || math::poisson_at_least(k as u64, disjoint * CHANCE) > PROMISING {
        return None;
    }
    let partners = |pool: &[u32], salt: u64, account: u32| {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ salt.wrapping_add(u64::from(account) << 8));
        let one = |_| pool.get(below(&mut random, pool.len())).copied().unwrap_or_default();
        let partners: Vec<u32> = (0..CELL_PARTNERS).map(one).collect();
        partners.into_iter().filter(|partner| alternate(account, *partner)).count()
    };
    let choose = |pool: &[u32], salt: u64, least: usize| -> Vec<u32> {
        let turns = in_parallel(
            accounts.len(),
            || (),
            |(), at| accounts.get(at).map_or(0, |account| partners(pool, salt, *account)),
        );
        accounts.iter().zip(turns).filter(|(_, turns)| *turns >= least).map(|(account, _)| *account).collect()
    };
    let least = (SHARE_OF_CORE * CELL_PARTNERS as f64).ceil() as usize;
    let core = choose(accounts, 1, FIRST_TURNS);
    let core = if core.len() >= GROUP_MIN { choose(&core, 2, least) } else { core };
    let members = if core.len() >= GROUP_MIN { choose(&core, 3, least) } else { core };
    (members.len() >= GROUP_MIN).then_some(members)
}

/// Whether sessions start at one time of the day or of the hour, or evenly.
fn runs_by_a_clock(starts: &[u32]) -> bool {
    let coherence = |period: f64| {
        let (mut x, mut y) = (0.0, 0.0);
        for start in starts {
            let turn = TAU * f64::from(*start) / period;
            x += libm::cos(turn);
            y += libm::sin(turn);
        }
        libm::sqrt(x * x + y * y) / starts.len().max(1) as f64
    };
    let gaps: Vec<f64> = starts.windows(2).map(|two| f64::from(two[1] - two[0])).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len().max(1) as f64;
    libm::sqrt(variance) < EVEN * mean || coherence(86_400.0) > ONE_TIME || coherence(3_600.0) > ONE_TIME
}

/// The runs test of two ascending lists of times.
fn runs_z(a: &[u32], b: &[u32]) -> f64 {
    let (mut at_a, mut at_b, mut runs) = (0, 0, 0_u32);
    let mut last = None;
    while at_a < a.len() || at_b < b.len() {
        let from_a = match (a.get(at_a), b.get(at_b)) {
            (Some(x), Some(y)) => x <= y,
            (first, _) => first.is_some(),
        };
        runs += u32::from(last != Some(from_a));
        last = Some(from_a);
        if from_a {
            at_a += 1;
        } else {
            at_b += 1;
        }
    }
    let (a, b) = (a.len() as f64, b.len() as f64);
    let (n, twice) = (a + b, 2.0 * a * b);
    let variance = twice * (twice - n) / (n * n * (n - 1.0));
    if variance > 0.0 { (f64::from(runs) - 1.0 - twice / n) / libm::sqrt(variance) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    const DAY: u32 = 86_400;

    fn lists(accounts: &[Vec<u32>]) -> Lists {
        let pairs = accounts.iter().enumerate().flat_map(|(rank, starts)| {
            let mut starts = starts.clone();
            starts.sort_unstable();
            starts.into_iter().map(move |start| pair(rank as u32, start))
        });
        Lists::of(&pairs.collect::<Vec<u64>>(), accounts.len())
    }

    /// Two or three sessions a day in ten waking hours.
    fn people(count: usize, random: &mut ChaCha8Rng) -> Vec<Vec<u32>> {
        let one = |random: &mut ChaCha8Rng| {
            let wakes = random.next_u32() % DAY;
            let start =
                |n: u32, random: &mut ChaCha8Rng| n % 7 * DAY + wakes + random.next_u32() % (10 * 3_600);
            (0..18).map(|n| start(n, random)).collect()
        };
        (0..count).map(|_| one(random)).collect()
    }

    /// The same work, more of it late in the day, given to the account that has waited longest.
    fn pool(count: u32, random: &mut ChaCha8Rng) -> Vec<Vec<u32>> {
        let late = |random: &mut ChaCha8Rng| (random.next_u32() % DAY).max(random.next_u32() % DAY);
        let mut work: Vec<u32> = (0..18 * count).map(|n| n % 7 * DAY + late(random)).collect();
        work.sort_unstable();
        let own =
            |account: u32| work.iter().skip(account as usize).step_by(count as usize).copied().collect();
        (0..count).map(own).collect()
    }

    #[test]
    fn a_pool_that_takes_turns_is_found_among_people() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut accounts = people(900, &mut random);
        accounts.extend(pool(150, &mut random));
        let everybody: Vec<u32> = (0..accounts.len() as u32).collect();
        let found = taking_turns(&lists(&accounts), &everybody, 1).expect("found");
        let ours = found.iter().filter(|account| **account >= 900).count();
        assert!(ours >= 140 && found.len() - ours <= 2, "{ours} of 150, {} others", found.len() - ours);
        let people = lists(&people(900, &mut random));
        assert_eq!(taking_turns(&people, &everybody[..900], 1), None, "people do not take turns");
    }

    #[test]
    fn what_a_clock_starts_takes_turns_with_everything_and_is_left_out() {
        // T6: daily jobs at different minutes alternate perfectly; without the filter 320 of them were a pool.
        let daily = |minute: u32| (0..14).map(|day| day * DAY + minute * 60).collect::<Vec<u32>>();
        let jobs: Vec<Vec<u32>> = (0..40).map(|job| daily(job * 31)).collect();
        let sessions = lists(&jobs);
        let everybody: Vec<u32> = (0..40).collect();
        assert!(taking_turns(&sessions, &everybody, 1).is_some(), "they do take turns");
        assert!(everybody.iter().all(|job| runs_by_a_clock(sessions.get(*job))), "and a clock is seen");
        let hourly: Vec<u32> = (0..60).map(|n| n * 5 * 3_600 + 300 + n % 7).collect();
        assert!(runs_by_a_clock(&hourly));
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let pool = lists(&pool(60, &mut random));
        assert!((0..60).all(|account| !runs_by_a_clock(pool.get(account))), "a pool is none");
    }
}
