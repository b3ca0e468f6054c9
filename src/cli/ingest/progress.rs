//! How far it is: a bar on a terminal, else a line every ten seconds. Always on stderr.

use crate::text::terminal_safe;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time between two lines.
const LINE_PAUSE: Duration = Duration::from_secs(10);

/// What is told about one file.
pub(super) struct Progress {
    name: String,
    raw_bytes: Option<u64>,
    bar: Option<ProgressBar>,
    started: Instant,
    events: AtomicU64,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Begins; `raw_bytes` is the size of the file, if there is one.
    pub(super) fn start(name: &str, raw_bytes: Option<u64>) -> Self {
        let name = terminal_safe(name).into_owned();
        let bar = stderr().is_terminal().then(|| bar(&name, raw_bytes));
        let started = Instant::now();
        Self { name, raw_bytes, bar, started, events: AtomicU64::new(0), last_line: Mutex::new(started) }
    }

    /// More events are acknowledged.
    pub(super) fn advance(&self, raw_read: &AtomicU64, events: u64) {
        let events = self.events.fetch_add(events, Ordering::Relaxed) + events;
        let raw_read = raw_read.load(Ordering::Relaxed);
        let rate = events as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        if let Some(bar) = &self.bar {
            bar.set_position(raw_read);
            bar.set_message(format!("{events} events, {rate:.0}/s"));
            return;
        }
        let Ok(mut last) = self.last_line.lock() else { return };
        if last.elapsed() >= LINE_PAUSE {
            *last = Instant::now();
            let share =
                self.raw_bytes.map(|all| format!(", {} %", raw_read.saturating_mul(100) / all.max(1)));
            self.note(&format!("{events} events, {rate:.0}/s{}", share.unwrap_or_default()));
        }
    }

    /// Says something about the file.
    pub(super) fn note(&self, text: &str) {
        let line = format!("{}: {}", self.name, terminal_safe(text));
        match &self.bar {
            Some(bar) => bar.println(line),
            // Nobody to tell is no reason to stop.
            None => drop(writeln!(stderr(), "{line}")),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, raw_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match raw_bytes {
        Some(bytes) => (ProgressBar::new(bytes), "{prefix} [{bar:30}] {bytes}/{total_bytes} {msg} {eta}"),
        None => (ProgressBar::new_spinner(), "{prefix} {spinner} {msg}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_prefix(name.to_owned())
}
