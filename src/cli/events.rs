//! `cahoots events`: the raw events of an account.

use crate::cli::ask::Many;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots events acct-17 --limit 20
  cahoots events acct-17 --since 24h --all -o ndjson > acct-17.ndjson";

/// Raw events of an account, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    /// The account.
    name: String,
    #[command(flatten)]
    asked: Many,
}

impl Events {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/accounts").name(&self.name).then("events"))
    }
}
