//! `cahoots fingerprint`: the profile of a client fingerprint.

use crate::cli::ask::Many;
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
    asked: Many,
}

impl Fingerprint {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/fingerprints").name(&self.value))
    }
}
