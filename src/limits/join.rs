//! Bounds of what joins two records of one request.

use crate::event::{MICROS_A_SECOND, Micros};

/// Characters of an id by which two records may be one event. A shorter one (`1`, `test`, `req-42`) is chosen by
/// hand and comes again: by it nothing is joined.
pub const JOIN_ID_BYTES_MIN: usize = 16;

/// Different characters of such an id. Fewer are zeros, or a placeholder.
pub const JOIN_ID_DISTINCT_MIN: usize = 5;

/// Ids of one record by which it may be joined. Further ones are not looked at.
pub const JOIN_KEYS_MAX: usize = 8;

/// Edge records with one id that are compared when an event looks for its own. Of more, the id is no id.
pub const JOIN_EDGES_MAX: usize = 8;

/// How long half of an event waits for the other one, by the wall clock. Past it an event is stored as it is,
/// and an edge record, which is no event, goes.
pub const JOIN_WAIT: Micros = 900 * MICROS_A_SECOND;

/// How long after an edge record events are still expected to have one, by the wall clock.
pub const JOIN_RECENT: Micros = 86_400 * MICROS_A_SECOND;

/// Halves that wait. Past it the oldest are released early, and counted: 15 minutes of 270 requests a second.
pub const JOIN_HALVES_MAX: usize = 500_000;

/// Bytes of memory of the halves that wait. Past it the same happens.
pub const JOIN_BYTES_MAX: usize = 192 << 20;

/// Halves whose time is up that one commit releases. Further ones wait for the next.
pub const JOIN_RELEASED_MAX: usize = 8_192;
