//! Wrong input over the wire: each kind gets an answer that says what and how to mend it, the process
//! stays up, and what is right beside it is stored.

use crate::harness::{Server, line, read_response};
use std::io::Write;

fn server() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    (folder, server)
}

/// Sends one wrong line between two right ones; gives field and reason of the one reject.
fn reject_of(server: &Server, number: &mut u64, wrong: &[u8]) -> (String, String) {
    let mut body = line(*number).into_bytes();
    body.extend_from_slice(wrong);
    body.extend_from_slice(b"\n");
    body.extend_from_slice(line(*number + 1).as_bytes());
    *number += 2;
    let answer = server.ingest(&body);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&2.into(), &1.into()), "{answer}");
    let error = &answer["errors"][0];
    assert_eq!(error["line"], 2, "{answer}");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("field"), text("reason"))
}

#[test]
fn a_wrong_line_costs_only_itself_and_is_named() {
    let (_folder, server) = server();
    let mut number = 0;
    let ok = r#""account":"a","ts":1770000000"#;
    let cases: Vec<(String, &str, &str)> = vec![
        (r#"{"account":"a"}"#.into(), "ts", "missing"),
        (r#"{"ts":1770000000}"#.into(), "account", "missing"),
        (r#"{"account":"a","ts":-5}"#.into(), "ts", "negative"),
        (r#"{"account":"a","ts":1e30}"#.into(), "ts", ""),
        (r#"{"account":"a","ts":"yesterday"}"#.into(), "ts", "yesterday"),
        (r#"{"account":"a","ts":"2099-01-01T00:00:00Z"}"#.into(), "ts", "600 s"),
        (r#"{"account":"a\u0000b","ts":1770000000}"#.into(), "account", "NUL"),
        (format!(r#"{{"account":"{}","ts":1770000000}}"#, "x".repeat(600)), "account", "512"),
        (format!(r#"{{{ok},"ip":"300.1.2.3"}}"#), "ip", "300.1.2.3"),
        (format!(r#"{{{ok},"ip":"localhost"}}"#), "ip", "localhost"),
        (format!(r#"{{{ok},"status":"teapot"}}"#), "status", "teapot"),
        (format!(r#"{{{ok},"input_tokens":-1}}"#), "input_tokens", "-1"),
        (format!(r#"{{{ok},"account":"twice"}}"#), "account", "twice"),
        (format!(r#"{{{ok},"nested":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000)), "", "nest"),
        (format!(r#"{{{ok},"cut off":"#), "", ""),
        ("not json at all".into(), "", ""),
    ];
    for (wrong, field, word) in cases {
        let (named, reason) = reject_of(&server, &mut number, wrong.as_bytes());
        let shown: String = wrong.chars().take(80).collect();
        assert!(field.is_empty() || named == field, "{shown}: names {named:?}: {reason}");
        assert!(reason.contains(word) && !reason.is_empty(), "{shown}: {reason}");
        assert!(reason.len() < 400, "{shown}: the reason is {} bytes", reason.len());
    }
    let (_, reason) = reject_of(&server, &mut number, b"{\"account\":\"\xff\xfe\",\"ts\":1770000000}");
    assert!(reason.contains("UTF-8"), "{reason}");
    // Ten megabytes on one line.
    let long = format!(r#"{{{ok},"prompt":"{}"}}"#, "x".repeat(10 << 20));
    let (_, reason) = reject_of(&server, &mut number, long.as_bytes());
    assert!(reason.contains("MiB") || reason.contains("bytes"), "{reason}");
    assert_eq!(server.rows(), number);
}

#[test]
fn a_body_of_nothing_right_is_400_with_the_reasons() {
    let (_folder, server) = server();
    let answer = server.request("POST", "/v1/events", &[], b"{}\n{}\n");
    assert_eq!(answer.status, 400);
    let answer = answer.json();
    assert_eq!((&answer["rejected"], &answer["accepted"]), (&2.into(), &0.into()), "{answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(2));
    let many = "{}\n".repeat(5_000);
    let answer = server.request("POST", "/v1/events", &[], many.as_bytes()).json();
    assert_eq!(answer["rejected"], 5_000);
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(100));
}

#[test]
fn encodings_that_are_wrong_cut_off_or_bombs_are_refused() {
    let (_folder, server) = server();
    let send = |encoding: &str, body: &[u8]| {
        server.request("POST", "/v1/events", &[("Content-Encoding", encoding)], body)
    };
    assert_eq!(send("br", b"x").status, 415);
    assert_eq!(send("gzip, zstd", b"x").status, 415);
    assert_eq!(send("gzip", b"this is not gzip").status, 400);

    let body: String = (0..500).map(line).collect();
    let gzip = |body: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    let whole = gzip(body.as_bytes());
    let cut = send("gzip", &whole[..whole.len() - 20]);
    assert_eq!(cut.status, 400, "{}", cut.text());
    // What came before the cut is stored, and sending the whole again completes it.
    let before = server.rows();
    let again = send("gzip", &whole).json();
    assert_eq!(again["duplicates"].as_u64().unwrap(), before);
    assert_eq!(server.rows(), 500);

    let bomb = gzip(&vec![b' '; 300 << 20]);
    assert!(bomb.len() < 1 << 20);
    let answer = send("gzip", &bomb);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let zstd_bomb = zstd::bulk::compress(&vec![b' '; 300 << 20], 3).unwrap();
    assert_eq!(send("zstd", &zstd_bomb).status, 413);
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    if let Ok(status) = status {
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).expect("a peak");
        let kib: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(kib < 256 << 10, "a bomb of 300 MiB was held in memory: {peak}");
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn many_tiny_posts_on_one_connection_are_answered_one_by_one() {
    let (_folder, server) = server();
    let mut stream = server.connect();
    for number in 0..50 {
        let body = line(number);
        let close = if number == 49 { "Connection: close\r\n" } else { "" };
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nHost: {}\r\n{close}Content-Length: {}\r\n\r\n",
            server.address,
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    }
    // Pipelined: the last answer closes the connection, so reading to the end gives all of them.
    let all = {
        use std::io::Read;
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        all
    };
    assert_eq!(all.matches("HTTP/1.1 200").count(), 50);
    assert_eq!(server.rows(), 50);
}

#[test]
fn a_chunked_body_that_expects_to_be_continued_is_taken() {
    let (_folder, server) = server();
    let mut stream = server.connect();
    let head = format!(
        "PUT /v1/events HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Cut in the middle of a line, as a stream is.
    let body: String = (0..10).map(line).collect();
    for piece in body.as_bytes().chunks(77) {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let answer = read_response(&mut stream).unwrap();
    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &10.into()));
}

#[test]
fn a_wrong_question_is_told_what_is_wrong() {
    let (_folder, server) = server();
    server.ingest(line(1).as_bytes());
    for (path, status, word) in [
        ("/v1/nothing", 404, "/v1/"),
        ("/v1/accounts/nobody", 404, "nobody"),
        ("/v1/search?where=ip%20in%20(", 400, "byte"),
        ("/v1/search?where=colour%20=%20red", 400, "colour"),
        ("/v1/search?where=account=a&select=everything", 400, "select"),
        ("/v1/accounts/acct-1?since=yesterday", 400, "since"),
        ("/v1/accounts/acct-1/neighbors?via=shoe", 400, "via"),
        ("/v1/accounts/acct-1/events?limit=many", 400, "limit"),
        ("/v1/accounts/acct-1/events?cursor=forged", 400, "cursor"),
        ("/v1/ips/300.1.1.1", 400, "300.1.1.1"),
        ("/v1/accounts/acct-1?format=xml", 400, "format"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert!(answer.text().contains(word), "{path}: {}", answer.text());
    }
    let answer = server.request("DELETE", "/v1/events", &[], b"");
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")));
}

#[test]
fn names_that_attack_a_terminal_or_a_spreadsheet_come_out_harmless() {
    let (_folder, server) = server();
    let event = serde_json::json!({
        "account": "\u{1b}]8;;http://evil\u{7}=cmd|'/c calc'!A1", "ts": 1_770_000_000, "ip": "203.0.113.9",
        "user_agent": "=HYPERLINK(\"http://evil\")", "fingerprint": "\u{202e}fp",
    });
    server.ingest(event.to_string().as_bytes());
    let search = "/v1/search?where=ip%20=%20203.0.113.9&select=events&format=";
    let table = server.get(&format!("{search}table")).text();
    assert!(!table.contains('\u{1b}') && !table.contains('\u{202e}'), "{table:?}");
    let csv = server.get(&format!("{search}csv")).text();
    assert!(csv.contains("'=HYPERLINK") && !csv.contains("\n=") && !csv.contains(",="), "{csv}");
    let json = server.get(&format!("{search}json")).json();
    assert!(json.to_string().contains("=HYPERLINK"), "JSON keeps the value as it is: {json}");
}
