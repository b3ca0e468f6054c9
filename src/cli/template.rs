//! `cahoots template`: who sent prompts of one template, and when.

use crate::cli::ask::Many;
use crate::cli::error::CliError;
use crate::cli::target::Target;

const EXAMPLES: &str = "\
Examples:
  cahoots template 237818827 --since 14d
  cahoots template summarise-v3 -o json        the name that the gateway sends as template
  cahoots template name:17 --all -o csv        the same, where the name is a number

Templates have no index: a narrow window is a fast answer.";

/// The other side of a template: who sent it, when, and in which clusters they are
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Template {
    /// Its key as in `why` and in evidence, or the gateway's name of it.
    id: String,
    #[command(flatten)]
    asked: Many,
}

impl Template {
    /// Asks, or shows how to.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        self.asked.ask(Target::new("/v1/templates").name(&self.id))
    }
}
