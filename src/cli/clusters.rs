//! `cahoots clusters`, `cahoots cluster`, `cahoots analyze`: what the analysis has found.

use crate::cli::ask::{Paged, fetch, print};
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const LIST_EXAMPLES: &str = "\
Examples:
  cahoots clusters
  cahoots clusters --status confirmed --verdict coordinated_extraction
  cahoots clusters --since 2026-05-01T00:00:00Z -o json";

/// Sets of accounts that act together, those that accuse first
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct Clusters {
    /// Only those as sure: watch or confirmed.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of a verdict.
    #[arg(long, value_name = "VERDICT")]
    verdict: Option<String>,
    /// Only those found since an instant.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    asked: Paged,
}

impl Clusters {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = Target::new("/v1/clusters")
            .with("status", self.status.as_ref())
            .with("verdict", self.verdict.as_ref())
            .with("since", self.since.as_ref());
        self.asked.ask(target)
    }
}

const ONE_EXAMPLES: &str = "\
Examples:
  cahoots cluster c-9c8750a1bafa
  cahoots cluster c-9c8750a1bafa --members --all -o csv
  cahoots cluster c-9c8750a1bafa --excluded
  cahoots cluster c-9c8750a1bafa --timeline";

/// One cluster: why, how sure, who, and what would have explained it innocently
#[derive(Debug, clap::Args)]
#[command(after_help = ONE_EXAMPLES)]
pub(crate) struct Cluster {
    /// Id of the cluster.
    id: String,
    /// Its accounts.
    #[arg(long, conflicts_with_all = ["excluded", "timeline"])]
    members: bool,
    /// The accounts that share something with it and were left out.
    #[arg(long, conflicts_with = "timeline")]
    excluded: bool,
    /// Its events by day.
    #[arg(long)]
    timeline: bool,
    #[command(flatten)]
    asked: Paged,
}

impl Cluster {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let one = Target::new("/v1/clusters").name(&self.id);
        if self.members || self.excluded {
            self.asked.ask(one.then("members").with("excluded", self.excluded.then_some("true")))
        } else if self.timeline {
            self.asked.ask_whole(one.then("timeline"))
        } else {
            self.asked.ask_whole(one)
        }
    }
}

const ANALYZE_EXAMPLES: &str = "\
Examples:
  cahoots analyze
  cahoots analyze --until 2026-05-01T00:00:00Z

Days are analysed by themselves as the log passes them; this is for the last day of a replay.";

/// Close every day there is, the last one too, and say what that came to
#[derive(Debug, clap::Args)]
#[command(after_help = ANALYZE_EXAMPLES)]
pub(crate) struct Analyze {
    /// Only days that begin before this instant.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    server: Server,
}

impl Analyze {
    /// Orders it and waits.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let target = Target::new("/v1/analyze").with("until", self.until.as_ref());
        let mut client = self.server.client()?;
        let response = fetch(&mut client, &target, Some(""))?;
        let text = String::from_utf8_lossy(&response.body);
        print(&text)
    }
}
