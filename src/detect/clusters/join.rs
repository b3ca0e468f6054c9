//! Joining: which groups are one cluster.
//!
//! The strongest group is settled first, with the groups that overlap it, and takes up all groups that
//! overlap those who are left. Only what no settled cluster takes up is joined by overlap from group to
//! group: among tens of thousands of groups such a chain goes through the whole platform.

use super::find::{Confirmed, Frame};
use crate::detect::facts::pair;
use crate::detect::window::Lists;
use crate::limits::VAIN_SEEDS_MAX;
use roaring::RoaringBitmap;
use std::cmp::Reverse;

/// Share of the smaller of two sets that they have in common when they are joined.
pub(super) const JOINED_SHARE: f64 = 0.3;

/// Groups that were joined.
pub(super) struct Union {
    /// Everybody in them.
    pub(super) members: RoaringBitmap,
    /// Their numbers.
    pub(super) groups: Vec<usize>,
}

/// The strong groups of a day, strongest first, that no cluster has taken up yet.
struct Pool<'f> {
    frame: &'f Frame<'f>,
    /// Numbers of the groups.
    groups: Vec<usize>,
    /// Places of the groups that an account is in.
    of_account: Lists,
    /// Whether a group is still there.
    there: Vec<bool>,
}

/// Clusters of some groups.
pub(super) fn clusters(frame: &Frame<'_>, groups: Vec<usize>) -> Vec<Confirmed> {
    let mut pool = Pool::of(frame, groups);
    let mut clusters = Vec::new();
    let mut vain = 0;
    for seed in 0..pool.groups.len() {
        if !pool.there[seed] || vain >= VAIN_SEEDS_MAX {
            continue;
        }
        let Some(cluster) = pool.grow(seed) else {
            vain += 1;
            continue;
        };
        pool.take(seed, &cluster.members);
        clusters.push(cluster);
    }
    for union in chains(frame, pool.left()) {
        clusters.extend(frame.settle(&union, &union.members));
    }
    one_of_each(frame, clusters)
}

impl<'f> Pool<'f> {
    fn of(frame: &'f Frame<'f>, mut groups: Vec<usize>) -> Self {
        groups.sort_by(|a, b| {
            let strength = |at: &usize| frame.scored[*at].coordination();
            strength(b).total_cmp(&strength(a)).then_with(|| by_size(frame, *a).cmp(&by_size(frame, *b)))
        });
        let mut pairs = Vec::new();
        for (place, at) in groups.iter().enumerate() {
            pairs.extend(frame.groups[*at].members.iter().map(|account| pair(*account, place as u32)));
        }
        pairs.sort_unstable();
        let of_account = Lists::of(&pairs, frame.bench.window.accounts.len());
        Self { frame, there: vec![true; groups.len()], groups, of_account }
    }

    /// Places of the groups that overlap a set.
    fn near(&self, set: &[u32]) -> Vec<usize> {
        let mut both = vec![0_u32; self.groups.len()];
        for place in set.iter().flat_map(|account| self.of_account.get(*account)) {
            both[*place as usize] += 1;
        }
        let overlaps = |place: &usize| {
            let smaller = set.len().min(self.frame.groups[self.groups[*place]].members.len());
            self.there[*place] && f64::from(both[*place]) >= JOINED_SHARE * smaller as f64
        };
        (0..self.groups.len()).filter(overlaps).collect()
    }

    /// Settles a group with its neighbours, and what is left with the neighbours that it has then.
    fn grow(&self, seed: usize) -> Option<Confirmed> {
        let first = self.settle(&self.frame.groups[self.groups[seed]].members)?;
        self.settle(&first.members)
    }

    fn settle(&self, members: &[u32]) -> Option<Confirmed> {
        let first: RoaringBitmap = members.iter().copied().collect();
        let mut union = Union { members: first.clone(), groups: Vec::new() };
        for place in self.near(members) {
            union.members.extend(self.frame.groups[self.groups[place]].members.iter().copied());
            union.groups.push(self.groups[place]);
        }
        self.frame.settle(&union, &first)
    }

    /// Takes out what overlaps a cluster, and the group that it began with.
    fn take(&mut self, seed: usize, members: &[u32]) {
        for place in self.near(members) {
            self.there[place] = false;
        }
        self.there[seed] = false;
    }

    fn left(&self) -> Vec<usize> {
        self.groups.iter().zip(&self.there).filter(|(_, there)| **there).map(|(at, _)| *at).collect()
    }
}

/// Larger groups first; equal ones by who is in them, whatever their numbers are.
fn by_size<'f>(frame: &'f Frame<'_>, at: usize) -> (Reverse<usize>, &'f [u32], usize) {
    let members = &frame.groups[at].members;
    (Reverse(members.len()), members, at)
}

/// Whether two sets have enough in common.
fn overlap(a: &RoaringBitmap, b: &RoaringBitmap) -> bool {
    a.intersection_len(b) as f64 >= JOINED_SHARE * a.len().min(b.len()) as f64
}

/// Joins groups, largest first, that have enough in common.
fn chains(frame: &Frame<'_>, mut groups: Vec<usize>) -> Vec<Union> {
    groups.sort_by(|a, b| by_size(frame, *a).cmp(&by_size(frame, *b)));
    let mut unions: Vec<Union> = Vec::new();
    for at in groups {
        let mut union =
            Union { members: frame.groups[at].members.iter().copied().collect(), groups: vec![at] };
        let own = union.members.clone();
        let (near, far): (Vec<Union>, Vec<Union>) =
            unions.into_iter().partition(|other| overlap(&other.members, &own));
        for other in near {
            union.members |= other.members;
            union.groups.extend(other.groups);
        }
        unions = far;
        unions.push(union);
    }
    unions
}

/// Joins clusters that have enough in common, if what they make is a cluster too; else the first one stands.
fn one_of_each(frame: &Frame<'_>, clusters: Vec<Confirmed>) -> Vec<Confirmed> {
    let mut kept: Vec<(RoaringBitmap, Confirmed)> = Vec::new();
    for cluster in clusters {
        let members: RoaringBitmap = cluster.members.iter().copied().collect();
        let Some((known, first)) = kept.iter_mut().find(|(known, _)| overlap(known, &members)) else {
            kept.push((members, cluster));
            continue;
        };
        let mut groups = first.groups.clone();
        groups.extend(&cluster.groups);
        let both = Union { members: &*known | &members, groups };
        if let Some(joined) = frame.settle(&both, &both.members) {
            *known = joined.members.iter().copied().collect();
            *first = joined;
        }
    }
    kept.into_iter().map(|(_, cluster)| cluster).collect()
}
