//! A disk that is full: 507, reads go on, and ingest goes on by itself once there is space.
//!
//! A limit on the size of files stands in for the disk, because it needs no mount and no root.

use crate::harness::{CAHOOTS, Server, line};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::process::Command;

#[test]
fn a_full_disk_is_507_and_heals_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    // The signal that a write past the limit brings is ignored, so that the write fails instead.
    let script = r#"trap "" XFSZ; exec "$0" "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, CAHOOTS]);
    let server = Server::start_with(folder.path(), &mut command, &[]);
    let pid = Pid::from_raw(server.pid().try_into().unwrap()).unwrap();
    server.ingest(line(0).as_bytes());
    let length = std::fs::metadata(folder.path().join("cahoots.redb")).unwrap().len();
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: None };
    prlimit(Some(pid), Resource::Fsize, limit(length)).unwrap();

    let mut accepted = 1;
    let refused = loop {
        let body: String = (accepted..accepted + 2_000).map(line).collect();
        let answer = server.request("POST", "/v1/events", &[], body.as_bytes());
        if answer.status != 200 {
            break answer;
        }
        accepted += 2_000;
        assert!(accepted < 2_000_000, "the limit is never reached");
    };
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    assert!(refused.text().contains("disk is full"), "{}", refused.text());

    // Reads go on, and what was acknowledged is there.
    assert_eq!(server.rows(), accepted);
    assert_eq!(server.get("/v1/accounts/acct-1").status, 200);
    assert_eq!(server.get("/healthz").status, 200);

    // Space comes back: the same events are taken, once.
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    let body: String = (accepted..accepted + 2_000).map(line).collect();
    // The file is opened anew once nobody reads from it, and the analysis may still look at the last hour: a client
    // that is told to come again does.
    let answer = loop {
        let answer = server.request("POST", "/v1/events", &[], body.as_bytes());
        if answer.status != 507 {
            break answer.json();
        }
    };
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&2_000.into(), &0.into()));
    assert_eq!(server.rows(), accepted + 2_000);
    assert_eq!(server.get("/readyz").status, 200);
    server.kill();
    let server = Server::start(folder.path());
    assert_eq!(server.rows(), accepted + 2_000);
}
