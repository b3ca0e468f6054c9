//! An expression to sets of aspect keys: every leaf is a set of keys of one aspect, and since a row has
//! exactly one key of each aspect, `and`, `or` and `not` within an aspect are algebra on those sets. What
//! remains to be asked of the rows is at most how the four aspects combine.

use super::expr::{Expr, Pattern, Test};
use super::scan::through_catalog;
use super::{Budget, QueryError, render};
use crate::event::{Aspect, Dim};
use crate::privacy::{Network, Privacy};
use crate::store::Snapshot;
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
pub(super) fn resolve(snapshot: &Snapshot, expr: &Expr, budget: &Budget) -> Result<Node, QueryError> {
    let each = |parts: &[Expr]| {
        parts.iter().map(|part| resolve(snapshot, part, budget)).collect::<Result<Vec<Node>, _>>()
    };
    Ok(match expr {
        Expr::Leaf(dim, test) => Node::Keys(dim.aspect(), leaf(snapshot, *dim, test, budget)?),
        Expr::Not(inner) => match resolve(snapshot, inner, budget)? {
            Node::Keys(aspect, keys) => {
                let mut all = RoaringBitmap::new();
                all.insert_range(0..snapshot.catalog().keys(aspect));
                Node::Keys(aspect, all - keys)
            }
            Node::Not(inner) => *inner,
            other => Node::Not(Box::new(other)),
        },
        Expr::And(parts) => merged(each(parts)?, Node::And, |keys, more| *keys &= more),
        Expr::Or(parts) => merged(each(parts)?, Node::Or, |keys, more| *keys |= more),
    })
}

/// Joins nodes, those of one aspect into one.
fn merged(
    nodes: Vec<Node>,
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
fn leaf(snapshot: &Snapshot, dim: Dim, test: &Test, budget: &Budget) -> Result<RoaringBitmap, QueryError> {
    let mut names: Vec<u32> = match test {
        Test::Within(net) => snapshot.catalog().ips_within(snapshot.privacy().kept_network(*net)),
        Test::Between(from, to) => scanned(snapshot, dim, budget, |value| {
            let number = value.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
            (*from..=*to).contains(&number)
        })?,
        Test::OneOf(patterns) => {
            let mut names = through_catalog(snapshot, patterns, budget, |catalog, pattern| {
                let value = bytes_of(snapshot.privacy(), dim, &pattern.text).filter(|_| !pattern.prefix)?;
                catalog.find(dim, &value)
            })?;
            let prefixes: Vec<&Pattern> = patterns.iter().filter(|pattern| pattern.prefix).collect();
            if !prefixes.is_empty() {
                let begins = |value: &[u8]| {
                    prefixes.iter().any(|prefix| begins_with(snapshot.privacy(), dim, value, &prefix.text))
                };
                names.extend(scanned(snapshot, dim, budget, begins)?);
            }
            names
        }
    };
    names.sort_unstable();
    names.dedup();
    if let [name] = &names[..] {
        return Ok(snapshot.catalog().keys_with(dim, *name));
    }
    // Many names at once are many chains: one bitmap built at the end is cheaper than many unions.
    let mut keys: Vec<u32> = Vec::new();
    through_catalog(snapshot, names, budget, |catalog, name| {
        keys.extend(catalog.keys_with(dim, name));
        None::<()>
    })?;
    keys.sort_unstable();
    Ok(keys.into_iter().collect())
}

/// The names of a dimension whose value passes a test.
pub(super) fn scanned(
    snapshot: &Snapshot,
    dim: Dim,
    budget: &Budget,
    test: impl Fn(&[u8]) -> bool,
) -> Result<Vec<u32>, QueryError> {
    let names = snapshot.catalog().names(dim);
    through_catalog(snapshot, 0..names, budget, |catalog, name| {
        test(catalog.value(dim, name)).then_some(name)
    })
}

/// Whether a kept value, as a person writes it, begins with a text.
fn begins_with(privacy: &Privacy, dim: Dim, value: &[u8], text: &str) -> bool {
    match dim {
        Dim::Ip | Dim::Net | Dim::Site | Dim::Asn | Dim::Status | Dim::Created => {
            render::plain(&render::value(privacy, dim, value)).starts_with(text)
        }
        _ => value.starts_with(text.as_bytes()),
    }
}

/// The kept bytes of a value as a person writes it, be it as it came in or as an answer showed it.
fn bytes_of(privacy: &Privacy, dim: Dim, text: &str) -> Option<Vec<u8>> {
    match dim {
        Dim::Ip => {
            let asked = Network::parse(text).filter(Network::is_address)?;
            Some(crate::event::ip_bytes(privacy.kept_network(asked).addr()).to_vec())
        }
        Dim::Net | Dim::Site => {
            let net = privacy.kept_network(Network::parse(text)?);
            let bits = if net.addr().is_ipv4() { net.prefix_len() + 96 } else { net.prefix_len() };
            Some(crate::event::prefix_bytes(crate::event::ip_bytes(net.addr()), bits).to_vec())
        }
        Dim::Asn => Some(text.trim_start_matches("AS").parse::<u32>().ok()?.to_be_bytes().to_vec()),
        Dim::Status => Some(text.parse::<u16>().ok()?.to_be_bytes().to_vec()),
        Dim::Created => {
            let timestamp: jiff::Timestamp = text.parse().ok()?;
            Some(timestamp.as_microsecond().to_be_bytes().to_vec())
        }
        _ => Some(privacy.kept(dim, text).into_owned().into_bytes()),
    }
}
