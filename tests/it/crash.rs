//! kill -9 at random under load: no acknowledged event is lost, none is counted twice.

use crate::harness::{Server, line, run};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Kills. Each round takes about a quarter of a second.
const KILLS: u64 = 100;

/// Events in a body; some are large enough that segments are sealed under the kills.
const BODY_EVENTS: [u64; 4] = [1, 20, 900, 6_000];

#[test]
fn a_hundred_kills_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let acknowledged: Arc<Mutex<BTreeSet<(u64, u64)>>> = Arc::default();
    let unsure: Arc<Mutex<BTreeSet<(u64, u64)>>> = Arc::default();
    let mut slowest_start = Duration::ZERO;
    for kill in 0..KILLS {
        let started = Instant::now();
        let server = Arc::new(Server::start(folder.path()));
        slowest_start = slowest_start.max(started.elapsed());
        let senders: Vec<_> = (0..3_u64)
            .map(|sender| {
                let (server, next) = (Arc::clone(&server), Arc::clone(&next));
                let (acknowledged, unsure) = (Arc::clone(&acknowledged), Arc::clone(&unsure));
                std::thread::spawn(move || {
                    for round in sender.. {
                        let count = BODY_EVENTS[((round + kill) % 4) as usize];
                        let first = next.fetch_add(count, Ordering::Relaxed);
                        let body: String = (first..first + count).map(line).collect();
                        match server.try_request("POST", "/v1/events", &[], body.as_bytes()) {
                            Ok(answer) if answer.status == 200 => {
                                assert_eq!(answer.json()["accepted"], count);
                                acknowledged.lock().unwrap().insert((first, count));
                            }
                            _ => {
                                unsure.lock().unwrap().insert((first, count));
                                return;
                            }
                        }
                    }
                })
            })
            .collect();
        // At some moment of the first 200 ms, other for each round: waiting for a message that never
        // comes is the wait.
        let moment = Duration::from_micros(kill * 7_919 % 200_000);
        let (_keep, never) = channel::<()>();
        assert!(never.recv_timeout(moment).is_err());
        let pid = rustix::process::Pid::from_raw(server.pid().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        for sender in senders {
            sender.join().unwrap();
        }
    }

    // A client sends again what was not acknowledged. After that everything counts exactly once.
    let server = Server::start(folder.path());
    let (mut again, mut known) = (0, 0);
    for (first, count) in unsure.lock().unwrap().iter() {
        let body: String = (*first..first + count).map(line).collect();
        let answer = server.ingest(body.as_bytes());
        again += answer["accepted"].as_u64().unwrap();
        known += answer["duplicates"].as_u64().unwrap();
    }
    let sent = next.load(Ordering::Relaxed);
    assert_eq!(server.rows(), sent, "{again} accepted and {known} known when sent again");
    let all: u64 = acknowledged.lock().unwrap().iter().map(|(_, count)| count).sum();
    assert!(all > 65_536, "too little was acknowledged ({all}) for a segment to be sealed");
    for (first, count) in acknowledged.lock().unwrap().iter().step_by(20) {
        let body: String = (*first..first + count).map(line).collect();
        assert_eq!(server.ingest(body.as_bytes())["duplicates"], *count);
    }
    assert_eq!(server.terminate(), Some(0));

    let (code, out, error) = run(&["check", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out}{error}");
    // Not a measurement (`benches` has that): only that a start never becomes a repair of minutes.
    assert!(slowest_start < Duration::from_secs(30), "{slowest_start:?}");
}
