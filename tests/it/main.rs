//! The program as its users meet it: a real process, real sockets, real kills. One binary, because
//! linking takes longer than running.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod analysis;
mod campaign;
mod campaigns;
mod canary;
mod captures;
mod closing;
mod crash;
mod damage;
mod dump;
mod findings;
mod full_disk;
mod harness;
mod hours;
mod join;
mod meetings;
mod sources;
mod start;
mod worlds;
mod wrong_input;
mod wrong_logs;
