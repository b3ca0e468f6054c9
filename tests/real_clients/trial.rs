//! The trial that every program goes through: quiet delivery, 429, 503, kill -9 and restart, quiet again.

use crate::front::{Front, Mood};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a condition may take to come true: programs back off for seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Events of each part of the trial.
const PART: u64 = 40;

/// cahoots, the front before it, and the programs.
pub(crate) struct Trial {
    folder: tempfile::TempDir,
    server: Child,
    address: SocketAddr,
    front: Front,
    programs: Vec<Child>,
}

fn serve(data: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cahoots"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("cahoots starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("listening on http://")).expect("it listens");
    let address = line.split("http://").nth(1).expect("address");
    let end = address.find(|c: char| !c.is_ascii_digit() && !".:".contains(c)).unwrap_or(address.len());
    let address = address[..end].parse().expect("address");
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// Asks again and again, for other people's programs tell nobody when they are done. Whether it came true in time.
#[expect(clippy::disallowed_methods, reason = "the program at the other end has no event to wait on")]
fn came_true(mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    assert!(came_true(condition), "{what}: not within {} s", PATIENCE.as_secs());
}

impl Trial {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let (server, address) = serve(&folder.path().join("data"));
        let front = Front::start(address);
        Self { folder, server, address, front, programs: Vec::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where programs send to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.front.address)
    }

    /// Another program that ends with the trial.
    pub(crate) fn also(&mut self, program: Child) {
        self.programs.push(program);
    }

    /// Puts a program through all of it. `feed` gives it the events with some numbers.
    pub(crate) fn run(&mut self, program: Child, mut feed: impl FnMut(Range<u64>) + Send) {
        self.programs.push(program);
        feed(0..PART);
        self.arrived(PART, "while all is well");
        for (part, status) in [(1, 429), (2, 503)] {
            self.front.set(Mood::Refuse(status), self.address);
            let before = self.front.refused();
            std::thread::scope(|scope| {
                // Some programs take no more events until the first ones are through.
                scope.spawn(|| feed(part * PART..(part + 1) * PART));
                wait_for("a refusal", || self.front.refused() > before + 1);
                self.front.set(Mood::Pass, self.address);
            });
            self.arrived((part + 1) * PART, "after a refusal");
        }
        std::thread::scope(|scope| {
            scope.spawn(|| feed(3 * PART..4 * PART));
            self.server.kill().expect("kill");
            self.server.wait().expect("wait");
            (self.server, self.address) = serve(&self.folder.path().join("data"));
            self.front.set(Mood::Pass, self.address);
        });
        self.arrived(4 * PART, "after a kill");
        feed(4 * PART..5 * PART);
        self.arrived(5 * PART, "at the end");
    }

    /// Waits until as many events are stored, and no more.
    fn arrived(&self, wanted: u64, when: &str) {
        let mut seen = 0;
        came_true(|| {
            seen = stored(self.address);
            seen >= wanted
        });
        assert_eq!(seen, wanted, "events stored {when}");
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        for child in self.programs.iter_mut().chain([&mut self.server]) {
            // It may have ended by itself.
            let _killed = child.kill();
            let _waited = child.wait();
        }
    }
}

/// Events stored, as the server says it.
fn stored(address: SocketAddr) -> u64 {
    let mut stream = TcpStream::connect(address).expect("cahoots listens");
    let request =
        format!("GET /v1/status?format=json HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let body = text.split("\r\n\r\n").nth(1).expect("body");
    let status: serde_json::Value = serde_json::from_str(body).expect("JSON");
    status["events"].as_u64().expect("events")
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Asks a web server for its root, and waits until it is up.
pub(crate) fn ask(port: u16, headers: &[(&str, &str)]) {
    let mut answered = false;
    wait_for("an answer of the web server", || {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let mut request = "GET / HTTP/1.1\r\nHost: api\r\n".to_owned();
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.push_str("Connection: close\r\n\r\n");
        let mut text = String::new();
        answered = stream.write_all(request.as_bytes()).is_ok() && stream.read_to_string(&mut text).is_ok();
        answered
    });
}
