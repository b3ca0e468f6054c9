//! `cahoots pairs`: all pairs of accounts that share several values.

use crate::cli::ask::Many;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const VIA_HELP: &str =
    "What they share: ip, prefix, site, asn, fingerprint, user_agent, api_key, payment or email_domain";

const EXAMPLES: &str = "\
Examples:
  cahoots pairs --via ip --min 3 --since 7d
  cahoots pairs --via payment --min 1 --all -o csv > pairs.csv";

/// All pairs of accounts that share several values of one attribute
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pairs {
    #[arg(help = VIA_HELP, long, value_name = "ATTRIBUTE")]
    via: String,
    /// How many values a pair has to share; 3 unless you say.
    #[arg(long, value_name = "VALUES")]
    min: Option<u32>,
    /// Leave out values that more than so many accounts share.
    #[arg(long, value_name = "ACCOUNTS")]
    hub_max: Option<u64>,
    #[command(flatten)]
    asked: Many,
}

impl Pairs {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = Target::new("/v1/pairs").with("via", Some(&self.via)).with("min", self.min);
        self.asked.ask(target.with("hub_max", self.hub_max))
    }
}
