//! Beside it: what three rules that people use today make of the same logs. Each links accounts by their addresses
//! and accuses the components of ten accounts or more.
//!
//! The window is the last fourteen days. Two accounts share an address if both use it on the same day; IPv6
//! addresses count by their /64. An address with more than 64 accounts on a day links nobody, as nobody would draw
//! two thousand links for it.

use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// Days that are looked at.
const WINDOW_DAYS: u32 = 14;

/// Accounts of an address on a day from which it links nobody.
const SHARED_BY_MAX: usize = 64;

/// Accounts of the smallest component that is accused.
const COMPONENT_MIN: usize = 10;

/// Addresses that two accounts have to share by the second rule.
const ADDRESSES_MIN: usize = 3;

/// Chance of a false link anywhere that the third rule allows.
const ALPHA: f64 = 0.01;

/// Who was where in the window.
pub(crate) struct Addresses {
    /// The first day that counts.
    from: u32,
    /// Day, address and account.
    seen: Vec<(u32, u64, u32)>,
}

/// What one rule accuses.
pub(crate) struct Rule {
    /// The rule in words.
    pub(crate) name: &'static str,
    /// Whether each account is accused.
    pub(crate) accused: Vec<bool>,
}

impl Addresses {
    /// Nobody yet, of a log of so many days.
    pub(crate) fn new(days: u32) -> Self {
        Self { from: days.saturating_sub(WINDOW_DAYS), seen: Vec::new() }
    }

    /// Takes in a line of a day.
    pub(crate) fn see(&mut self, day: u32, account: u32, line: &[u8]) {
        if day >= self.from
            && let Some(address) = address(line)
        {
            self.seen.push((day, xxh3_64(address), account));
        }
    }

    /// What the rules make of it.
    pub(crate) fn rules(mut self, accounts: usize) -> [Rule; 3] {
        self.seen.sort_unstable();
        self.seen.dedup();
        let mut days_of = vec![0_u32; accounts];
        let mut places = 0_u32;
        let mut shared: Vec<(u64, u64)> = Vec::new();
        for at_one in self.seen.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            places += 1;
            for seen in at_one {
                days_of[seen.2 as usize] += 1;
            }
            if at_one.len() <= SHARED_BY_MAX {
                for (at, one) in at_one.iter().enumerate() {
                    let others = at_one.iter().skip(at + 1);
                    shared.extend(others.map(|other| (u64::from(one.2) << 32 | u64::from(other.2), one.1)));
                }
            }
        }
        shared.sort_unstable();
        let tests = accounts as f64 * (accounts as f64 - 1.0) / 2.0;
        let chance = Chance::of(places);
        let mut links: [Vec<(u32, u32)>; 3] = Default::default();
        for of_two in shared.chunk_by(|a, b| a.0 == b.0) {
            let Some((pair, _)) = of_two.first() else { continue };
            let (a, b) = ((*pair >> 32) as u32, *pair as u32);
            links[0].push((a, b));
            let addresses = of_two.chunk_by(|a, b| a.1 == b.1).count();
            if addresses >= ADDRESSES_MIN {
                links[1].push((a, b));
            }
            let together = of_two.len() as u32;
            if chance.ln_at_least(together, days_of[a as usize], days_of[b as usize])
                <= libm::log(ALPHA / tests)
            {
                links[2].push((a, b));
            }
        }
        let names = ["any shared IP", "3 or more shared IPs", "hypergeometric links, Bonferroni 0.01"];
        let mut links = links.into_iter();
        names.map(|name| Rule { name, accused: accuse(accounts, &links.next().unwrap_or_default()) })
    }
}

/// The address of a line, of IPv6 the first four groups.
fn address(line: &[u8]) -> Option<&[u8]> {
    const FIELD: &[u8] = b"\"ip\":\"";
    let start = line.windows(FIELD.len()).position(|window| window == FIELD)? + FIELD.len();
    let rest = line.get(start..)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let fourth = rest.iter().enumerate().filter(|(_, byte)| **byte == b':').nth(3);
    rest.get(..fourth.map_or(end, |(at, _)| at.min(end)))
}

/// Logarithms of factorials, for the hypergeometric distribution.
struct Chance {
    places: u32,
    ln_factorial: Vec<f64>,
}

impl Chance {
    fn of(places: u32) -> Self {
        let mut ln_factorial = vec![0.0];
        let mut sum = 0.0;
        for n in 1..=places {
            sum += libm::log(f64::from(n));
            ln_factorial.push(sum);
        }
        Self { places, ln_factorial }
    }

    fn ln_choose(&self, n: u32, k: u32) -> f64 {
        let ln = |n: u32| self.ln_factorial.get(n as usize).copied().unwrap_or_default();
        ln(n) - ln(k) - ln(n - k)
    }

    /// ln P(X >= k) for the addresses that two accounts with `a` and `b` of them have in common by chance.
    fn ln_at_least(&self, k: u32, a: u32, b: u32) -> f64 {
        let (less, more) = (a.min(b), a.max(b));
        let all = self.ln_choose(self.places, less);
        let mut sum = 0.0;
        for x in k..=less {
            if less - x <= self.places - more {
                sum +=
                    libm::exp(self.ln_choose(more, x) + self.ln_choose(self.places - more, less - x) - all);
            }
        }
        libm::log(sum.min(1.0))
    }
}

/// Accounts in components that are large enough.
fn accuse(accounts: usize, links: &[(u32, u32)]) -> Vec<bool> {
    let mut parents: Vec<u32> = (0..accounts as u32).collect();
    for (a, b) in links {
        let (a, b) = (root(&mut parents, *a), root(&mut parents, *b));
        parents[a.max(b) as usize] = a.min(b);
    }
    let roots: Vec<u32> = (0..accounts as u32).map(|account| root(&mut parents, account)).collect();
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for root in &roots {
        *sizes.entry(*root).or_default() += 1;
    }
    roots.iter().map(|root| sizes.get(root).is_some_and(|size| *size >= COMPONENT_MIN)).collect()
}

fn root(parents: &mut [u32], mut of: u32) -> u32 {
    while parents[of as usize] != of {
        let above = parents[parents[of as usize] as usize];
        parents[of as usize] = above;
        of = above;
    }
    of
}
