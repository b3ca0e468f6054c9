//! Who may ask: the token, and the Host header where there is none.
//!
//! Log shippers cannot all set `Authorization: Bearer`, so the token is taken in every shape that
//! they can. Scopes and several tokens are not here.

use crate::http::error::Problem;
use crate::http::params::form_decode;
use hyper::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode, Uri, Version};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// What a request has to show.
#[derive(Clone, Debug)]
pub enum Guard {
    /// The token, on every route but `/healthz`.
    Token(String),
    /// Nothing, but a Host header that means this machine: otherwise any web page that the operator
    /// opens could ask, under a name that it lets point to 127.0.0.1.
    LocalHost,
}

impl Guard {
    /// Lets a request through or says why not.
    pub fn check(&self, uri: &Uri, version: Version, headers: &HeaderMap) -> Result<(), Problem> {
        let host = single_host(uri, version, headers)?;
        match self {
            Self::Token(_) if uri.path() == "/healthz" => Ok(()),
            Self::Token(token) if shows(token, uri, headers) => Ok(()),
            Self::Token(_) => {
                let detail = "this server wants its token: send Authorization: Bearer TOKEN";
                let realm = "Bearer realm=\"cahoots\"";
                Err(Problem::new(StatusCode::UNAUTHORIZED, "no-token", detail)
                    .header(WWW_AUTHENTICATE.as_str(), realm))
            }
            Self::LocalHost => match host {
                Some(host) if !is_local(&host) => {
                    let detail = "the Host header names another machine; without a token this server \
                                  answers to localhost, 127.0.0.1 and [::1] only";
                    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign-host", detail).field("host"))
                }
                _ => Ok(()),
            },
        }
    }
}

/// The host that is asked. HTTP/1.1 wants exactly one; anything else is how smuggled requests look.
fn single_host(uri: &Uri, version: Version, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let wrong = |detail| Problem::new(StatusCode::BAD_REQUEST, "wrong-host", detail).field("host");
    let mut hosts = headers.get_all(HOST).iter();
    let first = hosts.next();
    if hosts.next().is_some() {
        return Err(wrong("there is more than one Host header"));
    }
    if first.is_none() && version == Version::HTTP_11 {
        return Err(wrong("the Host header is missing"));
    }
    if let Some(authority) = uri.authority() {
        return Ok(Some(authority.as_str().to_owned()));
    }
    let host = first.map(|host| host.to_str().map(str::to_owned)).transpose();
    host.map_err(|_| wrong("the Host header is not a name"))
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
}

/// Whether the request shows the token, in any of the shapes. Every comparison takes the same time.
fn shows(token: &str, uri: &Uri, headers: &HeaderMap) -> bool {
    let equal = |shown: &[u8]| bool::from(shown.ct_eq(token.as_bytes()));
    let keys = ["x-api-key", "dd-api-key"].into_iter().filter_map(|name| headers.get(name));
    if keys.into_iter().any(|key| equal(key.as_bytes())) {
        return true;
    }
    if let Some(authorization) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok())
        && let Some((scheme, credentials)) = authorization.split_once(' ')
    {
        let credentials = credentials.trim();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "splunk" | "apikey" if equal(credentials.as_bytes()) => return true,
            "basic" => {
                let decoded = decode_base64(credentials).unwrap_or_default();
                let colon = decoded.iter().position(|byte| *byte == b':');
                if colon.is_some_and(|at| equal(&decoded[at + 1..])) {
                    return true;
                }
            }
            _ => {}
        }
    }
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("token="));
    pairs.filter_map(form_decode).any(|shown| equal(shown.as_bytes()))
}

/// Standard base64, padded or not, as Basic credentials are written.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut width) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        width += 6;
        if width >= 8 {
            width -= 8;
            bytes.push((bits >> width) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Guard, HeaderMap, Uri, Version, decode_base64};

    fn status(guard: &Guard, uri: &str, headers: &[(&'static str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("header value"));
        }
        let uri: Uri = uri.parse().expect("uri");
        guard.check(&uri, Version::HTTP_11, &map).map_or_else(|problem| problem.status.as_u16(), |()| 200)
    }

    #[test]
    fn the_token_is_taken_in_every_shape_that_shippers_can_send() {
        let guard = Guard::Token("t0p/s+cret".into());
        let host = ("host", "logs.example.org");
        for header in [
            ("authorization", "Bearer t0p/s+cret"),
            ("authorization", "bearer  t0p/s+cret"),
            ("authorization", "Splunk t0p/s+cret"),
            ("authorization", "ApiKey t0p/s+cret"),
            ("authorization", "Basic dXNlcjp0MHAvcytjcmV0"),
            ("x-api-key", "t0p/s+cret"),
            ("dd-api-key", "t0p/s+cret"),
        ] {
            assert_eq!(status(&guard, "/v1/status", &[host, header]), 200, "{header:?}");
        }
        assert_eq!(status(&guard, "/v1/status?token=t0p/s%2Bcret", &[host]), 200);
        assert_eq!(status(&guard, "/healthz", &[host]), 200);
    }

    #[test]
    fn anything_else_is_refused() {
        let guard = Guard::Token("t0p/s+cret".into());
        let host = ("host", "localhost");
        for header in [
            ("authorization", "Bearer t0p/s+cre"),
            ("authorization", "Bearer t0p/s+cret2"),
            ("authorization", "t0p/s+cret"),
            ("authorization", "Basic !!!"),
            ("authorization", "Digest t0p/s+cret"),
            ("x-api-key", ""),
        ] {
            assert_eq!(status(&guard, "/v1/status", &[host, header]), 401, "{header:?}");
        }
        assert_eq!(status(&guard, "/v1/status?token=", &[host]), 401);
        assert_eq!(status(&guard, "/healthz/", &[host]), 401);
    }

    #[test]
    fn without_a_token_only_names_of_this_machine_are_answered() {
        for host in ["localhost", "LOCALHOST:7070", "127.0.0.1:7070", "127.8.9.1", "[::1]:7070", "localhost."]
        {
            assert_eq!(status(&Guard::LocalHost, "/v1/status", &[("host", host)]), 200, "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7070", "10.0.0.1", "[::2]"]
        {
            assert_eq!(status(&Guard::LocalHost, "/v1/status", &[("host", host)]), 421, "{host}");
        }
        let absolute = status(&Guard::LocalHost, "http://evil.example/v1/status", &[("host", "localhost")]);
        assert_eq!(absolute, 421);
    }

    #[test]
    fn one_host_header_and_no_other_number() {
        assert_eq!(status(&Guard::LocalHost, "/healthz", &[]), 400);
        assert_eq!(
            status(&Guard::LocalHost, "/healthz", &[("host", "localhost"), ("host", "localhost")]),
            400
        );
    }

    #[test]
    fn base64_is_read_padded_or_not() {
        for (text, bytes) in [("", &b""[..]), ("YQ==", b"a"), ("YQ", b"a"), ("YWI=", b"ab"), ("YWJj", b"abc")]
        {
            assert_eq!(decode_base64(text).as_deref(), Some(bytes), "{text}");
        }
        assert_eq!(decode_base64("Y Q"), None);
    }
}
