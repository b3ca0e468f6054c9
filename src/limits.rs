//! Every bound of the program: its unit, its reason, and what happens past it.
//!
//! A bound that is not here does not exist. Relations between bounds are checked when this compiles.

use crate::event::{MICROS_A_SECOND, Micros};
use std::time::Duration;

// --- What a line may be ---

/// Bytes of one JSON object. `LiteLLM` sends 13 KB with a short prompt; a 200 k token prompt is 1 MB.
/// Past it the line is rejected and the rest of the body goes on.
pub const LINE_BYTES_MAX: usize = 4 << 20;

/// Levels of nesting in one JSON object. Past it the line is rejected.
pub const NESTING_MAX: usize = 64;

/// Plain values of one record that is not in native form. `LiteLLM` sends 400. Further ones are dropped, the event stays.
pub const FLAT_FIELDS_MAX: usize = 8_192;

/// Plain values of one array of such a record, such as the messages of a chat, give or take an element. Of a longer
/// one the beginning and the last element are read: a client cannot push out what the gateway logs after it.
pub const FLAT_ARRAY_FIELDS_MAX: usize = 1_024;

/// Bytes of the path of one value. What lies deeper is dropped.
pub const FLAT_PATH_BYTES_MAX: usize = 512;

/// Bytes of an account name or a request id. Past it the line is rejected: cut, two accounts could become one.
pub const NAME_BYTES_MAX: usize = 512;

/// Bytes of any other shared value, such as a user agent. A longer one is kept as its first bytes and
/// a hash of the whole, so that a client cannot hide its events behind an oversized header.
pub const VALUE_BYTES_MAX: usize = 1024;

/// Bytes of unknown fields kept of one event when `keep_extra` is on. Past it they are dropped, the event stays.
pub const EXTRA_BYTES_MAX: usize = 16 << 10;

/// Bytes of a prompt or system prompt that are read for its sketch, about 8 k tokens. Of a longer one, the pieces
/// below are read: 87 KiB of the longest line.
pub const SKETCH_BYTES_MAX: usize = 32 << 10;

/// Bytes read at each end of a longer prompt.
pub const SKETCH_END_BYTES: usize = 12 << 10;

/// Distance from the beginning, and from each other, at which pieces between the ends are read.
pub const SKETCH_STRIDE_BYTES: usize = 64 << 10;

/// Bytes of one of these pieces. What lies between them leaves no trace but in the hash of the whole.
pub const SKETCH_PIECE_BYTES: usize = 1 << 10;

/// System prompts whose sketch a decoder remembers, 24 bytes each. One that takes another's place is sketched anew.
pub const SKETCH_SYSTEMS_MAX: usize = 256;

/// How far past the wall clock an event may lie. Past it the line is rejected: one clock that is a
/// year ahead would otherwise make everything else look old.
pub const FUTURE_MAX: Micros = 600 * MICROS_A_SECOND;

/// Earliest event time, 2000-01-01. Before it the line is rejected: seconds and milliseconds were confused.
pub const TS_MIN: Micros = 946_684_800 * MICROS_A_SECOND;

/// Latest creation time of an account, 2200-01-01. From it on the line is rejected.
pub const CREATED_MAX: Micros = 7_258_118_400 * MICROS_A_SECOND;

/// Days of event time within which the same event counts once, back from the newest event.
pub const DEDUP_DAYS: i32 = 7;

/// Errors listed in an ingest answer. Further ones are counted only.
pub const ERRORS_LISTED_MAX: usize = 100;

// --- What a request may be ---

/// Bytes of a body as sent. Past it: 413.
pub const BODY_BYTES_MAX: u64 = 1 << 30;

/// Bytes of a body after decompression. Past it: 413; what was accepted before stays accepted.
pub const DECODED_BYTES_MAX: u64 = 4 << 30;

/// Decoded bytes for each sent byte, judged after the first `RATIO_FREE_BYTES`. Past it: 413.
/// Real logs stay under 40; a bomb is over 1,000.
pub const RATIO_MAX: u64 = 200;

/// Decoded bytes before the ratio is judged.
pub const RATIO_FREE_BYTES: u64 = 1 << 20;

/// log2 of the largest zstd window, 8 MiB. Past it: 415.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Bytes that all requests together may hold between socket and disk. A request waits for its share;
/// one that waited `INFLIGHT_WAIT` gets 429.
pub const INFLIGHT_BYTES_MAX: usize = 96 << 20;

/// How long a request waits for its share of `INFLIGHT_BYTES_MAX`.
pub const INFLIGHT_WAIT: Duration = Duration::from_secs(10);

/// Bytes of a decompressed body of OTLP, Elasticsearch bulk, Loki or Splunk, which are collected before they are
/// taken apart. Their senders' defaults are below 10 MiB. Past it the body is refused.
pub const PUSH_BYTES_MAX: usize = 32 << 20;

/// Events in one batch from decoder to writer. A longer body goes in several.
pub const BATCH_EVENTS_MAX: usize = 8_192;

/// Bytes of one batch from decoder to writer, give or take one event. A longer body goes in several.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// Events in one commit. More wait for the next one.
pub const COMMIT_EVENTS_MAX: usize = 32_768;

/// How often an idle writer asks the store whether anything is left to do.
pub const IDLE_WAIT: Duration = Duration::from_secs(1);

/// Bytes of request line and headers. Past it: 431.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// Headers of one request. Past it: 431.
pub const HEADERS_MAX: usize = 100;

/// How long a client may take to send its headers. Past it the connection is closed.
pub const HEADER_WAIT: Duration = Duration::from_secs(10);

/// How long a body may stay silent between two pieces. Past it: 408.
pub const BODY_WAIT: Duration = Duration::from_secs(30);

/// Open connections. Further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 1_024;

/// Bytes a second that a body has to bring on average, `BODY_WAIT` of silence forgiven. Below it: 408,
/// so that drips cannot hold every connection.
pub const BODY_RATE_MIN: u64 = 256;

/// Bytes handled between two points where other requests get their turn, about 0.3 ms of decoding.
pub const PIECE_BYTES: usize = 64 << 10;

/// Batches of one request that may wait for their commit while its body is read on.
pub const BATCHES_INFLIGHT_MAX: usize = 4;

/// Bytes of a refused body that are read and dropped, so that the client sees the answer and not a reset.
pub const DISCARD_BYTES_MAX: usize = 8 << 20;

/// How long such a body is read.
pub const DISCARD_WAIT: Duration = Duration::from_secs(2);

/// Bytes of a connection's read buffer.
pub const READ_BYTES_MAX: usize = 256 << 10;

/// How long a graceful stop waits for a connection on which nothing is asked: half a request may
/// become a whole one, or the end of an answer may still be on its way.
pub const QUIET_WAIT: Duration = Duration::from_secs(1);

/// How long a graceful stop waits for requests in flight.
pub const DRAIN_WAIT: Duration = Duration::from_secs(10);

// --- What a query may cost: query.rs ---

mod query;

pub use query::{
    EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, GATHERED_MAX, HOLDINGS_MAX, HUB_MAX_DEFAULT, LIMIT_DEFAULT,
    LIMIT_MAX, PAIR_HUB_MAX_DEFAULT, PAIRS_MAX, PROFILE_ROWS_MAX, PROFILE_VALUES_MAX, QUERIES_MAX,
    QUERY_QUEUE_WAIT, QUERY_WAIT, TEMPLATE_ACCOUNTS_MAX, TIMELINE_HOURS_MAX, WHY_PROMPTS_MAX, WHY_ROWS_MAX,
    WHY_TEMPLATES_MAX,
};

// --- What the store may hold ---

/// Rows of one segment: one roaring container.
pub const SEGMENT_ROWS: usize = 1 << 16;

/// Bytes of a stored page of columns, postings or days, with its checksum. A redb page of 16 KiB less
/// redb's own header, key and offsets, so that a page is full and a lookup reads one.
pub const PAGE_BYTES: usize = 16_336;

/// Segments that wait to be sealed before ingest waits for them.
pub const SEALING_MAX: usize = 3;

/// Event time after the end of a day before its relations are written, so that most stragglers are in.
pub const MICROS_AFTER_DAY: Micros = 600 * MICROS_A_SECOND;

/// Rows of one run of a day's relations. A longer day is written in several.
pub const RUN_ROWS_MAX: usize = 2 << 20;

/// Distinct values of one dimension, and distinct keys of one aspect. They live in memory, about 60
/// bytes each. Past it an event that would add another is rejected and says so.
pub const NAMES_MAX: u32 = 24_000_000;

/// Bytes of memory for the names of one dimension. Past it the same happens.
pub const NAMES_BYTES_MAX: usize = 2 << 30;

/// Keys that the writer remembers by their bytes, for each aspect, 64 to 150 bytes each. Past it the
/// memory is emptied and fills again; nothing is lost but time.
pub const MEMO_KEYS_MAX: usize = 400_000;

/// Bytes that the writer remembers for each aspect. Past it the same happens.
pub const MEMO_BYTES_MAX: usize = 64 << 20;

/// Bytes of one chunk of a kept record. A longer record lies in several.
pub const KEPT_CHUNK_BYTES: usize = 1 << 20;

/// Free bytes below which nothing is written, so that redb's own handle does not run into the end of
/// the disk, which would cost a reopening.
pub const DISK_FLOOR_BYTES: u64 = 16 << 20;

/// Bytes of redb's page cache.
pub const CACHE_BYTES: usize = 192 << 20;

/// Heaps of glibc's allocator, for all threads together; past it threads take turns at them.
pub const ALLOCATOR_HEAPS: usize = 2;

/// Bytes from which a piece of memory is taken from the system by itself, and given back as soon as it is free: nearly
/// all that a closing needs is in larger ones. Smaller ones come from the heaps.
pub const ALLOCATOR_MAPPED_BYTES: usize = 1 << 20;

/// Free bytes at the end of a heap past which they are given back.
pub const ALLOCATOR_SPARE_BYTES: usize = 64 << 20;

/// File size up to which the whole file's checksums are walked on open, about 2.5 s a GB.
/// Above it the checksum of each value, verified at each read, has to do.
pub const FULL_CHECK_BYTES_MAX: u64 = 256 << 20;

// --- What the analysis looks at: analysis.rs ---

mod analysis;

pub use analysis::{
    ACCOUNTS_MIN, ALARM_ACCOUNTS_MIN, ALARM_DAYS_MIN, BANS_BYTES_MAX, BANS_MAX, BASELINE_ACCOUNTS_MIN,
    BYSTANDERS_MAX, CELL_PAIRS, CELL_PARTNERS, CLUSTERS_MAX, CONFIRM_MIN, FAILOVER_SECONDS, FALSE_RATE_MAX,
    GROUP_MIN, GROUPS_SHOWN_MAX, HANDOFF_ACCOUNTS_MAX, HANDOFF_SECONDS, LABELLED_MIN, LOAD_ACCOUNTS_MIN,
    LOAD_EVENTS_MIN, LOG_BEGINS_DAYS, MATURE_ACTIVE_DAYS, MATURE_AGE_DAYS, MEETING_VISITORS_MAX,
    MEETINGS_SHOWN_MAX, NEWCOMER_DAYS, ONE_ACCOUNT_SHARE, ONE_CARD_ACCOUNTS_MAX, ONE_CARD_SHARE,
    PAIRS_SAMPLED, PERMUTATIONS, PERMUTED_GROUPS_MAX, PROMPT_SAMPLE, QUEUE_PROMPTS_MIN, RELEASES_MAX,
    SESSION_GAP_SECONDS, SESSIONS_MIN, SHARED_VALUE_MIN, SIGNATURE_HOLDERS_MIN, SIGNATURE_KEYS_MAX,
    STANDING_ACCOUNTS_MIN, STANDING_SHARE, STAR_SHARE_MAX, STRONG_DAYS, TEMPLATE_FRESH_DAYS,
    TEMPLATE_JACCARD, VAIN_SEEDS_MAX, WINDOW_DAYS,
};

// --- What joins two records, what `cahoots ingest` sends: join.rs, send.rs ---

mod join;
mod send;

pub use join::{
    JOIN_BYTES_MAX, JOIN_EDGES_MAX, JOIN_HALVES_MAX, JOIN_ID_BYTES_MIN, JOIN_ID_DISTINCT_MIN, JOIN_KEYS_MAX,
    JOIN_RECENT, JOIN_RELEASED_MAX, JOIN_WAIT,
};
pub use send::{SEND_BYTES_MAX, SEND_ERRORS_SHOWN_MAX, SEND_LINES_MAX, SEND_TRIES_MAX, SEND_WAIT_MAX};

// --- What log sources and account records may be: sources.rs, records.rs ---

mod records;
mod sources;

pub use records::{
    ACCOUNT_RECORDS_MAX, ACCOUNTS_BYTES_MAX, ACCOUNTS_COMMIT_MAX, ACCOUNTS_SEND_BYTES, VOUCHED_SHARE,
};
pub use sources::{
    BULK_ITEMS_MAX, COVERED_REASONS_MAX, COVERED_SOURCES_MAX, LIST_RECORDS_MAX, OWN_CONDITIONS_MAX,
    OWN_PATHS_MAX, OWN_SOURCES_MAX, PUSH_FIELDS_MAX, PUSH_MADE_BYTES_MAX, PUSH_RECORD_FIELDS,
    PUSH_REFUSED_FIELDS,
};

const _: () = {
    assert!(BATCH_EVENTS_MAX <= COMMIT_EVENTS_MAX);
    assert!(COMMIT_EVENTS_MAX <= SEGMENT_ROWS);
    assert!(NAME_BYTES_MAX <= VALUE_BYTES_MAX && VALUE_BYTES_MAX < u16::MAX as usize);
    assert!(2 * SKETCH_END_BYTES <= SKETCH_BYTES_MAX && SKETCH_PIECE_BYTES <= SKETCH_STRIDE_BYTES);
    assert!(RUN_ROWS_MAX.is_multiple_of(SEGMENT_ROWS));
    assert!(PAGE_BYTES < 16 << 10);
    assert!(HEADER_BYTES_MAX <= READ_BYTES_MAX);
    assert!(QUIET_WAIT.as_millis() < DRAIN_WAIT.as_millis());
};
