//! Which addresses tell clients apart: those of the public Internet.
//!
//! A private address is the same in every office, and a documentation address is nobody's. They are kept and
//! can be asked for, but two accounts that share one have nothing in common.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are not of the public Internet, with their prefix length. Multicast is among them,
/// the reserved `240.0.0.0/4` is not: nobody has an address there, so drills make theirs up in it.
const V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10), // carrier-grade NAT, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(233, 252, 0, 0), 24),
    (Ipv4Addr::BROADCAST, 32),
];

/// The same of IPv6.
const V6: [(Ipv6Addr, u32); 8] = [
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),     // documentation, RFC 9637
];

/// Whether an address is one of the public Internet, so that those who share it share something.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        // Asked of every event: most addresses are told by their first byte.
        IpAddr::V4(ip)
            if !matches!(
                ip.octets()[0],
                0 | 10 | 100 | 127 | 169 | 172 | 192 | 198 | 203 | 224..=239 | 255
            ) =>
        {
            true
        }
        IpAddr::V6(ip) if !matches!(ip.octets()[0], 0 | 0x20 | 0x3f | 0xfc..=0xff) => true,
        IpAddr::V4(ip) => {
            let inside =
                |(network, bits): &(Ipv4Addr, u32)| (u32::from(ip) ^ u32::from(*network)) >> (32 - bits) == 0;
            !V4.iter().any(inside)
        }
        IpAddr::V6(ip) => {
            let inside = |(network, bits): &(Ipv6Addr, u32)| {
                (u128::from(ip) ^ u128::from(*network)) >> (128 - bits) == 0
            };
            !V6.iter().any(inside)
        }
    }
}

/// The same of an address as it is kept. Bytes of another length are no address.
#[must_use]
pub fn is_public_bytes(bytes: &[u8]) -> bool {
    <[u8; 16]>::try_from(bytes).is_ok_and(|bytes| is_public(super::ip_from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_documentation_ranges_end_where_their_documents_say() {
        let cases = [
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("10.255.255.255", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("172.15.255.255", true),
            ("172.16.0.0", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("192.169.0.0", true),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("198.51.100.7", false),
            ("203.0.113.255", false),
            ("203.0.114.0", true),
            ("224.0.0.1", false),
            ("240.1.2.3", true),
            ("255.255.255.255", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("::1", false),
            ("::", false),
            ("2001:db8::1", false),
            ("2001:db9::1", true),
            ("2606:4700::1", true),
            ("3fff:fff::1", false),
            ("4000::1", true),
            ("fd12::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
        ];
        for (text, public) in cases {
            let ip: IpAddr = text.parse().expect(text);
            assert_eq!(is_public(ip), public, "{text}");
            assert_eq!(is_public_bytes(&super::super::ip_bytes(ip)), public, "{text}");
        }
        assert!(!is_public_bytes(b""));
    }

    #[test]
    fn no_range_is_missed_by_its_first_byte() {
        for (network, bits) in V4 {
            for ip in [u32::from(network), u32::from(network) | (u64::from(u32::MAX) >> bits) as u32] {
                assert!(!is_public(IpAddr::V4(ip.into())), "{network}/{bits}");
            }
        }
        for (network, bits) in V6 {
            for ip in [u128::from(network), u128::from(network) | u128::MAX.checked_shr(bits).unwrap_or(0)] {
                assert!(!is_public(IpAddr::V6(ip.into())), "{network}/{bits}");
            }
        }
    }
}
