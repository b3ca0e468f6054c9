//! The questions of the read path: run where blocking is fine, a bounded number at once, stopped when
//! nobody waits for the answer any more.

use crate::http::error::Problem;
use crate::http::handle::Reply;
use crate::http::negotiate::Format;
use crate::http::service::State;
use crate::http::wire::render;
use crate::limits::{QUERY_QUEUE_WAIT, QUERY_WAIT};
use crate::query::{Answer, Budget, Request};
use hyper::StatusCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Answers a question in a format.
pub(crate) async fn answer(state: &Arc<State>, request: Request, format: Format) -> Result<Reply, Problem> {
    let turn = Arc::clone(&state.queries).acquire_owned();
    let busy = "as many queries run as may run at once; ask again later";
    let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "queries-busy", busy).retry_after(2);
    let turn = timeout(QUERY_QUEUE_WAIT, turn).await.ok().and_then(Result::ok).ok_or_else(busy)?;
    let budget = Arc::new(Budget::until(Instant::now() + QUERY_WAIT));
    // hyper drops this future when the client goes away; the query itself runs on another thread.
    let _abandoned = CancelOnDrop(Arc::clone(&budget));
    let running = Running::start(state, turn);
    let work = spawn_blocking(move || {
        let answer = running.state.engine.query(&request, &budget)?;
        reply(&answer, format)
    });
    match work.await {
        Ok(reply) => reply,
        Err(failed) => Err(Problem::internal(format!("a query panicked: {failed}"))),
    }
}

/// An answer as a reply.
pub(crate) fn reply(answer: &Answer, format: Format) -> Result<Reply, Problem> {
    let body = render(answer, format).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Reply { next: answer.next.clone(), ..Reply::ok(format.content_type(), body) })
}

struct CancelOnDrop(Arc<Budget>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A query that runs. Goes with the work, not with the client: an abandoned query takes its place
/// until it has really stopped.
struct Running {
    state: Arc<State>,
    _turn: OwnedSemaphorePermit,
}

impl Running {
    fn start(state: &Arc<State>, turn: OwnedSemaphorePermit) -> Self {
        state.metrics.queries_running.fetch_add(1, Ordering::Relaxed);
        Self { state: Arc::clone(state), _turn: turn }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state.metrics.queries_running.fetch_sub(1, Ordering::Relaxed);
    }
}
