//! Scratch: memory that tests of many groups share, so that a test costs what its members hold and no more.

/// Counts or numbers by item; each thread has its own. Between two uses all of them are 0.
#[derive(Debug, Default)]
pub struct Scratch {
    counts: Vec<u32>,
    touched: Vec<u32>,
}

impl Scratch {
    /// Counts items; gives those that came up at least `least` times, by item.
    pub fn count(&mut self, items: usize, held: impl Iterator<Item = u32>, least: u32) -> Vec<(u32, u32)> {
        if self.counts.len() < items {
            self.counts.resize(items, 0);
        }
        for item in held {
            if let Some(count) = self.counts.get_mut(item as usize) {
                if *count == 0 {
                    self.touched.push(item);
                }
                *count += 1;
            }
        }
        let mut found = Vec::new();
        for item in self.touched.drain(..) {
            if let Some(count) = self.counts.get_mut(item as usize) {
                if *count >= least {
                    found.push((item, *count));
                }
                *count = 0;
            }
        }
        found.sort_unstable();
        found
    }

    /// Numbers some items from 0, until [`Self::forget`].
    pub fn number(&mut self, found: &[(u32, u32)]) {
        for (number, (item, _)) in found.iter().enumerate() {
            if let Some(slot) = self.counts.get_mut(*item as usize) {
                *slot = number as u32 + 1;
            }
        }
    }

    /// The number of an item, if it has one.
    #[must_use]
    pub fn number_of(&self, item: u32) -> Option<usize> {
        (*self.counts.get(item as usize)? as usize).checked_sub(1)
    }

    /// Takes the numbers of items away.
    pub fn forget(&mut self, found: &[(u32, u32)]) {
        for (item, _) in found {
            if let Some(slot) = self.counts.get_mut(*item as usize) {
                *slot = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_numbers_begin_anew_each_time() {
        let mut scratch = Scratch::default();
        assert_eq!(scratch.count(5, [4, 1, 4, 4].into_iter(), 2), [(4, 3)]);
        assert_eq!(scratch.count(5, [1, 4].into_iter(), 1), [(1, 1), (4, 1)]);
        scratch.number(&[(4, 3), (2, 1)]);
        assert_eq!([4, 2, 1].map(|item| scratch.number_of(item)), [Some(0), Some(1), None]);
        scratch.forget(&[(4, 3), (2, 1)]);
        assert_eq!(scratch.count(5, [2, 4].into_iter(), 1), [(2, 1), (4, 1)]);
    }
}
