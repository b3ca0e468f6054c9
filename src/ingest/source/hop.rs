//! The client's address where the log itself names only the hop before it: what forwarding headers say, as far
//! as they can be believed.
//!
//! A header is asked only when the address that the log names is that of a trusted proxy, because whoever else
//! connects writes the header itself. `X-Forwarded-For` is what nearly every proxy appends to, so it counts
//! before `Forwarded`, which a client can send through a proxy that does not know it. Headers of one address
//! pass through unchanged where no proxy sets them: they count only where proxies are listed, and no chain is there.

use super::super::address;
use super::super::proxies::Proxies;
use super::field::Field;
use super::headers::{self, Headers};
use super::map::Mapped;
use crate::event::is_public;
use std::net::IpAddr;

/// Headers that hold one address, set by a proxy: Cloudflare, Akamai and Cloudflare Enterprise, nginx by custom.
const SINGLE: [&str; 3] = ["cf-connecting-ip", "true-client-ip", "x-real-ip"];

/// Makes the address of a record that of the client, or none.
pub(super) fn settle(mapped: &mut Mapped<'_, '_>, proxies: &Proxies) {
    let text = mapped.taken(Field::Ip);
    let is_chain = text.contains(',');
    let named = address::client(text, proxies).ok().flatten();
    let may_ask = match named {
        Some(ip) => proxies.trusts(ip),
        // A listed proxy, or nothing is known of who connected.
        None => proxies.are_listed(),
    };
    let forwarded = if may_ask { forwarded(mapped, proxies) } else { None };
    if let Some((ip, from)) = forwarded {
        mapped.replace(Field::Ip, Some((ip.to_string(), from)));
    } else if is_chain || named.is_none() {
        mapped.replace(Field::Ip, named.map(|ip| (ip.to_string(), "a chain of hops")));
    }
}

/// What the headers of the request say.
fn forwarded(mapped: &Mapped<'_, '_>, proxies: &Proxies) -> Option<(IpAddr, &'static str)> {
    let headers = Headers::of(mapped.flat, headers::of_request(mapped.kind));
    if let Some(chain) = chain(&headers, "x-forwarded-for").or_else(|| text(mapped, "xff")) {
        return Some((proxies.client_of(&chain)?, "X-Forwarded-For"));
    }
    if let Some(chain) = chain(&headers, "forwarded") {
        return Some((proxies.client_of_forwarded(&chain)?, "Forwarded"));
    }
    if !proxies.are_listed() {
        return None;
    }
    SINGLE.into_iter().find_map(|name| {
        let ip = address::parse(&chain(&headers, name)?).ok()?;
        (is_public(ip) && !proxies.trusts(ip)).then_some((ip, "a header of one address"))
    })
}

/// All values of a header as one, in order.
fn chain(headers: &Headers<'_>, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.values(name).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// nginx has no name of its own for it in JSON: `xff` is the one that its recipes use.
fn text(mapped: &Mapped<'_, '_>, path: &str) -> Option<String> {
    mapped.text(path).filter(|_| mapped.kind == super::Kind::Nginx).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::{Envelope, Flat, Kind, mapped};
    use super::*;
    use crate::ingest::Context;
    use std::sync::Arc;

    const PRIVACY: crate::privacy::Privacy =
        crate::privacy::Privacy::new([1; 32], crate::privacy::Pseudonyms::NONE);

    fn ip(json: &str, listed: &[&str]) -> String {
        let (flat, _) = Flat::from_json(json.as_bytes()).expect("valid");
        let listed: Vec<String> = listed.iter().map(|entry| (*entry).to_owned()).collect();
        let proxies = (!listed.is_empty()).then(|| Arc::new(Proxies::listed(&listed).expect("a list")));
        let context = Context { proxies, ..Context::new(1, 1_800_000_000_000_000, PRIVACY) };
        mapped(&flat, Kind::of(&flat).unwrap_or(Kind::Native), Envelope::default(), &context)
            .taken(Field::Ip)
            .to_owned()
    }

    fn caddy(peer: &str, headers: &str) -> String {
        format!(r#"{{"request":{{"remote_ip":"{peer}","headers":{{{headers}}}}},"ts":1}}"#)
    }

    #[test]
    fn headers_are_believed_only_from_a_proxy() {
        let chain = r#""X-Forwarded-For":["9.9.9.9, 8.8.4.4","10.1.1.1"]"#;
        assert_eq!(ip(&caddy("10.0.0.7", chain), &[]), "8.8.4.4");
        assert_eq!(ip(&caddy("1.1.1.1", chain), &[]), "1.1.1.1", "whoever connects writes the header itself");
        assert_eq!(ip(&caddy("1.1.1.1", chain), &["1.1.1.0/24", "private"]), "8.8.4.4");
        assert_eq!(ip(&caddy("10.0.0.7", r#""Forwarded":["for=8.8.4.4"]"#), &[]), "8.8.4.4");
        let both = r#""Forwarded":["for=9.9.9.9"],"X-Forwarded-For":["8.8.4.4"]"#;
        assert_eq!(ip(&caddy("10.0.0.7", both), &[]), "8.8.4.4");
        assert_eq!(ip(&caddy("10.0.0.7", r#""X-Forwarded-For":["8.8.4.4, unknown"]"#), &[]), "10.0.0.7");
    }

    #[test]
    fn a_header_of_one_address_counts_only_where_proxies_are_listed() {
        let header = r#""Cf-Connecting-Ip":["8.8.4.4"]"#;
        assert_eq!(ip(&caddy("10.0.0.7", header), &[]), "10.0.0.7");
        assert_eq!(ip(&caddy("173.245.48.9", header), &["173.245.48.0/20"]), "8.8.4.4");
        assert_eq!(ip(&caddy("2.2.2.2", header), &["173.245.48.0/20"]), "2.2.2.2");
        assert_eq!(ip(&caddy("173.245.48.9", ""), &["173.245.48.0/20"]), "", "a proxy is nobody's client");
    }

    #[test]
    fn each_source_has_its_headers_where_it_logs_them() {
        let cases = [
            r#"{"remote_addr":"127.0.0.1","http_x_forwarded_for":"8.8.4.4","msec":1}"#,
            r#"{"remote_addr":"127.0.0.1","xff":"8.8.4.4, 127.0.0.1","msec":1}"#,
            r#"{"downstream_remote_address":"10.0.0.1:99","x-forwarded-for":"8.8.4.4"}"#,
            r#"{"ClientHost":"10.0.0.1","RequestMethod":"GET","ClientAddr":"10.0.0.1:4","request_X-Forwarded-For":"8.8.4.4"}"#,
            r#"{"client_ip":"10.0.0.1","started_at":1,"request":{"headers":{"x-forwarded-for":"8.8.4.4"}}}"#,
            r#"{"litellm_call_id":"c","startTime":1,"requester_ip_address":"172.17.0.1",
                "metadata":{"requester_custom_headers":{"x-forwarded-for":"8.8.4.4"}}}"#,
            r#"{"litellm_call_id":"c","startTime":1,"requester_ip_address":"9.9.9.9, 8.8.4.4, 172.17.0.1"}"#,
            r#"{"client.address":"10.0.0.1","http.request.header.x-forwarded-for":["8.8.4.4"]}"#,
        ];
        for json in cases {
            assert_eq!(ip(json, &[]), "8.8.4.4", "{json}");
        }
        // What a client writes into its own body is no header.
        let body = r#"{"litellm_call_id":"c","startTime":1,"requester_ip_address":"172.17.0.1",
            "metadata":{"x-forwarded-for":"8.8.4.4"}}"#;
        assert_eq!(ip(body, &[]), "172.17.0.1");
    }
}
