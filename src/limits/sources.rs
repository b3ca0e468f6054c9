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
