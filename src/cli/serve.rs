//! `cahoots serve`: the server, until it is told to stop.

use crate::app::{self, Options};
use crate::cli::error::CliError;
use crate::cli::memory;
use crate::config::{Config, Typed};
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "\
Examples:
  cahoots serve --data ./data
  cahoots serve --data /var/lib/cahoots --listen 0.0.0.0:7070 --token-file /etc/cahoots/token
  cahoots serve --config /etc/cahoots/cahoots.toml

A flag wins over a variable, a variable over the file, the file over the default. SIGTERM and Ctrl-C
stop it in order: what is in flight is answered. CAHOOTS_LOG=debug says more on stderr.";

/// Take events in, keep them, answer questions
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Folder of the data file; made if missing. Unless you say, the platform's state folder.
    #[arg(long, value_name = "FOLDER", env = "CAHOOTS_DATA")]
    data: Option<PathBuf>,

    /// Where to listen; 127.0.0.1:7070 unless you say. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", env = "CAHOOTS_LISTEN")]
    listen: Option<String>,

    /// File with one line, the token that clients have to show. Needed for any address but loopback.
    #[arg(long, value_name = "FILE", env = "CAHOOTS_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// Keep fields of events that cahoots does not know.
    #[arg(long, value_name = "BOOL", env = "CAHOOTS_KEEP_EXTRA", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_extra: Option<bool>,

    /// Keep keyed hashes in the place of names and addresses: account, ip, or both with a comma. Settled with the
    /// first event; unless you say, what the database has.
    #[arg(long, value_name = "LIST", env = "CAHOOTS_PSEUDONYMIZE", value_delimiter = ',')]
    pseudonymize: Option<Vec<String>>,

    /// Proxies whose forwarding headers are believed: networks, addresses, or the word private. Unless you say, those
    /// of private networks and of this machine.
    #[arg(long, value_name = "CIDR,...", env = "CAHOOTS_TRUSTED_PROXIES", value_delimiter = ',')]
    trusted_proxies: Option<Vec<String>>,

    /// When an event without its client's address waits for the edge record of the same request, up to 15 minutes:
    /// off, auto (while edge records come) or on. Unless you say, auto.
    #[arg(long, value_name = "MODE", env = "CAHOOTS_JOIN")]
    join: Option<String>,

    /// Settings as TOML; packaging/cahoots.toml lists them.
    #[arg(long, value_name = "FILE", env = "CAHOOTS_CONFIG")]
    config: Option<PathBuf>,
}

impl Serve {
    /// Serves until a signal.
    pub(crate) fn run(self) -> Result<(), CliError> {
        memory::settle();
        let options = self.options()?;
        log_to_stderr("info");
        Ok(app::serve(&options, told_to_stop(), |_| {})?)
    }

    fn options(self) -> Result<Options, CliError> {
        let Self { data, listen, token_file, keep_extra, pseudonymize, trusted_proxies, join, config } = self;
        let file = config.as_deref().map(Typed::from_file).transpose()?.unwrap_or_default();
        let typed =
            Typed { data, listen, token_file, keep_extra, pseudonymize, trusted_proxies, join, source: None };
        let config = Config::resolve(typed.or(file), |name| std::env::var_os(name))?;
        let token = config.token()?;
        let Config { data, listen, keep_extra, sources, pseudonymize, proxies, join, .. } = config;
        let new = Options::new(data, listen);
        Ok(Options { token, keep_extra, sources, pseudonymize, proxies, join, ..new })
    }
}

/// Starts the log; `CAHOOTS_LOG` wins over `level`.
pub(crate) fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env("CAHOOTS_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colored = stderr().is_terminal() && !no_color;
    let log = tracing_subscriber::fmt().with_writer(stderr).with_ansi(colored).with_target(false);
    // A second start, as in tests, leaves the first log in place.
    drop(log.with_env_filter(filter).try_init());
}

/// Done at SIGTERM or Ctrl-C.
pub(crate) async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        // Without a handler the signal ends the process the hard way, which loses nothing acknowledged.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping: what is in flight is answered first");
}

#[cfg(test)]
mod tests {
    use super::Serve;
    use crate::ingest::Proxies;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("cahoots.toml");
        let text = "listen = '127.0.0.1:2'\nkeep_extra = true\ndata = '/from/file'\njoin = 'off'\n\
                    trusted_proxies = ['10.0.0.0/8']";
        std::fs::write(&file, text).expect("write");
        let serve = Serve {
            data: Some("/from/flag".into()),
            listen: None,
            token_file: None,
            keep_extra: None,
            pseudonymize: None,
            trusted_proxies: None,
            join: Some("on".into()),
            config: Some(file),
        };
        let options = serve.options().expect("options");
        assert_eq!(
            (options.data.to_str(), options.listen.port(), options.keep_extra),
            (Some("/from/flag"), 2, true)
        );
        assert_eq!(options.join, crate::event::Join::On);
        let listed = Proxies::listed(&["10.0.0.0/8".to_owned()]).expect("a list");
        assert_eq!(options.proxies.as_deref(), Some(&listed));
    }
}
