//! What kind of network an autonomous system is. A small table of well-known ones; all others count as
//! unknown, which is a type of its own: a stratum, never a reason.

/// Number of types.
pub(super) const TYPES: usize = 6;

/// Kind of network that an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum NetworkType {
    /// Not in the table.
    Unknown = 0,
    /// Homes.
    Residential = 1,
    /// Mobile carriers, where many share an address.
    Mobile = 2,
    /// Universities and offices.
    Campus = 3,
    /// Hosting and VPN.
    Hosting = 4,
    /// The large clouds.
    Cloud = 5,
}

use NetworkType::{Campus, Cloud, Hosting, Mobile, Residential};

/// Well-known autonomous systems, ascending.
const KNOWN: &[(u32, NetworkType)] = &[
    (3, Campus),           // MIT
    (25, Campus),          // UC Berkeley
    (32, Campus),          // Stanford
    (174, Hosting),        // Cogent
    (680, Campus),         // DFN
    (701, Residential),    // Verizon
    (786, Campus),         // Jisc
    (2497, Residential),   // IIJ
    (2516, Mobile),        // KDDI
    (2856, Residential),   // BT
    (3215, Residential),   // Orange
    (3320, Residential),   // Deutsche Telekom
    (3352, Residential),   // Telefonica
    (4134, Residential),   // China Telecom
    (4713, Residential),   // NTT OCN
    (4766, Residential),   // Korea Telecom
    (4788, Residential),   // TM Net
    (4837, Residential),   // China Unicom
    (5089, Residential),   // Virgin Media
    (6830, Residential),   // Liberty Global
    (7018, Residential),   // AT&T
    (7473, Residential),   // Singtel
    (7922, Residential),   // Comcast
    (8075, Cloud),         // Microsoft
    (8560, Hosting),       // IONOS
    (9009, Hosting),       // M247
    (9299, Residential),   // PLDT
    (9808, Mobile),        // China Mobile
    (9829, Residential),   // BSNL
    (12_876, Hosting),     // Scaleway
    (13_335, Cloud),       // Cloudflare
    (14_061, Hosting),     // DigitalOcean
    (14_618, Cloud),       // Amazon
    (15_169, Cloud),       // Google
    (16_276, Hosting),     // OVH
    (16_509, Cloud),       // Amazon
    (17_676, Mobile),      // SoftBank
    (20_115, Residential), // Charter
    (20_473, Hosting),     // Vultr
    (21_928, Mobile),      // T-Mobile US
    (24_940, Hosting),     // Hetzner
    (26_599, Mobile),      // Vivo
    (31_898, Cloud),       // Oracle
    (36_352, Hosting),     // ColoCrossing
    (37_963, Cloud),       // Alibaba
    (45_090, Cloud),       // Tencent
    (45_102, Cloud),       // Alibaba
    (45_609, Mobile),      // Bharti Airtel
    (51_167, Hosting),     // Contabo
    (55_836, Mobile),      // Reliance Jio
    (60_068, Hosting),     // Datacamp
    (60_781, Hosting),     // LeaseWeb
    (63_949, Hosting),     // Linode
    (132_203, Cloud),      // Tencent
    (396_982, Cloud),      // Google Cloud
];

/// Names of the types, by number.
const NAMES: [&str; TYPES] = ["unknown", "residential", "mobile", "campus", "hosting", "cloud"];

impl NetworkType {
    /// The name of the type with a number.
    #[must_use]
    pub(super) fn name(number: u8) -> &'static str {
        NAMES.get(usize::from(number)).copied().unwrap_or(NAMES[0])
    }

    /// The type of an autonomous system; 0 stands for none given.
    #[must_use]
    pub(super) fn of_asn(asn: u32) -> Self {
        KNOWN
            .binary_search_by_key(&asn, |known| known.0)
            .ok()
            .and_then(|at| KNOWN.get(at))
            .map_or(Self::Unknown, |known| known.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KNOWN.windows(2).all(|two| two[0].0 < two[1].0));
        assert_eq!(NetworkType::of_asn(24_940), Hosting);
        assert_eq!(NetworkType::of_asn(64_512), NetworkType::Unknown);
    }
}
