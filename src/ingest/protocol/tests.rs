//! Requests that real shippers sent, each with the events that it is: `tests/fixtures/captures/NAME/` holds
//! them, `expected.json` beside them was read against the bodies by eye. And what no real shipper sends.
//!
//! `CAHOOTS_GOLDEN=write` writes the expected files anew.

use super::{Protocol, Push, Summary};
use crate::ingest::source::golden_tests::readable;
use crate::ingest::{Context, Decoder};
use crate::limits::PUSH_BYTES_MAX;
use crate::privacy::{Privacy, Pseudonyms};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

const PRIVACY: Privacy = Privacy::new([42; 32], Pseudonyms::NONE);
const CONTEXT: Context = Context::new(42, 1_795_500_000_000_000, PRIVACY);

fn captures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    folders.sort();
    folders
}

fn protocol(path: &str) -> Option<Protocol> {
    Some(match path.split('?').next().unwrap_or_default() {
        "/v1/logs" => Protocol::OtlpLogs,
        "/v1/traces" | "/api/public/otel/v1/traces" => Protocol::OtlpTraces,
        "/loki/api/v1/push" => Protocol::Loki,
        path if path.ends_with("/_bulk") => Protocol::Bulk,
        path if path.starts_with("/services/collector") => Protocol::Splunk,
        _ => return None,
    })
}

fn plain(body: &[u8], encoding: Option<&str>) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        Some("gzip") => {
            flate2::read::MultiGzDecoder::new(body).read_to_end(&mut plain).expect("gzip");
        }
        Some("zstd") => plain = zstd::decode_all(body).expect("zstd"),
        _ => plain.extend_from_slice(body),
    }
    plain
}

fn pushed(protocol: Protocol, body: &[u8]) -> (Vec<Value>, Vec<String>, Summary) {
    let mut push = Push::new(protocol, CONTEXT, None);
    for piece in body.chunks(1_000) {
        assert_eq!(push.feed(piece), piece.len());
    }
    let mut events = Vec::new();
    while !push.finish() {
        events.extend(push.take_batch().iter().map(readable));
    }
    events.extend(push.take_batch().iter().map(readable));
    let rejects = push.rejects().first.iter().map(|reject| reject.reason.clone()).collect();
    (events, rejects, push.summary())
}

fn recorded(body: &[u8]) -> (Vec<Value>, Vec<String>) {
    let mut decoder = Decoder::new(CONTEXT);
    assert_eq!(decoder.feed(body), body.len());
    assert!(decoder.finish());
    let events = decoder.take_batch().iter().map(readable).collect();
    (events, decoder.rejects().first.iter().map(|reject| reject.reason.clone()).collect())
}

/// Every request of a folder with a body, in the order of the files.
fn found(folder: &Path) -> Value {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "body"));
    files.sort();
    let requests = files.iter().filter_map(|file| {
        let request: Value =
            serde_json::from_slice(&fs::read(file.with_extension("request.json")).expect("request"))
                .expect("JSON");
        let body = plain(&fs::read(file).expect("body"), request["headers"]["Content-Encoding"].as_str());
        let path = request["path"].as_str().expect("path");
        let (events, rejects) = match protocol(path) {
            Some(protocol) => {
                let (events, rejects, _) = pushed(protocol, &body);
                (events, rejects)
            }
            None => recorded(&body),
        };
        // Metrics are not read at all.
        (path != "/v1/metrics").then(|| json!({"path": path, "events": events, "rejects": rejects}))
    });
    requests.collect()
}

#[test]
fn every_request_of_a_real_shipper_is_the_events_that_its_golden_file_says() {
    let write = std::env::var("CAHOOTS_GOLDEN").is_ok_and(|word| word == "write");
    for folder in captures() {
        let (found, file) = (found(&folder), folder.join("expected.json"));
        if write {
            let text = serde_json::to_string_pretty(&found).expect("JSON");
            fs::write(&file, text + "\n").expect("golden file");
        }
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(&file).expect("golden file")).expect("JSON");
        assert_eq!(found, expected, "{}", folder.display());
    }
}

/// A protobuf field with bytes in it.
fn nested(tag: u8, inside: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag << 3 | 2];
    prost::encode_length_delimiter(inside.len(), &mut bytes).expect("room");
    bytes.extend_from_slice(inside);
    bytes
}

#[test]
fn what_lies_too_deep_is_left_out_and_costs_nothing() {
    let account = nested(6, &[nested(1, b"user.id"), nested(2, &nested(1, b"ann"))].concat());
    let time = [&[0x09][..], &1_795_426_307_000_000_000_u64.to_le_bytes()].concat();
    let mut value = nested(1, b"deep");
    for _ in 0..10_000 {
        value = nested(5, &nested(1, &value));
    }
    let deep = nested(6, &[nested(1, b"x"), nested(2, &value)].concat());
    let body = nested(1, &nested(2, &nested(2, &[time, deep, account].concat())));
    let (events, rejects, summary) = pushed(Protocol::OtlpLogs, &body);
    assert_eq!((events.len(), rejects.len(), summary.broken), (1, 0, None));
    assert!(summary.protobuf);

    let json = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"timeUnixNano\":\"1795426307000000000\",\"attributes\":[\
         {{\"key\":\"x\",\"value\":{}{}}},{{\"key\":\"user.id\",\"value\":{{\"stringValue\":\"ann\"}}}}]}}]}}]}}]}}",
        "{\"arrayValue\":{\"values\":[".repeat(10_000),
        "]}}".repeat(10_000)
    );
    let (events, rejects, summary) = pushed(Protocol::OtlpLogs, json.as_bytes());
    assert_eq!((events.len(), rejects.len(), summary), (1, 0, Summary::default()));
}

#[test]
fn a_snappy_block_that_claims_gigabytes_is_not_believed() {
    // A varint of four gigabytes, and nothing behind it.
    let (events, _, summary) = pushed(Protocol::Loki, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0]);
    assert!(events.is_empty() && summary.broken.is_some());
    let bomb = snap::raw::Encoder::new().compress_vec(&vec![0; PUSH_BYTES_MAX + 1]).expect("snappy");
    let (events, _, summary) = pushed(Protocol::Loki, &bomb);
    assert!(events.is_empty() && summary.broken.is_some());
    let mut frames = Vec::new();
    snap::read::FrameEncoder::new(&vec![0_u8; PUSH_BYTES_MAX + 1][..])
        .read_to_end(&mut frames)
        .expect("frames");
    let (events, _, summary) = pushed(Protocol::OtlpLogs, &frames);
    assert!(events.is_empty() && summary.broken.is_some_and(|reason| reason.contains("MiB")));
}

#[test]
fn a_body_that_is_too_long_is_refused_without_being_held() {
    let mut push = Push::new(Protocol::Bulk, CONTEXT, None);
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..40 {
        push.feed(&piece);
        assert!(push.buffered_bytes() <= PUSH_BYTES_MAX);
    }
    assert!(push.finish());
    assert!(push.take_batch().is_empty() && push.summary().broken.is_some());
}

#[test]
fn a_bad_record_costs_only_itself() {
    let bulk = b"{\"create\":{\"_id\":\"1\"}}\n{\"account\":\"a\",\"ts\":1795426307}\n\
                 {\"index\":{}}\n{\"account\":\n{\"delete\":{\"_id\":\"1\"}}\n\
                 {\"update\":{\"_id\":\"2\"}}\n{\"doc\":{\"account\":\"b\",\"ts\":1795426308}}\n{\"create\":{}}\n";
    let (events, rejects, summary) = pushed(Protocol::Bulk, bulk);
    assert_eq!((events.len(), rejects.len()), (2, 2));
    assert_eq!(summary.refused, [2, 5]);
    let actions: Vec<&str> = summary.items.iter().map(|item| item.action).collect();
    assert_eq!(actions, ["create", "index", "delete", "update", "create"]);

    let splunk = b"{\"time\":\"1795426307.5\",\"event\":{\"account\":\"a\"}}{\"time\":1795426308,\"event\":\"{\\\"account\\\":\\\"b\\\"}\"}\n\
                   {\"event\":\n{\"time\":1795426309,\"event\":{\"account\":\"c\"},\"fields\":{\"ip\":\"203.0.113.9\"}}";
    let (events, rejects, _) = pushed(Protocol::Splunk, splunk);
    assert_eq!((events.len(), rejects.len()), (3, 1));
    assert_eq!(events[0]["ts"], "2026-11-23T09:31:47.5Z");
    assert_eq!(events[2]["ip"], "203.0.113.9");

    let loki = br#"{"streams":[{"stream":{"account":"a"},"values":[["1795426307000000000","{\"model\":\"m\"}"],["x"],["1795426308000000000","words",{"model":"n"}]]}]}"#;
    let (events, rejects, _) = pushed(Protocol::Loki, loki);
    assert_eq!((events.len(), rejects.len()), (2, 1));
    assert_eq!((&events[0]["model"], &events[1]["model"]), (&json!("m"), &json!("n")));
}

#[test]
fn the_body_tells_protobuf_from_json() {
    // One resource whose bytes are as long as the number of a brace: a line feed, then `{`.
    let inside = nested(1, &[0; 121]);
    let body = nested(1, &inside);
    assert_eq!(&body[..2], b"\n{");
    assert!(pushed(Protocol::OtlpLogs, b"  {\"resourceLogs\":[]}").2 == Summary::default());
    assert!(pushed(Protocol::OtlpTraces, b"").2.broken.is_none());
    assert!(pushed(Protocol::OtlpTraces, b"<html>").2.broken.is_some());
}

#[test]
fn records_of_no_source_are_passed_over() {
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","spanId":"01","name":"SELECT","startTimeUnixNano":"1795426307000000000","attributes":[{"key":"db.system","value":{"stringValue":"pg"}}]}]}]}]}"#;
    let (events, rejects, summary) = pushed(Protocol::OtlpTraces, body);
    assert!(events.is_empty() && rejects.is_empty() && summary == Summary::default());
}
