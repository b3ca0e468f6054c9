//! Where requests come from: networks, and the addresses of households, pools and proxies.
//!
//! The numbers of the autonomous systems are real, because a detector looks up what kind of network they are.
//! The addresses are nobody's, and no documentation addresses either, which are never evidence: IPv4 from
//! `240.0.0.0/4`, IPv6 from `4000::/3`, both reserved.
//!
//! What is left out: routing. That an address belongs to a network is this file's invention.

use super::dice::{Dice, hash};

/// A network and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    pub(super) asn: u32,
    pub(super) country: &'static str,
    /// Minutes that its clocks are ahead of UTC.
    pub(super) offset: i32,
}

const fn network(asn: u32, country: &'static str, offset: i32) -> Network {
    Network { asn, country, offset }
}

/// Every network, by number.
const NETWORKS: [Network; 19] = [
    network(7_922, "US", -300),
    network(3_320, "DE", 60),
    network(4_134, "CN", 480),
    network(3_215, "FR", 60),
    network(7_018, "US", -360),
    network(21_928, "US", -360),
    network(55_836, "IN", 330),
    network(9_808, "CN", 480),
    network(24_940, "DE", 60),
    network(16_276, "FR", 60),
    network(14_061, "US", -300),
    network(16_509, "US", -300),
    network(15_169, "US", -480),
    network(8_075, "NL", 60),
    network(680, "DE", 60),
    network(786, "GB", 0),
    network(25, "US", -480),
    network(9_009, "GB", 0),
    network(60_068, "NL", 60),
];

/// Networks of a kind, by number.
pub(super) const RESIDENTIAL: &[u8] = &[0, 1, 2, 3, 4];
pub(super) const MOBILE: &[u8] = &[5, 6, 7];
pub(super) const HOSTING: &[u8] = &[8, 9, 10];
pub(super) const CLOUD: &[u8] = &[11, 12, 13];
pub(super) const CAMPUS: &[u8] = &[14, 15, 16];
pub(super) const VPN: &[u8] = &[17, 18];

/// How many networks there are.
pub(super) const COUNT: usize = NETWORKS.len();

/// Bits of the addresses of one network: four million.
const BLOCK_BITS: u32 = 22;

/// Addresses that are leased to households; the others of a network are handed out for good.
const LEASED: u32 = 1 << (BLOCK_BITS - 1);

/// Of those that are handed out, the first half goes to pools, the second to single servers.
pub(super) const SERVERS: u32 = 1 << (BLOCK_BITS - 2);

/// Marks an IPv6 /64 in an [`Address`].
const V6: u64 = 1 << 63;

/// One household in this many has IPv6.
const V6_SHARE: u64 = 4;

/// The share of households that get another address on a day.
const RELEASE_SHARE: f64 = 0.1;

/// Days after which every lease ends, so that looking back for its beginning ends.
const LEASE_DAYS_MAX: u32 = 60;

/// First household that is no customer's and no proxy's: addresses held for one account.
pub(super) const DEDICATED: u32 = 1 << 28;

/// An IPv4 address, or an IPv6 /64 whose hosts are made up when they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address(pub(super) u64);

/// What an address looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    V4([u8; 4]),
    /// The first four groups.
    V6([u16; 4]),
}

impl Address {
    fn v4(network: u8, number: u32) -> Self {
        let inside = number & ((1 << BLOCK_BITS) - 1);
        Self(u64::from(0xf000_0000 | u32::from(network) << BLOCK_BITS | inside))
    }

    fn v6(network: u8, line: u32) -> Self {
        Self(V6 | u64::from(network) << 32 | u64::from(line))
    }

    /// The network that the address belongs to.
    pub(super) fn network(self) -> &'static Network {
        let number =
            if self.0 & V6 == 0 { (self.0 & 0x0fff_ffff) >> BLOCK_BITS } else { (self.0 & !V6) >> 32 };
        NETWORKS.get(number as usize).unwrap_or(&NETWORKS[0])
    }

    pub(super) fn look(self) -> Look {
        if self.0 & V6 == 0 {
            return Look::V4((self.0 as u32).to_be_bytes());
        }
        // A household has a /56: 256 of them in a /48.
        let line = self.0 as u32;
        let group = (self.network_number() as u16) << 4 | (line >> 24) as u16 & 15;
        Look::V6([0x4fff, group, (line >> 8) as u16, (line as u16) << 8])
    }

    fn network_number(self) -> u64 {
        (self.0 & !V6) >> 32
    }
}

/// The network with a number.
pub(super) fn of(number: u8) -> &'static Network {
    NETWORKS.get(usize::from(number)).unwrap_or(&NETWORKS[0])
}

/// Where an account's requests of a session may come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// A home, whose address changes now and then.
    Household(u32),
    /// One of some addresses in a row, another for each session.
    Pool(Pool),
    /// A proxy network: some exits a day, each the address of a household.
    Rotating {
        /// How many exits the network has.
        exits: u32,
        /// Households that they were drawn from.
        universe: u32,
        /// Exits that one account uses a day.
        a_day: u32,
        /// Which proxy network.
        salt: u64,
    },
}

/// Addresses in a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pool {
    pub(super) network: u8,
    pub(super) first: u32,
    pub(super) size: u32,
}

/// The network that a household's line belongs to.
pub(super) fn line_of(household: u32) -> u8 {
    RESIDENTIAL[hash(&[0x11, u64::from(household)]) as usize % RESIDENTIAL.len()]
}

/// The address of a household on a day of the log.
fn leased(household: u32, day: u32) -> Address {
    let network = line_of(household);
    let key = u64::from(household);
    let identity = hash(&[0x12, key]);
    let starts = |day: &u32| {
        u64::from(*day) % u64::from(LEASE_DAYS_MAX) == identity >> 32 & 31
            || Dice::of(&[0x13, key, u64::from(*day)]).chance(RELEASE_SHARE)
    };
    if identity.is_multiple_of(V6_SHARE) {
        // Prefixes stay for months.
        return Address::v6(network, (identity >> 20) as u32 & 0x0fff_ffff);
    }
    let since = (day.saturating_sub(LEASE_DAYS_MAX)..=day).rev().find(starts).unwrap_or(0);
    Address::v4(network, hash(&[0x14, key, u64::from(since)]) as u32 % LEASED)
}

impl Place {
    /// The address of a session.
    pub(super) fn address(&self, account: u32, day: u32, dice: &mut Dice) -> Address {
        match *self {
            Self::Household(household) => leased(household, day),
            Self::Pool(Pool { network, first, size }) => {
                Address::v4(network, LEASED + first + dice.under(size))
            }
            Self::Rotating { exits, universe, a_day, salt } => {
                let turn = u64::from(dice.under(a_day.max(1)));
                let exit = hash(&[salt, u64::from(account), u64::from(day), turn]) % u64::from(exits.max(1));
                leased((hash(&[salt, exit]) % u64::from(universe.max(1))) as u32, day)
            }
        }
    }

    /// The network of somebody who uses the place; of a proxy's exits there is none.
    pub(super) fn network(&self) -> Option<u8> {
        match self {
            Self::Household(household) => Some(line_of(*household)),
            Self::Pool(pool) => Some(pool.network),
            Self::Rotating { .. } => None,
        }
    }
}
