//! `cahoots account`: the profile of an account.

use crate::cli::ask::{Output, Paging, Span, ask};
use crate::cli::connect::Server;
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
    span: Span,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

impl Account {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = self.span.apply(Target::new("/v1/accounts").name(&self.name));
        ask(&self.server, &self.output, &Paging::default(), target)
    }
}
