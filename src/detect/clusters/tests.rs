//! The book through growth, parting and merging, on days whose findings are given.

use super::find::Confirmed;
use super::members::{Answer, Telling};
use super::verdict::{Deception, Verdict};
use super::{Book, Cluster, Page};
use crate::detect::extraction::Extraction;
use crate::detect::facts::{DayFacts, Gathering, gather};
use crate::detect::history::History;
use crate::detect::records::Records;
use crate::detect::score::Scored;
use crate::detect::window::Window;
use crate::event::{Day, Dim, Draft, EventBatch, identity_of_text};
use crate::store::{Snapshot, Store};
use std::collections::{BTreeMap, BTreeSet};

const ACCOUNTS: u32 = 60;
const FIRST_DAY: Day = Day(20_565);

/// Sixty accounts with an event a day, for three days.
fn log() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("folder");
    let (store, mut appender) = Store::open(folder.path(), 1).expect("opens");
    let mut batch = EventBatch::default();
    for day in 0..3 {
        for account in 0..ACCOUNTS {
            let name = format!("a{account:02}");
            let ts = Day(FIRST_DAY.0 + day).start() + i64::from(account);
            let mut draft = Draft { ts, ..Draft::default() };
            draft.dims[Dim::Account.index()] = name.as_bytes();
            draft.identity = identity_of_text(store.seed(), format!("{day} {name}").as_bytes());
            batch.push(&draft);
        }
    }
    appender.append(&[batch]).expect("appends");
    (folder, store)
}

fn confirmed(members: &BTreeSet<u32>) -> Confirmed {
    let members: Vec<u32> = members.iter().copied().collect();
    Confirmed {
        answers: vec![Answer::default(); members.len()],
        telling: Telling::default(),
        bystanders: Vec::new(),
        groups: Vec::new(),
        scored: Scored::default(),
        coordination: 20.0,
        threshold: 7.0,
        q: 0.0,
        extraction: Extraction::default(),
        deception: Deception::default(),
        one_card: 0.0,
        one_net: 0.0,
        organisation: None,
        succeeds: BTreeMap::new(),
        verdict: Verdict::CoordinatedExtraction,
        sure: true,
        members,
    }
}

struct Days {
    snapshot: Snapshot,
    facts: Vec<DayFacts>,
    history: History,
    book: Book,
}

impl Days {
    /// Closes the next day with what it found: ranges of accounts, whose ranks go by name.
    fn close(&mut self, found: &[(u32, u32)]) {
        let day = Day(FIRST_DAY.0 + self.facts.len() as i32);
        let wanted = Gathering { day, rows: 0..self.snapshot.rows() };
        self.facts.push(gather(&self.snapshot, &wanted).expect("reads"));
        let days: Vec<&DayFacts> = self.facts.iter().collect();
        let window = Window::of(&self.snapshot, &days, &self.history, &Records::default());
        let found: Vec<Confirmed> =
            found.iter().map(|(from, to)| confirmed(&(*from..*to).collect())).collect();
        let page = Page {
            window: &window,
            signatures: vec![Vec::new(); found.len()],
            twins: vec![Vec::new(); found.len()],
            arrived: BTreeMap::new(),
        };
        self.book.close(&page, &found, &mut self.history);
    }

    fn current(&self) -> Vec<&Cluster> {
        self.book.current().collect()
    }
}

#[test]
fn a_cluster_that_comes_apart_and_together_again_keeps_its_id() {
    let (_folder, store) = log();
    let snapshot = store.snapshot().expect("snapshot");
    let mut days = Days { snapshot, facts: Vec::new(), history: History::default(), book: Book::default() };
    days.close(&[(0, 40)]);
    let id = days.current()[0].id.clone();
    let flagged = days.current()[0].members[0].flagged;
    // The larger part is found first; the oldest, after whom the cluster is named, are in the other one.
    days.close(&[(16, 44), (0, 16)]);
    let [first, second] = days.current()[..] else { panic!("{} clusters", days.current().len()) };
    assert_eq!((first.id.as_str(), first.members.len(), second.members.len()), (id.as_str(), 28, 16));
    assert_ne!(first.id, second.id);
    assert!(second.members.iter().all(|member| first.member(&member.account).is_none()));
    assert!(second.members.iter().all(|member| member.flagged == flagged), "flagged as of then");
    let steps = |cluster: &Cluster| cluster.history.iter().map(|line| line.step.name()).collect::<Vec<_>>();
    assert!(steps(first).contains(&"split") && steps(second).contains(&"split"));
    let other = second.id.clone();
    days.close(&[(0, 44)]);
    let [whole] = days.current()[..] else { panic!("{} clusters", days.current().len()) };
    assert_eq!((whole.id.as_str(), whole.members.len()), (id.as_str(), 44));
    assert_eq!(days.book.find(&other).and_then(|cluster| cluster.merged_into.clone()), Some(id));
}

#[test]
fn what_has_hardly_anybody_in_common_is_another_cluster() {
    let (_folder, store) = log();
    let snapshot = store.snapshot().expect("snapshot");
    let mut days = Days { snapshot, facts: Vec::new(), history: History::default(), book: Book::default() };
    days.close(&[(0, 20)]);
    days.close(&[(0, 22), (30, 55)]);
    let sizes: Vec<usize> = days.current().iter().map(|cluster| cluster.members.len()).collect();
    assert_eq!(sizes, [22, 25]);
    assert!(days.current().iter().all(|c| c.history.iter().all(|line| line.step.name() != "split")));
}
