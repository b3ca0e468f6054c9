//! Floor 4: the only user of hyper. Bytes from sockets to calls into the floors below, and answers
//! to bytes; async ends here.
//!
//! A request goes through `serve` (connections), `service` (guard, route, headers of every answer),
//! one file in `handle`, and `wire` or `error` on the way out. `client` is the other end, for the
//! command line.

pub mod auth;
pub mod body;
pub mod client;
mod cluster_routes;
mod distance;
pub mod engine;
pub mod error;
mod handle;
mod inflate;
pub mod metrics;
pub mod negotiate;
mod params;
mod place;
mod push_routes;
pub mod route;
pub mod serve;
mod service;
mod template_routes;
pub mod wire;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
