//! Floor 3: detection. Which accounts act together, and with what certainty.
//!
//! Pure over a [`store::Snapshot`](crate::store::Snapshot) and a day: no clock, no randomness but seeds
//! that are written down, no I/O of its own. In the order of the data:
//!
//! ```text
//! facts      a day's rows -> figures by account           history    beyond the window
//! window     fourteen days of facts, by rank of name      networks   what kind of network
//! background what established accounts use                 null       how often by chance
//! groups     which sets of accounts are tested             family     seven kinds of evidence
//! score      strength and threshold
//! ```
//!
//! What is done about a cluster is not decided here.

mod background;
mod facts;
mod family;
mod groups;
mod history;
mod math;
mod networks;
mod null;
mod score;
mod window;
