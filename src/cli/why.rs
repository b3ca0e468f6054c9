//! `cahoots why`: everything that two accounts share.

use crate::cli::ask::One;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots why acct-17 acct-23
  cahoots why acct-17 acct-23 --since 7d -o json";

/// Everything that two accounts share, and how many others share it too
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Why {
    /// One account.
    a: String,
    /// The other.
    b: String,
    #[command(flatten)]
    asked: One,
}

impl Why {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/why").with("a", Some(&self.a)).with("b", Some(&self.b)))
    }
}
