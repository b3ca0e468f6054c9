//! The program under test, as a process.

use super::Failure;
use super::http::Client;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to listen, with a large file after a crash.
const LISTEN_WAIT: Duration = Duration::from_secs(120);
/// Between two looks at what gives no notice of itself.
const LOOK_WAIT: Duration = Duration::from_millis(2);

/// A running server; to drop it is to kill it.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its process.
    pub(crate) child: Child,
    /// Where it listens, `http://...`.
    pub(crate) url: String,
}

impl Server {
    /// Starts a server on a free port and returns when it listens.
    pub(crate) fn start(program: &Path, data: &Path) -> Result<Self, Failure> {
        Self::start_with(program, data, &[])
    }

    /// The same with settings.
    pub(crate) fn start_with(program: &Path, data: &Path, settings: &[&str]) -> Result<Self, Failure> {
        std::fs::create_dir_all(data)?;
        let mut child = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .args(settings)
            .env("NO_COLOR", "1")
            .env_remove("CAHOOTS_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = child.stderr.take().ok_or("no stderr")?;
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // Read to its end, so that the server never waits for us.
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let started = Instant::now();
        let mut log = String::new();
        while let Ok(line) = receiver.recv_timeout(LISTEN_WAIT.saturating_sub(started.elapsed())) {
            if let Some(url) = url_in(&line) {
                return Ok(Self { child, url });
            }
            log.push_str(&line);
            log.push('\n');
        }
        child.kill()?;
        child.wait()?;
        Err(format!("the server did not listen:\n{log}").into())
    }

    /// Returns when `/readyz` says so.
    pub(crate) fn wait_until_ready(&self) -> Result<(), Failure> {
        let started = Instant::now();
        while Client::connect(&self.url)?.get("/readyz")?.status != 200 {
            if started.elapsed() > LISTEN_WAIT {
                return Err("the server did not become ready".into());
            }
            std::thread::park_timeout(LOOK_WAIT);
        }
        Ok(())
    }

    /// Ends it with SIGTERM and returns when it is gone.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        )?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL; after `stop` there is nothing left to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The address in a line that says where the server listens.
fn url_in(line: &str) -> Option<String> {
    let (_, after) = line.split_once("http://")?;
    let host = after.split(|byte: char| byte.is_whitespace() || byte == '"' || byte == '/').next()?;
    line.contains("listening on ").then(|| format!("http://{host}"))
}

/// The released program beside these benches, unless another is named.
pub(crate) fn program(named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_cahoots")))
}
