//! `cahoots account`: the profile of an account.

use crate::cli::ask::One;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots account acct-17
  cahoots account acct-17 --since 7d -o json
  cahoots account acct-17 --curl";

/// Profile of an account: when it was seen, from where, with what, and in which cluster it is
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Account {
    /// The account.
    name: String,
    #[command(flatten)]
    asked: One,
}

impl Account {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/accounts").name(&self.name))
    }
}
