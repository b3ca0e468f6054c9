//! `cahoots status`: what the server says of itself.

use crate::cli::ask::Whole;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots status
  cahoots status -o json
  cahoots status --url http://10.0.0.5:7070 --token-file token";

/// Figures about the server: events, bytes, whether it can write; what each log source brings, and lacks
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Status {
    #[command(flatten)]
    asked: Whole,
}

impl Status {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/status"))
    }
}
