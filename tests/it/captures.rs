//! Requests that real shippers and gateways sent, byte for byte, to the paths and with the headers that they
//! used: every event is stored once, though it is sent twice with a kill between, and found again.

use crate::harness::{Response, Server};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures")
}

fn captures() -> Vec<String> {
    let names = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// The requests of a capture: what was asked, and the body.
fn requests(capture: &str) -> Vec<(Value, Vec<u8>)> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures().join(capture)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "body"));
    files.sort();
    assert!(!files.is_empty(), "{capture} has no request");
    let read = |body: PathBuf| {
        let request = std::fs::read(body.with_extension("request.json")).unwrap();
        (serde_json::from_slice(&request).unwrap(), std::fs::read(body).unwrap())
    };
    files.into_iter().map(read).collect()
}

fn golden(capture: &str) -> Value {
    let text = std::fs::read(fixtures().join(capture).join("expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn send(server: &Server, request: &Value, body: &[u8]) -> Response {
    let headers: Vec<(&str, &str)> = request["headers"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| {
            !["host", "content-length", "transfer-encoding", "connection", "expect"]
                .contains(&name.to_lowercase().as_str())
        })
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let path = request["path"].as_str().unwrap();
    // Shippers whose path is free were given one of their own.
    let path = if path == "/ingest" { "/v1/events" } else { path };
    server.request(request["method"].as_str().unwrap(), path, &headers, body)
}

/// Sends all requests of a capture, and checks that each answer is one that its client takes for success.
fn send_all(server: &Server, capture: &str) {
    for (request, body) in requests(capture) {
        let answer = send(server, &request, &body);
        let path = request["path"].as_str().unwrap();
        let good = if path.starts_with("/loki") { 204 } else { 200 };
        assert_eq!(answer.status, good, "{capture} {path}: {}", answer.text());
        if path.ends_with("_bulk") {
            assert_eq!(answer.header("x-elastic-product"), Some("Elasticsearch"), "{capture}");
            let answer = answer.json();
            assert_eq!(answer["errors"], false, "{capture}: {answer}");
            assert!(!answer["items"].as_array().unwrap().is_empty(), "{capture}: {answer}");
        }
        if path.starts_with("/services/collector") {
            assert_eq!(answer.json()["code"], 0, "{capture}");
        }
    }
}

#[test]
fn what_real_shippers_sent_is_stored_once_and_found_again() {
    for capture in captures() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        send_all(&server, &capture);
        let stored = server.rows();
        let golden = golden(&capture);
        let events: Vec<&Value> = golden
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|request| request["events"].as_array().unwrap())
            .collect();
        // A program that logs no account is told so, and nothing of it is kept.
        let has_account = capture != "otel-openai-v2";
        assert_eq!(stored > 0, has_account, "{capture}");
        assert!(stored <= events.len() as u64, "{capture}: {stored} of {}", events.len());
        for event in &events {
            let account = event["account"].as_str().unwrap();
            assert_eq!(server.get(&format!("/v1/accounts/{account}")).status, 200, "{capture}: {account}");
        }
        // Without a time of its own a record that comes twice is two.
        if capture == "portkey-gateway" {
            continue;
        }
        server.kill();
        let server = Server::start(folder.path());
        send_all(&server, &capture);
        assert_eq!(server.rows(), stored, "{capture}: sent again after a kill");
    }
}

#[test]
fn clients_of_elasticsearch_get_what_they_ask_before_they_send() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for (method, path) in [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/_license"),
        ("GET", "/_xpack?human=false"),
        ("GET", "/_cluster/health?timeout=1s"),
        ("GET", "/_cat/health"),
        ("GET", "/_nodes/_all/http"),
        ("HEAD", "/_index_template/logs"),
        ("PUT", "/_template/filebeat"),
        ("PUT", "/_ilm/policy/logs"),
    ] {
        let answer = server.request(method, path, &[], b"");
        assert_eq!(answer.status, 200, "{method} {path}");
        assert_eq!(answer.header("x-elastic-product"), Some("Elasticsearch"), "{method} {path}");
    }
}

#[test]
fn a_bad_record_is_named_in_the_form_of_its_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let bulk =
        b"{\"index\":{\"_id\":\"x\"}}\n{\"account\":\"a\",\"ts\":1795426307}\n{\"create\":{}}\n{\"ts\":1}\n";
    let answer = server.request("POST", "/logs/_bulk?pipeline=p", &[], bulk).json();
    assert_eq!(answer["errors"], true, "{answer}");
    assert_eq!(
        (&answer["items"][0]["index"]["status"], &answer["items"][0]["index"]["_id"]),
        (&201.into(), &"x".into())
    );
    assert_eq!(answer["items"][1]["create"]["status"], 400);
    assert!(
        answer["items"][1]["create"]["error"]["reason"].as_str().unwrap().contains("account"),
        "{answer}"
    );

    let traces = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0a","spanId":"0b",
        "startTimeUnixNano":"1795426307000000000",
        "attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}}]}]}]}]}"#;
    let answer = server.request("POST", "/v1/traces", &[], traces);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["partialSuccess"]["rejectedSpans"], "1", "{}", answer.text());

    let answer = server.request("POST", "/v1/logs", &[], b"\xff\xff nothing that is known");
    assert!(answer.status == 400 && answer.text().contains("unreadable-body"), "{}", answer.text());
    let answer = server.request("POST", "/services/collector", &[], b"{\"event\":{\"x\":1}}");
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(6)));
    let answer = server.request("POST", "/services/collector/ack", &[], b"{\"acks\":[1]}");
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(14)));
    let answer = server.request("POST", "/v1/metrics", &[("content-type", "application/json")], b"{}");
    assert!(answer.status == 200 && answer.text().contains("metrics are dropped"), "{}", answer.text());
    let answer = server.request(
        "POST",
        "/loki/api/v1/push",
        &[],
        b"{\"streams\":[{\"stream\":{},\"values\":[[\"1\",\"x\"]]}]}",
    );
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(server.rows(), 1);
}

#[test]
fn a_body_is_what_its_bytes_say_whatever_its_headers_say() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let line = |number: u32| format!("{{\"account\":\"a{number}\",\"ts\":1795426307}}\n").into_bytes();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    for (headers, body) in [
        (vec![], gzip(&line(1))),
        (vec![], zstd::encode_all(&line(2)[..], 1).unwrap()),
        (vec![("content-encoding", "gzip")], line(3)),
        (vec![("content-encoding", "zstd")], gzip(&line(4))),
    ] {
        let answer = server.request("POST", "/v1/events", &headers, &body);
        assert_eq!(answer.json()["accepted"], 1, "{headers:?}: {}", answer.text());
    }
    let (request, body) = requests("otelcol-none").remove(0);
    let mut snappy = Vec::new();
    std::io::Read::read_to_end(&mut snap::read::FrameEncoder::new(&body[..]), &mut snappy).unwrap();
    let path = request["path"].as_str().unwrap();
    let answer = server.request("POST", path, &[("content-encoding", "snappy")], &snappy);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(server.rows(), 4 + 8);
}
