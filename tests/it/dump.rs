//! The whole database as text after each step of a short story: what is stored, and that nothing else is.

use crate::harness::{Server, run};
use std::path::Path;

const STORY: &str = r#"
{"ts":"2026-11-20T10:00:00Z","request_id":"r1","account":"ann","api_key":"k1","ip":"203.0.113.7","fingerprint":"fp-1","model":"m-small","status":200,"input_tokens":12,"output_tokens":34,"latency_ms":56}
{"ts":"2026-11-20T10:00:05.250Z","request_id":"r2","account":"bob","ip":"203.0.113.7","fingerprint":"fp-2","asn":64500,"country":"DE"}
{"ts":"2026-11-20T10:00:05.250Z","request_id":"r2","account":"bob","ip":"203.0.113.7","fingerprint":"fp-2","asn":64500,"country":"DE"}
{"ts":1795000000123456,"account":"\u001b[31mred","ip":"2001:db8:1:2::7","payment":"card-1","email_domain":"mail.example","plan":"pro","account_created_at":"2026-01-02T03:04:05Z"}
"#;

fn dump(folder: &Path) -> String {
    let (code, out, error) = run(&["dump", "--data", folder.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{error}");
    out
}

#[test]
fn the_dump_of_a_short_story_is_known_and_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let answer = server.ingest(STORY.as_bytes());
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&3.into(), &1.into()));
    server.kill();
    let after_kill = dump(folder.path());
    insta::assert_snapshot!("three_events_and_a_duplicate", after_kill);

    let server = Server::start(folder.path());
    server.ingest(STORY.as_bytes());
    assert_eq!(server.terminate(), Some(0));
    assert_eq!(dump(folder.path()), after_kill, "sent again, nothing changes");
}
