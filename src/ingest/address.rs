//! The client's address as proxies write it: with a port, in brackets, with a zone, IPv4-mapped.
//!
//! A list is an error on purpose: only the operator knows which hops to trust, and a client can write
//! any first entry it likes into `X-Forwarded-For`.

use super::reject::{Wrong, shown};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address in a text.
pub(super) fn parse(text: &str) -> Result<IpAddr, Wrong> {
    let text = text.trim();
    // The address alone is what nearly everybody sends.
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let reason = if text.contains(',') {
        format!("ip is a list: {}; send the one address of the client that your proxy trusts", shown(text))
    } else {
        match decorated(text) {
            Some(address) => return Ok(address),
            None => format!("ip is no address: {}; send IPv4 or IPv6, a port may follow", shown(text)),
        }
    };
    Err(Wrong::new("ip", reason))
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
        let list = parse("203.0.113.21, 10.0.0.1").expect_err("a list");
        assert!(
            list.reason.starts_with("ip is a list: \"203.0.113.21, 10.0.0.1\"; send the one"),
            "{}",
            list.reason
        );
        assert!(parse("\x1b[31m").expect_err("escape").reason.is_ascii());
    }
}
