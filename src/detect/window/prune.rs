//! What of the phrase keys is kept for longer than the fresh days.

use super::lists::merge_by_slices;
use crate::detect::facts::{DayFacts, halves};
use crate::limits::TEMPLATE_FRESH_DAYS;

/// Drops phrase keys that have left the fresh days and that fewer than three accounts had in them: a key
/// that spreads slower than that joins nobody in time, and they are nine tenths of all keys. Says which day
/// was pruned.
#[must_use]
pub(in crate::detect) fn prune_templates(days: &mut [DayFacts]) -> Option<i32> {
    let fresh = days.len().saturating_sub(TEMPLATE_FRESH_DAYS);
    let (leaving, later) = days.get_mut(fresh.checked_sub(1)?..)?.split_first_mut()?;
    let mut lists = vec![leaving.templates.as_slice()];
    lists.extend(later.iter().map(|facts| facts.templates.as_slice()));
    let mut shared: Vec<u32> = Vec::new();
    merge_by_slices(&lists, |pairs| {
        let same = pairs.chunk_by(|a, b| a >> 32 == b >> 32).filter(|same| same.len() >= 3);
        shared.extend(same.filter_map(|same| same.first().map(|first| halves(*first).0)));
    });
    leaving.templates.retain(|held| shared.binary_search(&halves(*held).0).is_ok());
    leaving.templates.shrink_to_fit();
    Some(leaving.day)
}
