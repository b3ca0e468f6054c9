//! `cahoots why`: everything that two accounts share.

use crate::cli::ask::{Output, Paging, Span, ask};
use crate::cli::connect::Server;
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
    span: Span,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

impl Why {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = Target::new("/v1/why").with("a", Some(&self.a)).with("b", Some(&self.b));
        let target = self.span.apply(target);
        ask(&self.server, &self.output, &Paging::default(), target)
    }
}
