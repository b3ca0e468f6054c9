//! The paths at which log shippers push, in the protocols that they speak.
//!
//! What is answered belongs to `handle/push`.

use crate::ingest::Protocol;

/// What a shipper asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// A body of a protocol.
    Body(Protocol),
    /// Lines for Splunk, without an envelope.
    SplunkRaw,
    /// Whether Splunk's collector is well.
    SplunkHealth,
    /// Whether Splunk's collector has indexed something.
    SplunkAck,
    /// OpenTelemetry metrics.
    Metrics,
    /// What an Elasticsearch client asks before it sends.
    Elastic(Elastic),
}

/// What an Elasticsearch client asks before it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elastic {
    /// Which product and version this is.
    Info,
    /// The licence, and what it allows.
    License,
    /// The state of the cluster.
    Health,
    /// The same, as text.
    CatHealth,
    /// Nodes to send to.
    Nodes,
    /// A template, policy or pipeline.
    Setup,
}

/// Paths of pushes.
pub(crate) const PUSHES: [(&str, Push); 29] = [
    ("/v1/logs", Push::Body(Protocol::OtlpLogs)),
    ("/v1/traces", Push::Body(Protocol::OtlpTraces)),
    ("/v1/metrics", Push::Metrics),
    ("/api/public/otel/v1/traces", Push::Body(Protocol::OtlpTraces)),
    ("/loki/api/v1/push", Push::Body(Protocol::Loki)),
    ("/services/collector", Push::Body(Protocol::Splunk)),
    ("/services/collector/event", Push::Body(Protocol::Splunk)),
    ("/services/collector/event/1.0", Push::Body(Protocol::Splunk)),
    ("/services/collector/raw", Push::SplunkRaw),
    ("/services/collector/raw/1.0", Push::SplunkRaw),
    ("/services/collector/health", Push::SplunkHealth),
    ("/services/collector/health/1.0", Push::SplunkHealth),
    ("/services/collector/ack", Push::SplunkAck),
    ("/_bulk", Push::Body(Protocol::Bulk)),
    ("/{index}/_bulk", Push::Body(Protocol::Bulk)),
    ("/{index}/_doc/_bulk", Push::Body(Protocol::Bulk)),
    ("/", Push::Elastic(Elastic::Info)),
    ("/_license", Push::Elastic(Elastic::License)),
    ("/_xpack", Push::Elastic(Elastic::License)),
    ("/_cluster/health", Push::Elastic(Elastic::Health)),
    ("/_cat/health", Push::Elastic(Elastic::CatHealth)),
    ("/_nodes", Push::Elastic(Elastic::Nodes)),
    ("/_nodes/http", Push::Elastic(Elastic::Nodes)),
    ("/_nodes/_all/http", Push::Elastic(Elastic::Nodes)),
    ("/_template/{name}", Push::Elastic(Elastic::Setup)),
    ("/_index_template/{name}", Push::Elastic(Elastic::Setup)),
    ("/_component_template/{name}", Push::Elastic(Elastic::Setup)),
    ("/_ilm/policy/{name}", Push::Elastic(Elastic::Setup)),
    ("/_ingest/pipeline/{name}", Push::Elastic(Elastic::Setup)),
];

impl Push {
    /// Methods, in the order of an Allow header.
    pub(crate) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Body(_) | Self::SplunkRaw | Self::Metrics => &["POST", "PUT"],
            Self::SplunkAck => &["POST"],
            Self::Elastic(Elastic::Setup) => &["GET", "PUT"],
            Self::SplunkHealth | Self::Elastic(_) => &["GET"],
        }
    }
}
