//! What the programs that measure a server share: a thin HTTP client, the server as a process, and
//! a large file read in pieces. What the system says about a process is in `usage`, for who needs it.

pub(crate) mod http;
pub(crate) mod lines;
pub(crate) mod server;

/// What can go wrong while measuring; nothing is worth handling, everything is worth reading.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
