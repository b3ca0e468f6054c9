//! `cahoots search`: an expression over all events.

use crate::cli::ask::{Many, Question};
use crate::cli::error::CliError;
use crate::cli::target::Target;

/// Longest expression that goes into a URL; a longer one is sent as a body, because URLs are
/// bounded by every party on the way.
const URL_BYTES_MAX: usize = 4 << 10;

const EXAMPLES: &str = "\
Examples:
  cahoots search 'ip in 203.0.113.0/24 and not model = \"m-small\"'
  cahoots search 'fingerprint = \"fp-1\" or payment = \"card-9\"' --select ips --since 7d
  cahoots search 'account in (\"a\", \"b\")' --select timeline -o csv";

/// Set algebra over all events: and, or, not, in, =, !=, parentheses, networks.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Search {
    /// The expression; quote it for the shell.
    expression: String,
    /// What to give back.
    #[arg(long, value_name = "WHAT", value_parser = ["accounts", "ips", "fingerprints", "events", "count", "timeline"])]
    select: Option<String>,
    #[command(flatten)]
    asked: Many,
}

impl Search {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(self.question())
    }

    fn question(&self) -> Question {
        let long = self.expression.len() > URL_BYTES_MAX;
        let target = Target::new("/v1/search").with("where", (!long).then_some(&self.expression));
        let target = target.with("select", self.select.as_ref());
        Question { target, body: long.then(|| self.expression.clone()) }
    }
}
