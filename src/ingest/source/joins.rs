//! Ids that two records of one request have in common: request ids first, then trace ids.
//!
//! Whatever the name under which an id was logged, the same id is the same key: nginx's `$request_id` becomes
//! `LiteLLM`'s `x-request-id` header, or the trace id of a `traceparent`. A UUID is the same with dashes and
//! without, in capitals and not. What is too short to be of one request alone is no id.

use super::super::value::Scalar;
use super::field::Field;
use super::headers::{self, Headers};
use super::map::{From, Mapped};
use crate::limits::{JOIN_ID_BYTES_MIN, JOIN_ID_DISTINCT_MIN, JOIN_KEYS_MAX};

/// Where ids of a request lie besides headers.
const REQUEST: [&str; 7] = [
    "request_id",
    "litellm_call_id",
    "http.request.id",
    "request.id",
    "RayID",
    "metadata.litellm_call_id",
    "upstream_http_x_litellm_call_id",
];

/// Headers that hold one, of the request or of the answer.
const REQUEST_HEADERS: [&str; 6] =
    ["x-request-id", "x-litellm-call-id", "x-correlation-id", "cf-ray", "kong-request-id", "request-id"];

/// Where ids of a trace lie besides headers.
const TRACE: [&str; 3] = ["trace_id", "traceId", "traceparent"];

/// Headers that hold one.
const TRACE_HEADERS: [&str; 2] = ["traceparent", "x-b3-traceid"];

/// Where ids lie besides headers.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    REQUEST.into_iter().chain(TRACE)
}

/// The keys of a record, the most telling first.
pub(super) fn keys(mapped: &Mapped<'_, '_>, seed: u64) -> Vec<u128> {
    let flat = mapped.flat;
    let mut found = Found { seed, keys: Vec::new() };
    if matches!(mapped.from[Field::RequestId as usize], From::Path(_)) {
        found.add(mapped.taken(Field::RequestId));
    }
    let at = [headers::of_answer(mapped.kind), headers::of_request(mapped.kind)].concat();
    let headers = Headers::of(flat, &at);
    for (paths, names) in [(&REQUEST[..], &REQUEST_HEADERS[..]), (&TRACE, &TRACE_HEADERS)] {
        for path in paths {
            if let Some(Scalar::Text(text)) = flat.get(path) {
                found.add(text);
            }
        }
        for text in names.iter().flat_map(|name| headers.values(name)) {
            found.add(text);
        }
    }
    found.keys
}

/// Keys that were found, and that of a request id before them.
pub(super) fn with_id(keys: &[u128], request_id: &str, seed: u64) -> Vec<u128> {
    let mut found = Found { seed, keys: Vec::new() };
    if keys.is_empty() {
        found.add(request_id);
    } else {
        found.keys.extend_from_slice(keys);
    }
    found.keys
}

struct Found {
    seed: u64,
    keys: Vec<u128>,
}

impl Found {
    fn add(&mut self, text: &str) {
        if let Some(id) = id(text)
            && self.keys.len() < JOIN_KEYS_MAX
        {
            let key = xxhash_rust::xxh3::xxh3_128_with_seed(id.as_bytes(), self.seed);
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
    }
}

/// The id in a text, in one form for all that write it.
fn id(text: &str) -> Option<String> {
    let text = text.trim();
    let text = trace_of(text).or_else(|| ray_of(text)).unwrap_or(text);
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let id = if is_hex { text.replace('-', "").to_ascii_lowercase() } else { text.to_owned() };
    (id.len() >= JOIN_ID_BYTES_MIN && distinct_bytes(&id) >= JOIN_ID_DISTINCT_MIN).then_some(id)
}

/// How many different bytes an id begins with.
fn distinct_bytes(id: &str) -> usize {
    let mut seen = [false; 256];
    id.bytes().take(NAME_BYTES).filter(|byte| !std::mem::replace(&mut seen[usize::from(*byte)], true)).count()
}

/// Bytes of an id that are looked at for whether it is a placeholder.
const NAME_BYTES: usize = 64;

/// The trace id of a `traceparent`: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
fn trace_of(text: &str) -> Option<&str> {
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let fits = [version, trace, parent, flags].map(str::len) == [2, 32, 16, 2];
    (fits && parts.next().is_none()).then_some(trace)
}

/// The id in a `CF-Ray`, whose end names the data centre: `8f2a1c9d3b4e5f60-FRA`.
fn ray_of(text: &str) -> Option<&str> {
    let (ray, place) = text.split_once('-')?;
    let fits = ray.len() == 16 && place.len() == 3 && place.bytes().all(|byte| byte.is_ascii_uppercase());
    fits.then_some(ray)
}

#[cfg(test)]
mod tests {
    use super::super::{Context, Envelope, Flat, Kind, mapped};
    use super::*;

    const PRIVACY: crate::privacy::Privacy =
        crate::privacy::Privacy::new([1; 32], crate::privacy::Pseudonyms::NONE);

    fn keys_of(json: &str) -> Vec<u128> {
        let (flat, _) = Flat::from_json(json.as_bytes()).expect("valid");
        mapped(
            &flat,
            Kind::of(&flat).unwrap_or(Kind::Native),
            Envelope::default(),
            &Context::new(1, 1_800_000_000_000_000, PRIVACY),
        )
        .record
        .keys
    }

    #[test]
    fn one_id_is_one_key_however_it_is_written() {
        let same = [
            "4bf92f3577b34da6a3ce929d0e0e4736",
            " 4BF92F35-77b3-4da6-a3ce-929d0e0e4736 ",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ];
        for text in same {
            assert_eq!(id(text).as_deref(), Some(same[0]), "{text}");
        }
        assert_eq!(id("8f2a1c9d3b4e5f60-FRA"), id("8f2a1c9d3b4e5f60"));
        assert_eq!(id("req_01HZX3Nf-Case"), Some("req_01HZX3Nf-Case".to_owned()));
        for none in ["", "1", "test", "req-0001", "0000000000000000", "00000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn edge_and_gateway_log_the_same_request_under_names_of_their_own() {
        const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let key = keys_of(&format!(r#"{{"remote_addr":"8.8.8.8","msec":1,"request_id":"{ID}"}}"#));
        assert_eq!(key.len(), 1);
        let others = [
            format!(
                r#"{{"request":{{"remote_ip":"8.8.8.8","headers":{{"X-Request-Id":["{ID}"]}}}},"ts":1}}"#
            ),
            format!(
                r#"{{"request":{{"remote_ip":"8.8.8.8"}},"resp_headers":{{"X-Litellm-Call-Id":["{ID}"]}},"ts":1}}"#
            ),
            format!(r#"{{"litellm_call_id":"{ID}","startTime":1}}"#),
            format!(
                r#"{{"litellm_call_id":"c","startTime":1,"metadata":{{"requester_custom_headers":{{"x-request-id":"{ID}"}}}}}}"#
            ),
            format!(
                r#"{{"litellm_call_id":"c","startTime":1,"metadata":{{"requester_metadata":{{"headers":
                {{"traceparent":"00-{ID}-00f067aa0ba902b7-01"}}}}}}}}"#
            ),
            format!(r#"{{"gen_ai.request.model":"m","user.id":"a","trace_id":"{ID}"}}"#),
            format!(
                r#"{{"response_flags":"-","downstream_remote_address":"8.8.8.8:1","x-request-id":"{ID}"}}"#
            ),
        ];
        for json in others {
            assert!(keys_of(&json).contains(&key[0]), "{json}");
        }
        // An event that names its client's address needs no other half.
        assert_eq!(
            keys_of(&format!(r#"{{"remote_addr":"8.8.8.8","msec":1,"account":"a","request_id":"{ID}"}}"#)),
            []
        );
    }
}
