//! Records as real senders wrote them, and the events that they are: each `tests/fixtures/sources/NAME.*`
//! beside its `NAME.expected.json`, which was read against the records by eye.
//!
//! `CAHOOTS_GOLDEN=write` writes them anew; what changed is then for the reader of the diff to judge.

use crate::event::{Aspect, Event, Number, Text, aspect_values, ip_from_bytes};
use crate::ingest::{Context, Decoder, Kind};
use crate::privacy::{Privacy, Pseudonyms};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const PRIVACY: Privacy = Privacy::new([42; 32], Pseudonyms::NONE);
const CONTEXT: Context = Context::new(42, 1_795_500_000_000_000, PRIVACY);

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sources");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    files.retain(|file| !file.to_string_lossy().ends_with(".expected.json"));
    files.sort();
    files
}

pub(in crate::ingest) fn readable(event: Event<'_>) -> Value {
    let mut fields = Map::new();
    let ts = jiff::Timestamp::from_microsecond(event.ts()).expect("in range");
    fields.insert("ts".into(), ts.to_string().into());
    for aspect in Aspect::ALL {
        let key = event.aspect_key(aspect);
        for (dim, value) in
            aspect.dims().iter().zip(aspect_values(key)).filter(|(_, value)| !value.is_empty())
        {
            let shown: Value = match (dim.name(), value) {
                ("ip", value) => ip_from_bytes(value.try_into().expect("16 bytes")).to_string().into(),
                ("asn", value) => u32::from_be_bytes(value.try_into().expect("4 bytes")).into(),
                ("status", value) => u16::from_be_bytes(value.try_into().expect("2 bytes")).into(),
                (_, value) => String::from_utf8_lossy(value).into(),
            };
            fields.insert(dim.name().into(), shown);
        }
    }
    for (name, text) in
        [("request_id", Text::RequestId), ("session", Text::Session), ("prompt_hash", Text::PromptHash)]
    {
        let value = event.text(text);
        if !value.is_empty() {
            fields.insert(name.into(), String::from_utf8_lossy(value).into());
        }
    }
    let numbers = [
        ("input_tokens", Number::InputTokens),
        ("output_tokens", Number::OutputTokens),
        ("latency_ms", Number::LatencyMs),
        ("prompt_chars", Number::PromptChars),
        ("system_prompt_key", Number::System),
    ];
    for (name, number) in numbers {
        if let Some(value) = event.number_plus_one(number).checked_sub(1) {
            fields.insert(name.into(), value.into());
        }
    }
    fields.into()
}

fn decoded(body: &[u8], piece_len: usize) -> Value {
    let mut decoder = Decoder::new(CONTEXT);
    for piece in body.chunks(piece_len) {
        assert_eq!(decoder.feed(piece), piece.len());
    }
    assert!(decoder.finish());
    let events: Vec<Value> = decoder.take_batch().iter().map(readable).collect();
    let rejects: Vec<String> = decoder
        .rejects()
        .first
        .iter()
        .map(|reject| format!("line {}: {}", reject.line, reject.reason))
        .collect();
    json!({ "events": events, "rejects": rejects })
}

fn sources(body: &[u8]) -> Vec<&'static str> {
    let mut decoder = Decoder::new(CONTEXT).explaining();
    assert_eq!(decoder.feed(body), body.len());
    assert!(decoder.finish());
    decoder.take_explained().iter().map(|explained| explained.kind.name()).collect()
}

fn expected_file(fixture: &Path) -> PathBuf {
    fixture.with_extension("expected.json")
}

#[test]
fn every_fixture_is_the_events_that_its_golden_file_says() {
    let write = std::env::var("CAHOOTS_GOLDEN").is_ok_and(|word| word == "write");
    for fixture in fixtures() {
        let body = fs::read(&fixture).expect("fixture");
        let mut found = decoded(&body, body.len());
        assert_eq!(found, decoded(&body, 7), "{}: in pieces", fixture.display());
        found["sources"] = sources(&body).into();
        let file = expected_file(&fixture);
        if write {
            let text = serde_json::to_string_pretty(&found).expect("JSON");
            fs::write(&file, text + "\n").expect("golden file");
        }
        let text = fs::read_to_string(&file).expect("golden file");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found, expected, "{}", fixture.display());
    }
}

/// Whatever becomes of a record on its way, it costs no panic, and pieces change nothing.
#[test]
fn damaged_records_are_the_same_whole_and_in_pieces() {
    let mut state = 7_u64;
    let mut dice = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides
    };
    for fixture in fixtures() {
        let body = fs::read(&fixture).expect("fixture");
        for _ in 0..20 {
            let mut damaged = body.clone();
            for _ in 0..=dice(4) {
                let place = dice(damaged.len());
                match dice(3) {
                    0 => damaged[place] = b"{}[]\",:\\\n 0a."[dice(13)],
                    1 => {
                        let end = (place + 1 + dice(40)).min(damaged.len());
                        drop(damaged.drain(place..end));
                    }
                    _ => damaged.insert(place, b"{}[]\",:\\\n 0a."[dice(13)]),
                }
            }
            let whole = decoded(&damaged, damaged.len());
            assert_eq!(whole, decoded(&damaged, 11), "{}: {}", fixture.display(), damaged.escape_ascii());
        }
    }
}

/// A record is what it is, whatever kind of record came before it.
#[test]
fn what_came_before_a_record_does_not_change_it() {
    const FOREIGN: &str = r#"{"litellm_call_id":"c","startTime":1795426307,"end_user":"u"}"#;
    const NATIVE: &str = r#"{"account":"a","ts":1795426307}"#;
    let cases = [
        NATIVE,
        FOREIGN,
        r#"{"content":"tests"}"#,
        r#"{"x":1}"#,
        r#"{"account":{},"ts":1795426307,"user.id":"u"}"#,
        r#"{"\u0061ccount":[],"ts":1795426307,"user":{"id":"u"}}"#,
        r#"{"account":null,"ts":1795426307,"user.id":"u"}"#,
        r#"{"account":"a","ts":1795426307,"user.id":"u"}"#,
        r#"{"account":"a","ts":1795426307,"ts":1,"user.id":"u"}"#,
        r#"{"account":"a","ts":1795426307,"request":{"remote_ip":"8.8.8.8"}}"#,
        r#"{"message":"{\"user.id\":\"u\",\"ts\":1795426307}","x":1}"#,
        r#"{"logs":[{"user.id":"u","ts":1795426307},{"user.id":"v","ts":1795426307}]}"#,
        r#"{"logs":"{\"user.id\":\"u\"}","user.id":"v","ts":1795426307}"#,
        r#"{"user.id":"u","ts":1795426307,"x":"\ud800"}"#,
        r#"{"user.id":"u","ts":1795426307"#,
        "{\n\"user.id\":\"u\",\n\"ts\":1795426307}{}",
        "{\"user.id\":\"\u{e9}\",\"ts\":1795426307} x",
        r#"{"litellm_call_id":"d","startTime":1795426307,"end_user":"u","response":{"choices":["\ud800",1e999]}}"#,
        r#"{"litellm_call_id":"d","startTime":1795426307,"end_user":"u","response":{"choices":[}}"#,
        r#"{"litellm_call_id":"d","startTime":1795426307,"end_user":"\ud800"}"#,
        r#"{"litellm_call_id":"d","startTime":1795426307,"end_user":"u","account":"a","ts":1795426307}"#,
        r#"{"litellm_call_id":"d","start\u0054ime":1795426307,"end_user":"u"} {"startTime":1,"x":"\ud800"}"#,
        r#"{"call_type":"c","startTime":1795426307,"end_user":"u","response":1}"#,
        r#"{"call_type":"c","startTime":1795426307,"end_user":"u","response":2}"#,
        r#"{"litellm_call_id":"d","startTime":1795426307,"end_user":"u","logs":[{"account":"a","ts":1795426307}]}"#,
        r#"{"batch":[{"litellm_call_id":"d","startTime":1795426307,"end_user":"u","response":"\ud800"}]}"#,
    ];
    let files: Vec<Vec<u8>> = fixtures().iter().map(|file| fs::read(file).expect("fixture")).collect();
    for case in files.iter().map(Vec::as_slice).chain(cases.map(str::as_bytes)) {
        let after = |before: &str| {
            let mut found = decoded(&[before.as_bytes(), b"\n", case].concat(), usize::MAX);
            found["events"].as_array_mut().expect("events").remove(0);
            found
        };
        assert_eq!(after(FOREIGN), after(NATIVE), "{}", case.escape_ascii());
    }
}

/// What is passed over of a record that logs more than anybody asks of it leaves no trace in its event.
#[test]
fn a_record_of_which_most_is_passed_over_is_the_event_that_all_of_it_is() {
    let mut compared = 0;
    for fixture in fixtures() {
        let body = fs::read(&fixture).expect("fixture");
        let is_litellm = sources(&body).contains(&Kind::LiteLlm.name());
        // To be explained, a record is read as a whole.
        let mut whole = Decoder::new(CONTEXT).explaining();
        whole.feed(&body);
        assert!(whole.finish());
        let whole: Vec<Value> = whole.take_batch().iter().map(readable).collect();
        assert_eq!(decoded(&body, body.len())["events"], Value::from(whole), "{}", fixture.display());
        compared += usize::from(is_litellm);
    }
    assert!(compared >= 4, "{compared}");
}

/// What nobody reads may be broken: half of a surrogate pair in an answer, as Python writes it, costs no event.
#[test]
fn what_is_passed_over_may_be_no_text() {
    let line =
        r#"{"litellm_call_id":"d","startTime":1795426307,"end_user":"u","response":"\ud83d","x":[1e999]}"#;
    let found = decoded(line.as_bytes(), line.len());
    assert_eq!(
        (found["events"].as_array().map(Vec::len), &found["rejects"]),
        (Some(1), &Value::from(Vec::<Value>::new()))
    );
    let read = line.replace("\"u\"", r#""\ud83d""#);
    assert_eq!(decoded(read.as_bytes(), read.len())["events"], Value::from(Vec::<Value>::new()));
}
