//! `cahoots check`: the full walk over a data file that no server has open.

use crate::cli::error::CliError;
use crate::store;
use crate::text::terminal_safe;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cahoots check --data ./data

Stop the server first: one process holds the file at a time.";

/// Walk the whole data file: every value reads, and every index says what the events say
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// Folder of the data file.
    #[arg(long, value_name = "FOLDER", env = "CAHOOTS_DATA")]
    data: PathBuf,
}

impl Check {
    /// Walks, and says what was found.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let report = store::check(&self.data)?;
        let mut out = std::io::stdout().lock();
        for problem in &report.problems {
            writeln!(out, "{}", terminal_safe(problem)).map_err(CliError::Output)?;
        }
        let store::CheckReport { events, segments, runs, accounts, .. } = &report;
        writeln!(out, "{events} events, {segments} segments, {runs} runs, {accounts} account records read")
            .map_err(CliError::Output)?;
        match report.problems.len() {
            0 => writeln!(out, "all of it agrees").map_err(CliError::Output),
            count => {
                Err(CliError::Failed(format!("{count} things do not agree: restore a backup of the file")))
            }
        }
    }
}
