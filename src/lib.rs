//! `cahoots`: which of your API accounts are in cahoots?
//!
//! One binary that receives request logs over HTTP, keeps them in one redb file with roaring-bitmap
//! indexes by account, IP and fingerprint, answers correlation queries, and finds the accounts that act
//! together.
//!
//! # The floors
//!
//! ```text
//! main -> cli, app -> http -> {ingest, query -> detect, drill} -> store -> {event, limits, clock, privacy}
//! ```
//!
//! Nothing calls upward; `tests/house.rs` checks it, and that redb is named in `store` only, hyper in
//! `http` only.
//!
//! # The write path
//!
//! [`http`] bounds and decompresses a body; [`ingest`] decodes it into an [`event::EventBatch`], with hashes in
//! the place of what must not be kept ([`privacy`]), and queues it; one writer thread commits what has gathered ([`store`]), and only after the fsync is
//! the request answered. Every 65,536 rows become an immutable segment; at the end of an event-time
//! day its relations (who was seen with what) are written once, in key order.
//!
//! # The analysis
//!
//! When an event-time day has passed, [`detect`] makes facts of its rows, examines the window of fourteen
//! days, and keeps what it knows in the database. It is pure; a thread of [`app`] drives it, beside
//! ingest and never in its way. [`drill`] makes up worlds to try it on.
//!
//! # The read path
//!
//! [`query`] is pure over a [`store::Snapshot`]: one redb read transaction and the rows that are not
//! in a segment yet. Queries never wait for ingest.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod detect;
pub mod drill;
pub mod event;
pub mod http;
pub mod ingest;
pub mod limits;
pub mod privacy;
pub mod query;
pub mod store;
pub mod text;
