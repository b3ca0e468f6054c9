//! Connections: accepting them, a bounded number at once, and ending them in order.
//!
//! HTTP/1.1 only, and hyper's own `http1` builder with a timer: the builder that guesses the version
//! waits for ever for the first byte.

use crate::http::auth::Guard;
use crate::http::engine::Engine;
use crate::http::service::{State, respond};
use crate::limits::{
    CONNECTIONS_MAX, DRAIN_WAIT, HEADER_BYTES_MAX, HEADER_WAIT, HEADERS_MAX, QUIET_WAIT, READ_BYTES_MAX,
};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long to wait after accepting failed, which is nearly always for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` is done; then answers what is in flight, for `DRAIN_WAIT` at the most.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<dyn Engine>,
    guard: Guard,
    shutdown: impl Future<Output = ()>,
) {
    let state = Arc::new(State::new(engine, guard));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            // Reaps what has ended, so that the set does not grow.
            Some(_) = connections.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                connections.spawn(connect(stream, Arc::clone(&state), stopping.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // New clients are refused by the kernel from here on.
    drop(listener);
    stop.send_replace(true);
    let drained = timeout(DRAIN_WAIT, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::warn!(connections = connections.len(), "still busy at the end of the grace period: cut off");
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

async fn connect(
    stream: TcpStream,
    state: Arc<State>,
    mut stopping: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // One share is ours, and one goes with each request until its answer is known.
    let asking = Arc::new(());
    let quiet = Arc::downgrade(&asking);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = respond(Arc::clone(&state), request);
        let asked = Arc::clone(&asking);
        async move {
            let answer = answer.await;
            drop(asked);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(READ_BYTES_MAX)
        // A client that closes its side has gone: the future of its request is dropped.
        .half_close(false)
        .keep_alive(true);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            match timeout(QUIET_WAIT, connection.as_mut()).await {
                Ok(ended) => ended,
                // hyper would wait for the rest of half a request as long as its client likes.
                Err(_) if quiet.strong_count() <= 1 => return,
                Err(_) => connection.await,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Done when the server stops.
async fn told(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender has gone, which is a stop as well.
    let _ = stopping.wait_for(|stop| *stop).await.map(|_| ());
}
