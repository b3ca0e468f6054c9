//! Lists of lists in one piece, and values with their holders made of them.

use crate::detect::facts::halves;

/// Rows of numbers of different lengths, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    ends: Vec<u32>,
    flat: Vec<u32>,
}

impl Lists {
    /// Lists from pairs sorted by their high half, which counts from 0 to below `count`.
    #[must_use]
    pub fn of(pairs: &[u64], count: usize) -> Self {
        let mut ends = Vec::with_capacity(count);
        let mut at = 0;
        for row in 0..count as u64 {
            while pairs.get(at).is_some_and(|pair| pair >> 32 <= row) {
                at += 1;
            }
            ends.push(at as u32);
        }
        Self { ends, flat: pairs.iter().map(|pair| *pair as u32).collect() }
    }

    /// One list.
    #[must_use]
    pub fn get(&self, row: u32) -> &[u32] {
        let row = row as usize;
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.flat.get(start as usize..end as usize).unwrap_or_default()
    }

    /// How many lists there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// Slices of the range of pairs in which sorted lists are merged: the memory of a merge is that of one of them.
const SLICES: u64 = 64;

/// Merges sorted lists of pairs, slice by slice of their high half; each slice comes sorted, without repetitions,
/// and with all pairs of a high half in one.
pub(super) fn merge_by_slices(lists: &[&[u64]], mut slice_is_there: impl FnMut(&[u64])) {
    let width = u64::MAX / SLICES + 1;
    let mut slice: Vec<u64> = Vec::new();
    for number in 0..SLICES {
        let (from, last) = (number * width, number * width + (width - 1));
        slice.clear();
        for list in lists {
            let start = list.partition_point(|pair| *pair < from);
            let end = list.partition_point(|pair| *pair <= last);
            slice.extend_from_slice(list.get(start..end).unwrap_or_default());
        }
        sort_runs(&mut slice);
        slice_is_there(&slice);
    }
}

/// Sorts pairs that are some sorted lists one after the other, and leaves one of each.
#[expect(
    clippy::stable_sort_primitive,
    reason = "the stable sort merges sorted runs, in a third of the time"
)]
fn sort_runs(pairs: &mut Vec<u64>) {
    pairs.sort();
    pairs.dedup();
}

/// Values of one kind and who holds them. Items count from 0, in no order that means anything.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The value of each item, ascending.
    pub values: Vec<u32>,
    /// Accounts of each item, ascending.
    pub holders: Lists,
    /// Items of each account.
    pub of_account: Lists,
}

impl Items {
    /// Items from pairs of account and value, in any order, with repetitions.
    #[must_use]
    pub fn of(mut pairs: Vec<u64>, accounts: usize) -> Self {
        // By value first, then by account: the holders of each value.
        for pair in &mut pairs {
            *pair = pair.rotate_left(32);
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut values: Vec<u32> = pairs.iter().map(|pair| halves(*pair).0).collect();
        values.dedup();
        let mut item = 0_usize;
        for pair in &mut pairs {
            let (value, account) = halves(*pair);
            while values.get(item).is_some_and(|at| *at < value) {
                item += 1;
            }
            *pair = crate::detect::facts::pair(item as u32, account);
        }
        let holders = Lists::of(&pairs, values.len());
        for pair in &mut pairs {
            *pair = pair.rotate_left(32);
        }
        pairs.sort_unstable();
        Self { values, holders, of_account: Lists::of(&pairs, accounts) }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
