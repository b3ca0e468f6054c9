//! Why a command did not do what it was told, and which exit code says so.

use crate::app::AppError;
use crate::config::ConfigError;
use crate::http::client::{ClientError, Response};
use crate::store::StoreError;
use std::io;
use std::path::PathBuf;

/// An error of a command.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Flags that do not parse; also help and version, which are no errors.
    #[error(transparent)]
    Usage(clap::Error),
    /// Flags that parse but mean nothing.
    #[error("{0}")]
    Wrong(String),
    /// Settings that mean nothing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The server could not start.
    #[error(transparent)]
    App(#[from] AppError),
    /// The data file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server said no.
    #[error("{detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        detail: String,
    },
    /// A file that was named cannot be read.
    #[error("{path:?} cannot be read: {reason}")]
    Input {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// The work was done, but its outcome is bad; the details have been printed.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// The exit code, as the help lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(usage) => u8::try_from(usage.exit_code()).unwrap_or(2),
            Self::Wrong(_)
            | Self::Config(_)
            | Self::App(AppError::Open { .. } | AppError::Token)
            | Self::Client(ClientError::Url { .. } | ClientError::Token)
            | Self::Refused { status: 400 | 405 | 414 | 431, .. } => 2,
            Self::Client(
                ClientError::NobodyThere { .. } | ClientError::Connect { .. } | ClientError::Broken { .. },
            ) => 4,
            Self::Refused { status: 404, .. } => 3,
            Self::App(AppError::Store(error)) | Self::Store(error) => store_code(error),
            Self::Output(_) if self.is_closed_pipe() => 0,
            Self::Output(_) | Self::Refused { status: 507, .. } => 74,
            _ => 1,
        }
    }

    /// Whether the reader of our output has gone.
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(reason) if reason.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What a refusal says: the detail of its problem document, else its status.
    pub(crate) fn refused(response: &Response) -> Self {
        let problem: serde_json::Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let detail = problem.get("detail").and_then(serde_json::Value::as_str);
        let detail = detail.map_or_else(|| format!("the server answered {}", response.status), str::to_owned);
        let hint = match response.status.as_u16() {
            401 => " (here: --token-file FILE)",
            _ => "",
        };
        Self::Refused { status: response.status.as_u16(), detail: format!("{detail}{hint}") }
    }
}

fn store_code(error: &StoreError) -> u8 {
    match error {
        StoreError::DiskFull | StoreError::Io(_) | StoreError::Corrupt { .. } => 74,
        StoreError::Open(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{CliError, StoreError};
    use std::io;

    #[test]
    fn each_kind_of_failure_has_its_code() {
        let refused = |status| CliError::Refused { status, detail: String::new() }.exit_code();
        assert_eq!([400, 401, 404, 503, 507].map(refused), [2, 1, 3, 1, 74]);
        assert_eq!(CliError::Store(StoreError::DiskFull).exit_code(), 74);
        assert_eq!(CliError::Store(StoreError::Open("in use".into())).exit_code(), 1);
        assert_eq!(CliError::Output(io::ErrorKind::StorageFull.into()).exit_code(), 74);
        assert_eq!(CliError::Output(io::ErrorKind::BrokenPipe.into()).exit_code(), 0);
        assert_eq!(CliError::Wrong("x".into()).exit_code(), 2);
    }
}
