//! The upgrade ladder: one rung a format, climbed in order on open, in the transaction that writes the
//! new version last. A crash on the way leaves the old format whole.

use super::error::StoreError;
use super::version::{self, FORMAT, Meta};

/// From one format to the next.
pub(super) struct Rung {
    pub(super) from: u32,
    /// What changes, for the log.
    pub(super) title: &'static str,
    pub(super) climb: fn(&redb::WriteTransaction) -> Result<(), StoreError>,
}

/// All rungs, oldest first: the rung at index `n` leads from format `n`.
pub(super) const LADDER: &[Rung] = &[
    Rung { from: 0, title: "the format before the first release, which is the same", climb: |_| Ok(()) },
    // The secret itself is made where a new database gets its own.
    Rung { from: 1, title: "a secret for keyed hashes", climb: |_| Ok(()) },
];

/// Climbs from the record's format to the present one.
pub(super) fn climb(transaction: &redb::WriteTransaction, mut meta: Meta) -> Result<Meta, StoreError> {
    while let Some(rung) = LADDER.iter().find(|rung| rung.from == meta.format) {
        tracing::info!(from = rung.from, to = rung.from + 1, title = rung.title, "upgrading the database");
        (rung.climb)(transaction)?;
        meta.format = rung.from + 1;
        version::write(transaction, &meta)?;
    }
    debug_assert_eq!(meta.format, FORMAT, "the ladder ends at the present format");
    Ok(meta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_has_a_rung_for_every_old_format() {
        let from: Vec<u32> = LADDER.iter().map(|rung| rung.from).collect();
        assert_eq!(from, (version::FORMAT_OLDEST..FORMAT).collect::<Vec<_>>());
    }
}
