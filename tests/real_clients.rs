//! Real third-party programs, installed by the test, run with the recipes that the project ships: every event
//! that they were given arrives once, though cahoots answers 429 and 503 and is killed and restarted meanwhile.
//!
//! Behind the feature `real-clients`: it needs Linux, Python 3 with pip, apt-get and dpkg, and the network. A program
//! that cannot be installed is a failure with the reason, never a silent pass.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "real_clients/edge.rs"]
mod edge;
#[path = "real_clients/front.rs"]
mod front;
#[path = "real_clients/gateways.rs"]
mod gateways;
#[path = "real_clients/install.rs"]
mod install;
#[path = "real_clients/litellm.rs"]
mod litellm;
#[path = "real_clients/shippers.rs"]
mod shippers;
#[path = "real_clients/trial.rs"]
mod trial;

use install::{python, recipe};
use std::io::Write;
use std::process::{Command, Stdio};
use trial::{ACCOUNTS, PART, Trial};

/// A program in Python that makes one event of each line.
fn python_program(name: &str, packages: &[&str], file: &str) {
    let mut trial = Trial::new();
    let (_, script) = recipe(trial.folder(), file, &[]);
    let mut child = Command::new(python(name, packages).join("python"))
        .arg(script)
        .env("CAHOOTS_URL", trial.url())
        .stdin(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut lines = child.stdin.take().expect("piped");
    trial.with(child);
    trial.run(move |numbers| {
        for number in numbers {
            writeln!(lines, "{number}").expect("the program reads");
        }
        lines.flush().expect("the program reads");
    });
}

#[test]
fn the_opentelemetry_sdk_delivers_every_span() {
    let packages = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"];
    python_program("opentelemetry", &packages, "opentelemetry-sdk.py");
}

#[test]
fn the_elasticsearch_client_delivers_every_document() {
    python_program("elasticsearch", &["elasticsearch==9.5.1"], "elasticsearch-client.py");
}

/// A shipper that follows a file of lines.
fn follows_a_file(start: shippers::Start) {
    let mut trial = Trial::new();
    let log = trial.folder().join("requests.json");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("log file");
    trial.with(start(&trial, &log));
    let nobody = b"{\"request_id\":\"r\",\"ts\":1795426307,\"account\":\"\",\"ip\":\"198.51.100.1\"}\n";
    trial.gets_past(|| file.write_all(nobody).expect("disk"));
    trial.run(move |numbers| {
        for number in numbers {
            let (ts, account) = (1_795_426_307 + number, number % ACCOUNTS);
            let line = format!(
                "{{\"request_id\":\"r{number}\",\"ts\":{ts},\"account\":\"account-{account}\",\"ip\":\"198.51.100.{account}\"}}\n"
            );
            file.write_all(line.as_bytes()).expect("disk");
        }
    });
}

#[test]
fn the_opentelemetry_collector_delivers_every_line() {
    follows_a_file(shippers::opentelemetry_collector);
}

#[test]
fn syslog_ng_delivers_every_line() {
    follows_a_file(shippers::syslog_ng);
}

#[test]
fn rsyslog_delivers_every_line() {
    follows_a_file(shippers::rsyslog);
}

/// A gateway whose log a shipper follows.
fn logs_to_a_file(gateway: gateways::Start, shipper: shippers::Start) {
    let mut trial = Trial::new();
    let log = trial.folder().join("access.json");
    std::fs::write(&log, "").expect("log file");
    let port = trial::free_port();
    trial.with(gateway(&trial, port, &log));
    trial.with(shipper(&trial, &log));
    let agent = ("User-Agent", "OpenAI/Python 1.99.1");
    // A request that nobody signed in for.
    trial.gets_past(|| trial::ask(port, "GET /v1/models", &[agent], ""));
    trial.run(move |numbers| {
        for number in numbers {
            let account = format!("account-{}", number % ACCOUNTS);
            trial::ask(port, "GET /v1/models?page=1", &[("X-Account-Id", &account), agent], "");
        }
    });
}

#[test]
fn nginx_with_syslog_ng_delivers_every_request() {
    logs_to_a_file(gateways::nginx, shippers::syslog_ng);
}

#[test]
fn caddy_with_rsyslog_delivers_every_request() {
    logs_to_a_file(gateways::caddy, shippers::rsyslog);
}

#[test]
fn envoy_with_syslog_ng_delivers_every_request() {
    logs_to_a_file(gateways::envoy, shippers::syslog_ng);
}

#[test]
fn traefik_with_the_opentelemetry_collector_delivers_every_request() {
    logs_to_a_file(gateways::traefik, shippers::opentelemetry_collector);
}

#[test]
fn litellm_delivers_every_call_also_after_it_was_killed_itself() {
    let mut trial = Trial::new();
    let port = trial::free_port();
    trial.with(litellm::start(&trial, port, &trial.url()));
    trial.run(|numbers| litellm::chat(port, numbers));
    let before = trial.refuse(503);
    litellm::chat(port, 5 * PART..6 * PART);
    trial.refused_since(before);
    trial.end_programs();
    trial.pass();
    trial.with(litellm::start(&trial, port, &trial.url()));
    trial.arrived(6 * PART, "after LiteLLM was killed");
}
