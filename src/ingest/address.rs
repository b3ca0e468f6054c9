//! The client's address as proxies write it: with a port, in brackets, with a zone, IPv4-mapped, and as the
//! chain of hops that `X-Forwarded-For` holds (`proxies.rs` says which of them is the client).

use super::proxies::Proxies;
use super::reject::{Wrong, shown};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address in a text.
pub(super) fn parse(text: &str) -> Result<IpAddr, Wrong> {
    let text = text.trim();
    // The address alone is what nearly everybody sends.
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    decorated(text).ok_or_else(|| {
        Wrong::new("ip", format!("ip is no address: {}; send IPv4 or IPv6, a port may follow", shown(text)))
    })
}

/// Whether a text is an address, or a chain whose last hop is one.
pub(super) fn is_one(text: &str) -> bool {
    text.rsplit(',').next().is_some_and(|last| parse(last).is_ok())
}

/// The client's address: the one in the text, or that to which the chain in it leads. None for no text, and for the
/// address of a proxy that the operator lists.
pub(super) fn client(text: &str, proxies: &Proxies) -> Result<Option<IpAddr>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.contains(',') {
        return parse(text).map(|ip| Some(ip).filter(|ip| !proxies.is_hop(*ip)));
    }
    match proxies.client_of(text) {
        Some(ip) => Ok(Some(ip)),
        None => Err(Wrong::new(
            "ip",
            format!(
                "ip is a chain that leads to no client: {}; list your proxies in trusted_proxies",
                shown(text)
            ),
        )),
    }
}

/// `[v6]`, `[v6]:port`, `v4:port`, `v6%zone`, and the zone inside the brackets.
fn decorated(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        let port_fits = after.is_empty() || after.strip_prefix(':').is_some_and(is_port);
        return if port_fits { without_zone(inside) } else { None };
    }
    if let Some((address, port)) = text.split_once(':')
        && let Ok(address) = address.parse::<Ipv4Addr>()
    {
        return is_port(port).then_some(IpAddr::V4(address));
    }
    without_zone(text)
}

fn without_zone(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ip_bytes;

    #[test]
    fn one_client_has_one_address_however_it_is_written() {
        let v4 = ip_bytes(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 21)));
        for text in [
            "203.0.113.21",
            " 203.0.113.21 ",
            "203.0.113.21:443",
            "::ffff:203.0.113.21",
            "[::ffff:203.0.113.21]:80",
        ] {
            assert_eq!(parse(text).map(ip_bytes), Ok(v4), "{text}");
        }
        let v6: IpAddr = "2001:db8::23".parse().unwrap();
        for text in [
            "2001:db8::23",
            "2001:DB8:0::23",
            "[2001:db8::23]",
            "[2001:db8::23]:65535",
            "2001:db8::23%eth0",
            "[2001:db8::23%1]:1",
        ] {
            assert_eq!(parse(text), Ok(v6), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_shown_escaped_with_the_fix() {
        let cases = [
            "300.1.1.1",
            "1.2.3",
            "01.2.3.4",
            "1.2.3.4:99999",
            "1.2.3.4:",
            "[::1",
            "[::1]x",
            "[1.2.3.4]",
            "::1::",
            "host",
            "1.2.3.4/24",
            "unix:",
            "1.2.3.4:+5",
            "203.0.113.21 203.0.113.22",
            "\u{661}.2.3.4",
        ];
        for text in cases {
            let wrong = parse(text).expect_err(text);
            assert!(wrong.reason.starts_with("ip is no address: \""), "{}", wrong.reason);
        }
        assert!(parse("\x1b[31m").expect_err("escape").reason.is_ascii());
    }

    #[test]
    fn a_chain_leads_to_its_client_or_says_what_is_missing() {
        let proxies = Proxies::default();
        let client = |text| client(text, &proxies).map_err(|wrong| wrong.reason);
        assert_eq!(client("203.0.113.21, 10.0.0.1"), Ok(Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 21)))));
        let wrong = client("203.0.113.21, unknown").expect_err("no client");
        assert!(
            wrong.starts_with("ip is a chain that leads to no client: \"203.0.113.21, unknown\""),
            "{wrong}"
        );
        assert!(is_one("unknown, 203.0.113.21") && !is_one("203.0.113.21, unknown") && !is_one(""));
    }
}
