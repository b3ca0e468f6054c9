//! `cahoots accounts`: account records to the server.
//!
//! Sending them again is harmless: the newest record of an account wins, field by field.

use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::shell;
use crate::limits::{ACCOUNTS_BYTES_MAX, ACCOUNTS_SEND_BYTES, SEND_ERRORS_SHOWN_MAX};
use crate::text::terminal_safe;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write, stderr, stdin, stdout};
use std::path::{Path, PathBuf};

/// Where records are sent.
const PATH: &str = "/v1/accounts";

const EXAMPLES: &str = r#"Examples:
  cahoots accounts customers.ndjson
  psql -Atc "select json_build_object('account',id,'created',created_at,'plan',plan) from customers" | cahoots accounts -
  cahoots accounts customers.ndjson --curl

One JSON object a line, or an array: account, created, plan, payment, email_domain, signup_ip, organisation, verified;
unknown fields are dropped. The newest record of an account wins field by field. Card numbers and mail addresses
are hashed before they are kept. Exit code 1 when records were rejected: all others are stored."#;

/// Tell the server what you know of accounts: created, plan, payment, organisation
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Accounts {
    /// Files to send; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print the curl lines that send the same, and send nothing.
    #[arg(long)]
    curl: bool,

    #[command(flatten)]
    server: Server,
}

/// What became of the records.
#[derive(Default)]
struct Tally {
    new: u64,
    changed: u64,
    unchanged: u64,
    rejected: u64,
    shown: usize,
}

impl Accounts {
    /// Sends, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        if self.curl {
            return self.show_curl();
        }
        let mut tally = Tally::default();
        let sent = self.files.iter().try_for_each(|file| self.send(file, &mut tally));
        let Tally { new, changed, unchanged, rejected, .. } = tally;
        writeln!(stdout(), "new {new}, changed {changed}, unchanged {unchanged}, rejected {rejected}")
            .map_err(CliError::Output)?;
        sent?;
        match rejected {
            0 => Ok(()),
            count => Err(CliError::Failed(format!("{count} records were rejected, all others are stored"))),
        }
    }

    fn show_curl(&self) -> Result<(), CliError> {
        for file in &self.files {
            let data = format!("@{}", file.to_string_lossy());
            let (line, url) = (shell::curl(&self.server), shell::url(&self.server, PATH));
            writeln!(stdout(), "{line} --data-binary {} {}", shell::quote(&data), shell::quote(&url))
                .map_err(CliError::Output)?;
        }
        Ok(())
    }

    /// Sends a file in bodies of whole lines; an array goes as one.
    fn send(&self, file: &Path, tally: &mut Tally) -> Result<(), CliError> {
        let input = |reason| CliError::Input { path: file.to_owned(), reason };
        let mut reader: Box<dyn BufRead> = if file == Path::new("-") {
            Box::new(BufReader::new(stdin()))
        } else {
            Box::new(BufReader::new(File::open(file).map_err(input)?))
        };
        let (mut body, mut line, mut lines_before) = (Vec::new(), Vec::new(), 0);
        let mut lines = 0;
        loop {
            line.clear();
            // One byte more than is taken, so that the server says what is wrong with it.
            let bytes_max = ACCOUNTS_BYTES_MAX as u64 + 1;
            let read = reader.by_ref().take(bytes_max).read_until(b'\n', &mut line).map_err(input)?;
            let is_array = body.trim_ascii_start().first() == Some(&b'[');
            let is_full = body.len() + line.len() > ACCOUNTS_SEND_BYTES && !is_array;
            if !body.is_empty() && (read == 0 || is_full || body.len() >= ACCOUNTS_BYTES_MAX) {
                self.post(file, std::mem::take(&mut body), lines_before, tally)?;
                lines_before = lines;
            }
            if read == 0 {
                return Ok(());
            }
            body.extend_from_slice(&line);
            lines += 1;
        }
    }

    fn post(&self, file: &Path, body: Vec<u8>, lines_before: u64, tally: &mut Tally) -> Result<(), CliError> {
        let response = self.server.client()?.post(PATH, "application/x-ndjson", body)?;
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        // A refusal of every line is counted like any other.
        let Some(rejected) = answer.get("rejected").and_then(Value::as_u64) else {
            return Err(CliError::refused(&response));
        };
        let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        tally.new += count("new");
        tally.changed += count("changed");
        tally.unchanged += count("unchanged");
        tally.rejected += rejected;
        for error in answer.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let line = error.get("line").and_then(Value::as_u64).unwrap_or(0) + lines_before;
            let reason = error.get("reason").and_then(Value::as_str).unwrap_or_default();
            if tally.shown < SEND_ERRORS_SHOWN_MAX {
                let place = file.to_string_lossy();
                drop(writeln!(stderr(), "{}:{line}: {}", terminal_safe(&place), terminal_safe(reason)));
                tally.shown += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::testing::Running;

    #[test]
    fn records_are_sent_and_the_bad_ones_are_told() {
        let running = Running::start();
        let file = running.folder.path().join("accounts.ndjson");
        let path = file.to_str().expect("text");
        std::fs::write(&file, "{\"account\":\"a\",\"plan\":\"x\"}\n{\"account\":\"b\",\"verified\":true}")
            .expect("write");
        running.run(&["accounts", path]).expect("all are taken");
        running.run(&["account", "a", "-o", "json"]).expect("a record is a profile");
        std::fs::write(&file, "[{\"account\":\"a\"},\n{\"account\":\"c\",\"plan\":\"x\"}]").expect("write");
        let error = running.run(&["accounts", path]).expect_err("one says nothing");
        assert_eq!((error.exit_code(), error.to_string().starts_with("1 records")), (1, true), "{error}");
        running.run(&["account", "c", "-o", "json"]).expect("the other is stored");
        running.run(&["accounts", path, "--curl"]).expect("sends nothing");
    }
}
