//! Pseudonyms of addresses: two addresses have as many leading bits in common as their pseudonyms.
//!
//! Seen as a tree of bits, at each node the two branches are swapped or not, as a keyed hash of the way to the
//! node says (the scheme of Xu, Fan, Ammar and Moon, 2002; one hash for the 255 nodes of a byte). No node on the
//! way to a range with a meaning of its own is swapped: a private address stays a private one, in its range, and a
//! public one stays outside. IPv4 stays IPv4.

use crate::event::{ip_bytes, ip_from_bytes};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stands before a pseudonym.
pub(super) const MARK: &str = "p:";

/// Ranges that say something by themselves, by the registries of special addresses.
const RANGES_V4: [(Ipv4Addr, u8); 12] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

const RANGES_V6: [(Ipv6Addr, u8); 6] = [
    (Ipv6Addr::UNSPECIFIED, 8),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// A network as somebody asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An address is a network of its full length.
    pub net: IpNet,
    /// Whether it is what an answer showed in the place of a network.
    pub is_pseudonym: bool,
}

impl Network {
    /// The network of a text such as `203.0.113.0/24` or `p:203.0.113.7`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix(MARK).unwrap_or(text);
        let net = match bare.parse::<IpAddr>() {
            Ok(ip) => IpNet::from(ip.to_canonical()),
            Err(_) => bare.parse::<IpNet>().ok()?,
        };
        Some(Self { net: net.trunc(), is_pseudonym: bare.len() < text.len() })
    }

    /// Whether it is a single address.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.net.prefix_len() == self.net.max_prefix_len()
    }
}

impl From<IpNet> for Network {
    fn from(net: IpNet) -> Self {
        Self { net, is_pseudonym: false }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if self.is_pseudonym { MARK } else { "" })?;
        if self.is_address() { write!(out, "{}", self.net.addr()) } else { write!(out, "{}", self.net) }
    }
}

/// The pseudonym of an address.
pub(super) fn pseudonym(key: &[u8; 32], ip: [u8; 16]) -> [u8; 16] {
    let (first, straight) = match ip_from_bytes(ip) {
        IpAddr::V4(v4) => {
            let bits = u32::from(v4);
            let shared = |(range, len): (Ipv4Addr, u8)| ((bits ^ u32::from(range)).leading_zeros(), len);
            (12, straight(RANGES_V4.into_iter().map(shared)))
        }
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            let shared = |(range, len): (Ipv6Addr, u8)| ((bits ^ u128::from(range)).leading_zeros(), len);
            (0, straight(RANGES_V6.into_iter().map(shared)))
        }
    };
    let mut out = ip;
    for at in first..16 {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(b"ip:");
        // The number of bytes before is part of the way: 1.2 is not 0.1.2.
        hasher.update(&ip[..at]);
        let swaps = *hasher.finalize().as_bytes();
        let mut node = 1_usize;
        for bit in 0..8 {
            let is_set = ip[at] >> (7 - bit) & 1;
            let depth = (at - first) as u32 * 8 + bit;
            let swapped = swaps[node / 8] >> (node % 8) & u8::from(depth >= straight);
            out[at] ^= (swapped & 1) << (7 - bit);
            node = node * 2 + usize::from(is_set);
        }
    }
    out
}

/// Leading bits that are not swapped: those on the way to a range, and the one at which the way parts from it.
fn straight(shared: impl Iterator<Item = (u32, u8)>) -> u32 {
    shared.map(|(bits, len)| (bits + 1).min(u32::from(len))).max().unwrap_or(0)
}

/// The network of the pseudonyms of a network's addresses.
pub(super) fn pseudonym_of_network(key: &[u8; 32], net: IpNet) -> IpNet {
    let kept = ip_from_bytes(pseudonym(key, ip_bytes(net.network())));
    let of_length = match kept {
        IpAddr::V4(v4) => Ipv4Net::new(v4, net.prefix_len()).map(IpNet::V4),
        IpAddr::V6(v6) => Ipv6Net::new(v6, net.prefix_len()).map(IpNet::V6),
    };
    of_length.map_or(net, |kept| kept.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    const KEY: [u8; 32] = [9; 32];

    fn v4(bits: u32) -> u32 {
        match ip_from_bytes(pseudonym(&KEY, ip_bytes(IpAddr::V4(bits.into())))) {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => panic!("{v6} is no IPv4"),
        }
    }

    fn v6(bits: u128) -> u128 {
        u128::from_be_bytes(pseudonym(&KEY, bits.to_be_bytes()))
    }

    proptest! {
        #[test]
        fn common_bits_stay_common(a: u32, b: u32, shared in 0_u32..32, c: u128, d: u128, many in 0_u32..128) {
            let close = a ^ (b >> shared);
            prop_assert_eq!((v4(a) ^ v4(close)).leading_zeros(), (a ^ close).leading_zeros());
            let (c, close) = (c | 1 << 126, (c | 1 << 126) ^ (d >> many.max(2)));
            prop_assert_eq!((v6(c) ^ v6(close)).leading_zeros(), (c ^ close).leading_zeros());
        }

        #[test]
        fn a_range_with_a_meaning_keeps_it(bits in any::<u32>()) {
            for (range, len) in RANGES_V4 {
                let is_inside = |bits: u32| (bits ^ u32::from(range)).leading_zeros() >= u32::from(len);
                prop_assert_eq!(is_inside(bits), is_inside(v4(bits)));
            }
        }

        #[test]
        fn a_network_holds_the_pseudonyms_of_its_addresses(bits: u32, len in 0_u8..=32) {
            let net = Ipv4Net::new(bits.into(), len).expect("net").trunc();
            let kept = pseudonym_of_network(&KEY, IpNet::V4(net));
            prop_assert_eq!(kept.contains(&IpAddr::V4(v4(bits).into())), true);
            prop_assert_eq!(kept.prefix_len(), len);
        }
    }

    #[test]
    fn most_addresses_change_and_the_key_decides_how() {
        let address = |n: u32| ip_bytes(IpAddr::V4((0x5d00_0000 + n * 65_537).into()));
        let changed = (0..200).filter(|n| pseudonym(&KEY, address(*n)) != address(*n)).count();
        let differ = (0..200).filter(|n| pseudonym(&KEY, address(*n)) != pseudonym(&[1; 32], address(*n)));
        assert!(changed > 190 && differ.count() > 190, "{changed}");
    }

    #[test]
    fn a_marked_network_is_a_pseudonym() {
        let parsed = Network::parse("p:203.0.113.7").expect("an address");
        assert!(parsed.is_pseudonym && parsed.is_address());
        assert_eq!(parsed.to_string(), "p:203.0.113.7");
        assert_eq!(Network::parse("203.0.113.9/24").expect("a network").to_string(), "203.0.113.0/24");
        assert_eq!(Network::parse("p:p:1.2.3.4"), None);
    }
}
