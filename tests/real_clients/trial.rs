//! The trial that every program goes through: quiet delivery, 429, 503, kill -9 and restart, quiet again.

use crate::front::{Front, Mood};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a condition may take to come true: programs back off for seconds, and start for a minute on a busy machine.
const PATIENCE: Duration = Duration::from_secs(200);

/// Events of each part of the trial.
pub(crate) const PART: u64 = 40;

/// Accounts that they are of.
pub(crate) const ACCOUNTS: u64 = 5;

/// cahoots, the front before it, and the programs.
pub(crate) struct Trial {
    folder: tempfile::TempDir,
    server: Child,
    address: SocketAddr,
    pub(crate) front: Front,
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

    /// A program that ends with the trial.
    pub(crate) fn with(&mut self, program: Child) {
        self.programs.push(program);
    }

    /// Kills all programs.
    pub(crate) fn end_programs(&mut self) {
        for mut program in self.programs.drain(..) {
            // It may have ended by itself.
            let _killed = program.kill();
            let _waited = program.wait();
        }
    }

    /// Lets what cahoots can never take come first, alone. The programs must not wait behind it.
    pub(crate) fn gets_past(&self, mut bad: impl FnMut()) {
        bad();
        wait_for("the first request", || self.front.passed() > 0);
    }

    /// Puts the programs through all of it. `feed` gives them the events with some numbers.
    pub(crate) fn run(&mut self, mut feed: impl FnMut(Range<u64>) + Send) {
        feed(0..PART);
        self.arrived(PART, "while all is well");
        for (part, status) in [(1, 429), (2, 503)] {
            let before = self.refuse(status);
            std::thread::scope(|scope| {
                // Some programs take no more events until the first ones are through.
                scope.spawn(|| feed(part * PART..(part + 1) * PART));
                self.refused_since(before);
                self.pass();
            });
            self.arrived((part + 1) * PART, "after a refusal");
        }
        std::thread::scope(|scope| {
            scope.spawn(|| feed(3 * PART..4 * PART));
            self.server.kill().expect("kill");
            self.server.wait().expect("wait");
            (self.server, self.address) = serve(&self.folder.path().join("data"));
            self.pass();
        });
        self.arrived(4 * PART, "after a kill");
        feed(4 * PART..5 * PART);
        self.arrived(5 * PART, "at the end");
    }

    /// Refuses everything from now on. How many requests the front has answered before.
    pub(crate) fn refuse(&self, status: u16) -> u32 {
        self.front.set(Mood::Answer(status), self.address);
        self.front.answered()
    }

    /// Waits until something was refused, and again.
    pub(crate) fn refused_since(&self, before: u32) {
        wait_for("two refusals", || self.front.answered() > before + 1);
    }

    /// Refuses nothing any more.
    pub(crate) fn pass(&self) {
        self.front.set(Mood::Pass, self.address);
    }

    /// Waits until as many events are stored, and no more, each under the account that it is of.
    pub(crate) fn arrived(&self, wanted: u64, when: &str) {
        let (mut events, mut accounts) = (None, None);
        came_true(|| {
            let status: serde_json::Value =
                serde_json::from_str(&get(self.address, "/v1/status?format=json")).expect("JSON");
            (events, accounts) = (status["events"].as_u64(), status["store"]["accounts"].as_u64());
            events >= Some(wanted)
        });
        assert_eq!((events, accounts), (Some(wanted), Some(ACCOUNTS)), "events and accounts stored {when}");
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.end_programs();
        let _killed = self.server.kill();
        let _waited = self.server.wait();
    }
}

/// What cahoots answers to a GET.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("cahoots listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    text.split_once("\r\n\r\n").expect("body").1.to_owned()
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Where an API answers everything with 200, for gateways that stand before it.
pub(crate) fn api() -> SocketAddr {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let front = Front::start(nowhere);
    front.set(Mood::Answer(200), nowhere);
    front.address
}

/// Asks a server on a port, and waits until it is up and answers with success.
pub(crate) fn ask(port: u16, start: &str, headers: &[(&str, &str)], body: &str) {
    let mut request = format!("{start} HTTP/1.1\r\nHost: api\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.extend(["Connection: close\r\n\r\n", body]);
    let mut answer = Err(std::io::ErrorKind::NotConnected.into());
    let up = came_true(|| {
        answer = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
            let mut text = String::new();
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut text).map(|_read| text)
        });
        answer.as_ref().is_ok_and(|text| !text.is_empty())
    });
    assert!(up && answer.as_ref().is_ok_and(|text| text.starts_with("HTTP/1.1 200 ")), "{start}: {answer:?}");
}
