//! What no real shipper sends: captures damaged in thousands of ways, and bodies made to cost more than they are.
//!
//! The checks are those of the fuzz targets (`tests/fuzz`); here the damage is the same in every run.

#[path = "../fuzz/check.rs"]
mod check;
#[path = "../fuzz/seeds.rs"]
mod seeds;

use crate::harness::{Response, Server, read_response};
use cahoots::ingest::Protocol;
use check::check;
use seeds::TARGETS;
use std::fmt::Write as _;
use std::io::Write as _;

/// Damaged bodies for each decoder.
const CASES: usize = 2_000;

/// Bytes of a body that is damaged: what is longer is cut, since every part of it is like its beginning.
const CASE_BYTES_MAX: usize = 8 << 10;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }

    fn damage(&mut self, body: &mut Vec<u8>, other: &[u8]) {
        const BYTES: &[u8] = b"{}[]\",:\\\n 0-9.eEtfnu\x00\x01\x08\x0a\x12\x7f\x80\xc3\xff";
        let place = self.throw(body.len());
        match self.throw(7) {
            0 if place < body.len() => body[place] = BYTES[self.throw(BYTES.len())],
            1 if place < body.len() => body[place] ^= 1 << self.throw(8),
            2 => body.insert(place, BYTES[self.throw(BYTES.len())]),
            3 => {
                let end = (place + 1 + self.throw(64)).min(body.len());
                drop(body.drain(place..end));
            }
            4 => body.truncate(place),
            5 => {
                let end = (place + self.throw(256)).min(body.len());
                let again = body[place..end].to_vec();
                let at = self.throw(body.len());
                drop(body.splice(at..at, again));
            }
            _ => {
                let start = self.throw(other.len());
                let end = (start + self.throw(512)).min(other.len());
                drop(body.splice(place..place, other[start..end].iter().copied()));
            }
        }
    }
}

#[test]
fn no_damage_to_a_capture_costs_more_than_the_records_that_it_hits() {
    for (target, protocol) in TARGETS {
        let seeds = seeds::seeds(target);
        assert!(!seeds.is_empty(), "{target} has no captures");
        let whole: usize = seeds.iter().map(|(_, body)| check(protocol, body)).sum();
        assert!(whole > 0, "{target}: no event in any capture");
        let mut dice = Dice(0x5eed);
        for _ in 0..CASES {
            let (_, body) = &seeds[dice.throw(seeds.len())];
            let (_, other) = &seeds[dice.throw(seeds.len())];
            let mut body = body[..body.len().min(CASE_BYTES_MAX)].to_vec();
            for _ in 0..=dice.throw(6) {
                dice.damage(&mut body, other);
            }
            check(protocol, &body);
        }
    }
}

/// A protobuf field with bytes in it.
fn nested(number: u8, inside: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut len = inside.len();
    while len >= 0x80 {
        bytes.push(len as u8 | 0x80);
        len >>= 7;
    }
    bytes.push(len as u8);
    bytes.extend_from_slice(inside);
    bytes
}

/// Lengths of four gigabytes and of all there is, at each depth of a request.
fn claims() -> Vec<Vec<u8>> {
    let mut claims = Vec::new();
    for claim in [
        &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f][..],
        &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ] {
        let mut body = claim.to_vec();
        for number in [6, 2, 2, 1] {
            claims.push(body.clone());
            body = nested(number, &body);
        }
    }
    claims
}

#[test]
fn what_claims_to_be_gigabytes_or_lies_ten_thousand_deep_is_not_believed() {
    let mut deep = nested(1, b"deep");
    for _ in 0..10_000 {
        deep = nested(5, &nested(1, &deep));
    }
    let deep = nested(1, &nested(2, &nested(2, &nested(5, &deep))));
    let deep_json = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{}{}}}]}}]}}]}}",
        "{\"arrayValue\":{\"values\":[".repeat(10_000),
        "]}}".repeat(10_000)
    );
    let brackets = "[".repeat(10_000) + &"]".repeat(10_000);
    let object = format!("{{\"account\":\"a\",\"ts\":1795426307,\"x\":{brackets}}}");
    let splunk = format!("{{\"event\":{object}}}");
    let bulk = format!("{{\"index\":{{}}}}\n{object}\n");
    let loki =
        format!("{{\"streams\":[{{\"values\":[[\"1\",{}]]}}]}}", serde_json::Value::from(object.clone()));
    let mut bodies = claims();
    // The same behind what a snappy block begins with: its length, here four gigabytes.
    bodies.push([&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 64]].concat());
    bodies.extend([deep, deep_json.into(), object.into(), splunk.into(), bulk.into(), loki.into()]);
    for body in bodies {
        for (target, protocol) in TARGETS {
            // Words of Loki and fields of Splunk may be an event though what lies deep in them is left out.
            assert!(check(protocol, &body) <= 1, "{target}: {}", body.len());
        }
    }
}

/// Bodies of a few megabytes at the most that would come to gigabytes, by path.
fn bombs() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    // A record of which nothing is there but its place takes two bytes.
    let million = 1_000_000;
    let label = "x".repeat(400);
    let entries = vec!["[\"1795426307000000000\",\"\"]"; 200_000].join(",");
    let labels =
        format!("{{\"streams\":[{{\"stream\":{{\"account\":\"{label}\"}},\"values\":[{entries}]}}]}}");
    let mut stream = nested(1, format!("{{account=\"{label}\"}}").as_bytes());
    stream.extend([0x12, 0].repeat(million));
    let mut many = String::new();
    for number in 0..8_000 {
        write!(many, "l{number}=\"x\",").unwrap();
    }
    let mut wide = nested(1, format!("{{{many}}}").as_bytes());
    wide.extend([0x12, 0].repeat(million));
    let account = nested(1, &[nested(1, b"user.id"), nested(2, &nested(1, label.as_bytes()))].concat());
    let records = nested(2, &[0x12, 0].repeat(5 * million));
    let scopes = [0x12, 0].repeat(5 * million);
    let json_records = vec!["{}"; 200_000].join(",");
    let json = format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{json_records}]}}]}}]}}");
    let bulk = "{\"index\":{}}\n{}\n".repeat(million);
    vec![
        ("/loki/api/v1/push", "", labels.into()),
        ("/loki/api/v1/push", "", nested(1, &stream)),
        ("/loki/api/v1/push", "", nested(1, &wide)),
        ("/v1/logs", "", nested(1, &[nested(1, &account), records].concat())),
        ("/v1/traces", "", nested(1, &[nested(2, &[0x12, 0].repeat(5 * million)), scopes].concat())),
        ("/v1/logs", "", json.into()),
        ("/_bulk", "", bulk.into()),
        ("/services/collector", "", "{}".repeat(200_000).into()),
        ("/v1/events", "", format!("{{\"batch\":[{json_records}]}}").into()),
        ("/v1/events", "gzip", gzip(&vec![b' '; 256 << 20])),
        ("/v1/events", "zstd", zstd::encode_all(&vec![b'['; 256 << 20][..], 3).unwrap()),
        ("/v1/logs", "gzip", gzip(&[0x12, 0].repeat(64 << 20))),
        ("/_bulk", "zstd", zstd::encode_all(&b"{\"index\":{}}\n{}\n".repeat(8 * million)[..], 3).unwrap()),
    ]
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(plain).unwrap();
    writer.finish().unwrap()
}

/// Sends a body and waits for the answer for as long as it takes: what is judged here is memory.
#[cfg(target_os = "linux")]
fn post(server: &Server, path: &str, encoding: &str, body: &[u8]) -> Response {
    let mut stream = server.connect();
    stream.set_read_timeout(None).unwrap();
    stream.set_write_timeout(None).unwrap();
    let encoding =
        if encoding.is_empty() { String::new() } else { format!("Content-Encoding: {encoding}\r\n") };
    let host = server.address;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{encoding}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A body that is refused early is not read to its end; the answer is there all the same.
    let _sent = stream.write_all(body);
    read_response(&mut stream).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Most memory that the server has had.
#[cfg(target_os = "linux")]
fn peak_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Bytes that the server may come to, whatever it is sent: what it holds of bodies and events, and as much again.
#[cfg(target_os = "linux")]
const PEAK_BYTES_MAX: u64 = 512 << 20;

#[cfg(target_os = "linux")]
#[test]
fn bodies_made_to_fill_memory_leave_the_server_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for (path, encoding, body) in bombs() {
        let answer = post(&server, path, encoding, &body);
        assert!(answer.status < 500 && answer.status != 429, "{path}: {}", answer.status);
        let peak = peak_bytes(&server);
        assert!(peak < PEAK_BYTES_MAX, "{path} {encoding}, {} bytes: {peak} bytes of memory", body.len());
        assert_eq!(server.get("/healthz").status, 200);
    }
    let good = br#"{"account":"a","ts":1770000000}"#;
    assert_eq!(server.ingest(good)["accepted"], 1);
}

#[test]
fn a_bulk_body_with_too_many_requests_is_answered_for_those_before() {
    let found = check(
        Some(Protocol::Bulk),
        "{\"index\":{}}\n{\"account\":\"a\",\"ts\":1770000000}\n".repeat(70_000).as_bytes(),
    );
    assert_eq!(found, cahoots::limits::BULK_ITEMS_MAX);
}
