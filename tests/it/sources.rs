//! A source of an operator's own, and what the server says of each source: told by its records or by name, counted
//! with the events themselves, through a kill.

use crate::harness::{CAHOOTS, Server, run};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SETTINGS: &str = r#"
[[source]]
name = "mine"
when = { "event.kind" = "request" }
ts = "time.epoch"
time = "ms"
account = "user.id"
ip = ["client.ip", "peer"]
"#;

fn settings(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("cahoots.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn start(folder: &Path) -> Server {
    let config = settings(folder, SETTINGS);
    Server::start_with(
        &folder.join("data"),
        &mut Command::new(CAHOOTS),
        &["--config", config.to_str().unwrap()],
    )
}

/// The figures of a source.
fn source(server: &Server, name: &str) -> Value {
    let status = server.get("/v1/status").json();
    let sources = status["sources"].as_array().unwrap_or_else(|| panic!("no sources in {status}"));
    let found = sources.iter().find(|source| source["source"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {status}")).clone()
}

fn record(number: u64) -> String {
    format!(
        r#"{{"event":{{"kind":"request"}},"time":{{"epoch":"{}"}},"user":{{"id":"ann"}},"peer":"203.0.113.7"}}"#,
        1_770_000_000_000 + number
    )
}

#[test]
fn a_source_of_ones_own_is_told_by_its_records_and_counted_through_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let answer = server.ingest(format!("{}\n{}\n{}\n", record(1), record(2), record(1)).as_bytes());
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&2.into(), &1.into()));
    // Named by the request, without what it is told by; and one that lacks its account.
    let named = br#"[{"time":{"epoch":1770000000003},"user":{"id":"bob"}},{"time":{"epoch":1770000000004}}]"#;
    let answer = server.request("POST", "/v1/events?source=mine", &[], named).json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&1.into(), &1.into()));
    let reason = answer["errors"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("taken for mine, where it is in user.id"), "{reason}");
    let native = br#"{"account":"carol","ts":1770000000,"ip":"203.0.113.8"}"#;
    server.ingest(native);
    let before = source(&server, "mine");
    assert_eq!((&before["events"], &before["rejected"]), (&3.into(), &1.into()));
    assert_eq!(before["last_event"], "2026-02-02T02:40:00.003Z");
    assert_eq!(before["fields"]["ip"], 0.6667);
    assert_eq!(before["rejects"][0]["field"], "account");
    let missing = before["missing"].as_array().unwrap().iter().find(|missing| missing["field"] == "payment");
    assert!(missing.unwrap()["costs"].as_str().unwrap().starts_with("MONEY abstains"), "{before}");
    server.kill();
    let server = start(folder.path());
    assert_eq!(source(&server, "mine"), before);
    assert_eq!((source(&server, "native")["events"].as_u64(), server.rows()), (Some(1), 4));
    let (code, table, _) = run(&["status", "--url", &format!("http://{}", server.address), "-o", "table"]);
    assert_eq!(code, Some(0));
    assert!(table.contains(" source mine ") && table.contains("3 events, the last of 2026-02-02"), "{table}");
    assert!(table.contains("without payment") && table.contains("MONEY abstains"), "{table}");
    let metrics = server.get("/metrics").text();
    assert!(metrics.contains("cahoots_source_events_total{source=\"mine\"} 3\n"), "{metrics}");
}

#[test]
fn an_unknown_source_is_answered_with_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    for path in ["/v1/events?source=nine", "/loki/api/v1/push?source=nine"] {
        let answer = server.request("POST", path, &[], record(1).as_bytes());
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(answer.status == 400 && detail.contains("langfuse, mine"), "{detail}");
    }
    assert_eq!(server.rows(), 0);
}

#[test]
fn a_mapping_is_tried_before_it_is_used_and_refused_with_the_right_key() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    std::fs::write(&log, record(1)).unwrap();
    let (log, config) = (log.to_str().unwrap(), settings(folder.path(), SETTINGS));
    let (code, shown, error) = run(&["explain-source", log, "--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{error}");
    assert!(shown.starts_with("line 1: mine\n") && shown.contains("<- user.id"), "{shown}");
    assert!(shown.contains("<- time.epoch") && shown.contains("<- peer"), "{shown}");
    let wrong = SETTINGS.replace("account =", "acount =");
    let config = settings(folder.path(), &wrong);
    for arguments in [["explain-source", log], ["serve", "--listen=127.0.0.1:0"]] {
        let arguments = [&arguments[..], &["--config", config.to_str().unwrap()]].concat();
        let (code, _, error) = run(&arguments);
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains("line 7") && error.contains("\"acount\"; did you mean \"account\"?"),
            "{error}"
        );
    }
}
