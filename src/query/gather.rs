//! Pairs of ordinals, gathered piece by piece in memory that follows the distinct ones.

use super::QueryError;
use crate::limits::GATHERED_MAX;

/// Pairs gathered before those that repeat are dropped.
const SETTLED_MIN: usize = 1 << 20;

/// Two ordinals as one number that sorts by the first.
pub(super) fn pack(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// The two ordinals of a number.
pub(super) fn unpack(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

/// Pairs that come with repetitions: from every day again.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) pairs: Vec<u64>,
    /// Of the pairs, how many were distinct when they were last sorted.
    distinct: usize,
}

impl Gathered {
    /// Drops what repeats, once it may be worth it. Called after each day and part.
    pub(super) fn settle(&mut self) -> Result<(), QueryError> {
        if self.pairs.len() < SETTLED_MIN.max(2 * self.distinct) { Ok(()) } else { self.sort() }
    }

    /// All pairs, sorted, each once.
    pub(super) fn finish(mut self) -> Result<Vec<u64>, QueryError> {
        self.sort()?;
        Ok(self.pairs)
    }

    fn sort(&mut self) -> Result<(), QueryError> {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        self.distinct = self.pairs.len();
        if self.distinct > GATHERED_MAX {
            let reason = format!(
                "more than {GATHERED_MAX} things and accounts come together in the window: make it later, so \
                 that the window is narrower"
            );
            return Err(QueryError::Parameter { field: "since", reason });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Gathered, SETTLED_MIN, pack, unpack};

    #[test]
    fn what_repeats_takes_no_memory_and_the_rest_comes_back_sorted() {
        let mut gathered = Gathered::default();
        for _ in 0..9 {
            gathered.pairs.extend((0..SETTLED_MIN as u32 / 4).rev().map(|n| pack(n / 2, n % 2)));
            gathered.settle().expect("few");
            assert!(gathered.pairs.len() < 2 * SETTLED_MIN);
        }
        let pairs = gathered.finish().expect("few");
        assert_eq!(pairs.len(), SETTLED_MIN / 4);
        assert_eq!([pairs[0], pairs[1], pairs[2]].map(unpack), [(0, 0), (0, 1), (1, 0)]);
    }
}
