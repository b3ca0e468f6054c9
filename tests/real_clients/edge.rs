//! A proxy before `LiteLLM`: each request is in both logs, and one event in cahoots, whichever record comes first.

use crate::front::Mood;
use crate::gateways::StartBefore;
use crate::trial::{ACCOUNTS, Trial, ask, free_port};
use crate::{gateways, litellm, shippers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::Range;

/// Calls of each part.
const PART: u64 = 10;

const AGENT: &str = "OpenAI/Python 1.99.1";

/// Only the proxy sees it.
fn address(number: u64) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, number as u8)
}

/// Calls by way of the proxy, each from an address of its own and with headers that name another one.
fn calls(port: u16, numbers: Range<u64>) {
    for number in numbers {
        let (other, forwarded) = (format!("8.8.4.{number}"), format!("for=8.8.4.{number}"));
        let headers = [
            ("User-Agent", AGENT),
            ("X-Forwarded-For", &other),
            ("X-Real-IP", &other),
            ("Forwarded", &forwarded),
        ];
        litellm::call(address(number), port, number, &headers);
    }
}

fn waiting(status: &Value) -> [Option<u64>; 2] {
    ["waiting_events", "waiting_edge_records"].map(|name| status["join"][name].as_u64())
}

/// Each account's events are its calls: of the model as `LiteLLM` says, of the client as the proxy says.
fn check_events(trial: &Trial, calls: u64) {
    for account in 0..ACCOUNTS {
        let answer = trial.get(&format!("/v1/accounts/account-{account}/events?format=json"));
        let events = answer["events"].as_array().expect("events");
        for event in events {
            let tokens = ["input_tokens", "output_tokens"].map(|name| event[name].as_u64() > Some(0));
            assert_eq!(tokens, [true, true], "{event}");
            assert_eq!((&event["model"], &event["user_agent"]), (&"gpt-4o-mini".into(), &AGENT.into()));
        }
        let from: BTreeSet<&str> = events.iter().filter_map(|event| event["ip"].as_str()).collect();
        let numbers = (0..calls).filter(|number| number % ACCOUNTS == account);
        let wanted: BTreeSet<String> = numbers.map(|number| address(number).to_string()).collect();
        assert!(from.iter().eq(&wanted) && events.len() == wanted.len(), "{wanted:?} of {answer}");
    }
}

#[test]
fn nginx_before_litellm_makes_one_event_of_both_logs() {
    both_logs_are_one(gateways::nginx_before);
}

#[test]
fn caddy_before_litellm_makes_one_event_of_both_logs() {
    both_logs_are_one(gateways::caddy_before);
}

fn both_logs_are_one(proxy: StartBefore) {
    let mut trial = Trial::trusting("10.0.0.0/8");
    let log = trial.folder().join("access.json");
    std::fs::write(&log, "").expect("log file");
    let (upstream, port) = (free_port(), free_port());
    let of_litellm = trial.another_front();
    trial.with(litellm::start(&trial, upstream, &format!("http://{}", of_litellm.address)));
    // Before the proxy, which would log that nobody answers it.
    ask(upstream, "GET /health/liveliness", &[], "");
    trial.with(proxy(&trial, port, &log, upstream));
    trial.with(shippers::syslog_ng(&trial, &log));

    // The proxy's records first, also the first ever: until then no event waits for one.
    trial.set(&of_litellm, Mood::Answer(503));
    calls(port, 0..PART);
    trial.until("edge records wait", |status| waiting(status) == [Some(0), Some(PART)]);
    trial.set(&of_litellm, Mood::Pass);
    trial.until("the calls have come", |status| status["events"].as_u64() >= Some(PART));

    // Those of LiteLLM first.
    trial.refuse(503);
    calls(port, PART..2 * PART);
    trial.until("events wait", |status| waiting(status) == [Some(PART), Some(0)]);
    trial.pass();
    trial.until("they have met", |status| status["events"].as_u64() >= Some(2 * PART));

    // cahoots is killed while records wait.
    trial.set(&of_litellm, Mood::Answer(503));
    calls(port, 2 * PART..3 * PART);
    trial.until("edge records wait", |status| waiting(status) == [Some(0), Some(PART)]);
    trial.restart();
    trial.until("they still do", |status| waiting(status) == [Some(0), Some(PART)]);

    // And while both send.
    std::thread::scope(|scope| {
        trial.pass();
        trial.set(&of_litellm, Mood::Pass);
        scope.spawn(|| calls(port, 3 * PART..4 * PART));
        trial.restart();
        trial.pass();
        trial.set(&of_litellm, Mood::Pass);
    });
    trial.until("all have met", |status| status["join"]["met"].as_u64() >= Some(4 * PART));

    trial.analyze();
    let status = trial.get("/v1/status?format=json");
    let wanted = json!({
        "waiting_events": 0,
        "waiting_edge_records": 0,
        "met": 4 * PART,
        "never_met_events": 0,
        "never_met_edge_records": 0,
    });
    for (name, figure) in wanted.as_object().expect("figures") {
        assert_eq!(&status["join"][name], figure, "{name}: {status}");
    }
    assert_eq!((&status["events"], &status["store"]["accounts"]), (&(4 * PART).into(), &ACCOUNTS.into()));
    check_events(&trial, 4 * PART);
}
