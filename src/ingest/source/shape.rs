//! Which source a record comes from, told by the paths that it has.

use super::super::flat::Flat;
use super::super::paths::Paths;
use super::map::{Source, Table, is_blank};
use super::own::Own;
use super::{
    caddy, cloudflare, envoy, helicone, kong, langfuse, litellm, native_source, nginx, otel, portkey, traefik,
};
use std::sync::LazyLock;

/// A log source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The field names of the contract.
    Native,
    /// `LiteLLM` `StandardLoggingPayload`.
    LiteLlm,
    /// OpenTelemetry attributes of the `GenAI` and HTTP conventions, and of the libraries near them.
    Otel,
    /// Caddy access log.
    Caddy,
    /// nginx access log: JSON, or the combined format.
    Nginx,
    /// Envoy access log, JSON.
    Envoy,
    /// Traefik access log, JSON.
    Traefik,
    /// Portkey gateway, log hook.
    Portkey,
    /// Kong http-log, with the fields of its AI plugins.
    Kong,
    /// Cloudflare Logpush, `http_requests`.
    Cloudflare,
    /// Cloudflare AI Gateway logs.
    CloudflareAi,
    /// Helicone export.
    Helicone,
    /// Langfuse export.
    Langfuse,
    /// A mapping of the operator's own.
    Own(&'static Own),
}

/// Every built-in source: its name, and how it is read.
static SOURCES: [(Kind, &str, &Source); 13] = [
    (Kind::Native, "native", &native_source::SOURCE),
    (Kind::LiteLlm, "litellm", &litellm::SOURCE),
    (Kind::Otel, "otel", &otel::SOURCE),
    (Kind::Caddy, "caddy", &caddy::SOURCE),
    (Kind::Nginx, "nginx", &nginx::SOURCE),
    (Kind::Envoy, "envoy", &envoy::SOURCE),
    (Kind::Traefik, "traefik", &traefik::SOURCE),
    (Kind::Portkey, "portkey", &portkey::SOURCE),
    (Kind::Kong, "kong", &kong::SOURCE),
    (Kind::Cloudflare, "cloudflare", &cloudflare::SOURCE),
    (Kind::CloudflareAi, "cloudflare-ai", &cloudflare::AI),
    (Kind::Helicone, "helicone", &helicone::SOURCE),
    (Kind::Langfuse, "langfuse", &langfuse::SOURCE),
];

/// Shapes, most telling first: a record is of a kind when it has all paths of one of its lists.
const SHAPES: [(Kind, &[&[&str]]); 14] = [
    (
        Kind::LiteLlm,
        &[
            &["litellm_call_id", "startTime"],
            &["call_type", "startTime"],
            &["metadata.user_api_key_hash", "startTime"],
        ],
    ),
    (
        Kind::Portkey,
        &[&["requestType", "request.json.model"], &["requestType", "provider", "response.statusCode"]],
    ),
    (Kind::Kong, &[&["client_ip", "started_at"], &["latencies.request", "started_at"]]),
    (Kind::Caddy, &[&["request.remote_ip"], &["request.client_ip"], &["request.remote_addr", "logger"]]),
    (Kind::Cloudflare, &[&["RayID"], &["EdgeStartTimestamp"]]),
    (Kind::CloudflareAi, &[&["tokens_in", "provider"], &["tokens_out", "provider"]]),
    (
        Kind::Traefik,
        &[&["ClientAddr", "RequestMethod"], &["ClientHost", "DownstreamStatus"], &["ClientHost", "StartUTC"]],
    ),
    (Kind::Helicone, &[&["request_id", "request_created_at"], &["request_created_at", "response_status"]]),
    (
        Kind::Langfuse,
        &[
            &["trace_id", "type", "start_time"],
            &["traceId", "type", "startTime"],
            &["id", "projectId", "timestamp"],
            &["id", "project_id", "timestamp"],
        ],
    ),
    (
        Kind::Envoy,
        &[
            &["response_flags"],
            &["response_code_details"],
            &["downstream_remote_address"],
            &["response_code", "authority"],
            &["ja4", "response_code"],
        ],
    ),
    (Kind::Otel, &[&[GEN_AI]]),
    (Kind::Nginx, &[&["remote_addr"], &["time_iso8601"], &["time_local"]]),
    (
        Kind::Otel,
        &[
            &["client.address"],
            &["user_agent.original"],
            &["enduser.id"],
            &["user.id"],
            &["client.ip"],
            &["http.request.method"],
        ],
    ),
    (Kind::Native, &[&["account"]]),
];

/// Stands for any path under which a model call is described.
const GEN_AI: &str = "gen_ai.*";

/// The beginnings of such paths.
const GEN_AI_STARTS: [&str; 5] = ["gen_ai.", "traceloop.", "langfuse.", "llm.", "ai.model."];

/// Paths that shapes ask for, with the number of their bit.
static MARKS: LazyLock<Paths<u64>> = LazyLock::new(|| {
    let mut marks = Paths::<u64>::new();
    for path in SHAPES.iter().flat_map(|(_, lists)| lists.iter()).flat_map(|list| list.iter()) {
        let next = 1 << marks.len();
        let bit = marks.entry(path);
        if *bit == 0 {
            *bit = next;
        }
    }
    marks
});

/// Shapes as sets of bits.
static MASKS: LazyLock<Vec<(Kind, u64)>> = LazyLock::new(|| {
    let bits =
        |list: &&[&str]| list.iter().filter_map(|path| MARKS.get(path)).fold(0, |mask, bit| mask | bit);
    SHAPES.iter().flat_map(|(kind, lists)| lists.iter().map(move |list| (*kind, bits(list)))).collect()
});

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    SOURCES
        .iter()
        .map(|(_, _, source)| Table::new(source.ways.iter().map(|way| (way.field, way.path, way.how)), &[]))
        .collect()
});

impl Kind {
    /// Every built-in source.
    pub fn all() -> impl Iterator<Item = Self> {
        SOURCES.iter().map(|(kind, _, _)| *kind)
    }

    /// The name by which a request forces the source.
    #[must_use]
    pub fn name(self) -> &'static str {
        if let Self::Own(own) = self { own.name() } else { SOURCES[self.place()].1 }
    }

    /// The built-in source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    pub(super) fn source(self) -> &'static Source {
        if let Self::Own(own) = self { own.source() } else { SOURCES[self.place()].2 }
    }

    pub(super) fn table(self) -> &'static Table {
        if let Self::Own(own) = self { own.table() } else { &TABLES[self.place()] }
    }

    /// The place of a built-in source among them.
    fn place(self) -> usize {
        SOURCES.iter().position(|(kind, ..)| *kind == self).unwrap_or_default()
    }

    /// Whether a record has the shape of this source, which is the first that is looked for: no other comes into
    /// question then.
    pub(in crate::ingest) fn is_first_told(self, flat: &Flat<'_>) -> bool {
        let (first, lists) = SHAPES[0];
        let has = |path: &&str| flat.get(path).is_some_and(|value| !is_blank(value));
        first == self && lists.iter().any(|list| list.iter().all(has))
    }

    /// The built-in source whose shape a record has.
    pub(in crate::ingest) fn of(flat: &Flat<'_>) -> Option<Self> {
        let (marks, mut seen) = (&*MARKS, 0_u64);
        for (path, value) in flat.iter() {
            let path = if is_gen_ai(path) { GEN_AI } else { path };
            if let Some(bit) = marks.get(path)
                && !is_blank(value)
            {
                seen |= bit;
            }
        }
        MASKS.iter().find(|(_, mask)| *mask != 0 && seen & mask == *mask).map(|(kind, _)| *kind)
    }
}

/// Whether a path describes a model call.
pub(super) fn is_gen_ai(path: &str) -> bool {
    let first = path.as_bytes().first();
    GEN_AI_STARTS.iter().any(|start| start.as_bytes().first() == first && path.starts_with(start))
}

/// Whether a top-level name that the contract does not know belongs to another source, so that a line
/// with native names is looked at again as a whole: Caddy with an `account` that its operator added
/// still has its address under a name of its own.
pub(super) fn is_foreign(name: &str) -> bool {
    matches!(
        name,
        "request"
            | "remote_addr"
            | "ClientHost"
            | "ClientAddr"
            | "RayID"
            | "litellm_call_id"
            | "client_ip"
            | "downstream_remote_address"
            | "batch"
            | "logs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_its_own() {
        for (place, (kind, name, _)) in SOURCES.iter().enumerate() {
            assert_eq!((kind.place(), Kind::from_name(name)), (place, Some(*kind)));
        }
        assert_eq!(Kind::from_name("nobody"), None);
        assert!(MARKS.len() <= 64 && MASKS.iter().all(|(_, mask)| *mask != 0));
    }
}
