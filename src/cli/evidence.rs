//! `cahoots evidence` and `cahoots verify`: a pack that anybody with the same events can recompute.

use crate::app::verify_against;
use crate::cli::ask::{fetch, print};
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::target::Target;
use crate::detect::markdown;
use crate::text::terminal_safe;
use serde_json::Value;
use std::fs;
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
  cahoots verify ./pack --data ./data
  cahoots verify ./pack --data log.ndjson --key-of ./data

The database keeps hashes in the place of raw keys, cards and pseudonyms. A log that holds any of them agrees with
the pack only if it is hashed with the same secret: --key-of names the folder that has it.
Exit code 0 when every figure agrees to one part in 10^9, else 1.";

/// Compute every figure of an evidence pack again from the events, and compare
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct Verify {
    /// Folder of the pack.
    pack: PathBuf,
    /// The events: a log in NDJSON, or the data folder of a server that does not run.
    #[arg(long, value_name = "FILE|FOLDER")]
    data: PathBuf,
    /// The data folder whose secret the events of a log are hashed with; its server must not run.
    #[arg(long, value_name = "FOLDER")]
    key_of: Option<PathBuf>,
}

impl Verify {
    /// Recomputes and compares.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let agreed = verify(&self.pack, &self.data, self.key_of.as_deref())?;
        print(&format!("all {agreed} figures agree\n"))
    }
}

/// Verifies a pack; an error names what does not agree.
pub(crate) fn verify(pack: &Path, data: &Path, key_of: Option<&Path>) -> Result<usize, CliError> {
    let input = |path: &Path, reason| CliError::Input { path: path.to_owned(), reason };
    let path = pack.join(DOCUMENT);
    let document = fs::read(&path).map_err(|reason| input(&path, reason))?;
    let parsed: Value = serde_json::from_slice(&document)
        .map_err(|error| CliError::Failed(format!("{DOCUMENT} is no JSON any more: {error}")))?;
    let (differences, agreed) =
        verify_against(&parsed, data, key_of).map_err(|error| CliError::Failed(error.to_string()))?;
    if !differences.is_empty() {
        let named = differences.iter().take(SHOWN).map(|difference| {
            let line = format!(
                "  {}: the pack says {}, the events say {}",
                difference.place, difference.claimed, difference.computed
            );
            terminal_safe(&line).into_owned()
        });
        let named: Vec<String> = named.collect();
        let count = differences.len();
        return Err(CliError::Failed(format!("{count} figures do not agree:\n{}", named.join("\n"))));
    }
    // The page follows from the document, so it has to be the one that the document makes.
    let path = pack.join(PAGE);
    let page = fs::read_to_string(&path).map_err(|reason| input(&path, reason))?;
    if page != markdown(&parsed) {
        return Err(CliError::Failed(format!("{PAGE} was changed: it is not the page of {DOCUMENT}")));
    }
    Ok(agreed)
}
