//! Wiring: what was configured to a server that runs, and its end in the right order.
//!
//! What is done at each step belongs to the floors below; what was typed belongs to `config`.

use crate::http::auth::Guard;
use crate::http::engine::Engine;
use crate::http::serve;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime;

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the data file.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The token that requests have to show. Needed unless `listen` is a loopback address.
    pub token: Option<String>,
    /// Whether unknown fields of events are kept.
    pub keep_extra: bool,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Open to others, but without a token.
    #[error(
        "{listen} can be reached from other machines: give a token with --token-file FILE, or listen on 127.0.0.1:{}",
        listen.port()
    )]
    Open {
        /// The address.
        listen: SocketAddr,
    },
    /// A token that anybody could guess, or that no client could send.
    #[error("the token file has to hold one line of at least 16 printable characters without spaces")]
    Token,
    /// The port is taken.
    #[error("{listen} is in use: stop what listens there, or choose another with --listen")]
    InUse {
        /// The address.
        listen: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("could not listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The runtime did not start.
    #[error("could not start: {0}")]
    Runtime(io::Error),
    /// The data file did not open or close.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Who may ask, by where the server listens.
pub fn guard(options: &Options) -> Result<Guard, AppError> {
    match &options.token {
        Some(token) if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(AppError::Token)
        }
        Some(token) => Ok(Guard::Token(token.clone())),
        None if options.listen.ip().to_canonical().is_loopback() => Ok(Guard::LocalHost),
        None => Err(AppError::Open { listen: options.listen }),
    }
}

/// Serves an engine until `shutdown` is done and what was in flight is answered. `on_ready` hears
/// the address once connections are taken.
///
/// The engine is let go of before this returns, so that its owner can close it.
pub fn serve_engine(
    options: &Options,
    engine: Arc<dyn Engine>,
    shutdown: impl Future<Output = ()>,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<(), AppError> {
    let guard = guard(options)?;
    let listen = options.listen;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(AppError::Runtime)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => AppError::InUse { listen },
            _ => AppError::Listen { listen, source },
        })?;
        let address = listener.local_addr().map_err(|source| AppError::Listen { listen, source })?;
        tracing::info!("listening on http://{address}");
        on_ready(address);
        serve::serve(listener, engine, guard, shutdown).await;
        Ok(())
    })
    // Dropping the runtime waits for queries that were cut off: they see their budget and end.
}

#[cfg(test)]
mod tests {
    use super::{AppError, Guard, Options, guard};

    fn options(listen: &str, token: Option<&str>) -> Options {
        let listen = listen.parse().expect(listen);
        Options { data: "data".into(), listen, token: token.map(str::to_owned), keep_extra: false }
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        for listen in ["127.0.0.1:0", "127.9.9.9:7070", "[::1]:7070", "[::ffff:127.0.0.1]:7070"] {
            assert!(matches!(guard(&options(listen, None)), Ok(Guard::LocalHost)), "{listen}");
        }
        for listen in ["0.0.0.0:7070", "[::]:7070", "192.0.2.1:7070"] {
            let refused = guard(&options(listen, None)).expect_err(listen).to_string();
            assert!(refused.contains("--token-file FILE, or listen on 127.0.0.1:7070"), "{refused}");
            assert!(matches!(guard(&options(listen, Some("0123456789abcdef"))), Ok(Guard::Token(_))));
        }
        for token in ["", "short", "0123456789 abcdef", "0123456789abcdef\n"] {
            assert!(matches!(guard(&options("127.0.0.1:0", Some(token))), Err(AppError::Token)), "{token}");
        }
    }
}
