//! Starts servers on port 0 in their own folder, and speaks plain HTTP/1.1 to them.

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// The program under test.
pub(crate) const CAHOOTS: &str = env!("CARGO_BIN_EXE_cahoots");

/// Longest that any one step may take before the test fails instead of hanging.
const STEP_WAIT: Duration = Duration::from_secs(60);

/// A running server. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Collects what the server says on stderr.
    log: Option<JoinHandle<String>>,
    pub address: SocketAddr,
    folder: PathBuf,
    token: Option<String>,
}

/// An answer.
pub(crate) struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Server {
    /// A server on a folder, with no other setting.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &mut Command::new(CAHOOTS), &[])
    }

    /// A server started by a command that ends in `cahoots`, with further arguments.
    pub(crate) fn start_with(folder: &Path, command: &mut Command, arguments: &[&str]) -> Self {
        command.arg("serve").arg("--data").arg(folder).args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut seen = Vec::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server ended before it listened: {}", seen.join("\n"));
            };
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let end =
                    rest.find(|c: char| !c.is_ascii_digit() && !".:[]".contains(c)).unwrap_or(rest.len());
                break rest[..end].parse().expect("an address");
            }
            seen.push(line);
        };
        // Keeps the pipe from filling up.
        let log = std::thread::spawn(move || {
            seen.extend(lines.map_while(Result::ok));
            seen.join("\n")
        });
        Self { child, log: Some(log), address, folder: folder.to_owned(), token: None }
    }

    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(STEP_WAIT)).unwrap();
        stream.set_write_timeout(Some(STEP_WAIT)).unwrap();
        stream
    }

    /// One request on its own connection.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.try_request(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The same, for servers that may die in the middle.
    pub(crate) fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Response> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(STEP_WAIT))?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        if let Some(token) = &self.token {
            write!(head, "Authorization: Bearer {token}\r\n").expect("text");
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").expect("text");
        }
        if method != "GET" && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Transfer-Encoding"))
        {
            write!(head, "Content-Length: {}\r\n", body.len()).expect("text");
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        // A server that refuses a body early closes its end: the answer is still there to read.
        let _sent = stream.write_all(body);
        read_response(&mut stream)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    /// Sends events and gives the answer, which must be 200.
    pub(crate) fn ingest(&self, body: &[u8]) -> Value {
        let response = self.request("POST", "/v1/events", &[], body);
        assert_eq!(response.status, 200, "{}", response.text());
        response.json()
    }

    pub(crate) fn rows(&self) -> u64 {
        let status = self.get("/v1/status").json();
        status["events"].as_u64().unwrap_or_else(|| panic!("no rows in {status}"))
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, then the exit code.
    pub(crate) fn terminate(self) -> Option<i32> {
        self.terminate_with_log().0
    }

    /// SIGTERM, then the exit code and all that was said on stderr.
    pub(crate) fn terminate_with_log(mut self) -> (Option<i32>, String) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code();
        let log = self.log.take().expect("taken once").join().expect("the reader of the log");
        (code, log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Reads one answer up to the end of the connection.
pub(crate) fn read_response(stream: &mut TcpStream) -> std::io::Result<Response> {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        read?;
        return Err(std::io::Error::other("no answer"));
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    if head.starts_with("HTTP/1.1 100") {
        let rest = bytes[end + 4..].to_vec();
        return parse(&rest).ok_or_else(|| std::io::Error::other("nothing after 100"));
    }
    parse(&bytes).ok_or_else(|| std::io::Error::other("half an answer"))
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let mut response = Response { status, headers, body: bytes[end + 4..].to_vec() };
    if response.header("transfer-encoding").is_some() {
        response.body = dechunk(&response.body)?;
    } else if let Some(length) = response.header("content-length") {
        response.body.truncate(length.parse().ok()?);
    }
    Some(response)
}

fn dechunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 2 + size + 2..)?;
    }
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(CAHOOTS).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A line with a request id of its own. All of a test's events lie in one hour of one day.
pub(crate) fn line(number: u64) -> String {
    let event = json!({
        "ts": 1_770_000_000_000_u64 + number,
        "request_id": format!("req-{number:08}"),
        "account": format!("acct-{}", number % 97),
        "ip": format!("203.0.113.{}", number % 50),
        "fingerprint": format!("fp-{}", number % 7),
        "user_agent": "test/1.0",
        "model": "m-small",
        "input_tokens": number % 1_000,
    });
    format!("{event}\n")
}
