//! The catalog: every name that events carried, every aspect key, and who carries what, in memory.
//!
//! A *name* is a value of one dimension; an *aspect key* is the tuple of names of one aspect. Both have
//! dense ordinals. From a name to the aspect keys that carry it leads a chain through two arrays, four
//! bytes a link, so that all attributes are indexed at the price of four columns. The catalog only
//! grows; what is on disk of it is in `names.rs`.

use super::dictionary::Dictionary;
use crate::event::{Aspect, Dim, aspect_values, prefix_bytes};
use crate::limits::{NAMES_BYTES_MAX, NAMES_MAX};
use hashbrown::HashTable;
use ipnet::IpNet;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Stands for a missing name in a tuple and for the end of a chain.
pub(super) const NONE: u32 = u32::MAX;

/// The keys of one aspect.
struct Keys {
    width: usize,
    /// Names, `width` for each key.
    tuples: Vec<u32>,
    /// For each name of a tuple the key before that carries the same name.
    links: Vec<u32>,
    slots: HashTable<u32>,
}

impl Keys {
    fn tuple(&self, key: u32) -> &[u32] {
        tuple_of(&self.tuples, self.width, key)
    }

    fn len(&self) -> u32 {
        (self.tuples.len() / self.width) as u32
    }
}

fn tuple_of(tuples: &[u32], width: usize, key: u32) -> &[u32] {
    let start = key as usize * width;
    tuples.get(start..start + width).unwrap_or_default()
}

fn hash_tuple(tuple: &[u32], seed: u64) -> u64 {
    let mut bytes = [0_u8; 24];
    for (to, name) in bytes.chunks_exact_mut(4).zip(tuple) {
        to.copy_from_slice(&name.to_le_bytes());
    }
    xxh3_64_with_seed(&bytes, seed)
}

/// Networks of one kind that addresses lie in.
#[derive(Default)]
struct Nets {
    /// By ip name: its network's name, `NONE` if it has none.
    of_ip: Vec<u32>,
    /// By ip name: the ip before in the same network.
    links: Vec<u32>,
}

/// All names and aspect keys.
pub struct Catalog {
    seed: u64,
    names: Vec<Dictionary>,
    keys: Vec<Keys>,
    /// By dimension and name: the newest key (for networks: the newest ip) that carries the name.
    heads: Vec<Vec<u32>>,
    nets: [Nets; 2],
    /// Addresses in order, for CIDR queries.
    addresses: BTreeMap<u128, u32>,
}

impl Catalog {
    pub(super) fn new(seed: u64) -> Self {
        let keys = Aspect::ALL.map(|aspect| Keys {
            width: aspect.dims().len(),
            tuples: Vec::new(),
            links: Vec::new(),
            slots: HashTable::new(),
        });
        Self {
            seed,
            names: Dim::ALL.iter().map(|_| Dictionary::new(seed)).collect(),
            keys: keys.into(),
            heads: Dim::ALL.iter().map(|_| Vec::new()).collect(),
            nets: [Nets::default(), Nets::default()],
            addresses: BTreeMap::new(),
        }
    }

    /// The name of a value, if an event has carried it.
    pub fn find(&self, dim: Dim, value: &[u8]) -> Option<u32> {
        self.names.get(dim.index())?.find(value)
    }

    /// The value of a name.
    pub fn value(&self, dim: Dim, name: u32) -> &[u8] {
        self.names.get(dim.index()).map_or(&[], |names| names.value(name))
    }

    /// How many names a dimension has; they are `0..names(dim)`.
    pub fn names(&self, dim: Dim) -> u32 {
        self.names.get(dim.index()).map_or(0, Dictionary::len)
    }

    /// How many keys an aspect has; they are `0..keys(aspect)`.
    pub fn keys(&self, aspect: Aspect) -> u32 {
        self.keys.get(aspect.index()).map_or(0, Keys::len)
    }

    /// The names of a key, in the order of [`Aspect::dims`]; `u32::MAX` for missing.
    pub(super) fn tuple(&self, aspect: Aspect, key: u32) -> &[u32] {
        self.keys.get(aspect.index()).map_or(&[], |keys| keys.tuple(key))
    }

    /// The name of a dimension in a key of the dimension's aspect.
    pub fn name_of(&self, dim: Dim, key: u32) -> Option<u32> {
        let name = match net_index(dim) {
            Some(_) => return self.net_of(dim, self.name_of(Dim::Ip, key)?),
            None => *self.tuple(dim.aspect(), key).get(slot(dim)?)?,
        };
        (name != NONE).then_some(name)
    }

    /// The network (a name of `Net` or `Site`) that an address lies in.
    pub fn net_of(&self, dim: Dim, ip: u32) -> Option<u32> {
        let net = *self.nets.get(net_index(dim)?)?.of_ip.get(ip as usize)?;
        (net != NONE).then_some(net)
    }

    /// The aspect keys that carry a name.
    pub fn keys_with(&self, dim: Dim, name: u32) -> RoaringBitmap {
        let mut found = Vec::new();
        if net_index(dim).is_some() {
            for ip in self.ips_of_net(dim, name) {
                self.follow(Dim::Ip, ip, &mut found);
            }
            found.sort_unstable();
        } else {
            self.follow(dim, name, &mut found);
            found.reverse();
        }
        found.into_iter().collect()
    }

    /// Appends the keys that carry a name of an aspect's own dimension, newest first.
    fn follow(&self, dim: Dim, name: u32, found: &mut Vec<u32>) {
        let (Some(slot), Some(keys)) = (slot(dim), self.keys.get(dim.aspect().index())) else { return };
        let mut key =
            self.heads.get(dim.index()).and_then(|heads| heads.get(name as usize)).copied().unwrap_or(NONE);
        while key != NONE {
            found.push(key);
            key = keys.links.get(key as usize * keys.width + slot).copied().unwrap_or(NONE);
        }
    }

    /// The addresses seen in a network (a name of `Net` or `Site`).
    pub fn ips_of_net(&self, dim: Dim, net: u32) -> Vec<u32> {
        let Some(nets) = net_index(dim).and_then(|index| self.nets.get(index)) else { return Vec::new() };
        let mut ips = Vec::new();
        let mut ip =
            self.heads.get(dim.index()).and_then(|heads| heads.get(net as usize)).copied().unwrap_or(NONE);
        while ip != NONE {
            ips.push(ip);
            ip = nets.links.get(ip as usize).copied().unwrap_or(NONE);
        }
        ips
    }

    /// The addresses seen within a CIDR, in order of address.
    pub fn ips_within(&self, net: IpNet) -> Vec<u32> {
        let number = |ip| u128::from_be_bytes(crate::event::ip_bytes(ip));
        let range = number(net.network())..=number(net.broadcast());
        self.addresses.range(range).map(|(_, name)| *name).collect()
    }

    /// The names whose value passes a test, in order. Reads every name of the dimension.
    pub fn names_matching(&self, dim: Dim, test: &mut dyn FnMut(&[u8]) -> bool) -> Vec<u32> {
        (0..self.names(dim)).filter(|name| test(self.value(dim, *name))).collect()
    }

    /// Bytes of memory, roughly.
    pub fn memory(&self) -> usize {
        let names: usize = self.names.iter().map(Dictionary::memory).sum();
        let keys: usize =
            self.keys.iter().map(|keys| keys.tuples.capacity() * 8 + keys.slots.capacity() * 5).sum();
        let heads: usize = self.heads.iter().map(|heads| heads.capacity() * 4).sum();
        let nets: usize = self.nets.iter().map(|nets| nets.of_ip.capacity() * 8).sum();
        names + keys + heads + nets + self.addresses.len() * 32
    }

    /// The ordinal of an aspect key, new if need be; an error names the dimension that is full.
    pub(super) fn intern(&mut self, aspect: Aspect, key: &[u8]) -> Result<u32, Dim> {
        let mut tuple = [NONE; 6];
        for ((dim, value), name) in aspect.dims().iter().zip(aspect_values(key)).zip(&mut tuple) {
            if !value.is_empty() {
                *name = self.intern_name(*dim, value)?;
            }
        }
        let width = aspect.dims().len();
        self.intern_tuple(aspect, tuple.get(..width).unwrap_or_default())
    }

    /// The name of a value, new if need be.
    pub(super) fn intern_name(&mut self, dim: Dim, value: &[u8]) -> Result<u32, Dim> {
        let Some(names) = self.names.get_mut(dim.index()) else { return Err(dim) };
        let full = names.len() >= NAMES_MAX || names.memory() >= NAMES_BYTES_MAX;
        if full {
            return names.find(value).ok_or(dim);
        }
        let (name, new) = names.intern(value);
        if new {
            if let Some(heads) = self.heads.get_mut(dim.index()) {
                heads.push(NONE);
            }
            if let (Dim::Ip, Ok(ip)) = (dim, <[u8; 16]>::try_from(value)) {
                self.place_ip(ip, name)?;
            }
        }
        Ok(name)
    }

    /// Enters a new address into its networks and the order of addresses.
    fn place_ip(&mut self, ip: [u8; 16], name: u32) -> Result<(), Dim> {
        self.addresses.insert(u128::from_be_bytes(ip), name);
        let is_v4 = std::net::Ipv6Addr::from(ip).to_ipv4_mapped().is_some();
        let net = prefix_bytes(ip, if is_v4 { 96 + 24 } else { 64 });
        let net = self.intern_name(Dim::Net, &net)?;
        let site = if is_v4 { NONE } else { self.intern_name(Dim::Site, &prefix_bytes(ip, 48))? };
        for ((nets, dim), net) in self.nets.iter_mut().zip([Dim::Net, Dim::Site]).zip([net, site]) {
            nets.of_ip.push(net);
            let head = self.heads.get_mut(dim.index()).and_then(|heads| heads.get_mut(net as usize));
            nets.links.push(head.map_or(NONE, |head| std::mem::replace(head, name)));
        }
        Ok(())
    }

    /// The ordinal of a tuple of names, new if need be.
    pub(super) fn intern_tuple(&mut self, aspect: Aspect, tuple: &[u32]) -> Result<u32, Dim> {
        let first_dim = aspect.dims().first().copied().unwrap_or(Dim::Account);
        let Some(keys) = self.keys.get_mut(aspect.index()) else { return Err(first_dim) };
        let hash = hash_tuple(tuple, self.seed);
        let (tuples, width, seed) = (&keys.tuples, keys.width, self.seed);
        if let Some(key) = keys.slots.find(hash, |key| tuple_of(tuples, width, *key) == tuple) {
            return Ok(*key);
        }
        let key = keys.len();
        if key >= NAMES_MAX {
            return Err(first_dim);
        }
        keys.tuples.extend_from_slice(tuple);
        let tuples = &keys.tuples;
        keys.slots.insert_unique(hash, key, |other| hash_tuple(tuple_of(tuples, width, *other), seed));
        for (dim, name) in aspect.dims().iter().zip(tuple) {
            let head = self.heads.get_mut(dim.index()).and_then(|heads| heads.get_mut(*name as usize));
            keys.links.push(head.map_or(NONE, |head| std::mem::replace(head, key)));
        }
        Ok(key)
    }
}

/// Place of a dimension in its aspect's tuple; none for derived dimensions.
fn slot(dim: Dim) -> Option<usize> {
    dim.aspect().dims().iter().position(|other| *other == dim)
}

/// Which of the two kinds of network a dimension is.
fn net_index(dim: Dim) -> Option<usize> {
    match dim {
        Dim::Net => Some(0),
        Dim::Site => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Draft, EventBatch, ip_bytes};

    fn key(aspect: Aspect, values: &[(Dim, &[u8])]) -> Vec<u8> {
        let mut draft = Draft::default();
        for (dim, value) in values {
            draft.dims[dim.index()] = value;
        }
        let mut batch = EventBatch::default();
        batch.push(&draft);
        let event = batch.iter().next().expect("one event");
        event.aspect_key(aspect).to_vec()
    }

    #[test]
    fn a_name_leads_to_all_keys_that_carry_it() {
        let mut catalog = Catalog::new(1);
        let subject = |account: &[u8], card: &[u8]| {
            key(Aspect::Subject, &[(Dim::Account, account), (Dim::Payment, card)])
        };
        let keys: Vec<u32> = [(b"a", b"x"), (b"b", b"x"), (b"a", b"y"), (b"a", b"x")]
            .iter()
            .map(|(account, card)| {
                catalog.intern(Aspect::Subject, &subject(&account[..], &card[..])).expect("room")
            })
            .collect();
        assert_eq!(keys, [0, 1, 2, 0]);
        let card = catalog.find(Dim::Payment, b"x").expect("seen");
        assert_eq!(catalog.keys_with(Dim::Payment, card).iter().collect::<Vec<_>>(), [0, 1]);
        let account = catalog.find(Dim::Account, b"a").expect("seen");
        assert_eq!(catalog.keys_with(Dim::Account, account).iter().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(catalog.name_of(Dim::ApiKey, 0), None);
    }

    #[test]
    fn networks_are_derived_from_addresses() {
        let mut catalog = Catalog::new(1);
        for ip in ["203.0.113.7", "203.0.113.9", "198.51.100.1", "2001:db8::1", "2001:db8:0:1::1"] {
            let ip = ip_bytes(ip.parse().expect("ip"));
            catalog.intern(Aspect::Origin, &key(Aspect::Origin, &[(Dim::Ip, &ip)])).expect("room");
        }
        assert_eq!((catalog.names(Dim::Net), catalog.names(Dim::Site)), (4, 1));
        let net = catalog.name_of(Dim::Net, 0).expect("a /24");
        assert_eq!(catalog.keys_with(Dim::Net, net).iter().collect::<Vec<_>>(), [0, 1]);
        let site = catalog.name_of(Dim::Site, 3).expect("a /48");
        assert_eq!(catalog.keys_with(Dim::Site, site).iter().collect::<Vec<_>>(), [3, 4]);
        assert_eq!(catalog.name_of(Dim::Site, 0), None);
        assert_eq!(catalog.ips_within("203.0.113.8/29".parse().expect("net")), [1]);
        assert_eq!(catalog.ips_within("0.0.0.0/0".parse().expect("net")).len(), 3);
    }
}
