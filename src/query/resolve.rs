//! An expression to sets of aspect keys: every leaf is a set of keys of one aspect, and since a row has
//! exactly one key of each aspect, `and`, `or` and `not` within an aspect are algebra on those sets. What
//! remains to be asked of the rows is at most how the four aspects combine.

use super::expr::{Expr, Pattern, Test};
use crate::event::{Aspect, Dim};
use crate::store::{Catalog, Snapshot};
use roaring::RoaringBitmap;

/// What to ask of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Keys(Aspect, RoaringBitmap),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
}

/// Resolves an expression against the names that are in the database now.
pub(super) fn resolve(snapshot: &Snapshot, expr: &Expr) -> Node {
    match expr {
        Expr::Leaf(dim, test) => Node::Keys(dim.aspect(), leaf(&snapshot.catalog(), *dim, test)),
        Expr::Not(inner) => match resolve(snapshot, inner) {
            Node::Keys(aspect, keys) => {
                let all: RoaringBitmap = (0..snapshot.catalog().keys(aspect)).collect();
                Node::Keys(aspect, all - keys)
            }
            Node::Not(inner) => *inner,
            other => Node::Not(Box::new(other)),
        },
        Expr::And(parts) => {
            let nodes = parts.iter().map(|part| resolve(snapshot, part));
            merged(nodes, Node::And, |keys, more| *keys &= more)
        }
        Expr::Or(parts) => {
            let nodes = parts.iter().map(|part| resolve(snapshot, part));
            merged(nodes, Node::Or, |keys, more| *keys |= more)
        }
    }
}

/// Joins nodes, those of one aspect into one.
fn merged(
    nodes: impl Iterator<Item = Node>,
    join: fn(Vec<Node>) -> Node,
    combine: fn(&mut RoaringBitmap, &RoaringBitmap),
) -> Node {
    let mut joined: Vec<Node> = Vec::new();
    for node in nodes {
        let twin = match &node {
            Node::Keys(aspect, _) => joined.iter_mut().find_map(|other| match other {
                Node::Keys(of, keys) if of == aspect => Some(keys),
                _ => None,
            }),
            _ => None,
        };
        match (twin, node) {
            (Some(keys), Node::Keys(_, more)) => combine(keys, &more),
            (_, node) => joined.push(node),
        }
    }
    if joined.len() == 1 { joined.remove(0) } else { join(joined) }
}

/// The keys that pass a leaf's test.
fn leaf(catalog: &Catalog, dim: Dim, test: &Test) -> RoaringBitmap {
    let names: Vec<u32> = match test {
        Test::Within(net) => catalog.ips_within(*net),
        Test::Between(from, to) => catalog.names_matching(dim, &mut |value| {
            let number = value.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            (*from..=*to).contains(&number)
        }),
        Test::OneOf(patterns) => {
            patterns.iter().flat_map(|pattern| matching(catalog, dim, pattern)).collect()
        }
    };
    if names.len() > 1 && (dim.aspect() == Aspect::Subject || dim == Dim::Ip) {
        // Many accounts at once are many chains: one bitmap built at the end is cheaper than many unions.
        let mut keys: Vec<u32> = names.iter().flat_map(|name| catalog.keys_with(dim, *name)).collect();
        keys.sort_unstable();
        return keys.into_iter().collect();
    }
    names.iter().fold(RoaringBitmap::new(), |keys, name| keys | catalog.keys_with(dim, *name))
}

/// The names that a pattern stands for. Text that no value of the dimension can be stands for none.
fn matching(catalog: &Catalog, dim: Dim, pattern: &Pattern) -> Vec<u32> {
    if pattern.prefix {
        let text = |value: &[u8]| super::neighbors::plain(&super::render::value(dim, value));
        return catalog.names_matching(dim, &mut |value| text(value).starts_with(&pattern.text));
    }
    bytes_of(dim, &pattern.text).and_then(|value| catalog.find(dim, &value)).into_iter().collect()
}

/// The kept bytes of a value as a person writes it.
fn bytes_of(dim: Dim, text: &str) -> Option<Vec<u8>> {
    match dim {
        Dim::Ip => Some(crate::event::ip_bytes(text.parse().ok()?).to_vec()),
        Dim::Net | Dim::Site => {
            let net: ipnet::IpNet = text.parse().ok()?;
            let bits = if net.addr().is_ipv4() { net.prefix_len() + 96 } else { net.prefix_len() };
            Some(crate::event::prefix_bytes(crate::event::ip_bytes(net.addr()), bits).to_vec())
        }
        Dim::Asn => Some(text.trim_start_matches("AS").parse::<u32>().ok()?.to_be_bytes().to_vec()),
        Dim::Status => Some(text.parse::<u16>().ok()?.to_be_bytes().to_vec()),
        Dim::Created => {
            let timestamp: jiff::Timestamp = text.parse().ok()?;
            Some(timestamp.as_microsecond().to_be_bytes().to_vec())
        }
        _ => Some(text.as_bytes().to_vec()),
    }
}
