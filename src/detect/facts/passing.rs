//! Work that goes over from one account to another: a conversation that is continued elsewhere, a
//! request that is refused here and answered there.
//!
//! A chat request carries its whole history, so a conversation is known again by its beginning; a
//! gateway that fails over sends the same prompt again. Either is close to proof that one operator
//! holds both accounts, and also what one honest customer with two keys does.
//!
//! A long text that a team puts before everything it asks is no conversation. A conversation only grows: where
//! a beginning comes back shorter, it is a text. And it is in few accounts; in more only if every turn adds
//! something and comes soon, as where each turn is given to the next account.

use super::Passing;
use crate::limits::{FAILOVER_SECONDS, HANDOFF_ACCOUNTS_MAX, HANDOFF_SECONDS};
use std::collections::BTreeSet;

/// One event, as far as passing on is concerned; keys are 0 for missing.
#[derive(Clone, Copy)]
pub(super) struct Shared {
    pub(super) account: u32,
    pub(super) second: u32,
    pub(super) chars: u32,
    pub(super) prefix: u32,
    pub(super) exact: u32,
    pub(super) refused: bool,
}

/// Hand-offs and fail-overs among the events of a day.
pub(super) fn passings(events: impl Iterator<Item = Shared>) -> (Vec<Passing>, Vec<Passing>) {
    let mut long = Vec::new();
    let mut exact = Vec::new();
    for event in events {
        if event.prefix != 0 {
            long.push(event);
        }
        if event.exact != 0 {
            exact.push(event);
        }
    }
    let refused: BTreeSet<u32> =
        exact.iter().filter(|event| event.refused).map(|event| event.exact).collect();
    exact.retain(|event| refused.contains(&event.exact));
    (handoffs(long), failovers(exact))
}

/// A conversation in one account goes on in another within half an hour.
fn handoffs(mut events: Vec<Shared>) -> Vec<Passing> {
    events.sort_unstable_by_key(|event| (event.prefix, event.second, event.chars, event.account));
    let is_soon = |a: &Shared, b: &Shared| b.second - a.second <= HANDOFF_SECONDS;
    let is_conversation = |same: &[Shared], accounts: usize| {
        if accounts <= HANDOFF_ACCOUNTS_MAX {
            same.is_sorted_by(|a, b| a.chars <= b.chars)
        } else {
            same.is_sorted_by(|a, b| a.chars < b.chars && is_soon(a, b))
        }
    };
    let goes_on = |a: &Shared, b: &Shared| a.account != b.account && is_soon(a, b);
    pass(&events, |event| event.prefix, is_conversation, goes_on)
}

/// A refused prompt is sent again from another account within two minutes and answered.
fn failovers(mut events: Vec<Shared>) -> Vec<Passing> {
    events.sort_unstable_by_key(|event| (event.exact, event.second, !event.refused, event.account));
    let goes_on = |a: &Shared, b: &Shared| {
        a.refused && !b.refused && a.account != b.account && b.second - a.second <= FAILOVER_SECONDS
    };
    pass(&events, |event| event.exact, |_, accounts| accounts <= HANDOFF_ACCOUNTS_MAX, goes_on)
}

fn pass(
    events: &[Shared],
    key: fn(&Shared) -> u32,
    counts: impl Fn(&[Shared], usize) -> bool,
    goes_on: impl Fn(&Shared, &Shared) -> bool,
) -> Vec<Passing> {
    let mut found = Vec::new();
    for same in events.chunk_by(|a, b| key(a) == key(b)) {
        let accounts: BTreeSet<u32> = same.iter().map(|event| event.account).collect();
        if accounts.len() < 2 || !counts(same, accounts.len()) {
            continue;
        }
        for two in same.windows(2) {
            if let [a, b] = two
                && goes_on(a, b)
            {
                found.push(Passing { from: a.account, to: b.account, at: b.second, key: key(a) });
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(account: u32, second: u32, key: u32, chars: u32, refused: bool) -> Shared {
        Shared { account, second, chars, prefix: key, exact: key, refused }
    }

    #[test]
    fn a_conversation_that_goes_on_elsewhere_is_handed_on() {
        let events = [event(1, 100, 7, 5000, false), event(2, 400, 7, 5200, false)];
        let (handoffs, failovers) = passings(events.into_iter());
        assert_eq!(handoffs, [Passing { from: 1, to: 2, at: 400, key: 7 }]);
        assert!(failovers.is_empty());
    }

    #[test]
    fn neither_a_late_nor_a_shorter_nor_a_popular_beginning_is() {
        let late = [event(1, 100, 7, 5000, false), event(2, 100 + HANDOFF_SECONDS + 1, 7, 5200, false)];
        assert!(passings(late.into_iter()).0.is_empty());
        let shorter = [event(1, 100, 7, 5000, false), event(2, 200, 7, 4900, false)];
        assert!(passings(shorter.into_iter()).0.is_empty());
        let popular = (0..20).map(|n| event(n, 100 + n, 7, 5000, false));
        assert!(passings(popular).0.is_empty());
    }

    #[test]
    fn a_text_that_a_team_begins_with_is_no_conversation() {
        // Two colleagues ask about the same long document: what they add is now more, now less.
        let lengths = [5_200, 5_900, 5_100, 5_400];
        let team = lengths.iter().zip(0..).map(|(chars, n)| event(n % 2, 600 * n, 7, *chars, false));
        assert!(passings(team).0.is_empty());
        // A class of ten does; and some twenty are in one breath, as long as each other.
        let class = (0..10).map(|n| event(n, 60 * n, 7, 5_000 + 700 * (n % 3), false));
        assert!(passings(class).0.is_empty());
    }

    #[test]
    fn a_conversation_of_which_each_turn_has_another_account_is_handed_on_each_time() {
        let turns = (0..10).map(|n| event(n, 100 * n, 7, 5_000 + 300 * n, false));
        assert_eq!(passings(turns).0.len(), 9);
        // With half a day between the turns it is not the same thing.
        let slow = (0..10).map(|n| event(n, 5_000 * n, 7, 5_000 + 300 * n, false));
        assert!(passings(slow).0.is_empty());
    }

    #[test]
    fn a_refused_prompt_that_is_answered_elsewhere_failed_over() {
        let events = [event(1, 100, 9, 80, true), event(2, 103, 9, 80, false)];
        assert_eq!(passings(events.into_iter()).1, [Passing { from: 1, to: 2, at: 103, key: 9 }]);
        let twice_refused = [event(1, 100, 9, 80, true), event(2, 103, 9, 80, true)];
        assert!(passings(twice_refused.into_iter()).1.is_empty());
    }
}
