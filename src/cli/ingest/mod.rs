//! stub
#[derive(Debug, clap::Args)]
pub(crate) struct Ingest {}
impl Ingest { pub(crate) fn run(&self) -> Result<(), crate::cli::CliError> { Ok(()) } }
