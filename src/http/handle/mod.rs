//! One file an endpoint family. Handlers get what `service` has checked and give a [`Reply`] or a
//! [`Problem`]; headers common to all answers are not their business.

pub(crate) mod accounts;
pub(crate) mod clusters;
pub(crate) mod coverage;
pub(crate) mod events;
pub(crate) mod push;
pub(crate) mod query;
pub(crate) mod server;

use bytes::Bytes;
use hyper::StatusCode;

/// An answer that is no problem.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// Cursor of the next page, for formats that have no place for it.
    pub(crate) next: Option<String>,
    /// A header that the clients of a protocol look for.
    pub(crate) header: Option<(&'static str, &'static str)>,
}

impl Reply {
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type, body: body.into(), next: None, header: None }
    }
}
