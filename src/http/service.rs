//! One request: guard, route, handler, and the headers that every answer has.
//!
//! Connections belong to `serve`; this is a function from a request to a response, over any body.

use crate::http::auth::Guard;
use crate::http::body::discard;
use crate::http::engine::Engine;
use crate::http::error::Problem;
use crate::http::handle::{Reply, accounts, clusters, events, push, query, server};
use crate::http::metrics::Metrics;
use crate::http::negotiate::choose;
use crate::http::route::{self, Route};
use crate::limits::{EXPRESSION_BYTES_MAX, QUERIES_MAX};
use crate::privacy::withheld;
use crate::query::Request as Question;
use crate::text::terminal_safe;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, EXPECT, HeaderName, HeaderValue, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Request, Response, StatusCode};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::Semaphore;

/// What all requests share.
pub(crate) struct State {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) metrics: Metrics,
    pub(crate) queries: Arc<Semaphore>,
    pub(crate) started: Instant,
    guard: Guard,
    /// Tells the request ids of one run of the server from those of another.
    run: u32,
    requests: AtomicU64,
}

impl State {
    pub(crate) fn new(engine: Arc<dyn Engine>, guard: Guard) -> Self {
        Self {
            engine,
            metrics: Metrics::default(),
            queries: Arc::new(Semaphore::new(QUERIES_MAX)),
            started: Instant::now(),
            guard,
            run: RandomState::new().hash_one(0) as u32,
            requests: AtomicU64::new(0),
        }
    }

    /// Bytes between socket and disk now.
    pub(crate) fn inflight_bytes(&self) -> usize {
        self.engine.room().bytes_held()
    }

    /// The caller's request id if it is a harmless one, else our own.
    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        let theirs = headers.get("x-request-id").filter(|id| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
            !id.is_empty() && id.len() <= 64 && id.as_bytes().iter().all(plain)
        });
        theirs.cloned().unwrap_or_else(|| {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            let ours = format!("{:08x}-{number:x}", self.run);
            HeaderValue::try_from(ours).unwrap_or(HeaderValue::from_static("none"))
        })
    }
}

/// Answers a request; whatever happens, there is an answer.
pub(crate) async fn respond<B: Body<Data = Bytes> + Unpin>(
    state: Arc<State>,
    request: Request<B>,
) -> Response<Full<Bytes>> {
    let began = Instant::now();
    let id = state.request_id(request.headers());
    // Names of accounts and addresses in a path, and all of the query string, stay out of the log.
    let asked =
        format!("{} {}", request.method(), terminal_safe(&route::without_names(request.uri().path())));
    let outcome = dispatch(&state, request).await;
    let outcome = outcome.map_err(|problem| Problem { detail: withheld(problem.detail), ..problem });
    if let Err(problem) = &outcome {
        log(problem, &asked, &id);
    }
    let mut response = outcome.map_or_else(|problem| refuse(&problem), accept);
    let headers = response.headers_mut();
    headers.insert("x-request-id", id);
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    state.metrics.count_answer(response.status());
    let micros = began.elapsed().as_micros() as u64;
    tracing::debug!(asked, status = response.status().as_u16(), micros, "answered");
    response
}

async fn dispatch<B: Body<Data = Bytes> + Unpin>(
    state: &Arc<State>,
    request: Request<B>,
) -> Result<Reply, Problem> {
    let (head, mut body) = request.into_parts();
    let allowed = state.guard.check(&head.uri, head.version, &head.headers);
    let route = allowed
        .and_then(|()| route::parse(&head.method, head.uri.path(), head.uri.query()).map_err(Problem::from));
    let route = route.and_then(|route| {
        let source = route.known_source(state.engine.sources())?;
        Ok((route, source))
    });
    let (route, source) = match route {
        Ok(known) => known,
        Err(problem) => {
            if !head.headers.contains_key(EXPECT) {
                discard(&mut body).await;
            }
            return Err(problem);
        }
    };
    match route {
        Route::Ingest { .. } => {
            events::receive(&*state.engine, &state.metrics, body, &head.headers, source).await
        }
        Route::Push { push, .. } => push::receive(state, body, &head, push, source).await,
        Route::Query { request, format } => {
            query::answer(state, request, choose(format, &head.headers)).await
        }
        Route::SearchBody { select, span, page, format } => {
            let text = events::read_text(body, &head.headers, EXPRESSION_BYTES_MAX).await?;
            let expression = route::expression(&text)?;
            let question = Question::Search { expression, select, span, page };
            query::answer(state, question, choose(format, &head.headers)).await
        }
        Route::Clusters { request, format } => clusters::answer(state, request, format, &head.headers),
        Route::Evidence { id, format } => clusters::evidence(state, id, choose(format, &head.headers)).await,
        Route::Analyze { until } => clusters::analyze(state, until).await,
        Route::NoteAccounts => accounts::receive(state, body, &head.headers).await,
        Route::Ban => clusters::ban(state, body, &head.headers).await,
        Route::Release => clusters::release(state, body, &head.headers).await,
        Route::Status { format } => server::status(state, choose(format, &head.headers)),
        Route::Health => Ok(server::health()),
        Route::Ready => server::ready(state),
        Route::Metrics => server::metrics(state),
        Route::OpenApi => Ok(server::openapi()),
    }
}

fn accept(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some((name, value)) = reply.header {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if let Some(next) = reply.next.and_then(|next| HeaderValue::try_from(next).ok()) {
        response.headers_mut().insert("x-next-cursor", next);
    }
    response
}

fn refuse(problem: &Problem) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{}\n", problem.document()))));
    *response.status_mut() = problem.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some((name, value)) = problem.header.as_deref()
        && let Ok(value) = HeaderValue::try_from(value)
    {
        headers.insert(HeaderName::from_static(name), value);
    }
    response
}

fn log(problem: &Problem, asked: &str, id: &HeaderValue) {
    let status = problem.status.as_u16();
    let id = id.to_str().unwrap_or_default();
    let cause = problem.cause.as_deref().map(terminal_safe).unwrap_or_default();
    if problem.status.is_server_error() {
        tracing::warn!(asked, status, id, code = problem.code, %cause, "could not answer");
    } else if problem.status != StatusCode::NOT_FOUND {
        tracing::info!(asked, status, id, code = problem.code, detail = %terminal_safe(&problem.detail), "refused");
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Guard, Request, Response, State, respond};
    use crate::http::testing::{Disk, FakeEngine, PiecesBody};
    use crate::ingest::Budget as Room;
    use crate::limits::{BODY_WAIT, INFLIGHT_WAIT, QUERIES_MAX, QUERY_QUEUE_WAIT};
    use http_body_util::{BodyExt, Full};
    use hyper::header::{HOST, RETRY_AFTER};
    use serde_json::Value;
    use std::sync::Arc;
    use tokio::time::Instant;

    fn state(engine: FakeEngine) -> (Arc<State>, Arc<FakeEngine>) {
        let engine = Arc::new(engine);
        let behind = Arc::clone(&engine);
        (Arc::new(State::new(behind, Guard::LocalHost)), engine)
    }

    fn request(method: &str, path: &str, body: PiecesBody) -> Request<PiecesBody> {
        Request::builder().method(method).uri(path).header(HOST, "localhost").body(body).expect("request")
    }

    async fn document(response: Response<Full<Bytes>>) -> Value {
        let body = response.into_body().collect().await.expect("whole").to_bytes();
        serde_json::from_slice(&body).expect("JSON")
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_room_waits_and_is_then_told_to_come_back() {
        let (state, engine) = state(FakeEngine { room: Room::new(700, INFLIGHT_WAIT), ..FakeEngine::new() });
        let others = engine.room.acquire(700).await;
        let start = Instant::now();
        let body = PiecesBody::new([Bytes::from_static(b"a\nb\n")]);
        let response = respond(state, request("POST", "/v1/events", body)).await;
        assert_eq!(start.elapsed().as_secs(), INFLIGHT_WAIT.as_secs());
        assert_eq!(response.status(), 429);
        assert!(response.headers().contains_key(RETRY_AFTER));
        drop(others);
        assert_eq!(engine.room.bytes_held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_share_little_room_all_get_through() {
        // Room for about two lines at once; each of eight requests brings more than that in all.
        let room = Room::new(700, INFLIGHT_WAIT);
        let (state, engine) = state(FakeEngine { room, batch_events_max: 100, ..FakeEngine::new() });
        let requests = (0..8).map(|sender| {
            let lines = (0..20).map(move |line| Bytes::from(format!("{sender}-{line}\n")));
            let body = PiecesBody::new(lines);
            tokio::spawn(respond(Arc::clone(&state), request("POST", "/v1/events", body)))
        });
        for response in requests.collect::<Vec<_>>() {
            assert_eq!(response.await.expect("no panic").status(), 200);
        }
        assert_eq!(engine.stored().len(), 160);
        assert_eq!(engine.room.bytes_held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_silent_is_408_and_says_what_was_kept() {
        let (state, engine) = state(FakeEngine::new());
        let start = Instant::now();
        let body = PiecesBody::new([Bytes::from_static(b"a\nb\nhalf a li")]).then_silent();
        let response = respond(state, request("POST", "/v1/events", body)).await;
        assert_eq!(response.status(), 408);
        assert!(start.elapsed() >= BODY_WAIT);
        let document = document(response).await;
        assert_eq!((&document["accepted"], &document["rejected"]), (&2.into(), &0.into()));
        assert_eq!(engine.stored().len(), 2, "the cut line is not one of them");
    }

    #[tokio::test(start_paused = true)]
    async fn commits_come_back_while_the_body_is_silent() {
        let (state, engine) = state(FakeEngine::new().with_disk(Disk::Waits));
        let body = PiecesBody::new([Bytes::from_static(b"a\nb\nc\nd\n")]).then_silent();
        let answer = tokio::spawn(respond(Arc::clone(&state), request("POST", "/v1/events", body)));
        engine.commits.add_permits(1);
        while engine.stored().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(engine.stored().len(), 3, "the full batch, before the body has ended");
        answer.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_gets_no_turn_is_503() {
        let (state, _) = state(FakeEngine::new());
        let running = Arc::clone(&state.queries).acquire_many_owned(QUERIES_MAX as u32).await;
        let start = Instant::now();
        let asked = || request("GET", "/v1/accounts/x", PiecesBody::new([]));
        let response = respond(Arc::clone(&state), asked()).await;
        assert_eq!((response.status().as_u16(), start.elapsed()), (503, QUERY_QUEUE_WAIT));
        drop(running);
        assert_eq!(respond(state, asked()).await.status(), 200);
    }

    #[tokio::test]
    async fn request_ids_come_back_if_they_are_harmless() {
        let (state, _) = state(FakeEngine::new());
        for (theirs, kept) in [("abc-1.2", true), ("a b", false), ("<script>", false), ("", false)] {
            let mut request = request("GET", "/healthz", PiecesBody::new([]));
            request.headers_mut().insert("x-request-id", theirs.parse().expect("header"));
            let response = respond(Arc::clone(&state), request).await;
            let id = response.headers()["x-request-id"].to_str().expect("text");
            assert_eq!(id == theirs, kept, "{theirs}");
            assert!(!id.is_empty());
        }
    }
}
