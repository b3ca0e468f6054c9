//! Requests that real shippers and gateways sent, byte for byte: those with native field names are
//! stored and found again, the others are told line by line which field is missing.

use crate::harness::Server;
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
fn lines_with_other_names_are_told_which_field_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let nginx = [
        "curl-ndjson",
        "fluent-bit-http-gzip",
        "fluent-bit-http-json",
        "fluent-bit-http-lines",
        "fluent-bit-http-stream",
        "fluent-bit-http-zstd",
        "rsyslog-omhttp-newline",
    ];
    for capture in nginx.into_iter().chain([
        "caddy-file-curl",
        "litellm-generic",
        "litellm-generic-ndjson",
        "litellm-generic-single",
    ]) {
        let (accepted, duplicates, rejected, errors) = send(&server, capture);
        assert!(accepted + duplicates + rejected > 0, "{capture}: nothing was read");
        assert_eq!(errors.len() as u64, rejected.min(100), "{capture}");
        for error in &errors {
            let field = error["field"].as_str().unwrap_or_default();
            assert!(["ts", "account"].contains(&field), "{capture}: {error}");
            assert!(
                error["reason"].as_str().is_some_and(|reason| reason.contains("missing")),
                "{capture}: {error}"
            );
        }
        if nginx.contains(&capture) {
            assert!(
                errors.iter().any(|error| error["reason"].as_str().unwrap().contains("\"time\"")),
                "{capture}: {errors:?}"
            );
        }
    }
}
