//! Caddy access log. `client_ip` honours the proxies that Caddy trusts, `remote_ip` is the peer and
//! stands in for it where an older Caddy logs no `client_ip`.
//!
//! The account is what the operator appends (`log_append account ...`) or the user of `basic_auth`; no
//! request header is taken for it, because Caddy logs whatever the client put there.

use super::super::value::Scalar;
use super::field::Field;
use super::headers;
use super::map::{Mapped, Source};
use super::way::{How, Way, way};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "ts"),
    way(Field::RequestId, "request_id"),
    way(Field::RequestId, "request.headers.X-Request-Id.0"),
    way(Field::RequestId, "resp_headers.X-Request-Id.0"),
    way(Field::Account, "account"),
    way(Field::Account, "user_id"),
    way(Field::Ip, "ip"),
    way(Field::Ip, "request.client_ip"),
    way(Field::Ip, "request.remote_ip"),
    way(Field::Ip, "request.remote_addr"),
    way(Field::Fingerprint, "fingerprint"),
    way(Field::Fingerprint, "ja4"),
    way(Field::Fingerprint, "request.headers.X-Device-Fingerprint.0"),
    way(Field::UserAgent, "request.headers.User-Agent.0"),
    way(Field::Endpoint, "request.uri").by(How::Path),
    way(Field::Status, "status"),
    way(Field::LatencyMs, "duration").by(How::Seconds),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

fn finish(mapped: &mut Mapped<'_, '_>) {
    if let Some(sdk) = headers::sdk(mapped.flat, "request.headers") {
        mapped.compute(Field::Fingerprint, Scalar::Text(Cow::Owned(sdk)), "X-Stainless-* headers");
    }
    // `duration_format` may make it a text such as "1.5ms".
    if let Some(duration) = mapped.text("duration").and_then(millis) {
        mapped.compute(Field::LatencyMs, Scalar::Double(duration), "duration");
    }
}

fn millis(text: &str) -> Option<f64> {
    let digits_end = text.find(|char: char| !char.is_ascii_digit() && char != '.')?;
    let (number, unit) = text.split_at(digits_end);
    let factor = match unit {
        "ns" => 1e-6,
        "us" | "\u{b5}s" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}
