//! What a query may cost.

use crate::event::Micros;
use std::time::Duration;

/// How long a query may run, which is also the longest that a read transaction stays open:
/// redb cannot reuse pages under an open reader. Past it: 503 with the reason.
pub const QUERY_WAIT: Duration = Duration::from_secs(30);

/// Queries that run at once. Further ones wait, then 503.
pub const QUERIES_MAX: usize = 16;

/// How long a query waits for its turn. Past it: 503.
pub const QUERY_QUEUE_WAIT: Duration = Duration::from_secs(10);

/// Bytes of a search expression. Past it: 400.
pub const EXPRESSION_BYTES_MAX: usize = 64 << 10;

/// Nesting of a search expression. Past it: 400.
pub const EXPRESSION_DEPTH_MAX: usize = 64;

/// Rows of one answer unless the caller says `limit`.
pub const LIMIT_DEFAULT: usize = 100;

/// Largest `limit`. Past it: 400, which names cursors.
pub const LIMIT_MAX: usize = 100_000;

/// Accounts that may share a thing before it is listed as skipped instead of making neighbors of them all.
pub const HUB_MAX_DEFAULT: u64 = 5_000;

/// Accounts that may share a thing before `pairs` skips it: a thing that `n` share makes `n * n / 2` pairs.
pub const PAIR_HUB_MAX_DEFAULT: u64 = 64;

/// Pairs that `pairs` may hold, 8 bytes each. Past it: 400, which names `hub_max`.
pub const PAIRS_MAX: usize = 30_000_000;

/// Holders that the shared things of a neighbors question may have together, 4 bytes each and more in the
/// answer. Past it: 400, which names `hub_max`.
pub const HOLDINGS_MAX: u64 = 10_000_000;

/// Distinct pairs of a shared thing and an account that a query may gather, 8 bytes each. Past it: 400,
/// which asks for a narrower window.
pub const GATHERED_MAX: usize = 30_000_000;

/// Newest events of each account that `why` looks at for times and samples.
pub const WHY_ROWS_MAX: usize = 20_000;

/// Of these, events whose prompts are compared: 16 bytes each are read one by one. A template that an account
/// lives by is in the newest.
pub const WHY_PROMPTS_MAX: usize = 4_000;

/// Phrases of prompts that two accounts have in common and whose other holders are counted. Of more, those in most
/// events are taken, and the answer says how many are left out.
pub const WHY_TEMPLATES_MAX: usize = 100;

/// Aspect keys of accounts that may have sent a template, about 100 bytes each while it is asked about. Past it:
/// 400, which asks for a narrower window.
pub const TEMPLATE_ACCOUNTS_MAX: usize = 1_000_000;

/// Newest events that a profile looks at one by one, for what is counted by hour or by account.
pub const PROFILE_ROWS_MAX: usize = 250;

/// Values of one field that a profile lists. Further ones are counted only.
pub const PROFILE_VALUES_MAX: usize = 100;

/// Hours up to which a timeline has a bucket an hour; a longer one has a bucket a day.
pub const TIMELINE_HOURS_MAX: Micros = 72;
