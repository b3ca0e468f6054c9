//! Where accounts are: networks, the addresses in them, and who gets which address on which day.
//!
//! Nothing is stored for an address: it follows from the account, the day and the network, so the
//! same account comes back to the same few addresses and changes them slowly.

use super::random::{mix, mix2, scale};
use super::text::{push_decimal, push_ipv4, push_ipv6};

const ISPS: u32 = 24;
const BUSINESS_ISPS: u32 = 4;
const CAMPUSES: u32 = 16;
const CARRIERS: u32 = 6;
const CLOUDS: u32 = 5;

/// Addresses through which a campus goes out.
const CAMPUS_ADDRESSES: u32 = 4;
/// Addresses through which a mobile carrier's customers go out, all of them.
const CARRIER_ADDRESSES: u32 = 16;
/// Accounts for each office.
const OFFICE_ACCOUNTS: u32 = 100;
/// Planted accounts that share a pool of proxies, and the proxies in it. So few of the accounts meet
/// at one proxy that it looks like a home, but two of them meet again and again.
const TEAM_ACCOUNTS: u32 = 40;
const TEAM_PROXIES: u32 = 80;
/// Proxies that a planted account goes through in a day.
const PROXIES_A_DAY: u32 = 2;

const COUNTRIES: [&str; 12] = ["US", "DE", "IN", "FR", "GB", "BR", "JP", "CN", "VN", "PL", "CA", "NL"];

/// An address: IPv4, or the halves of IPv6.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Address {
    V4(u32),
    V6(u64, u64),
}

impl Address {
    /// Appends its canonical text.
    pub(crate) fn push(self, line: &mut Vec<u8>) {
        match self {
            Self::V4(address) => push_ipv4(line, address),
            Self::V6(high, low) => push_ipv6(line, high, low),
        }
    }
}

/// Where an account usually is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Home {
    /// Behind one address of an ISP, which changes every one to three weeks.
    Dynamic,
    /// In one IPv6 /64, with other low 64 bits every day.
    Private6,
    /// In an office with one or two addresses, and at home now and then.
    Office,
    /// On a campus.
    Campus,
    /// On a phone.
    Mobile,
    /// One to three servers with fixed addresses.
    Server,
    /// The planted group: the pool of proxies of a team, inside the networks of ISPs.
    Proxies(u32),
}

impl Home {
    /// The home of a planted account.
    pub(crate) fn of_planted(index: u32) -> Self {
        Self::Proxies(index / TEAM_ACCOUNTS)
    }

    /// The home that a seed stands for, for all but planted accounts.
    pub(crate) fn of(seed: u64) -> Self {
        match scale(mix(seed ^ 0x40), 100) {
            0..50 => Self::Dynamic,
            50..62 => Self::Private6,
            62..72 => Self::Office,
            72..77 => Self::Campus,
            77..87 => Self::Mobile,
            _ => Self::Server,
        }
    }
}

/// All networks.
#[derive(Debug)]
pub(crate) struct Networks {
    /// Addresses in use in one ISP's network.
    hosts: u32,
    offices: u32,
    /// For each network `ASN,"country":"XX","model":"`, which follows the address in a line.
    details: Vec<Vec<u8>>,
}

impl Networks {
    /// Networks sized for a number of accounts.
    pub(crate) fn new(accounts: u32) -> Self {
        let count = ISPS + BUSINESS_ISPS + CAMPUSES + CARRIERS + CLOUDS;
        let detail = |network: u32| {
            let mut text = Vec::new();
            push_decimal(&mut text, 3_000 + network * 577);
            text.extend_from_slice(b",\"country\":\"");
            text.extend_from_slice(COUNTRIES[network as usize % COUNTRIES.len()].as_bytes());
            text.extend_from_slice(b"\",\"model\":\"");
            text
        };
        Self {
            hosts: (accounts / 8).next_power_of_two().clamp(256, 1 << 16),
            offices: accounts / OFFICE_ACCOUNTS + 4,
            details: (0..count).map(detail).collect(),
        }
    }

    /// What a line says about a network.
    pub(crate) fn detail(&self, network: u32) -> &[u8] {
        &self.details[network as usize]
    }

    /// The address that an account uses on a day, and the network it lies in.
    pub(crate) fn address(&self, seed: u64, home: Home, day: u32, random: u64) -> (Address, u32) {
        let roll = random as u32 % 100;
        let which = (random >> 8) as u32 & 1;
        match home {
            // A quarter of the people at home have a phone too.
            Home::Dynamic | Home::Private6 if roll < 12 && seed.is_multiple_of(4) => {
                self.mobile(seed, day, which)
            }
            Home::Dynamic => self.dynamic(seed, day),
            Home::Private6 => Self::private6(seed, day),
            Home::Office if roll < 20 => self.dynamic(seed, day),
            Home::Office => self.office(seed, which),
            Home::Campus => Self::campus(seed, day, which),
            Home::Mobile => self.mobile(seed, day, which),
            Home::Server => Self::server(seed, (random >> 16) as u32),
            Home::Proxies(team) => self.proxy(seed, team, day, which),
        }
    }

    fn dynamic(&self, seed: u64, day: u32) -> (Address, u32) {
        let period = 7 + (seed >> 8) as u32 % 15;
        let lease = (day + (seed >> 16) as u32 % period) / period;
        let network = scale(mix(seed ^ 0x15), ISPS);
        (Address::V4(base(network) + scale(mix2(seed, u64::from(lease)), self.hosts)), network)
    }

    fn private6(seed: u64, day: u32) -> (Address, u32) {
        let network = scale(mix(seed ^ 0x15), ISPS);
        // Every other group has its lowest bit set: see `push_ipv6`.
        let high = ((0x2A00_0101 + u64::from(network)) << 32) | (mix(seed ^ 0x64) >> 32) | 1;
        (Address::V6(high, mix2(seed, u64::from(day)) | 0x0000_0001_0000_0001), network)
    }

    fn office(&self, seed: u64, which: u32) -> (Address, u32) {
        let office = scale(mix(seed ^ 0x0F), self.offices);
        let network = ISPS + office % BUSINESS_ISPS;
        let addresses = 1 + office / BUSINESS_ISPS % 2;
        (Address::V4(base(network) + office / BUSINESS_ISPS * 8 + which % addresses), network)
    }

    fn campus(seed: u64, day: u32, which: u32) -> (Address, u32) {
        let network = ISPS + BUSINESS_ISPS + scale(mix(seed ^ 0xCA), CAMPUSES);
        let address = scale(mix2(seed ^ 0xCA, u64::from(day * 2 + which)), CAMPUS_ADDRESSES);
        (Address::V4(base(network) + 10 + address), network)
    }

    fn mobile(&self, seed: u64, day: u32, which: u32) -> (Address, u32) {
        let network = ISPS + BUSINESS_ISPS + CAMPUSES + scale(mix(seed ^ 0x3B), CARRIERS);
        let address = scale(mix2(seed ^ 0x3B, u64::from(day * 2 + which)), CARRIER_ADDRESSES);
        (Address::V4(base(network) + self.hosts / 2 + address), network)
    }

    fn server(seed: u64, random: u32) -> (Address, u32) {
        let network = ISPS + BUSINESS_ISPS + CAMPUSES + CARRIERS + scale(mix(seed ^ 0xC1), CLOUDS);
        let servers = 1 + (seed >> 24) as u32 % 3;
        let host = scale(mix2(seed ^ 0xC1, u64::from(random % servers)), 1 << 16);
        (Address::V4(base(network) + host), network)
    }

    fn proxy(&self, seed: u64, team: u32, day: u32, which: u32) -> (Address, u32) {
        let turn = u64::from(day * PROXIES_A_DAY + which);
        let proxy = team * TEAM_PROXIES + scale(mix2(seed ^ 0x99, turn), TEAM_PROXIES);
        let place = mix(u64::from(proxy) ^ 0x9A0C);
        let network = scale(place, ISPS);
        (Address::V4(base(network) + (place as u32 & (self.hosts - 1))), network)
    }
}

/// The first address of a network, which is a /16.
fn base(network: u32) -> u32 {
    (24 + network % 75) << 24 | (network * 37 % 256) << 16
}
