//! System prompts that were just sketched: thousands of events come with the same few, and long ones.
//!
//! It changes how long a sketch takes, never what it is.

use super::{System, of_system};
use crate::limits::SKETCH_SYSTEMS_MAX;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The sketches of the last system prompts, each in the one slot that its hash gives it.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Systems {
    slots: Vec<Option<(u64, System)>>,
}

impl Systems {
    /// The sketch of a system prompt. The seed is the database's secret one, or somebody could send a text that
    /// has the hash of another's.
    pub(super) fn sketch(&mut self, text: &str, seed: u64) -> System {
        if self.slots.is_empty() {
            self.slots = vec![None; SKETCH_SYSTEMS_MAX];
        }
        let hash = xxh3_64_with_seed(text.as_bytes(), seed);
        let slot = &mut self.slots[hash as usize % SKETCH_SYSTEMS_MAX];
        match slot {
            Some((known, system)) if *known == hash => *system,
            _ => slot.insert((hash, of_system(text))).1,
        }
    }
}
