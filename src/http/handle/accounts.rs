//! `POST|PUT /v1/accounts`: account records, and one answer when all of them are synced.
//!
//! A body is collected before it is read, within its bound and within the room that all requests share.

use crate::http::body::BodyLimits;
use crate::http::error::Problem;
use crate::http::handle::{Reply, events};
use crate::http::service::State;
use crate::ingest::Permit;
use crate::limits::ACCOUNTS_BYTES_MAX;
use bytes::Bytes;
use hyper::body::Body;
use hyper::{HeaderMap, StatusCode};
use serde_json::json;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Takes a body of records in.
pub(crate) async fn receive<B: Body<Data = Bytes> + Unpin>(
    state: &Arc<State>,
    body: B,
    headers: &HeaderMap,
) -> Result<Reply, Problem> {
    let (bytes, permit) = read(state, body, headers).await?;
    let engine = Arc::clone(&state.engine);
    let work = spawn_blocking(move || {
        let noted = engine.note_accounts(&bytes);
        // The body is gone before its room is given back.
        drop(bytes);
        drop(permit);
        noted
    });
    let noted =
        work.await.map_err(|failed| Problem::internal(format!("noting accounts panicked: {failed}")))??;
    let members = json!({
        "new": noted.new,
        "changed": noted.changed,
        "unchanged": noted.same,
        "rejected": noted.rejects.count,
        "errors": noted.rejects.first,
    });
    if noted.rejects.count > 0 && noted.new + noted.changed + noted.same == 0 {
        let detail = "not one record could be taken; errors says why, line by line";
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, "nothing-accepted", detail);
        problem.members.extend(members.as_object().cloned().unwrap_or_default());
        return Err(problem);
    }
    Ok(Reply::ok("application/json", format!("{members}\n")))
}

/// The whole body, decompressed, and the room that it holds.
async fn read<B: Body<Data = Bytes> + Unpin>(
    state: &State,
    body: B,
    headers: &HeaderMap,
) -> Result<(Vec<u8>, Option<Permit>), Problem> {
    let bytes_max = ACCOUNTS_BYTES_MAX as u64;
    let limits = BodyLimits { sent_bytes_max: bytes_max, decoded_bytes_max: bytes_max };
    let mut pieces = events::open(body, headers, limits).await?;
    let mut bytes = Vec::new();
    let mut permit: Option<Permit> = None;
    let failure = loop {
        match pieces.advance().await {
            Ok(true) => {}
            Ok(false) => return Ok((bytes, permit)),
            Err(error) => break Problem::from(error),
        }
        // What is read from it takes about as much as the body again.
        match (state.engine.room().acquire(2 * pieces.piece().len()).await, &mut permit) {
            (Ok(more), Some(permit)) => permit.merge(more),
            (Ok(more), none) => *none = Some(more),
            (Err(_), _) => break Problem::busy(),
        }
        bytes.extend_from_slice(pieces.piece());
    };
    pieces.discard().await;
    Err(failure)
}
