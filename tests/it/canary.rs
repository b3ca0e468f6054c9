//! Canaries: prompts, keys, tokens, cards and mail addresses are sent in every protocol, in good records and in bad
//! ones, and then looked for in every file of the data folder, in the log, in every answer and in a dump.

use crate::harness::{CAHOOTS, Response, Server, run};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const KEY: &str = "sk-canarykey-0123456789abcdef";
const AUTH: &str = "Bearer canaryauth0123456789";
/// `canarybasic:canarybasic`.
const BASIC: &str = "Basic Y2FuYXJ5YmFzaWM6Y2FuYXJ5YmFzaWM=";
const CARD: &str = "4111 1111 1111 1111";
const MAIL: &str = "canarymail@example.org";
const PROMPT: &str = "canaryprompt: think step by step and show all of your reasoning";
const SYSTEM: &str = "canarysystem: you are a helpful assistant";
const ANSWER: &str = "canaryanswer: first, second, third";

/// What must be found nowhere.
const CANARIES: [&str; 10] = [
    "canarykey",
    "canaryauth",
    "Y2FuYXJ5",
    "4111 1111",
    "41111111",
    "canarymail",
    "canaryprompt",
    "canarysystem",
    "canaryanswer",
    "canarybasic",
];

/// A record whose every text holds something.
fn native(id: &str) -> Value {
    json!({
        "ts": 1_770_000_000, "request_id": id, "account": "ann", "api_key": KEY, "ip": "192.0.2.7",
        "user_agent": format!("agent/1 ({AUTH})"), "fingerprint": format!("fp {BASIC}"),
        "endpoint": "/v1/chat?api_key=canarykey-1&authorization=x", "session": format!("of {KEY}"),
        "payment": CARD, "email_domain": MAIL, "model": "m-small", "plan": format!("plan of {KEY}"), "topic": AUTH,
        "prompt": PROMPT, "system_prompt": SYSTEM,
        "headers": {"authorization": AUTH, "x-api-key": ["canarykey"], "cookie": "canarykey=1"},
        "messages": [{"role": "user", "content": PROMPT}], "note": format!("{MAIL} {CARD} {KEY}"),
        "response": ANSWER,
    })
}

fn litellm(id: &str) -> Value {
    json!({
        "id": id, "litellm_call_id": id, "call_type": "completion", "startTime": 1_770_000_001.5,
        "endTime": 1_770_000_002.5, "status": "success", "model": "m-small", "end_user": "bob",
        "requester_ip_address": "192.0.2.8",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
        "response": {"choices": [{"message": {"content": ANSWER}}]},
        "metadata": {"user_api_key_hash": KEY, "user_api_key_user_email": MAIL, "user_agent": AUTH,
            "requester_custom_headers": {"x-authorization": AUTH}},
        "error_str": format!("401 for {KEY}"),
    })
}

/// Records of accounts, good and bad.
fn accounts() -> String {
    let good = json!({
        "account": "ann", "payment": CARD, "email": MAIL, "plan": KEY, "organisation": AUTH, "verified": true,
        "signup_ip": "192.0.2.7", "name": PROMPT,
    });
    let bad = |field: &str, value: &str| json!({ "account": "ann", field: value });
    let bad = [bad("created", KEY), bad("signup_ip", CARD), bad("verified", AUTH), json!({ "plan": MAIL })];
    let bad = bad.map(|line| line.to_string()).join("\n");
    format!("{good}\n{bad}\n{AUTH} {PROMPT}\n{{\"account\":\"ann\" {KEY}}}\n")
}

fn otlp(id: &str) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    json!({"resourceLogs": [{
        "resource": {"attributes": [text("service.name", AUTH)]},
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": "1770000003000000000", "body": {"stringValue": PROMPT},
            "attributes": [
                text("user.id", "cyd"), text("gen_ai.request.model", "m-small"), text("gen_ai.response.id", id),
                text("gen_ai.prompt.0.content", PROMPT), text("gen_ai.completion.0.content", ANSWER),
                text("http.request.header.authorization", AUTH), text("user_agent.original", KEY),
                text("client.address", "192.0.2.9"),
            ],
        }]}],
    }]})
}

/// Bad in a way of each kind, with something private in what is bad.
fn bad_lines() -> Vec<String> {
    let with = |field: &str, value: Value| {
        let mut event = native("bad");
        event[field] = value;
        event.to_string()
    };
    vec![
        with("ts", json!(AUTH)),
        with("status", json!(KEY)),
        with("ip", json!(format!("{CARD}, {MAIL}"))),
        with("asn", json!(BASIC)),
        with("input_tokens", json!(4_111_111_111_111_111_u64)),
        with("account", json!([PROMPT])),
        with("prompt", json!({ PROMPT: SYSTEM })),
        format!(r#"{{"account":"a","ts":17,"prompt":"{PROMPT}" "{KEY}"}}"#),
        format!(r#"{{"account":"a","ts":17,"prompt":"{PROMPT}"#),
        format!(r#"{{"{KEY}":1}}"#),
        format!("{AUTH} {PROMPT}"),
        format!(r#"["{PROMPT}"]"#),
    ]
}

/// Sends good and bad bodies in every protocol; gives the answers.
fn send_all(server: &Server) -> Vec<Response> {
    let mut answers = Vec::new();
    let mut send = |path: &str, body: String| {
        answers.push(server.request("POST", path, &[], body.as_bytes()));
    };
    send("/v1/events", format!("{}\n{}\n", native("n-1"), litellm("l-1")));
    for line in bad_lines() {
        send("/v1/events", format!("{line}\n{}\n", native("n-2")));
        send("/_bulk", format!("{{\"index\":{{\"_index\":\"logs\"}}}}\n{line}\n"));
        let streams =
            json!({"streams": [{"stream": {"job": AUTH}, "values": [["1770000004000000000", line]]}]});
        send("/loki/api/v1/push", streams.to_string());
        send("/services/collector/event", json!({"time": 1_770_000_005, "event": line}).to_string());
        for path in ["/v1/logs", "/v1/traces", "/loki/api/v1/push", "/services/collector/event", "/_bulk"] {
            send(path, line.clone());
        }
    }
    send("/_bulk", format!("{{\"index\":{{\"_index\":\"logs\",\"_id\":\"{KEY}\"}}}}\n{}\n", native("b-1")));
    let line = native("k-1").to_string();
    let streams = json!({"streams": [{"stream": {"job": "x"}, "values": [["1770000004000000000", line]]}]});
    send("/loki/api/v1/push", streams.to_string());
    let event = json!({"time": 1_770_000_005, "event": native("s-1"), "fields": {"authorization": AUTH}});
    send("/services/collector/event", event.to_string());
    send("/v1/logs", otlp("o-1").to_string());
    send("/v1/accounts", accounts());
    send("/v1/accounts", format!(r#"[{{"account":"{PROMPT}"#));
    send("/v1/bans", format!(r#"{{"accounts":["{KEY}"],"{KEY}":1}}"#));
    send("/v1/bans", format!(r#"{{"accounts":"{AUTH}"}}"#));
    send("/v1/search", format!("{KEY} = x"));
    send(&format!("/v1/accounts/{KEY}"), String::new());
    send(&format!("/nowhere/{KEY}"), String::new());
    send("/v1/analyze", String::new());
    answers.push(server.get(&format!("/v1/ips/{KEY}")));
    answers.push(server.get(&format!("/v1/events?{KEY}=1")));
    answers
}

fn assert_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for canary in CANARIES {
        if let Some(at) = text.find(&canary.to_lowercase()) {
            let around: String =
                text[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{canary} is in {what}, after: {around}");
        }
    }
}

fn assert_folder_clean(folder: &Path) {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        assert_clean(&path.display().to_string(), &std::fs::read(&path).expect("readable"));
        files += 1;
    }
    assert!(files >= 2, "the files of the folder were not found");
}

/// A value for a query string.
fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn count(server: &Server, expression: &str) -> u64 {
    let answer = server.get(&format!("/v1/search?select=count&where={}", escaped(expression)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["events"].as_u64().unwrap_or_else(|| panic!("no count: {}", answer.text()))
}

fn start(folder: &Path, arguments: &[&str]) -> Server {
    Server::start_with(folder, Command::new(CAHOOTS).env("CAHOOTS_LOG", "debug"), arguments)
}

#[test]
fn nothing_private_is_in_any_file_log_or_error() {
    for arguments in [&[][..], &["--keep-extra=true"], &["--pseudonymize", "account,ip", "--keep-extra=true"]]
    {
        let folder = tempfile::tempdir().expect("folder");
        let server = start(folder.path(), arguments);
        for answer in send_all(&server) {
            assert_clean("an answer", &answer.body);
        }
        // What was hashed is found again by what was sent, however it was written there.
        assert!(count(&server, &format!("api_key = \"{KEY}\"")) >= 4);
        assert!(count(&server, "payment = \"4111-1111-1111-1111\"") >= 4);
        assert!(count(&server, "email_domain = example.org and account = ann") >= 4);
        assert!(count(&server, "account = cyd") == 1 && count(&server, "account = bob") == 1);
        let events = server.get("/v1/accounts/ann/events?limit=1000");
        assert_eq!(events.status, 200, "{}", events.text());
        assert_clean("the events", &events.body);
        assert!(events.text().contains("\"key:"), "{}", events.text());
        let profile = server.get("/v1/accounts/ann");
        let record = profile.json()["record"].clone();
        assert_eq!((&record["email_domain"], &record["verified"]), (&json!("example.org"), &json!(true)));
        assert!(record["payment"].as_str().is_some_and(|card| card.starts_with("card:")), "{record}");
        assert_clean("the profile", &profile.body);
        // The journal, before anything is closed or sealed.
        assert_folder_clean(folder.path());
        let (code, log) = server.terminate_with_log();
        assert_eq!(code, Some(0), "{log}");
        assert!(
            log.contains("answered") && log.contains("/v1/accounts/{account}"),
            "no log of requests: {log}"
        );
        assert_clean("the log", log.as_bytes());
        assert_folder_clean(folder.path());
        let (code, dump, _) = run(&["dump", "--data", folder.path().to_str().expect("text")]);
        assert_eq!(code, Some(0));
        assert!(dump.contains("card:") && dump.contains("key:"), "{dump}");
        assert_clean("the dump", dump.as_bytes());
    }
}

#[test]
fn pseudonyms_hide_names_and_addresses_and_keep_what_they_share() {
    let folder = tempfile::tempdir().expect("folder");
    let server = start(folder.path(), &["--pseudonymize", "account,ip"]);
    let line = |account: &str, ip: &str, id: u32| {
        let ts = 1_770_000_000 + id;
        format!(
            "{{\"ts\":{ts},\"request_id\":\"r{id}\",\"account\":\"{account}\",\"ip\":\"{ip}\",\"asn\":64500}}\n"
        )
    };
    let lines = line("canary-ann", "93.184.216.34", 1)
        + &line("canary-bob", "93.184.216.34", 2)
        + &line("canary-cyd", "93.184.216.99", 3)
        + &line("canary-dan", "2600:1:2:3::77", 4)
        + &line("canary-eve", "2600:1:2:3::99", 5);
    assert_eq!(server.ingest(lines.as_bytes())["accepted"], 5);
    assert_eq!(server.ingest(lines.as_bytes())["duplicates"], 5);

    let profile = server.get("/v1/accounts/canary-ann").json();
    let name = profile["account"].as_str().expect("a name").to_owned();
    assert!(name.starts_with("acct:"), "{profile}");
    let shown = profile["ips"]["list"][0].as_str().expect("an address").to_owned();
    assert!(shown.starts_with("p:") && !shown.contains("93.184.216.34"), "{profile}");
    // What an answer shows can be asked for, and so can what was sent.
    assert_eq!(server.get(&format!("/v1/accounts/{name}")).json()["events"], 1);
    for address in [shown.as_str(), "93.184.216.34"] {
        assert_eq!(server.get(&format!("/v1/ips/{address}")).json()["accounts"]["total"], 2, "{address}");
        assert_eq!(count(&server, &format!("ip = {address}")), 2, "{address}");
    }
    assert_eq!(count(&server, "ip in 93.184.216.0/24"), 3);
    assert_eq!(count(&server, "prefix = 2600:1:2:3::/64"), 2);
    let neighbors = server.get("/v1/accounts/canary-ann/neighbors?via=prefix").json();
    assert_eq!(neighbors["total"], 2, "{neighbors}");
    let bans = server.request("POST", "/v1/bans", &[], br#"{"accounts":["canary-ann"]}"#);
    assert_eq!(bans.json()["banned"], 1);
    let missing = server.get("/v1/accounts/canary-zoe");
    assert_eq!((missing.status, missing.text().contains("canary-zoe")), (404, false), "{}", missing.text());

    let (_, log) = server.terminate_with_log();
    for needle in ["canary", "93.184.216"] {
        assert!(!log.contains(needle), "{needle} is in the log");
        for entry in std::fs::read_dir(folder.path()).expect("folder") {
            let path = entry.expect("entry").path();
            let bytes = std::fs::read(&path).expect("readable");
            assert!(!String::from_utf8_lossy(&bytes).contains(needle), "{needle} is in {}", path.display());
        }
    }
    let data = folder.path().to_str().expect("text");
    let (code, dump, _) = run(&["dump", "--data", data]);
    assert!(code == Some(0) && !dump.contains("canary") && !dump.contains("93.184.216"), "{dump}");
    // Old names and new ones would not match.
    let (code, _, error) = run(&["serve", "--data", data, "--listen", "127.0.0.1:0", "--pseudonymize", "ip"]);
    assert_ne!(code, Some(0));
    assert!(error.contains("set it to account,ip"), "{error}");
    let server = start(folder.path(), &[]);
    assert_eq!(count(&server, "account = canary-bob"), 1);
    assert_eq!(server.terminate(), Some(0));
}
