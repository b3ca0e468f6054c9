//! `cahoots neighbors`: who shares what with an account.

use crate::cli::ask::Many;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const VIA_HELP: &str = "Only what is shared by these: ip, prefix, site, asn, fingerprint, user_agent, api_key, payment, email_domain";

const EXAMPLES: &str = "\
Examples:
  cahoots neighbors acct-17
  cahoots neighbors acct-17 --via ip,fingerprint --since 7d
  cahoots neighbors acct-17 --via payment --hops 2 -o ndjson";

/// Accounts that share attributes with one, the rarest things first. Sharing is no accusation
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Neighbors {
    /// The account.
    name: String,
    #[arg(help = VIA_HELP, long, value_name = "ATTRIBUTES", value_delimiter = ',')]
    via: Vec<String>,
    /// Also neighbors of neighbors, with 2.
    #[arg(long, value_name = "1|2")]
    hops: Option<u8>,
    /// Leave out things that more than so many accounts share.
    #[arg(long, value_name = "ACCOUNTS")]
    hub_max: Option<u64>,
    #[command(flatten)]
    asked: Many,
}

impl Neighbors {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let via = (!self.via.is_empty()).then(|| self.via.join(","));
        let target = Target::new("/v1/accounts").name(&self.name).then("neighbors").with("via", via);
        self.asked.ask(target.with("hops", self.hops).with("hub_max", self.hub_max))
    }
}
