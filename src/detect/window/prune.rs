//! What of the phrase keys is kept for longer than the fresh days.

use super::lists::sort_runs;
use crate::detect::facts::{DayFacts, halves};
use crate::limits::TEMPLATE_FRESH_DAYS;

/// Drops phrase keys that have left the fresh days and that fewer than three accounts had in them: a key
/// that spreads slower than that joins nobody in time, and they are nine tenths of all keys. Says which day
/// was pruned.
#[must_use]
pub(in crate::detect) fn prune_templates(days: &mut [DayFacts]) -> Option<i32> {
    let fresh = days.len().saturating_sub(TEMPLATE_FRESH_DAYS);
    let (leaving, later) = days.get_mut(fresh.checked_sub(1)?..)?.split_first_mut()?;
    let mut pairs: Vec<u64> = leaving.templates.clone();
    pairs.extend(later.iter().flat_map(|facts| facts.templates.iter().copied()));
    sort_runs(&mut pairs);
    let shared: Vec<u32> = pairs
        .chunk_by(|a, b| a >> 32 == b >> 32)
        .filter(|same| same.len() >= 3)
        .filter_map(|same| same.first().map(|first| halves(*first).0))
        .collect();
    leaving.templates.retain(|held| shared.binary_search(&halves(*held).0).is_ok());
    leaving.templates.shrink_to_fit();
    Some(leaving.day)
}
