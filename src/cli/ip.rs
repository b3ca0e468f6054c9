//! `cahoots ip`: the profile of an address or a network.

use crate::cli::ask::Many;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots ip 203.0.113.7
  cahoots ip 203.0.113.0/24 --since 7d
  cahoots ip 2001:db8::/48 --all -o csv > accounts.csv";

/// Profile of an address or a network: which accounts came from it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Ip {
    /// The address, or the network as ADDRESS/BITS.
    #[arg(value_name = "ADDR|CIDR")]
    net: String,
    #[command(flatten)]
    asked: Many,
}

impl Ip {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/ips").network(&self.net))
    }
}
