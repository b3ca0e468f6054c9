//! Which server a client command talks to.

use crate::cli::error::CliError;
use crate::config::read_token;
use crate::http::client::Client;
use std::path::PathBuf;

/// The server, and what it wants to be shown.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Server {
    /// Where the server is.
    #[arg(long, value_name = "URL", env = "CAHOOTS_URL", default_value = "http://127.0.0.1:7070")]
    pub(crate) url: String,

    /// File with the server's token.
    #[arg(long, value_name = "FILE", env = "CAHOOTS_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

impl Server {
    /// A client of it; does not connect yet.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        let token = self.token_file.as_deref().map(read_token).transpose()?;
        Ok(Client::new(&self.url, token.as_deref())?)
    }
}
