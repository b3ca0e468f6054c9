//! `cahoots fingerprint`: the profile of a client fingerprint.

use crate::cli::ask::{Output, Paging, Span, ask};
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots fingerprint t13d1516h2_8daaf6152771_b186095e22b6
  cahoots fingerprint sdk-py-1.40 --since 24h --limit 20";

/// Profile of a fingerprint: which accounts came with it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Fingerprint {
    /// The fingerprint.
    #[arg(value_name = "FP")]
    value: String,
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

impl Fingerprint {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = self.span.apply(Target::new("/v1/fingerprints").name(&self.value));
        ask(&self.server, &self.output, &self.paging, target)
    }
}
