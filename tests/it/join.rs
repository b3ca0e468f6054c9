//! An edge record and the record of a gateway become one event: over HTTP, by a clock that the test moves, and
//! through kill -9.

use crate::harness::{Server, run};
use cahoots::app::{self, Options};
use cahoots::clock::FixedClock;
use cahoots::event::{Join, MICROS_A_SECOND, Micros};
use cahoots::http::client::Client;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

const NOW: Micros = 1_770_000_600 * MICROS_A_SECOND;
const MINUTE: Micros = 60 * MICROS_A_SECOND;

/// What nginx logs of a request, with an id of its own making.
fn edge(number: u32) -> String {
    let line = json!({
        "msec": 1_770_000_000.9,
        "remote_addr": format!("8.8.4.{}", number % 250),
        "http_user_agent": "OpenAI/Python 1.99.1",
        "ssl_ja4": "t13d1516h2_8daaf6152771_b186095e22b6",
        "request_id": id(number),
        "uri": "/v1/chat/completions",
        "status": 200,
    });
    format!("{line}\n")
}

/// What `LiteLLM` logs of the same one: it was told the id in a header, and saw nobody but nginx.
fn call(number: u32) -> String {
    let line = json!({
        "litellm_call_id": format!("51d5ed5d-4b67-4168-bcf2-3397{number:08x}"),
        "startTime": 1_770_000_000.93,
        "call_type": "acompletion",
        "model_group": "m-large",
        "prompt_tokens": 7,
        "requester_ip_address": "172.17.0.1",
        "metadata": {
            "user_api_key_user_id": format!("acct-{}", number % 7),
            "requester_custom_headers": {"x-request-id": id(number)},
        },
        "messages": [{"role": "user", "content": "hello"}],
    });
    format!("{line}\n")
}

fn id(number: u32) -> String {
    format!("4bf92f3577b34da6a3ce929d{number:08x}")
}

/// Serves a folder in this process, by a clock that the test moves, while `ask` asks.
fn serving(folder: &Path, join: Join, clock: &Arc<FixedClock>, ask: impl FnOnce(&mut Client) + Send) {
    let given: Arc<FixedClock> = Arc::clone(clock);
    let listen = "127.0.0.1:0".parse().expect("address");
    let options = Options { join, clock: given, ..Options::new(folder.to_owned(), listen) };
    let (ready, address) = channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        let server = scope.spawn(move || {
            let shutdown = async { drop(stopped.await) };
            app::serve(&options, shutdown, |address| ready.send(address).expect("waited for"))
        });
        let address = address.recv().expect("ready");
        ask(&mut Client::new(&format!("http://{address}"), None).expect("client"));
        drop(stop);
        server.join().expect("no panic").expect("a clean end");
    });
}

fn send(client: &mut Client, body: &str) -> Value {
    let answer = client.post("/v1/events", "application/json", body.to_owned()).expect("answer");
    assert!(answer.status.is_success(), "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn get(client: &mut Client, path: &str) -> Value {
    serde_json::from_slice(&client.get(path, "application/json").expect("answer").body).expect("JSON")
}

/// Events, events and edge records that wait, events that met, and both that never met.
fn figures(client: &mut Client) -> [u64; 6] {
    let status = get(client, "/v1/status");
    let figure = |name: &str| status["join"][name].as_u64().expect("a figure");
    [
        status["events"].as_u64().expect("a figure"),
        figure("waiting_events"),
        figure("waiting_edge_records"),
        figure("met"),
        figure("never_met_events"),
        figure("never_met_edge_records"),
    ]
}

#[test]
fn whichever_half_comes_first_they_are_one_event_up_to_a_quarter_of_an_hour_later() {
    for (first, second) in [(edge(1), call(1)), (call(1), edge(1))] {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(NOW));
        serving(folder.path(), Join::On, &clock, |client| {
            send(client, &first);
            assert_eq!(figures(client)[0], 0);
        });
        clock.set(NOW + 14 * MINUTE);
        serving(folder.path(), Join::On, &clock, |client| {
            send(client, &second);
            assert_eq!(figures(client), [1, 0, 0, 1, 0, 0]);
            let events = get(client, "/v1/accounts/acct-1/events");
            let event = &events["events"][0];
            assert_eq!(event["ip"], "8.8.4.1", "{events}");
            assert_eq!(event["fingerprint"], "t13d1516h2_8daaf6152771_b186095e22b6");
            assert_eq!((&event["model"], &event["input_tokens"]), (&"m-large".into(), &7.into()));
            for again in [&first, &second] {
                assert_eq!(send(client, again)["duplicates"], 1);
            }
            assert_eq!(get(client, "/v1/accounts/acct-1")["events"], 1);
        });
    }
}

#[test]
fn later_than_that_each_counts_as_what_it_is_alone() {
    for (first, second, figures_then) in
        [(call(1), edge(1), [1, 0, 1, 0, 1, 0]), (edge(1), call(1), [0, 1, 0, 0, 0, 1])]
    {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(NOW));
        serving(folder.path(), Join::Auto, &clock, |client| {
            // An edge record of before, so that events wait.
            assert_eq!(send(client, &edge(9))["halves"], 1);
            send(client, &call(9));
            assert_eq!(figures(client), [1, 0, 0, 1, 0, 0]);
            send(client, &first);
            clock.set(NOW + 16 * MINUTE);
            send(client, &second);
            let mut wanted = figures_then;
            wanted[0] += 1;
            wanted[3] += 1;
            assert_eq!(figures(client), wanted);
            // Whoever asks for an analysis has sent what there is.
            client.post("/v1/analyze", "application/json", "").expect("answer");
            assert_eq!(figures(client)[..2], [2, 0]);
            let metrics = client.get("/metrics", "*/*").expect("answer").body;
            let metrics = String::from_utf8(metrics.to_vec()).expect("text");
            assert!(metrics.contains("cahoots_join_met_total 1\n"), "{metrics}");
            assert!(metrics.contains("cahoots_join_never_met_total{half=\"event\"} 1\n"), "{metrics}");
        });
    }
}

#[test]
fn without_edge_records_or_turned_off_nothing_waits() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(NOW));
    serving(folder.path(), Join::Auto, &clock, |client| {
        assert_eq!(send(client, &call(1))["accepted"], 1);
        assert_eq!(figures(client), [1, 0, 0, 0, 0, 0]);
    });
    serving(folder.path(), Join::Off, &clock, |client| {
        let refused = client.post("/v1/events", "application/json", edge(1)).expect("answer");
        let reason = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(refused.status.as_u16() == 400 && reason.contains("account is missing"), "{reason}");
    });
}

#[test]
fn kill_9_between_the_halves_loses_nothing_and_doubles_nothing() {
    const ROUNDS: u32 = 12;
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = std::process::Command::new(crate::harness::CAHOOTS);
        Server::start_with(folder.path(), &mut command, &[])
    };
    let mut command = std::process::Command::new(crate::harness::CAHOOTS);
    command.env("CAHOOTS_JOIN", "on");
    let mut server = Server::start_with(folder.path(), &mut command, &[]);
    // Each round sends one half of a hundred requests and, after a kill, the other half, both twice.
    for round in 0..ROUNDS {
        let numbers = round * 100..(round + 1) * 100;
        let (edges, calls): (String, String) =
            (numbers.clone().map(edge).collect(), numbers.map(call).collect());
        let (first, second) = if round % 2 == 0 { (edges, calls) } else { (calls, edges) };
        server.ingest(first.as_bytes());
        if round % 3 == 0 {
            // A body whose answer is not waited for: it is on disk or not, and is sent again.
            let mut stream = server.connect();
            let head =
                format!("POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", second.len());
            std::io::Write::write_all(&mut stream, format!("{head}{second}").as_bytes()).unwrap();
        }
        server.kill();
        server = start();
        assert_eq!(server.ingest(first.as_bytes())["duplicates"], 100, "round {round}");
        server.ingest(second.as_bytes());
        server.ingest(second.as_bytes());
        assert_eq!(server.rows(), u64::from(round + 1) * 100);
    }
    let status = server.get("/v1/status").json();
    assert_eq!(status["join"]["met"], ROUNDS * 100, "{status}");
    assert_eq!((&status["join"]["waiting_events"], &status["store"]["ips"]), (&0.into(), &250.into()));
    assert_eq!(server.terminate(), Some(0));
    let (code, out, error) = run(&["check", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{out}{error}");
}
