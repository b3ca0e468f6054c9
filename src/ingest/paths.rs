//! Something by path, with a quick no: most paths of a record lead nowhere, and hashing each of them took longer than
//! reading it.

use hashbrown::HashMap;

/// Lengths that are told apart; longer paths are as one.
const LENGTHS: usize = 64;

/// What is known of some paths.
#[derive(Debug)]
pub(in crate::ingest) struct Paths<T> {
    by_path: HashMap<Box<str>, T>,
    /// By the last byte of a path a bit for each length: paths of one sender begin alike and end each in its own way.
    lengths: Box<[u64; 256]>,
}

impl<T: Default> Paths<T> {
    /// No paths.
    pub(in crate::ingest) fn new() -> Self {
        Self { by_path: HashMap::new(), lengths: Box::new([0; 256]) }
    }

    /// What is known of a path, to be filled in.
    pub(in crate::ingest) fn entry(&mut self, path: &str) -> &mut T {
        let (last, length) = look(path);
        self.lengths[last] |= length;
        self.by_path.entry(path.into()).or_default()
    }

    /// What is known of a path.
    pub(in crate::ingest) fn get(&self, path: &str) -> Option<&T> {
        let (last, length) = look(path);
        if self.lengths[last] & length == 0 { None } else { self.by_path.get(path) }
    }

    /// How many paths there are.
    pub(in crate::ingest) fn len(&self) -> usize {
        self.by_path.len()
    }
}

fn look(path: &str) -> (usize, u64) {
    let last = path.as_bytes().last().copied().unwrap_or_default();
    (usize::from(last), 1 << path.len().min(LENGTHS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_put_in_is_found() {
        let mut paths = Paths::<u8>::new();
        let long = "x".repeat(2 * LENGTHS);
        for (path, number) in [("", 1), ("a.b", 2), (&long, 3)] {
            *paths.entry(path) = number;
        }
        let found =
            ["", "a.b", &long, "a.c", "b.b", "b", &long[1..], "xb"].map(|path| paths.get(path).copied());
        assert_eq!(found, [Some(1), Some(2), Some(3), None, None, None, None, None]);
        assert_eq!(paths.len(), 3);
    }
}
