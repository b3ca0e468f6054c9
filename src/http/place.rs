//! The table of paths: what each takes, and the router made of it.
//!
//! It is the only one; `openapi.json` and the README are tested against it. What a path and its query string
//! come to belongs to `route`.

use crate::http::push_routes::{PUSHES, Push};
use hyper::Method;
use std::sync::LazyLock;

/// One path of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Events,
    Push(Push),
    Accounts,
    Account,
    Neighbors,
    AccountEvents,
    Ip,
    Fingerprint,
    Template,
    Pairs,
    Search,
    Why,
    Clusters,
    Cluster,
    Members,
    ClusterTimeline,
    Evidence,
    Analyze,
    Bans,
    Releases,
    Status,
    Health,
    Ready,
    Metrics,
    OpenApi,
}

pub(crate) const PLACES: [(&str, Place); 24] = [
    ("/v1/events", Place::Events),
    ("/v1/accounts", Place::Accounts),
    ("/v1/accounts/{account}", Place::Account),
    ("/v1/accounts/{account}/neighbors", Place::Neighbors),
    ("/v1/accounts/{account}/events", Place::AccountEvents),
    // A catch-all, so that the slash of 203.0.113.0/24 need not be escaped.
    ("/v1/ips/{*net}", Place::Ip),
    ("/v1/fingerprints/{fingerprint}", Place::Fingerprint),
    ("/v1/templates/{template}", Place::Template),
    ("/v1/pairs", Place::Pairs),
    ("/v1/search", Place::Search),
    ("/v1/why", Place::Why),
    ("/v1/clusters", Place::Clusters),
    ("/v1/clusters/{id}", Place::Cluster),
    ("/v1/clusters/{id}/members", Place::Members),
    ("/v1/clusters/{id}/timeline", Place::ClusterTimeline),
    ("/v1/clusters/{id}/evidence", Place::Evidence),
    ("/v1/analyze", Place::Analyze),
    ("/v1/bans", Place::Bans),
    ("/v1/releases", Place::Releases),
    ("/v1/status", Place::Status),
    ("/healthz", Place::Health),
    ("/readyz", Place::Ready),
    ("/metrics", Place::Metrics),
    ("/openapi.json", Place::OpenApi),
];

#[expect(clippy::expect_used, reason = "the table is constant, and every test of this file builds it")]
pub(crate) static ROUTER: LazyLock<matchit::Router<Place>> = LazyLock::new(|| {
    let mut router = matchit::Router::new();
    let pushes = PUSHES.map(|(path, push)| (path, Place::Push(push)));
    for (path, place) in PLACES.into_iter().chain(pushes) {
        router.insert(path, place).expect("paths do not overlap");
    }
    router
});

impl Place {
    /// What it can be asked with.
    pub(crate) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Events | Self::Accounts => &["POST", "PUT"],
            Self::Push(push) => push.methods(),
            Self::Search => &["GET", "POST"],
            Self::Analyze | Self::Bans | Self::Releases => &["POST"],
            _ => &["GET"],
        }
    }

    /// What its query string may have.
    pub(crate) fn params(self, method: &Method) -> &'static [&'static str] {
        match self {
            Self::Account | Self::ClusterTimeline => &["since", "until", "format"],
            Self::Neighbors => &["via", "hops", "hub_max", "since", "until", "limit", "cursor", "format"],
            Self::Pairs => &["via", "min", "hub_max", "since", "until", "limit", "cursor", "format"],
            Self::AccountEvents | Self::Ip | Self::Fingerprint | Self::Template => {
                &["since", "until", "limit", "cursor", "format"]
            }
            Self::Search if method == Method::POST => {
                &["select", "since", "until", "limit", "cursor", "format"]
            }
            Self::Search => &["where", "select", "since", "until", "limit", "cursor", "format"],
            Self::Why => &["a", "b", "since", "until", "format"],
            Self::Clusters => &["status", "verdict", "since", "until", "limit", "cursor", "format"],
            Self::Members => &["excluded", "limit", "cursor", "format"],
            Self::Analyze => &["until"],
            Self::Events | Self::Push(_) => &["source"],
            Self::Status | Self::Cluster | Self::Evidence => &["format"],
            Self::Accounts
            | Self::Bans
            | Self::Releases
            | Self::Health
            | Self::Ready
            | Self::Metrics
            | Self::OpenApi => &[],
        }
    }
}
