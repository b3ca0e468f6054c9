//! `cahoots evidence` and `cahoots verify`: a pack that anybody with the same events can recompute.

use crate::app::{Log, Reading, Verified, VerifyFailure, verify_against_data, verify_against_logs};
use crate::cli::ask::{fetch, print};
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::input;
use crate::cli::target::Target;
use crate::config::Typed;
use crate::detect::{Difference, markdown};
use crate::text::terminal_safe;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The machine's half of a pack.
const DOCUMENT: &str = "evidence.json";

/// The reader's half.
const PAGE: &str = "evidence.md";

/// Differences that are named. Further ones are counted only.
const SHOWN: usize = 20;

const EVIDENCE_EXAMPLES: &str = "\
Examples:
  cahoots evidence c-9c8750a1bafa -o ./pack
  cahoots verify ./pack --data log.ndjson";

/// Write the evidence of a cluster: a page for people, a document for machines
#[derive(Debug, clap::Args)]
#[command(after_help = EVIDENCE_EXAMPLES)]
pub(crate) struct Evidence {
    /// Id of the cluster.
    id: String,
    /// Folder to write to; it is created.
    #[arg(short = 'o', long = "output", value_name = "FOLDER")]
    output: PathBuf,
    #[command(flatten)]
    server: Server,
}

impl Evidence {
    /// Fetches and writes.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = Target::new("/v1/clusters").name(&self.id).then("evidence");
        let response = fetch(&mut self.server.client()?, &target, None)?;
        write(&self.output, &response.body)?;
        print(&format!("{} and {} are in {}\n", DOCUMENT, PAGE, self.output.display()))
    }
}

/// Writes both halves of a pack.
pub(crate) fn write(folder: &Path, document: &[u8]) -> Result<(), CliError> {
    let parsed: Value = serde_json::from_slice(document)
        .map_err(|error| CliError::Failed(format!("the server's evidence cannot be read: {error}")))?;
    fs::create_dir_all(folder).map_err(CliError::Output)?;
    fs::write(folder.join(DOCUMENT), document).map_err(CliError::Output)?;
    fs::write(folder.join(PAGE), markdown(&parsed)).map_err(CliError::Output)
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  cahoots verify ./pack --data log.ndjson
  cahoots verify ./pack --data nginx.log.*.gz litellm.ndjson.zst
  cahoots verify ./pack --data ./data
  cahoots verify ./pack --data log.ndjson --key-of ./data --config cahoots.toml

All logs of the days that the pack is about have to be named, in any order. Gzip and zstd are told by their first bytes.
The database keeps hashes in the place of raw keys, cards and pseudonyms. A log that holds any of them agrees with
the pack only if it is hashed with the same secret: --key-of names the folder that has it.
Exit code 0 when every figure agrees to one part in 10^9, else 1.";

/// Compute every figure of an evidence pack again from the events, and compare
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct Verify {
    /// Folder of the pack.
    pack: PathBuf,
    /// The events: logs as they were sent, - for standard input, or the data folder of a server that does not run.
    #[arg(long, value_name = "FILE|FOLDER", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// The data folder whose secret the events of a log are hashed with; its server must not run.
    #[arg(long, value_name = "FOLDER")]
    key_of: Option<PathBuf>,
    /// Settings of the server as TOML: its own sources and the proxies that it trusts, by which it read the logs.
    #[arg(long, value_name = "FILE", env = "CAHOOTS_CONFIG")]
    config: Option<PathBuf>,
}

impl Verify {
    /// Recomputes and compares.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let mut reading = Reading { key_of: self.key_of.clone(), ..Reading::default() };
        if let Some(config) = &self.config {
            let typed = Typed::from_file(config)?;
            (reading.sources, reading.proxies) = (typed.sources()?, typed.proxies()?);
        }
        let agreed = verify(&self.pack, &self.data, &reading)?;
        print(&format!("all {agreed} figures agree\n"))
    }
}

/// Verifies a pack. What does not agree is named on stdout, what of the logs was not taken on stderr.
pub(crate) fn verify(pack: &Path, data: &[PathBuf], reading: &Reading) -> Result<usize, CliError> {
    let document = read(&pack.join(DOCUMENT))?;
    let document: Value = serde_json::from_str(&document)
        .map_err(|error| CliError::Failed(format!("{DOCUMENT} is no JSON any more: {error}")))?;
    let folder = data.first().filter(|folder| data.len() == 1 && folder.is_dir());
    let verified = match folder {
        Some(folder) => verify_against_data(&document, folder),
        None => verify_against_logs(&document, logs(data)?, reading),
    };
    let verified = verified.map_err(|error| match error {
        VerifyFailure::Store(error) => CliError::Store(error),
        other => CliError::Failed(other.to_string()),
    })?;
    note_refused(&verified);
    if !verified.differences.is_empty() {
        return Err(told(&verified.differences, folder.is_none() && reading.key_of.is_none()));
    }
    // The page follows from the document, so it has to be the one that the document makes.
    if read(&pack.join(PAGE))? != markdown(&document) {
        return Err(CliError::Failed(format!("{PAGE} was changed: it is not the page of {DOCUMENT}")));
    }
    Ok(verified.agreed)
}

fn read(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|reason| CliError::Input { path: path.to_owned(), reason })
}

fn logs(names: &[PathBuf]) -> Result<Vec<Log>, CliError> {
    let log = |name: &PathBuf| {
        if name.is_dir() {
            let name = name.display();
            return Err(CliError::Wrong(format!(
                "{name} is a folder: name its files, or one data folder alone"
            )));
        }
        Ok(Log { name: name.clone(), content: input::open(name)? })
    };
    names.iter().map(log).collect()
}

/// Says what the logs hold that is no event, since it may be why figures do not agree.
fn note_refused(verified: &Verified) {
    if let Some((log, line, reason)) = &verified.first_refused {
        let first = format!("{}:{line}: {reason}", log.display());
        let count = counted(verified.refused, "record of the logs was", "records of the logs were");
        // A terminal that has gone must not stop the answer.
        drop(writeln!(std::io::stderr(), "{count} not taken, the first {}", terminal_safe(&first)));
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Names differences, the first ones one by one.
fn told(differences: &[Difference], may_want_key: bool) -> CliError {
    for Difference { place, claimed, computed } in differences.iter().take(SHOWN) {
        let line = format!("{place}: the pack says {claimed}, the events say {computed}");
        if let Err(error) = print(&format!("{}\n", terminal_safe(&line))) {
            return error;
        }
    }
    let count = counted(differences.len() as u64, "figure does", "figures do");
    let hint = "; a log that holds what the database keeps as hashes (raw keys, cards, pseudonyms) agrees with --key-of";
    CliError::Failed(format!("{count} not agree{}", if may_want_key { hint } else { "" }))
}
