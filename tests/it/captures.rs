//! Requests that real shippers and gateways sent, byte for byte, through the whole program: every
//! record is stored and found again.

use crate::harness::{Server, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures")
}

/// The requests of a capture: headers and body.
fn requests(capture: &str) -> Vec<(Value, Vec<u8>)> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures().join(capture)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "body"));
    files.sort();
    assert!(!files.is_empty(), "{capture} has no request");
    let read = |body: PathBuf| {
        let request = std::fs::read(body.with_extension("").with_extension("request.json")).unwrap();
        (serde_json::from_slice(&request).unwrap(), std::fs::read(body).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Sends a capture's requests with the headers that matter; gives accepted, duplicates, rejected, errors.
fn send(server: &Server, capture: &str) -> (u64, u64, u64, Vec<Value>) {
    let mut total = (0, 0, 0, Vec::new());
    for (request, body) in requests(capture) {
        let headers: Vec<(&str, &str)> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| {
                ["content-type", "content-encoding", "user-agent"].contains(&name.to_lowercase().as_str())
            })
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let answer = server.request(request["method"].as_str().unwrap(), "/v1/events", &headers, &body);
        assert!([200, 400].contains(&answer.status), "{capture}: {} {}", answer.status, answer.text());
        let answer = answer.json();
        let count = |name: &str| answer[name].as_u64().unwrap_or_else(|| panic!("{capture}: {answer}"));
        total.0 += count("accepted");
        total.1 += count("duplicates");
        total.2 += count("rejected");
        total.3.extend(answer["errors"].as_array().unwrap().iter().cloned());
    }
    total
}

#[test]
fn lines_with_native_names_are_stored_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (accepted, _, rejected, _) = send(&server, "syslog-ng-http-lines");
    assert!(accepted > 0 && rejected == 0, "{accepted} accepted, {rejected} rejected");
    let alice = server.get("/v1/accounts/acct-alice");
    assert_eq!(alice.status, 200, "{}", alice.text());
    let carol = server.get("/v1/accounts/acct-carol/neighbors?via=fingerprint").text();
    assert!(carol.contains("acct-dave") && carol.contains("acct-erin"), "{carol}");
    let events = server.get("/v1/accounts/acct-carol/events").text();
    assert!(events.contains(r#"python-httpx/0.27.2 \"quoted\" \\back"#), "{events}");
}

#[test]
fn logs_with_other_names_are_stored_without_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for capture in [
        "curl-ndjson",
        "fluent-bit-http-gzip",
        "fluent-bit-http-json",
        "fluent-bit-http-lines",
        "fluent-bit-http-stream",
        "fluent-bit-http-zstd",
        "rsyslog-omhttp-newline",
        "caddy-file-curl",
        "litellm-generic",
        "litellm-generic-ndjson",
        "litellm-generic-single",
    ] {
        let (accepted, duplicates, rejected, errors) = send(&server, capture);
        assert!(accepted + duplicates > 0, "{capture}: nothing was taken");
        assert_eq!((rejected, errors), (0, Vec::new()), "{capture}");
    }
    let events = server.get("/v1/accounts/acct-alice/events").text();
    assert!(events.contains("cd966e4e-8944-4267-b8f6-29663a41bffe"), "{events}");
    let carol = server.get("/v1/accounts/acct-carol/neighbors?via=ip").text();
    assert!(carol.contains("acct-dave") && !carol.contains("acct-alice"), "{carol}");
}

#[test]
fn a_source_can_be_named_and_a_wrong_name_is_told_the_right_ones() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    // Without a name it has the shape of nothing.
    let record = br#"{"start_time":"2026-11-23T09:42:20Z","x-account-id":"acct-erin","user_agent":"x"}"#;
    assert_eq!(server.request("POST", "/v1/events", &[], record).status, 400);
    assert_eq!(server.request("POST", "/v1/events?source=envoy", &[], record).status, 200);
    assert_eq!(server.get("/v1/accounts/acct-erin").status, 200);
    let wrong = server.request("POST", "/v1/events?source=envoi", &[], record);
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("litellm") && wrong.text().contains("envoy"), "{}", wrong.text());
}

#[test]
fn explain_source_says_where_each_field_comes_from_and_keeps_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.json");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources/litellm-single.json");
    let text = std::fs::read_to_string(fixture).unwrap() + "\n{\"what\":1}\nno record\n";
    std::fs::write(&file, text).unwrap();
    let (code, out, _) = run(&["explain-source", file.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    for wanted in [
        "line 1: litellm\n",
        "\"acct-bob\"  <- metadata.user_api_key_user_id\n",
        "(28 bytes)  <- messages\n",
        "(64 bytes)  <- metadata.user_api_key_hash\n",
        "not used: id, trace_id",
        "line 2: native\n  not taken: account is missing",
        "line 3: expected a JSON object, found a word\n",
    ] {
        assert!(out.contains(wanted), "{wanted:?} is not in\n{out}");
    }
    assert!(!out.contains("hello number"), "{out}");
}
