//! Floor 3: detection. Which accounts act together, and with what certainty.
//!
//! Pure over a [`store::Snapshot`](crate::store::Snapshot) and a day: no clock, no randomness but seeds
//! that are written down, no I/O of its own. In the order of the data:
//!
//! ```text
//! facts      a day's rows -> figures by account           history    beyond the window
//! records    what the operator said of accounts
//! window     fourteen days of facts, by rank of name      networks   what kind of network
//! background what established accounts use                 null       how often by chance
//! groups     which sets of accounts are tested             family     seven kinds of evidence
//! score      strength and threshold
//! examine    all of it, for one day                       clusters   who is in them, from day to day
//! analysis   which day is due, and what is kept           watch, early   the hours of an open day
//! ```
//!
//! What is done about a cluster is not decided here.

mod alarm;
mod analysis;
mod background;
mod clusters;
mod early;
mod enough;
mod evidence;
mod examine;
mod extraction;
mod facts;
mod family;
mod groups;
mod history;
mod math;
mod needs;
mod networks;
mod null;
mod permute;
mod records;
mod score;
mod scratch;
mod signature;
mod succession;
mod twins;
mod watch;
mod window;

pub use alarm::Alarm;
pub use analysis::{Analysis, Due, Ledger};
pub use clusters::{Book, Bystander, Cluster, Deception, Happening, Member, Status, Verdict, closing};
pub use evidence::{Difference, VerifyError, complete, markdown, seal, verify};
pub use examine::Report;
pub use family::Family;
pub use needs::NEEDS;
pub use twins::innocent_twin;

use crate::event::Dim;
use crate::store::{Catalog, Snapshot};
use facts::Kind;
use family::Bench;
use groups::{Group, Origin};
use score::Scored;
use scratch::Scratch;
use window::Window;
use xxhash_rust::xxh3::xxh3_64;

/// Threads that an analysis uses.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// Does `count` pieces of work on all threads, each thread with memory of its own; results in order. Large
/// and small pieces alternate in most lists, so each thread takes every nth.
fn in_parallel<M, T: Send>(
    count: usize,
    memory: impl Fn() -> M + Sync,
    work: impl Fn(&mut M, usize) -> T + Sync,
) -> Vec<T> {
    let workers = workers().min(count.max(1));
    let lane = |lane: usize| {
        let mut memory = memory();
        (lane..count).step_by(workers).map(|at| work(&mut memory, at)).collect::<Vec<T>>()
    };
    let lane = &lane;
    let mut lanes: Vec<std::vec::IntoIter<T>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|number| scope.spawn(move || lane(number))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<T>>| match thread.join() {
            Ok(results) => results.into_iter(),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    });
    (0..count).filter_map(|at| lanes.get_mut(at % workers)?.next()).collect()
}

/// The same on all threads only if that pays.
fn in_parallel_if<M, T: Send>(
    pays: bool,
    count: usize,
    memory: impl Fn() -> M + Sync,
    work: impl Fn(&mut M, usize) -> T + Sync,
) -> Vec<T> {
    if pays {
        return in_parallel(count, memory, work);
    }
    let mut memory = memory();
    (0..count).map(|at| work(&mut memory, at)).collect()
}

/// Does two pieces of work side by side.
fn side_by_side<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Scores all groups, in their order.
fn score_all(bench: &Bench<'_>, groups: &[Group]) -> Vec<Scored> {
    in_parallel(groups.len(), Scratch::default, |scratch, at| {
        groups.get(at).map_or_else(Scored::default, |group| Scored::of(bench, group, scratch))
    })
}

/// A hash of what made each group, by names, the same in every database.
fn names_of(snapshot: &Snapshot, window: &Window, groups: &[Group]) -> Vec<u64> {
    let catalog = snapshot.catalog();
    let name = |group: &Group| match group.origin {
        Origin::Star(kind, value) => name_of_value(&catalog, window, kind, value),
        Origin::Visitors => 1,
        Origin::Union => 2,
        Origin::Cell(rate) => xxh3_64(&[&[0xff_u8], rate.to_be_bytes().as_slice()].concat()),
        Origin::Cohort(day, network) => {
            xxh3_64(&[&[0xfe_u8, network], day.to_be_bytes().as_slice()].concat())
        }
    };
    groups.iter().map(name).collect()
}

/// A hash of a value and its kind, the same in every database.
fn name_of_value(catalog: &Catalog, window: &Window, kind: Kind, value: u32) -> u64 {
    let mut bytes = vec![kind as u8];
    match dim_of(kind) {
        Some(dim) => bytes.extend_from_slice(window.value(catalog, dim, value)),
        None => bytes.extend_from_slice(&value.to_be_bytes()),
    }
    xxh3_64(&bytes)
}

/// The dimension whose ordinals a kind's values are; none where a value is its own name.
fn dim_of(kind: Kind) -> Option<Dim> {
    match kind {
        Kind::Ip => Some(Dim::Ip),
        Kind::Prefix => Some(Dim::Net),
        Kind::Site => Some(Dim::Site),
        Kind::Fingerprint => Some(Dim::Fingerprint),
        Kind::UserAgent => Some(Dim::UserAgent),
        Kind::Payment => Some(Dim::Payment),
        Kind::ApiKey => Some(Dim::ApiKey),
        Kind::EmailDomain => Some(Dim::EmailDomain),
        Kind::Model => Some(Dim::Model),
        Kind::Template | Kind::Core | Kind::Pivot => None,
    }
}

#[cfg(test)]
mod tests;
