//! Identities of stored events, to know again what is sent again.

use super::dedup::Seen;
use super::error::StoreError;
use super::read::{Part, Snapshot};
use crate::event::{Aspect, Day, Dim, Text, Window, identity_of_request};
use crate::limits::DEDUP_DAYS;

/// Threads that read identities when a database is opened; nothing else runs then.
const THREADS: usize = 2;

/// Everything within the window, counted back from the newest event.
pub(super) fn of_window(snapshot: &Snapshot, seed: u64) -> Result<Seen, StoreError> {
    let mut seen = Seen::new();
    let Some(newest) = snapshot.newest().map(Day::of) else { return Ok(seen) };
    let since = Day(newest.0 - DEDUP_DAYS).start();
    let parts = snapshot.parts(Window { since, until: i64::MAX });
    for few in parts.chunks(THREADS) {
        let read = |part: &Part| {
            let mut events = Vec::with_capacity(part.len() as usize);
            of_part(snapshot, part, seed, &mut events).map(|()| events)
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = few.iter().map(|part| scope.spawn(move || read(part))).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        for result in results {
            let ended = |_| StoreError::corrupt("a segment", "reading it failed without a reason");
            let events = result.map_err(ended)??;
            for (day, identity) in events.iter().filter(|(day, _)| day.start() >= since) {
                seen.insert(*day, *identity);
            }
            seen.commit();
        }
    }
    Ok(seen)
}

/// Everything of one day.
pub(super) fn of_day(snapshot: &Snapshot, seed: u64, day: Day) -> Result<Vec<u64>, StoreError> {
    let mut events = Vec::new();
    for part in snapshot.parts(Window { since: day.start(), until: day.end() }) {
        of_part(snapshot, &part, seed, &mut events)?;
    }
    Ok(events.into_iter().filter(|(other, _)| *other == day).map(|(_, identity)| identity).collect())
}

/// Day and identity of every row of a part.
fn of_part(
    snapshot: &Snapshot,
    part: &Part,
    seed: u64,
    events: &mut Vec<(Day, u64)>,
) -> Result<(), StoreError> {
    let mut reader = part.reader();
    let ts = reader.all_ts()?;
    let subjects = reader.all_keys(Aspect::Subject)?;
    let stored = reader.all_identities()?;
    let catalog = snapshot.catalog();
    let mut scratch = Vec::new();
    let account = |row: usize| {
        let subject = subjects.get(row).copied().unwrap_or_default();
        catalog.name_of(Dim::Account, subject).map_or(&[][..], |name| catalog.value(Dim::Account, name))
    };
    reader.all_texts(Text::RequestId, &mut |row, request_id| {
        let identity = match stored.get(row) {
            Some(stored) if *stored != 0 || request_id.is_empty() => *stored,
            _ => identity_of_request(seed, account(row), request_id, &mut scratch),
        };
        events.push((Day::of(ts.get(row).copied().unwrap_or_default()), identity));
    })
}
