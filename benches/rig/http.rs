//! HTTP/1.1 over one kept connection, as little of it as the server's answers need, so that the
//! client costs no processor time that the server would have used.

use super::Failure;
use memchr::memmem;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take before the run is given up.
const ANSWER_WAIT: Duration = Duration::from_secs(300);
/// Bytes asked of the socket at once.
const READ_BYTES: usize = 64 << 10;

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON, if the status is 200.
    pub(crate) fn json(&self) -> Result<serde_json::Value, Failure> {
        if self.status != 200 {
            return Err(format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)).into());
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Client {
    /// Connects to `host:port`, with or without `http://` before it.
    pub(crate) fn connect(url: &str) -> Result<Self, Failure> {
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        Ok(Self { stream, host, buffer: Vec::new() })
    }

    /// Asks with GET.
    pub(crate) fn get(&mut self, path: &str) -> Result<Reply, Failure> {
        write!(self.stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host)?;
        self.reply()
    }

    /// Sends a body.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Reply, Failure> {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", self.host, body.len());
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body)?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Reply, Failure> {
        self.buffer.clear();
        let head_end = loop {
            if let Some(at) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            self.fill()?;
        };
        let head = std::str::from_utf8(&self.buffer[..head_end])?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).ok_or("no status line")?.parse()?;
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if header("transfer-encoding:").is_some_and(|coding| coding.contains("chunked")) {
            return Ok(Reply { status, body: self.chunks(head_end)? });
        }
        let length: usize = match header("content-length:") {
            // No content, and no length of it.
            None if status == 204 => 0,
            length => length.ok_or("an answer without length")?.parse()?,
        };
        while self.buffer.len() < head_end + length {
            self.fill()?;
        }
        Ok(Reply { status, body: self.buffer[head_end..head_end + length].to_vec() })
    }

    fn chunks(&mut self, mut at: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            let line_end = loop {
                if let Some(found) = memmem::find(&self.buffer[at..], b"\r\n") {
                    break at + found;
                }
                self.fill()?;
            };
            let length = std::str::from_utf8(&self.buffer[at..line_end])?;
            let length = usize::from_str_radix(length.split(';').next().unwrap_or_default().trim(), 16)?;
            let start = line_end + 2;
            while self.buffer.len() < start + length + 2 {
                self.fill()?;
            }
            if length == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&self.buffer[start..start + length]);
            at = start + length + 2;
        }
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let length = self.buffer.len();
        self.buffer.resize(length + READ_BYTES, 0);
        let count = self.stream.read(&mut self.buffer[length..])?;
        self.buffer.truncate(length + count);
        if count == 0 { Err("the server closed the connection".into()) } else { Ok(()) }
    }
}
