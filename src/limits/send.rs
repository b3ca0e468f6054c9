//! What `cahoots ingest` sends.

use super::BATCH_EVENTS_MAX;
use std::time::Duration;

/// Lines of one body: one batch of the server.
pub const SEND_LINES_MAX: usize = BATCH_EVENTS_MAX;

/// Bytes of one body, where lines are long. A single longer line still goes whole.
pub const SEND_BYTES_MAX: usize = 8 << 20;

/// Times that one body is sent before the command gives up.
pub const SEND_TRIES_MAX: u32 = 10;

/// Longest wait between two tries, whatever Retry-After says.
pub const SEND_WAIT_MAX: Duration = Duration::from_secs(60);

/// Rejected lines that the command names. Further ones are counted only.
pub const SEND_ERRORS_SHOWN_MAX: usize = 20;
