//! Errors as callers see them: RFC 9457 problem documents, and the one table from the errors of the
//! floors below to status codes.
//!
//! Each problem has two messages. `detail` is for the caller and says what to mend. The cause is for
//! our log; of a failure that is ours the caller learns that it happened, not what is inside.

use crate::http::route::RouteError;
use crate::query::QueryError;
use crate::store::StoreError;
use hyper::StatusCode;
use serde_json::{Map, Value};

/// Seconds after which a client may try again when the server was busy.
const RETRY_BUSY_SECONDS: u32 = 2;

/// Seconds after which a client may try again when the disk was full.
const RETRY_FULL_SECONDS: u32 = 30;

/// A problem on its way to the caller.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status code, never a success.
    pub status: StatusCode,
    /// The last part of the type, for programs: `urn:cahoots:problem:CODE`.
    pub code: &'static str,
    /// What is wrong and how to mend it, for the caller.
    pub detail: String,
    /// The parameter, header or field that is wrong.
    pub field: Option<String>,
    /// Further members of the document.
    pub members: Box<Map<String, Value>>,
    /// Retry-After, in seconds.
    pub retry_after: Option<u32>,
    /// One more header.
    pub header: Option<Box<(&'static str, String)>>,
    /// What happened, for our log only.
    pub cause: Option<String>,
}

impl Problem {
    /// A problem with a status, a code and a message for the caller.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
            members: Box::default(),
            retry_after: None,
            header: None,
            cause: None,
        }
    }

    /// Names the field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.header = Some(Box::new((name, value.into())));
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The server holds as much as it may.
    #[must_use]
    pub fn busy() -> Self {
        let detail = "the server holds as many bytes as it may; send the body again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after(RETRY_BUSY_SECONDS)
    }

    /// A fault of ours; the cause goes to the log only.
    #[must_use]
    pub fn internal(cause: String) -> Self {
        let detail = "something went wrong here; the server's log says what, under the request id";
        Self { cause: Some(cause), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail) }
    }

    /// The document.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut document = Map::new();
        document.insert("type".into(), format!("urn:cahoots:problem:{}", self.code).into());
        document.insert("title".into(), self.status.canonical_reason().unwrap_or("Error").into());
        document.insert("status".into(), self.status.as_u16().into());
        document.insert("detail".into(), self.detail.clone().into());
        if let Some(field) = &self.field {
            document.insert("field".into(), field.clone().into());
        }
        if let Some(seconds) = self.retry_after {
            document.insert("retry_after_seconds".into(), seconds.into());
        }
        document.extend((*self.members).clone());
        document.into()
    }
}

impl From<RouteError> for Problem {
    fn from(error: RouteError) -> Self {
        let detail = error.to_string();
        match error {
            RouteError::NotFound { near } => {
                let mut problem = Self::new(StatusCode::NOT_FOUND, "unknown-path", detail);
                problem.members.insert("near".into(), near.into());
                problem
            }
            RouteError::Method { allow } => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", detail).header("allow", allow)
            }
            RouteError::Parameter { field, .. } => {
                Self::new(StatusCode::BAD_REQUEST, "wrong-parameter", detail).field(field)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = Some(error.to_string());
        let unavailable = |code, detail| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        let problem = match error {
            StoreError::DiskFull => {
                let detail = "the disk is full: free space where the data file lies; reads go on meanwhile";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", detail)
                    .retry_after(RETRY_FULL_SECONDS)
            }
            StoreError::Io(_) => {
                let detail = "writing has stopped after an error of the disk; the server's log says which";
                unavailable("disk-failed", detail).retry_after(RETRY_FULL_SECONDS)
            }
            StoreError::Corrupt { .. } => {
                let detail = "the data file is damaged; run `cahoots check`, the server's log says where";
                unavailable("damaged", detail)
            }
            StoreError::Open(_) => unavailable("not-open", "the data file is not open; the log says why"),
        };
        Self { cause, ..problem }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let detail = error.to_string();
        match error {
            QueryError::NotFound { what, .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown-name", detail).field(what)
            }
            QueryError::Expression { at, .. } => {
                let mut problem =
                    Self::new(StatusCode::BAD_REQUEST, "wrong-expression", detail).field("where");
                problem.members.insert("at".into(), at.into());
                problem
            }
            QueryError::Parameter { field, .. } => {
                Self::new(StatusCode::BAD_REQUEST, "wrong-parameter", detail).field(field)
            }
            QueryError::TooLong => Self::new(StatusCode::SERVICE_UNAVAILABLE, "query-too-long", detail),
            // Nobody reads it; the status is for the log.
            QueryError::Cancelled => Self::new(StatusCode::SERVICE_UNAVAILABLE, "cancelled", detail),
            QueryError::Store(error) => Self::from(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, QueryError, RouteError, StoreError};

    #[test]
    fn every_error_has_its_status_and_none_of_ours_leaks() {
        let secret = || "/var/lib/cahoots/data.redb: sector 7".to_owned();
        let table: [(Problem, u16, &str); 12] = [
            (RouteError::NotFound { near: vec![] }.into(), 404, "unknown-path"),
            (RouteError::Method { allow: "GET".into() }.into(), 405, "wrong-method"),
            (RouteError::Parameter { field: "x".into(), reason: "y".into() }.into(), 400, "wrong-parameter"),
            (QueryError::NotFound { what: "account", name: "x".into() }.into(), 404, "unknown-name"),
            (QueryError::Expression { at: 3, reason: "y".into() }.into(), 400, "wrong-expression"),
            (QueryError::Parameter { field: "cursor", reason: "y".into() }.into(), 400, "wrong-parameter"),
            (QueryError::TooLong.into(), 503, "query-too-long"),
            (StoreError::DiskFull.into(), 507, "disk-full"),
            (StoreError::Io(secret()).into(), 503, "disk-failed"),
            (
                QueryError::Store(StoreError::Corrupt { place: secret(), reason: secret() }).into(),
                503,
                "damaged",
            ),
            (StoreError::Open(secret()).into(), 503, "not-open"),
            (Problem::internal(secret()), 500, "internal"),
        ];
        for (problem, status, code) in table {
            let document = problem.document();
            assert_eq!(document["status"], status);
            assert_eq!(document["type"], format!("urn:cahoots:problem:{code}"));
            assert!(!document.to_string().contains("sector"), "{document}");
            assert_eq!(problem.cause.is_some(), problem.status.is_server_error() && code != "query-too-long");
        }
    }
}
