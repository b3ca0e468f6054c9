//! What log sources may be, and what is counted of them.

/// Sources of an operator's own in the settings. Past it the server does not start.
pub const OWN_SOURCES_MAX: usize = 32;

/// Paths of one field of such a source. Past it the server does not start.
pub const OWN_PATHS_MAX: usize = 16;

/// Conditions by which such a source is told. Past it the server does not start.
pub const OWN_CONDITIONS_MAX: usize = 16;

/// Log sources whose figures are kept, 4 KB each at the most. Further ones are counted together.
pub const COVERED_SOURCES_MAX: usize = 64;

/// Reasons for refusing records that are counted by themselves, for each source. Further ones are counted together.
pub const COVERED_REASONS_MAX: usize = 32;

/// Fields of all records of a body of OTLP, Elasticsearch bulk, Loki or Splunk, what they share counted for each. Past
/// it the rest of the body is refused. `LiteLLM` makes a million of the longest body, lines of nginx five.
pub const PUSH_FIELDS_MAX: usize = 8 << 20;

/// Fields as which a record counts besides its own, so that empty ones have an end: half a million of them.
pub const PUSH_RECORD_FIELDS: usize = 16;

/// Fields as which a refused record counts besides, for the reason that is made up for it.
pub const PUSH_REFUSED_FIELDS: usize = 64;

/// Records of one list in a wrapper (`batch`, `logs`). The rest of a longer one is refused.
pub const LIST_RECORDS_MAX: usize = 1 << 16;

/// Bytes of the events of such a body. Past it the rest of the body is refused. They take about as much as their
/// text, unless a short one repeats what is long.
pub const PUSH_MADE_BYTES_MAX: usize = 64 << 20;

/// Requests of an Elasticsearch bulk body, each of which has its place in the answer. Past it the rest of the body
/// is refused. Its senders' defaults are below 5,000.
pub const BULK_ITEMS_MAX: usize = 1 << 16;
