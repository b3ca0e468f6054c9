//! The floor as its clients see it: a real listener on a free port, a fake engine behind it.
//!
//! What is pure is tested in its own file.

use crate::http::auth::Guard;
use crate::http::client::{Client, Response};
use crate::http::serve::serve;
use crate::http::testing::{Disk, FakeEngine};
use crate::limits::DRAIN_WAIT;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs until it is dropped or stopped.
struct Server {
    runtime: Runtime,
    address: SocketAddr,
    engine: Arc<FakeEngine>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl Server {
    fn start(engine: FakeEngine) -> Self {
        Self::guarded(engine, Guard::LocalHost)
    }

    fn guarded(engine: FakeEngine, guard: Guard) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("runtime");
        let engine = Arc::new(engine);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("bind");
        let address = listener.local_addr().expect("address");
        let (stop, stopped) = oneshot::channel();
        let behind = Arc::clone(&engine);
        let served = runtime.spawn(serve(listener, behind, guard, async {
            let _ = stopped.await;
        }));
        Self { runtime, address, engine, stop: Some(stop), served: Some(served) }
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address), None).expect("client")
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let answer = checked(self.client().get(path, "*/*").expect("answer"));
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    fn post(&self, encoding: Option<&str>, body: impl Into<Vec<u8>>) -> (u16, Value) {
        let body = std::io::Cursor::new(body.into());
        let answer = self.client().post_stream("/v1/events", encoding, body).expect("answer");
        let answer = checked(answer);
        (answer.status.as_u16(), serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// Sends bytes as they are and reads until the server closes.
    fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).expect("write");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
        stream
    }
}

/// What is true of every answer.
fn checked(answer: Response) -> Response {
    for (name, value) in
        [("vary", "accept"), ("x-content-type-options", "nosniff"), ("cache-control", "no-store")]
    {
        assert_eq!(
            answer.headers.get(name).map(hyper::header::HeaderValue::as_bytes),
            Some(value.as_bytes()),
            "{name}"
        );
    }
    assert!(answer.headers.contains_key("x-request-id"));
    if answer.status.is_client_error() || answer.status.is_server_error() {
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let document: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(document["status"], answer.status.as_u16());
        assert!(document["detail"].is_string() && document["title"].is_string());
    }
    answer
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("finish")
}

fn lines(count: usize) -> String {
    (0..count).fold(String::new(), |text, line| text + &format!("line-{line}\n"))
}

#[test]
fn a_body_is_counted_line_by_line() {
    let server = Server::start(FakeEngine::new());
    let (status, answer) = server.post(None, "a\nbad\nb\na\nodd\nc");
    assert_eq!(status, 200);
    let errors = json!([
        { "line": 2, "field": "ts", "reason": "it is bad" },
        { "line": 5, "reason": "it is odd" },
    ]);
    assert_eq!(answer, json!({ "accepted": 3, "duplicates": 1, "rejected": 2, "errors": errors }));
    let zeros = json!({ "accepted": 0, "duplicates": 0, "rejected": 0, "errors": [] });
    assert_eq!(server.post(None, ""), (200, zeros));
    let (status, answer) = server.post(None, "bad\nodd\n");
    assert_eq!(
        (status, &answer["rejected"], &answer["type"]),
        (400, &json!(2), &json!("urn:cahoots:problem:nothing-accepted"))
    );
    assert_eq!(server.post(None, "a\nbad\n").0, 200, "a duplicate is no failure");
}

#[test]
fn every_encoding_and_a_long_body_arrive_whole_and_in_order() {
    let text = lines(20_000);
    for (encoding, body) in [
        (None, text.clone().into_bytes()),
        (Some("gzip"), gzip(text.as_bytes())),
        (Some("zstd"), zstd::encode_all(text.as_bytes(), 3).expect("zstd")),
    ] {
        let server = Server::start(FakeEngine { batch_events_max: 1_000, ..FakeEngine::new() });
        let (status, answer) = server.post(encoding, body);
        assert_eq!((status, &answer["accepted"]), (200, &json!(20_000)), "{encoding:?}");
        let stored = server.engine.stored();
        assert!(stored.iter().zip(text.lines()).all(|(stored, sent)| stored.contains(sent)), "{encoding:?}");
    }
}

#[test]
fn only_so_many_batches_wait_for_their_commit() {
    let server = Server::start(FakeEngine::new().with_disk(Disk::Waits));
    let mut client = server.client();
    let sending = std::thread::spawn(move || {
        let body = std::io::Cursor::new(lines(30).into_bytes());
        client.post_stream("/v1/events", None, body).expect("answer").status.as_u16()
    });
    // Ten batches of three: four wait, the fifth is not given in before one is committed.
    let engine = &server.engine;
    for committed in 0..10 {
        let waiting = (committed + 4).min(10);
        while engine.submitted.load(Ordering::Relaxed) < waiting {
            std::thread::yield_now();
        }
        assert!(engine.submitted.load(Ordering::Relaxed) <= waiting);
        engine.commits.add_permits(1);
    }
    assert_eq!(sending.join().expect("sent"), 200);
    assert_eq!(engine.stored().len(), 30);
    assert_eq!(engine.room.bytes_held(), 0, "all room came back");
}

#[test]
fn a_full_disk_is_507_and_a_broken_one_503_without_its_secrets() {
    let server = Server::start(FakeEngine::new().with_disk(Disk::Full));
    let answer = checked(server.client().post("/v1/events", "text/plain", "a\n").expect("answer"));
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["retry-after"]),
        (507, &"30".parse().expect("header"))
    );
    assert_eq!(server.get("/v1/accounts/x").0, 200, "reads go on");
    let server = Server::start(FakeEngine::new().with_disk(Disk::Broken));
    let (status, answer) = server.post(None, lines(100));
    assert_eq!(status, 503);
    assert!(!answer.to_string().contains("sector"), "{answer}");
}

#[test]
fn a_cut_body_keeps_and_reports_what_came_before() {
    let server = Server::start(FakeEngine::new());
    let whole = gzip(lines(50_000).as_bytes());
    let (status, answer) = server.post(Some("gzip"), &whole[..whole.len() / 2]);
    assert_eq!((status, &answer["type"]), (400, &json!("urn:cahoots:problem:body-cut-off")));
    let accepted = answer["accepted"].as_u64().expect("number");
    assert!(accepted > 1_000);
    assert_eq!(server.engine.stored().len() as u64, accepted);
}

#[test]
fn bombs_and_unknown_encodings_are_refused() {
    let server = Server::start(FakeEngine::new());
    let (status, answer) = server.post(Some("gzip"), gzip(&vec![b'\n'; 64 << 20]));
    assert_eq!((status, &answer["type"]), (413, &json!("urn:cahoots:problem:bomb")));
    let (status, answer) = server.post(Some("br"), "x");
    assert_eq!((status, &answer["field"]), (415, &json!("content-encoding")));
    assert_eq!(server.post(Some("gzip, gzip"), "x").0, 415);
    assert_eq!(server.post(Some("gzip"), "no gzip").0, 400);
    let announced = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741825\r\nExpect: 100-continue\r\n\r\n";
    let answer = server.raw(announced.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413"), "refused before a byte of it was sent: {answer}");
}

#[test]
fn a_refusal_is_seen_by_a_client_that_is_still_sending() {
    let server = Server::start(FakeEngine::new());
    let (status, _) = server.post(Some("br"), vec![b'x'; 4 << 20]);
    assert_eq!(status, 415);
}

#[test]
fn expect_gets_its_100_only_when_the_body_is_wanted() {
    let server = Server::start(FakeEngine::new());
    let mut stream = server.connect();
    let head = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("write");
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).expect("100");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"a\n").expect("write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = server.raw(head.replace("/v1/events", "/v1/event").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn queries_answer_in_the_format_asked_for() {
    let server = Server::start(FakeEngine::new());
    let mut client = server.client();
    for (path, accept, content_type, body) in [
        ("/v1/accounts/a%20b", "*/*", "application/json", "{\"account\":\"a b\"}\n"),
        ("/v1/accounts/x?format=csv", "*/*", "text/csv; charset=utf-8; header=present", "account\nx\n"),
        (
            "/v1/accounts/x",
            "application/x-ndjson",
            "application/x-ndjson",
            "{\"account\":\"x\"}\n{\"_end\":true,\"next\":\"c1\",\"rows\":1}\n",
        ),
    ] {
        let answer = checked(client.get(path, accept).expect("answer"));
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["content-type"]),
            (200, &content_type.parse().expect("header"))
        );
        assert_eq!(answer.headers["x-next-cursor"], "c1");
        assert_eq!(String::from_utf8_lossy(&answer.body), body);
    }
    let answer = client.post("/v1/search?select=count", "text/plain", "ip = \"x\"").expect("answer");
    assert_eq!(&answer.body[..], b"{\"account\":\"ip = \\\"x\\\"\"}\n");
    assert_eq!(client.post("/v1/search", "text/plain", vec![b'x'; 70_000]).expect("answer").status, 413);
    assert_eq!(client.post("/v1/search", "text/plain", vec![0xff]).expect("answer").status, 400);
}

#[test]
fn wrong_questions_say_what_is_wrong() {
    let server = Server::start(FakeEngine::new());
    let (status, answer) = server.get("/v1/acounts/x");
    assert_eq!((status, &answer["near"][0]), (404, &json!("/v1/accounts/{account}")));
    let (status, answer) = server.get("/v1/accounts/x?lmit=3");
    assert_eq!((status, &answer["field"]), (400, &json!("lmit")));
    let (status, answer) = server.get("/v1/accounts/nobody");
    assert_eq!((status, &answer["field"]), (404, &json!("account")));
    assert_eq!(server.get("/v1/accounts/panics").0, 500);
    assert_eq!(server.get("/healthz").0, 200, "and it lives on");
    let answer = checked(server.client().get("/v1/events", "*/*").expect("answer"));
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["allow"]),
        (405, &"POST, PUT".parse().expect("header"))
    );
}

#[test]
fn an_abandoned_query_stops() {
    let server = Server::start(FakeEngine::new());
    let stream = server.connect();
    (&stream).write_all(b"GET /v1/accounts/endless HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("write");
    let (started, cancelled) =
        (Arc::clone(&server.engine.query_started), Arc::clone(&server.engine.query_cancelled));
    server.runtime.block_on(started.notified());
    stream.shutdown(Shutdown::Both).expect("shutdown");
    drop(stream);
    server.runtime.block_on(cancelled.notified());
}

#[test]
fn the_server_tells_about_itself() {
    let server = Server::start(FakeEngine::new());
    assert_eq!(server.get("/readyz").0, 200);
    server.post(None, "a\nb\na\nbad\n");
    let (_, status) = server.get("/v1/status");
    assert_eq!((&status["events"], &status["newest_event"]), (&json!(2), &json!("1970-01-01T00:00:01.5Z")));
    assert_eq!(status["store"]["segments"], 0);
    let metrics = server.client().get("/metrics", "*/*").expect("answer");
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    for line in [
        "cahoots_events_total{result=\"accepted\"} 2",
        "cahoots_events_total{result=\"duplicate\"} 1",
        "cahoots_events_total{result=\"rejected\"} 1",
        "cahoots_commits_total 7",
        "cahoots_http_requests_total{class=\"2xx\"} 3",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    server.engine.unwritable.store(true, Ordering::Relaxed);
    let (status, answer) = server.get("/readyz");
    assert_eq!((status, &answer["detail"]), (503, &json!("the disk is full")));
    assert_eq!(server.get("/healthz").0, 200);
    assert_eq!(server.get("/openapi.json").1["openapi"], "3.1.0");
}

#[test]
fn a_token_is_wanted_everywhere_but_on_healthz() {
    let server = Server::guarded(FakeEngine::new(), Guard::Token("0123456789abcdef".into()));
    for (path, method) in crate::http::route::listed() {
        let path = path.replace("{net}", "192.0.2.1").replace(['{', '}'], "");
        let request = format!("{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes());
        let expected = if path == "/healthz" { "HTTP/1.1 200" } else { "HTTP/1.1 401" };
        assert!(answer.starts_with(expected), "{method} {path}: {answer}");
    }
    let url = format!("http://{}", server.address);
    let mut client = Client::new(&url, Some("0123456789abcdef")).expect("client");
    assert_eq!(client.get("/v1/status", "*/*").expect("answer").status, 200);
}

#[test]
fn what_looks_like_smuggling_or_rebinding_gets_no_answer() {
    let server = Server::start(FakeEngine::new());
    let no_host = server.raw(b"GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(no_host.starts_with("HTTP/1.1 400"), "{no_host}");
    let foreign = server.raw(b"GET /v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert!(foreign.starts_with("HTTP/1.1 421"), "{foreign}");
    // Both lengths: the chunks count, and what follows them is never taken for a second request.
    let both = "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\
                Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = server.raw(both.as_bytes());
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    let large = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    assert!(server.raw(large.as_bytes()).starts_with("HTTP/1.1 431"));
    let many = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(150));
    assert!(server.raw(many.as_bytes()).starts_with("HTTP/1.1 431"));
}

#[test]
fn a_graceful_stop_answers_what_is_in_flight() {
    let mut server = Server::start(FakeEngine::new().with_disk(Disk::Waits));
    let mut client = server.client();
    let sending = std::thread::spawn(move || {
        client.post("/v1/events", "text/plain", "a\n").expect("answer").status.as_u16()
    });
    while server.engine.submitted.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    server.stop.take().expect("not stopped yet").send(()).expect("serving");
    // Once the listener is closed, the stop is under way.
    while TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    server.engine.commits.add_permits(1);
    assert_eq!(sending.join().expect("sent"), 200);
    server.runtime.block_on(server.served.take().expect("not joined yet")).expect("served to the end");
}

#[test]
fn a_stop_does_not_wait_for_those_who_ask_nothing() {
    let mut server = Server::start(FakeEngine::new());
    let silent = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET /heal").expect("write");
    let mut idle = server.client();
    assert_eq!(idle.get("/healthz", "*/*").expect("answer").status, 200);
    let began = Instant::now();
    server.stop.take().expect("not stopped yet").send(()).expect("serving");
    server.runtime.block_on(server.served.take().expect("not joined yet")).expect("served to the end");
    assert!(began.elapsed() < DRAIN_WAIT / 2, "{:?}", began.elapsed());
    drop((silent, half));
}

#[test]
fn one_connection_serves_many_requests_and_a_lost_one_is_replaced() {
    let server = Server::start(FakeEngine::new());
    let mut client = server.client();
    for number in 0..50 {
        let answer = client.post("/v1/events", "text/plain", format!("e{number}")).expect("answer");
        assert_eq!(answer.status, 200);
    }
    assert_eq!(server.engine.stored().len(), 50);
    let failing = std::io::Cursor::new(b"x").chain(Failing);
    let error = client.post_stream("/v1/events", None, failing).expect_err("cannot be read").to_string();
    assert!(error.contains("could not read"), "{error}");
    assert_eq!(client.get("/healthz", "*/*").expect("answer").status, 200);
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("a bad sector"))
    }
}
