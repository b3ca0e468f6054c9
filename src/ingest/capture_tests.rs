//! Requests that real shippers sent, byte for byte: every record of them is an event.

use super::{Context, Decoder, Reject};
use crate::event::{Aspect, EventBatch, Text, aspect_values};
use crate::privacy::{Privacy, Pseudonyms};
use std::fs;
use std::io::Read;
use std::path::PathBuf;

const PRIVACY: Privacy = Privacy::new([42; 32], Pseudonyms::NONE);
const CONTEXT: Context = Context::new(42, 1_795_500_000_000_000, PRIVACY);

/// The bodies of one shipper, decompressed as their headers say.
fn bodies(shipper: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures").join(shipper);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "body"));
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|file| decompressed(file)).collect()
}

fn decompressed(file: &std::path::Path) -> Vec<u8> {
    let body = fs::read(file).unwrap();
    let request: serde_json::Value =
        serde_json::from_slice(&fs::read(file.with_extension("request.json")).unwrap()).unwrap();
    let mut plain = Vec::new();
    match request["headers"]["Content-Encoding"].as_str() {
        None => plain = body,
        Some("gzip") => {
            flate2::read::MultiGzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
        }
        Some("zstd") => plain = zstd::decode_all(body.as_slice()).unwrap(),
        Some(other) => panic!("{other}"),
    }
    plain
}

fn decode(body: &[u8]) -> (EventBatch, Vec<Reject>) {
    let mut decoder = Decoder::new(CONTEXT);
    assert_eq!(decoder.feed(body), body.len());
    assert!(decoder.finish());
    let rejects = std::mem::take(decoder.rejects());
    assert_eq!(rejects.count, rejects.first.len() as u64);
    (decoder.take_batch(), rejects.first)
}

/// Accounts of all events of a shipper, in order; there must be no rejects.
fn accounts(shipper: &str) -> Vec<String> {
    let mut accounts = Vec::new();
    for body in bodies(shipper) {
        let (batch, rejects) = decode(&body);
        assert_eq!(rejects, [], "{shipper}");
        for event in batch.iter() {
            let account = aspect_values(event.aspect_key(Aspect::Subject)).next().unwrap();
            accounts.push(String::from_utf8(account.to_vec()).unwrap());
        }
    }
    accounts
}

#[test]
fn lines_with_native_names_are_taken() {
    let syslog_ng = accounts("syslog-ng-http-lines");
    assert_eq!(syslog_ng.len(), 8);
    assert_eq!(syslog_ng[..2], ["acct-alice", "acct-bob"]);
    let (batch, _) = decode(&bodies("syslog-ng-http-lines")[0]);
    let first = batch.iter().next().unwrap();
    assert_eq!(first.ts(), 1_795_426_628_107_000);
    assert_eq!(first.text(Text::RequestId), b"req-0000");
    let status = aspect_values(first.aspect_key(Aspect::Route)).nth(2).unwrap();
    assert_eq!(status, 200_u16.to_be_bytes());
    let client: Vec<&[u8]> = aspect_values(first.aspect_key(Aspect::Client)).collect();
    assert_eq!(client, [&b"fp-21"[..], b"OpenAI/Python 1.99.1"]);

    let caddy = accounts("caddy-file-curl");
    assert!(caddy.len() > 4 && caddy.contains(&"acct-alice".to_owned()), "{caddy:?}");
}

#[test]
fn lines_with_the_names_of_nginx_are_taken() {
    let shippers = [
        ("curl-ndjson", 8),
        ("fluent-bit-http-lines", 8),
        ("fluent-bit-http-json", 8),
        ("fluent-bit-http-stream", 8),
        ("fluent-bit-http-gzip", 8),
        ("fluent-bit-http-zstd", 8),
        ("syslog-ng-http-single", 4),
        ("rsyslog-omhttp-newline", 4),
    ];
    for (shipper, values) in shippers {
        let found = accounts(shipper);
        assert_eq!(found.len(), values, "{shipper}");
        assert_eq!(found[..4], ["acct-alice", "acct-bob", "acct-carol", "acct-dave"], "{shipper}");
    }
}

#[test]
fn litellm_is_taken_in_all_its_formats() {
    for (shipper, values) in
        [("litellm-generic", 11), ("litellm-generic-ndjson", 11), ("litellm-generic-single", 5)]
    {
        let found = accounts(shipper);
        assert_eq!(found.len(), values, "{shipper}");
        assert!(found.contains(&"acct-alice".to_owned()), "{shipper}: {found:?}");
    }
}

#[test]
fn a_line_that_lacks_only_ts_is_taken_once_ts_is_there() {
    for body in bodies("fluent-bit-http-stream") {
        let text = String::from_utf8(body).unwrap().replace("\"msec\":", "\"ts\":");
        let (batch, rejects) = decode(text.as_bytes());
        assert_eq!((batch.len(), rejects.len()), (8, 0));
    }
}
