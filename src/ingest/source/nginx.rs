//! nginx access log, as JSON whose names are those of nginx's variables, and the combined format.
//!
//! `remote_addr` is what the realip module made of it. `xff` and `http_x_forwarded_for` are not taken:
//! whoever sends the request writes their first entry.

use super::super::flat::Flat;
use super::super::value::Scalar;
use super::field::Field;
use super::map::{Source, nothing};
use super::way::{How, Way, way};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "msec"),
    way(Field::Ts, "ts"),
    way(Field::Ts, "time_iso8601"),
    way(Field::Ts, "time"),
    way(Field::Ts, "time_local").by(How::ClfTime),
    way(Field::Ts, "time").by(How::ClfTime),
    way(Field::Ts, "timestamp"),
    way(Field::Ts, "@timestamp"),
    way(Field::RequestId, "request_id"),
    way(Field::RequestId, "http_x_request_id"),
    way(Field::Account, "account"),
    way(Field::Account, "user_id"),
    way(Field::Account, "remote_user"),
    way(Field::ApiKey, "api_key"),
    way(Field::ApiKey, "api_key_sha256"),
    way(Field::ApiKey, "api_key_hash"),
    way(Field::Ip, "ip"),
    way(Field::Ip, "realip_remote_addr_client"),
    way(Field::Ip, "remote_addr"),
    way(Field::Fingerprint, "fingerprint"),
    way(Field::Fingerprint, "ja4"),
    way(Field::Fingerprint, "http_ssl_ja4"),
    way(Field::Fingerprint, "ssl_ja4"),
    way(Field::Fingerprint, "ja3"),
    way(Field::Fingerprint, "http_ssl_ja3"),
    way(Field::Fingerprint, "http2_fingerprint"),
    way(Field::UserAgent, "user_agent").by(How::Header),
    way(Field::UserAgent, "http_user_agent").by(How::Header),
    way(Field::Endpoint, "uri").by(How::Path),
    way(Field::Endpoint, "request_uri").by(How::Path),
    way(Field::Endpoint, "path").by(How::Path),
    way(Field::Status, "status"),
    way(Field::LatencyMs, "request_time").by(How::Seconds),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish: nothing };

/// A line of the combined format, or of the common one that it extends:
/// `ip - user [time] "GET /path HTTP/1.1" 200 314 "referer" "user agent"`. What an operator appends after
/// it is not read.
pub(super) fn combined(line: &str) -> Option<Flat<'_>> {
    let mut flat = Flat::new();
    let (remote, rest) = line.split_once(' ')?;
    let (_, rest) = rest.split_once(' ')?;
    let (user, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = quoted(rest)?;
    let mut words = rest.trim_start().splitn(3, ' ');
    let (status, bytes) = (words.next()?, words.next()?);
    remote.parse::<std::net::IpAddr>().ok()?;
    status.parse::<u16>().ok()?;
    let mut text = |path, value| flat.push(path, Scalar::Text(value));
    text("remote_addr", Cow::Borrowed(remote));
    text("remote_user", Cow::Borrowed(user));
    text("time_local", Cow::Borrowed(time));
    text("status", Cow::Borrowed(status));
    text("body_bytes_sent", Cow::Borrowed(bytes));
    let mut parts = request.splitn(3, ' ');
    if let (Some(method), Some(uri)) = (parts.next(), parts.next()) {
        text("request_method", Cow::Owned(method.to_owned()));
        text("uri", Cow::Owned(uri.to_owned()));
    }
    if let Some((referer, rest)) = words.next().and_then(|rest| quoted(rest.trim_start().strip_prefix('"')?))
    {
        text("http_referer", referer);
        if let Some((agent, _)) = rest.trim_start().strip_prefix('"').and_then(quoted) {
            text("http_user_agent", agent);
        }
    }
    Some(flat)
}

/// A quoted text whose opening quote is gone, and what follows it. nginx writes `\xHH` for quotes,
/// backslashes and control characters, Apache a backslash before them.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut escaped = false;
    let end = text.bytes().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => byte == b'"',
    })?;
    let (inside, rest) = (&text[..end], &text[end + 1..]);
    if !inside.contains('\\') {
        return Some((Cow::Borrowed(inside), rest));
    }
    let mut bytes = Vec::with_capacity(inside.len());
    let mut left = inside.as_bytes();
    while let [first, after @ ..] = left {
        left = after;
        match (first, after) {
            (b'\\', [b'x', high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                let hex = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(hex, 16).ok()?);
                left = tail;
            }
            (b'\\', [next, tail @ ..]) => {
                bytes.push(*next);
                left = tail;
            }
            _ => bytes.push(*first),
        }
    }
    Some((Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_combined_line_is_read_with_its_escapes() {
        let line = r#"203.0.113.21 - alice [23/Nov/2026:09:31:47 +0000] "POST /v1/messages?n=1 HTTP/1.1" 200 314 "-" "a \x22b\x22 \xC3\xA9" 0.1"#;
        let flat = combined(line).expect("combined");
        let text = |path| flat.get(path).map_or("", Scalar::text);
        assert_eq!(
            (text("remote_addr"), text("remote_user"), text("uri"), text("status")),
            ("203.0.113.21", "alice", "/v1/messages?n=1", "200")
        );
        assert_eq!(text("http_user_agent"), "a \"b\" \u{e9}");
        let common = combined(r#"2001:db8::1 - - [23/Nov/2026:09:31:47 +0000] "GET / HTTP/1.0" 404 -"#)
            .expect("common");
        assert_eq!(common.get("remote_user").map(Scalar::is_missing), Some(true));
        for other in
            ["", "hello", "203.0.113.21 - -", r#"host - - [x] "GET /" 200 1"#, r#"::1 - - [x] "GET / 200 1"#]
        {
            assert!(combined(other).is_none(), "{other}");
        }
    }
}
