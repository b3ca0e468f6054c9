//! The trial that every program goes through: quiet delivery, 429, 503, kill -9 and restart, quiet again.

use crate::front::{Front, Mood};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
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
    /// Networks whose forwarding headers are believed.
    trusted: &'static str,
}

/// What cahoots trusts unless somebody says.
const PRIVATE: &str = "private";

fn serve(data: &Path, trusted: &str) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cahoots"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(["--trusted-proxies", trusted])
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
        Self::trusting(PRIVATE)
    }

    /// A trial that believes the forwarding headers of some networks. Clients that call from this machine are no clients
    /// otherwise, but proxies.
    pub(crate) fn trusting(trusted: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let (server, address) = serve(&folder.path().join("data"), trusted);
        let front = Front::start(address);
        Self { folder, server, address, front, programs: Vec::new(), trusted }
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
            self.restart();
            self.pass();
        });
        self.arrived(4 * PART, "after a kill");
        feed(4 * PART..5 * PART);
        self.arrived(5 * PART, "at the end");
    }

    /// Kills cahoots and starts it again. Fronts hand on to where it was.
    pub(crate) fn restart(&mut self) {
        self.server.kill().expect("kill");
        self.server.wait().expect("wait");
        (self.server, self.address) = serve(&self.folder.path().join("data"), self.trusted);
    }

    /// A front of its own for a program that is held back while others are not.
    pub(crate) fn another_front(&self) -> Front {
        Front::start(self.address)
    }

    /// Has a front do something from now on, with cahoots where it is now.
    pub(crate) fn set(&self, front: &Front, mood: Mood) {
        front.set(mood, self.address);
    }

    /// Refuses everything from now on. How many requests the front has answered before.
    pub(crate) fn refuse(&self, status: u16) -> u32 {
        self.set(&self.front, Mood::Answer(status));
        self.front.answered()
    }

    /// Waits until something was refused, and again.
    pub(crate) fn refused_since(&self, before: u32) {
        wait_for("two refusals", || self.front.answered() > before + 1);
    }

    /// Refuses nothing any more.
    pub(crate) fn pass(&self) {
        self.set(&self.front, Mood::Pass);
    }

    /// What cahoots answers to a GET.
    pub(crate) fn get(&self, path: &str) -> Value {
        serde_json::from_str(&request(self.address, "GET", path)).expect("JSON")
    }

    /// Closes the last day, for which every event that waits is stored first.
    pub(crate) fn analyze(&self) {
        request(self.address, "POST", "/v1/analyze");
    }

    /// Waits until the status is as wanted.
    pub(crate) fn until(&self, what: &str, mut wanted: impl FnMut(&Value) -> bool) {
        let mut status = Value::Null;
        let in_time = came_true(|| {
            status = self.get("/v1/status?format=json");
            wanted(&status)
        });
        assert!(in_time, "{what}: not within {} s: {status}", PATIENCE.as_secs());
    }

    /// Waits until as many events are stored, and no more, each under the account that it is of.
    pub(crate) fn arrived(&self, wanted: u64, when: &str) {
        let (mut events, mut accounts) = (None, None);
        came_true(|| {
            let status = self.get("/v1/status?format=json");
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

/// What cahoots answers to a request without a body.
fn request(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("cahoots listens");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    let rest = "Content-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all((head + rest).as_bytes()).expect("sent");
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

/// Connects to a port of this machine from one of its own addresses, of which it has all of 127.0.0.0/8.
fn connect(from: Ipv4Addr, port: u16) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Asks a server on a port, and waits until it is up and answers with success.
pub(crate) fn ask(port: u16, start: &str, headers: &[(&str, &str)], body: &str) {
    ask_from(Ipv4Addr::LOCALHOST, port, start, headers, body);
}

/// The same from an address of one's own.
pub(crate) fn ask_from(from: Ipv4Addr, port: u16, start: &str, headers: &[(&str, &str)], body: &str) {
    let mut request = format!("{start} HTTP/1.1\r\nHost: api\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.extend(["Connection: close\r\n\r\n", body]);
    let mut answer = Err(std::io::ErrorKind::NotConnected.into());
    let up = came_true(|| {
        answer = connect(from, port).and_then(|mut stream| {
            let mut text = String::new();
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut text).map(|_read| text)
        });
        answer.as_ref().is_ok_and(|text| !text.is_empty())
    });
    assert!(up && answer.as_ref().is_ok_and(|text| text.starts_with("HTTP/1.1 200 ")), "{start}: {answer:?}");
}
