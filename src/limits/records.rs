//! What account records may be, and what one of them may say for others.

/// Account records in a database. Past it records of further accounts are rejected, those of known ones are taken.
pub const ACCOUNT_RECORDS_MAX: u64 = 16 << 20;

/// Bytes of a decompressed body of account records, which is collected before it is read. Past it: 413.
pub const ACCOUNTS_BYTES_MAX: usize = 32 << 20;

/// Bytes of lines that `cahoots accounts` sends in one body. More go in several, an array in one.
pub const ACCOUNTS_SEND_BYTES: usize = 4 << 20;

/// Account records in one commit. Events wait that long; more records go in several commits.
pub const ACCOUNTS_COMMIT_MAX: usize = 16_384;

/// Share of a group that belongs to one verified organisation from which the group accuses nobody. Below it others may
/// be hiding among them.
pub const VOUCHED_SHARE: f64 = 0.8;
