//! Query strings of the routes about clusters.

use crate::detect::{Status, Verdict};
use crate::event::Micros;
use crate::http::params::{Params, wrong};
use crate::http::route::RouteError;
use crate::query::{Bound, ClusterRequest};

/// `GET /v1/clusters`.
pub(super) fn list(params: &Params<'_>) -> Result<ClusterRequest, RouteError> {
    let status = match params.get("status") {
        None => None,
        Some("watch") => Some(Status::Watch),
        Some("confirmed") => Some(Status::Confirmed),
        Some(_) => return Err(wrong("status", "it is watch or confirmed")),
    };
    let verdict = match params.get("verdict") {
        None => None,
        Some(name) => Some(Verdict::from_name(name).ok_or_else(|| {
            let known = Verdict::ALL.map(Verdict::name).join(", ");
            wrong("verdict", &format!("it is one of {known}"))
        })?),
    };
    Ok(ClusterRequest::List { status, verdict, span: params.span()?, page: params.page()? })
}

/// `GET /v1/clusters/{id}/members`.
pub(super) fn members(id: String, params: &Params<'_>) -> Result<ClusterRequest, RouteError> {
    let excluded = match params.get("excluded") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(wrong("excluded", "it is true or false")),
    };
    let mut page = params.page()?;
    if params.get("limit").is_none() {
        // How many that is depends on the format.
        page.limit = None;
    }
    Ok(ClusterRequest::Members { id, excluded, page })
}

/// An instant; a length of time before the newest event would say nothing here.
pub(super) fn instant(params: &Params<'_>, name: &'static str) -> Result<Option<Micros>, RouteError> {
    let span = params.span()?;
    let bound = if name == "since" { span.since } else { span.until };
    match bound {
        None => Ok(None),
        Some(Bound::At(at)) => Ok(Some(at)),
        Some(Bound::Ago(_)) => Err(wrong(name, "write an instant here, such as 2026-05-01T00:00:00Z")),
    }
}
