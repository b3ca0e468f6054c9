//! What the tests of this floor share: a real server on a free port, and one that says what a test
//! wants.

use crate::app::{self, Options};
use crate::cli::{CliError, run};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A real server with its own folder; stops when dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let listen = "127.0.0.1:0".parse().expect("address");
        let options = Options::new(folder.path().join("data"), listen);
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, address) = mpsc::channel();
        let serve = move || {
            let told = async { drop(stopped.await) };
            app::serve(&options, told, |address| ready.send(address).expect("test waits")).expect("serve");
        };
        let thread = std::thread::spawn(serve);
        let url = format!("http://{}", address.recv().expect("address"));
        Self { url, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Runs a command line against it.
    pub(crate) fn run(&self, args: &[&str]) -> Result<(), CliError> {
        let ends = ["--url", &self.url];
        run(std::iter::once("cahoots").chain(args.iter().copied()).chain(ends).map(Into::into))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()), "the server failed");
    }
}

/// Answers requests, one a connection, with the texts given; gives back the bodies it got.
pub(crate) fn scripted(answers: Vec<String>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let serve = move || answers.into_iter().map(|answer| answer_one(&listener, &answer)).collect();
    (url, std::thread::spawn(serve))
}

fn answer_one(listener: &TcpListener, answer: &str) -> String {
    let (stream, _) = listener.accept().expect("connection");
    let mut reader = BufReader::new(stream);
    let mut bytes = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("header");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(length) = line.strip_prefix("content-length: ") {
            bytes = length.parse().expect("length");
        }
    }
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body).expect("body");
    // An empty answer is a connection that breaks.
    reader.get_mut().write_all(answer.as_bytes()).expect("answer");
    String::from_utf8(body).expect("UTF-8")
}

/// An answer with a status, a header and a body.
pub(crate) fn answer(status: u16, header: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{header}\r\n{body}")
}
