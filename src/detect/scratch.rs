//! Scratch: memory that tests of many groups share, so that a test costs what its members hold and no more.

/// Counts by item and marks by account; each thread has its own.
#[derive(Debug, Default)]
pub struct Scratch {
    counts: Vec<u32>,
    touched: Vec<u32>,
    marks: Vec<u32>,
    stamp: u32,
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

    /// Marks the members of a group, out of so many accounts.
    pub fn mark(&mut self, accounts: usize, members: &[u32]) {
        if self.marks.len() < accounts {
            self.marks.resize(accounts, 0);
        }
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.marks.fill(0);
            self.stamp = 1;
        }
        for member in members {
            if let Some(mark) = self.marks.get_mut(*member as usize) {
                *mark = self.stamp;
            }
        }
    }

    /// Whether an account was marked last.
    #[must_use]
    pub fn is_marked(&self, account: u32) -> bool {
        self.marks.get(account as usize) == Some(&self.stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_marks_begin_anew_each_time() {
        let mut scratch = Scratch::default();
        assert_eq!(scratch.count(5, [4, 1, 4, 4].into_iter(), 2), [(4, 3)]);
        assert_eq!(scratch.count(5, [1, 4].into_iter(), 1), [(1, 1), (4, 1)]);
        scratch.mark(4, &[0, 2]);
        scratch.mark(4, &[1]);
        assert_eq!([0, 1, 2].map(|account| scratch.is_marked(account)), [false, true, false]);
    }
}
