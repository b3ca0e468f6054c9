//! Which hops are proxies that are trusted, and the client that a chain of hops leads to.
//!
//! A client writes what it likes into `X-Forwarded-For`; each proxy on the way appends the address that it
//! saw. So a chain is walked from its right end: the last hop that is no trusted proxy is the client, and
//! what stands left of it is hearsay. Unless the operator lists the proxies, those of the machine itself and of
//! private networks are trusted: no client of the public Internet comes from there.

use super::address;
use crate::event::{ip_bytes, is_public};
use ipnet::IpNet;
use std::net::IpAddr;

/// Networks that are trusted where nothing is listed, and what `private` in a list stands for.
const PRIVATE: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The word for the private networks in a list.
const PRIVATE_WORD: &str = "private";

/// Trusted proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies {
    /// First and last addresses, ascending, none touching the next.
    ranges: Vec<(u128, u128)>,
    /// Whether the operator listed them.
    listed: bool,
}

impl Default for Proxies {
    fn default() -> Self {
        Self { ranges: merged(&private().collect::<Vec<_>>()), listed: false }
    }
}

impl Proxies {
    /// The proxies of a list of networks, addresses and the word `private`. The error is a sentence that names
    /// the entry and the fix.
    pub fn listed(entries: &[String]) -> Result<Self, String> {
        let mut nets = Vec::new();
        for entry in entries {
            let entry = entry.trim();
            if entry == PRIVATE_WORD {
                nets.extend(private());
                continue;
            }
            let net = entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                format!(
                    "{entry:?} is no network; write one such as 10.0.0.0/8, an address, or {PRIVATE_WORD}"
                )
            })?;
            if net.prefix_len() == 0 {
                return Err(format!(
                    "{entry:?} is every address there is, so that any client could write its own; list your proxies"
                ));
            }
            nets.push(net);
        }
        Ok(Self { ranges: merged(&nets), listed: true })
    }

    /// Whether the operator listed them.
    pub(super) fn are_listed(&self) -> bool {
        self.listed
    }

    /// Whether an address is that of a trusted proxy.
    pub(super) fn trusts(&self, ip: IpAddr) -> bool {
        let number = u128::from_be_bytes(ip_bytes(ip));
        let after = self.ranges.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|(_, last)| number <= *last)
    }

    /// Whether an address is that of a listed proxy on the public Internet: nobody's client address.
    pub(super) fn is_hop(&self, ip: IpAddr) -> bool {
        self.listed && is_public(ip) && self.trusts(ip)
    }

    /// The client that a chain leads to, written as `X-Forwarded-For` has it. A chain of private addresses
    /// alone leads to its first one. None where something that is no address comes before the client.
    pub(super) fn client_of(&self, chain: &str) -> Option<IpAddr> {
        self.walk(chain.split(','))
    }

    /// The same for `Forwarded` (RFC 7239): `for=192.0.2.60;proto=http, for="[2001:db8::1]:4711"`.
    pub(super) fn client_of_forwarded(&self, chain: &str) -> Option<IpAddr> {
        // A hop that does not say whom it saw ends the walk, as one that is no address does.
        self.walk(chain.split(',').map(seen_by))
    }

    fn walk<'a>(&self, hops: impl DoubleEndedIterator<Item = &'a str>) -> Option<IpAddr> {
        let mut first = None;
        for hop in hops.rev() {
            let ip = address::parse(hop).ok()?.to_canonical();
            if !self.trusts(ip) {
                return Some(ip);
            }
            first = Some(ip);
        }
        first.filter(|ip| !is_public(*ip))
    }
}

/// The `for` of one element of a `Forwarded` header, empty for none.
fn seen_by(element: &str) -> &str {
    let parameters = element.split(';').filter_map(|parameter| parameter.split_once('='));
    let mut of_for = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    of_for.next().map_or("", |(_, value)| value.trim().trim_matches('"'))
}

fn private() -> impl Iterator<Item = IpNet> {
    PRIVATE.iter().filter_map(|net| net.parse().ok())
}

/// Ranges of networks in order, those that touch as one.
fn merged(nets: &[IpNet]) -> Vec<(u128, u128)> {
    let number = |ip: IpAddr| u128::from_be_bytes(ip_bytes(ip));
    let mut ranges: Vec<(u128, u128)> =
        nets.iter().map(|net| (number(net.network()), number(net.broadcast()))).collect();
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let touches = next.0 <= kept.1.saturating_add(1);
        if touches {
            kept.1 = kept.1.max(next.1);
        }
        touches
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(entries: &[&str]) -> Proxies {
        Proxies::listed(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>()).expect("a list")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_no_proxy() {
        let own = Proxies::default();
        let cloud = listed(&["private", "173.245.48.0/20", "2400:cb00::/32", "192.0.2.9"]);
        let cases = [
            (&own, "8.8.4.4", Some("8.8.4.4")),
            (&own, "8.8.4.4, 10.0.0.1", Some("8.8.4.4")),
            // What the client wrote itself is left of what the proxy saw.
            (&own, "1.1.1.1, 8.8.4.4, 10.0.0.1, 127.0.0.1", Some("8.8.4.4")),
            (&own, "8.8.4.4, 173.245.48.5", Some("173.245.48.5")),
            (&cloud, "1.1.1.1, 8.8.4.4, 173.245.48.5", Some("8.8.4.4")),
            (&cloud, "8.8.4.4:5512, [2400:cb00::7]:443, ::ffff:192.0.2.9", Some("8.8.4.4")),
            (&own, "::ffff:8.8.4.4, fd00::1", Some("8.8.4.4")),
            (&own, "192.168.1.7, 10.0.0.1", Some("192.168.1.7")),
            (&cloud, "173.245.48.5", None),
            (&own, "8.8.4.4, unknown", None),
            (&own, "unknown, 8.8.4.4", Some("8.8.4.4")),
            (&own, "8.8.4.4,", None),
            (&own, "", None),
        ];
        for (proxies, chain, client) in cases {
            assert_eq!(proxies.client_of(chain), client.map(ip), "{chain}");
        }
    }

    #[test]
    fn forwarded_is_walked_the_same_way() {
        let own = Proxies::default();
        let cases = [
            ("for=8.8.4.4;proto=https;by=10.0.0.1", Some("8.8.4.4")),
            ("for=1.1.1.1, For=\"8.8.4.4:4711\", proto=http;for=10.0.0.3", Some("8.8.4.4")),
            ("for=\"[2400:cb00::17]:4711\"", Some("2400:cb00::17")),
            ("for=8.8.4.4, for=_hidden", None),
            ("for=8.8.4.4, proto=https", None),
        ];
        for (chain, client) in cases {
            assert_eq!(own.client_of_forwarded(chain), client.map(ip), "{chain}");
        }
    }

    #[test]
    fn a_list_says_which_entry_is_wrong() {
        for (entry, part) in [("10.0.0.0/33", "10.0.0.0/33"), ("proxy.internal", "write one such as")] {
            let wrong = Proxies::listed(&[entry.to_owned()]).expect_err(entry);
            assert!(wrong.contains(part), "{wrong}");
        }
        for everyone in ["0.0.0.0/0", "::/0"] {
            assert!(
                Proxies::listed(&[everyone.to_owned()]).expect_err(everyone).contains("list your proxies")
            );
        }
        let none = listed(&[]);
        assert!(!none.trusts(ip("127.0.0.1")) && none.are_listed());
    }

    #[test]
    fn ranges_that_touch_are_one_and_their_ends_belong_to_them() {
        let proxies = listed(&["10.0.1.0/24", "10.0.0.0/24", "10.0.0.128/25", "::ffff:10.0.9.0/120"]);
        assert_eq!(proxies.ranges.len(), 2);
        for (text, trusted) in [
            ("9.255.255.255", false),
            ("10.0.0.0", true),
            ("10.0.1.255", true),
            ("10.0.2.0", false),
            ("10.0.9.1", true),
        ] {
            assert_eq!(proxies.trusts(ip(text)), trusted, "{text}");
        }
        assert!(!Proxies::default().is_hop(ip("10.0.0.1")) && listed(&["8.8.8.8"]).is_hop(ip("8.8.8.8")));
    }
}
