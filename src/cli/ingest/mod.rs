//! `cahoots ingest`: files or stdin to the server, as fast as it takes them, and again from where it
//! stopped if it is stopped.
//!
//! Sending something twice is harmless, because the server counts the same event once; what is
//! remembered between runs only saves time.

mod progress;
mod resume;
mod send;
mod source;
#[cfg(test)]
mod tests;

use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::shell;
use crate::config::state_folder;
use crate::limits::SEND_ERRORS_SHOWN_MAX;
use crate::text::terminal_safe;
use progress::Progress;
use resume::Memory;
use send::{Ack, Sender, Tally};
use serde_json::json;
use source::{Shape, Source};
use std::io::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  cahoots ingest requests.ndjson
  cahoots ingest logs/*.ndjson.zst
  zcat old.gz | cahoots ingest -
  cahoots ingest requests.ndjson --curl

Gzip and zstd are told by their first bytes. An interrupted run goes on where it stopped; sending a
line again is harmless, the same event counts once. When the server is busy or its disk is full, it
is asked again later. Exit code 1 when lines were rejected: all others are stored.";

/// Send logs to the server: NDJSON, JSON arrays, plain or compressed
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ingest {
    /// Files to send; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Send everything, also what an interrupted run has sent already.
    #[arg(long)]
    from_start: bool,

    /// Write the totals as JSON.
    #[arg(long)]
    json: bool,

    /// Print the curl lines that send the same, and send nothing.
    #[arg(long)]
    curl: bool,

    #[command(flatten)]
    server: Server,
}

impl Ingest {
    /// Sends, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        if self.curl {
            return self.show_curl();
        }
        let mut total = Tally::default();
        let sent = self.files.iter().try_for_each(|file| self.send(file, &mut total));
        self.summarize(&total)?;
        sent?;
        match total.rejected {
            0 => Ok(()),
            1 => Err(CliError::Failed("one line was rejected, all others are stored".into())),
            count => Err(CliError::Failed(format!("{count} lines were rejected, all others are stored"))),
        }
    }

    fn show_curl(&self) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        for file in &self.files {
            let mut line = shell::curl(&self.server);
            line.push_str(" -H 'Content-Type: application/x-ndjson'");
            if let Some(encoding) = source::encoding(file).map_err(|error| input(file, error))? {
                line.push_str(" -H 'Content-Encoding: ");
                line.push_str(encoding);
                line.push('\'');
            }
            let data = format!("@{}", file.to_string_lossy());
            let url = shell::url(&self.server, "/v1/events");
            writeln!(out, "{line} --data-binary {} {}", shell::quote(&data), shell::quote(&url))
                .map_err(CliError::Output)?;
        }
        Ok(())
    }

    /// Sends one file and adds what became of it.
    fn send(&self, file: &Path, total: &mut Tally) -> Result<(), CliError> {
        let folder = state_folder(|name| std::env::var_os(name));
        let memory = folder.and_then(|folder| Memory::of(&folder, file, &self.server.url));
        let mark = memory.as_ref().filter(|_| !self.from_start).and_then(Memory::load);
        let mut source = Source::open(file, mark.as_ref()).map_err(|error| input(file, error))?;
        let progress = Progress::start(&file.to_string_lossy(), source.raw_bytes());
        if source.position().offset > 0 {
            progress.note(&format!(
                "going on after line {}, where the last run stopped; --from-start sends all of it again",
                source.position().line
            ));
        }
        let sender = Sender::new(&self.server, &progress);
        if source.shape() == Shape::Whole {
            let tally = sender.send_whole(source)?;
            progress.finish();
            total.add(&tally, &file.to_string_lossy());
            return Ok(());
        }
        let raw_read = source.raw_read();
        let name = file.to_string_lossy();
        let sent = sender.send_lines(&mut source, |ack: &Ack| {
            total.add(&ack.tally, &name);
            progress.advance(&raw_read, ack.tally.events());
            if let Some(memory) = &memory {
                memory.save(&ack.mark, false);
            }
        });
        progress.finish();
        match (sent, &memory) {
            (Ok(()), Some(memory)) => memory.forget(),
            (Err(CliError::Input { reason, .. }), _) => return Err(input(file, reason)),
            (Err(error), Some(memory)) => {
                memory.save_last();
                return Err(error);
            }
            (sent, None) => sent?,
        }
        Ok(())
    }

    fn summarize(&self, total: &Tally) -> Result<(), CliError> {
        let mut out = std::io::stdout().lock();
        if self.json {
            let errors: Vec<_> = total
                .errors
                .iter()
                .map(|(place, reason)| json!({ "place": place, "reason": reason }))
                .collect();
            let totals = json!({
                "accepted": total.accepted,
                "duplicates": total.duplicates,
                "rejected": total.rejected,
                "halves": total.halves,
                "errors": errors,
            });
            return writeln!(out, "{totals}").map_err(CliError::Output);
        }
        let mut err = std::io::stderr().lock();
        for (place, reason) in &total.errors {
            // A terminal that has gone must not stop the totals.
            drop(writeln!(err, "{}: {}", terminal_safe(place), terminal_safe(reason)));
        }
        let unnamed = total.rejected.saturating_sub(total.errors.len() as u64);
        if unnamed > 0 && total.errors.len() >= SEND_ERRORS_SHOWN_MAX {
            drop(writeln!(err, "and {unnamed} more"));
        }
        let Tally { accepted, duplicates, rejected, halves, .. } = total;
        let halves = match halves {
            0 => String::new(),
            halves => format!(", halves of events {halves}"),
        };
        writeln!(out, "accepted {accepted}, duplicates {duplicates}, rejected {rejected}{halves}")
            .map_err(CliError::Output)
    }
}

fn input(file: &Path, reason: std::io::Error) -> CliError {
    CliError::Input { path: file.to_owned(), reason }
}
