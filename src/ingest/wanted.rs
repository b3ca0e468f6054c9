//! What is read of the records of a source that logs far more than anybody asks of it: one name out of ten.
//!
//! Everything else is passed over without a look at what it is, in a fifth of the time.

/// Longest key by whose length it is looked for.
const KEY_BYTES_MAX: usize = 63;

/// What is read of an object: keys, and what is read below each.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Keys, the shortest first.
    keys: Vec<(Box<str>, Below)>,
    /// By length, how many keys are shorter.
    shorter: [u8; KEY_BYTES_MAX + 2],
}

#[derive(Debug)]
enum Below {
    Named(Wanted),
    Whole,
}

/// How much of what lies at a key is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    /// The value, and below it what is named.
    Named(&'static Wanted),
    /// The value and all that is below it.
    Whole,
}

impl Wanted {
    /// Some paths, and some with all that is below them.
    pub(super) fn new<'p>(named: impl Iterator<Item = &'p str>, whole: &[&'p str]) -> Self {
        let paths: Vec<(&str, bool)> =
            named.map(|path| (path, false)).chain(whole.iter().map(|path| (*path, true))).collect();
        Self::of(&paths)
    }

    fn of(paths: &[(&str, bool)]) -> Self {
        let first = |path: &'_ str| path.split('.').next().unwrap_or_default().len();
        let mut names: Vec<&str> = paths.iter().map(|(path, _)| &path[..first(path)]).collect();
        names.sort_unstable_by_key(|name| (name.len(), *name));
        names.dedup();
        let keys = names.into_iter().map(|name| {
            let below = |(path, whole): &(&'_ str, bool)| {
                let rest = path.strip_prefix(name)?;
                Some((rest.strip_prefix('.').or_else(|| rest.is_empty().then_some(""))?.to_owned(), *whole))
            };
            let below: Vec<(String, bool)> = paths.iter().filter_map(below).collect();
            let is_whole = below.iter().any(|(rest, whole)| *whole && rest.is_empty());
            let rest: Vec<(&str, bool)> = below
                .iter()
                .filter(|(rest, _)| !rest.is_empty())
                .map(|(rest, whole)| (rest.as_str(), *whole))
                .collect();
            (name.into(), if is_whole { Below::Whole } else { Below::Named(Self::of(&rest)) })
        });
        let keys: Vec<(Box<str>, Below)> = keys.collect();
        let shorter = std::array::from_fn(|length| {
            let count = keys.iter().filter(|(key, _)| key.len().min(KEY_BYTES_MAX) < length).count();
            u8::try_from(count).unwrap_or(u8::MAX)
        });
        Self { keys, shorter }
    }

    /// How much is read of what lies at a key. `None` for nothing; a key that holds a dot is no path here.
    pub(super) fn below(&'static self, key: &str) -> Option<Want> {
        let length = key.len().min(KEY_BYTES_MAX);
        let alike = usize::from(self.shorter[length])..usize::from(self.shorter[length + 1]);
        // Names of one length end differently as a rule.
        let last = key.as_bytes().last();
        let (_, below) = self
            .keys
            .get(alike)?
            .iter()
            .find(|(name, _)| name.as_bytes().last() == last && **name == *key)?;
        Some(match below {
            Below::Named(below) => Want::Named(below),
            Below::Whole => Want::Whole,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::LazyLock;

    static WANTED: LazyLock<Wanted> =
        LazyLock::new(|| Wanted::new(["id", "a.b.c", "a.b", "at"].into_iter(), &["m.headers"]));

    /// Whether all, some or nothing is read of what lies at a path.
    fn look(path: &str) -> &'static str {
        let mut at = &*WANTED;
        for key in path.split('.') {
            match at.below(key) {
                Some(Want::Named(below)) => at = below,
                Some(Want::Whole) => return "all",
                None => return "nothing",
            }
        }
        "some"
    }

    #[test]
    fn a_path_is_wanted_with_the_way_to_it() {
        for path in ["id", "at", "a", "a.b", "a.b.c", "m"] {
            assert_eq!(look(path), "some", "{path}");
        }
        for path in ["m.headers", "m.headers.x-a.0"] {
            assert_eq!(look(path), "all", "{path}");
        }
        for path in ["other", "a.c", "a.b.d", "m.other", "", "ib", &"k".repeat(2 * KEY_BYTES_MAX)] {
            assert_eq!(look(path), "nothing", "{path}");
        }
    }
}
