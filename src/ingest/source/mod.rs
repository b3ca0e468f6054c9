//! Log sources: each turns one JSON object, as one kind of sender writes it, into an event.
//!
//! One file a source. So far there is [`native`], whose field names are those of the contract.

pub(super) mod hints;
pub(super) mod native;
pub(super) mod record;

use super::sketch::Systems;

/// Buffers that are used again for each event.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// What the identity is the hash of.
    identity: Vec<u8>,
    /// Unknown fields as one JSON object.
    extra: String,
    /// System prompts that were just sketched.
    systems: Systems,
}
