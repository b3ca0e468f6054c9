//! Made-up worlds for the tests of the analysis, and a store that is fed with them day by day.

use cahoots::detect::{Alarm, Analysis, Cluster};
use cahoots::drill::{CampaignPlan, Made, World, WorldPlan, rung};
use cahoots::event::{Day, Micros};
use cahoots::ingest::{Context, Decoder};
use cahoots::store::{Appender, Shelf, Store};
use std::collections::BTreeSet;
use tempfile::TempDir;

pub(crate) const FIRST_DAY: Day = Day(20_565);
pub(crate) const DAYS: u32 = 8;
pub(crate) const HONEST: u32 = 1_200;

/// A store that is fed day by day.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) store: Store,
    appender: Appender,
    pub(crate) analysis: Analysis,
}

impl House {
    pub(crate) fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let (store, appender) = Store::open(folder.path(), seed).expect("store");
        let analysis = Analysis::load(&store).expect("state");
        Self { folder, store, appender, analysis }
    }

    pub(crate) fn take(&mut self, lines: &[u8]) {
        let context = Context::new(self.store.seed(), Micros::MAX / 4, *self.store.privacy());
        let mut decoder = Decoder::new(context);
        let mut rest = lines;
        while !rest.is_empty() {
            let used = decoder.feed(rest);
            rest = &rest[used..];
            if decoder.batch_ready() {
                self.appender.append(&[decoder.take_batch()]).expect("append");
            }
        }
        assert!(decoder.finish());
        self.appender.append(&[decoder.take_batch()]).expect("append");
    }

    /// Takes all steps that are due; says how many.
    pub(crate) fn close_due(&mut self, until: Option<Micros>) -> u32 {
        let mut steps = 0;
        self.watch_due(until, |_| steps += 1);
        steps
    }

    /// Takes all steps that are due, and looks on after each.
    pub(crate) fn watch_due(&mut self, until: Option<Micros>, look: impl FnMut(&Self)) {
        self.steps(until, true, look);
    }

    /// Closes the days that are due, and looks on after each; hours of the open day are not looked at.
    pub(crate) fn close_days(&mut self, look: impl FnMut(&Self)) {
        self.steps(None, false, look);
    }

    fn steps(&mut self, until: Option<Micros>, hours: bool, mut look: impl FnMut(&Self)) {
        loop {
            let snapshot = self.store.snapshot().expect("snapshot");
            let due = self.analysis.due(&snapshot, until).expect("due");
            let Some(due) = due.filter(|due| hours || due.hour.is_none()) else { return };
            self.analysis.step(&self.store, due).expect("step");
            look(self);
        }
    }

    /// Closes all days that are left; the alarms of all of them.
    pub(crate) fn alarms_until_the_end(&mut self) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        self.watch_due(Some(Micros::MAX), |house| {
            alarms.extend(house.analysis.ledger.report.alarms.iter().cloned());
        });
        alarms
    }

    /// Ends the process, as far as the store can tell, and begins again.
    pub(crate) fn restart(self) -> Self {
        let Self { folder, store, appender, analysis } = self;
        drop((store, appender, analysis));
        let (store, appender) = Store::open(folder.path(), 99).expect("store");
        let analysis = Analysis::load(&store).expect("state");
        Self { folder, store, appender, analysis }
    }

    /// Clusters that accuse.
    pub(crate) fn accusing(&self) -> impl Iterator<Item = &Cluster> {
        self.analysis.ledger.book.current().filter(|cluster| cluster.verdict.accuses())
    }

    pub(crate) fn accused(&self) -> BTreeSet<String> {
        self.accusing()
            .flat_map(|cluster| cluster.members.iter().map(|member| member.account.clone()))
            .collect()
    }

    /// What the last closing could not say.
    pub(crate) fn abstained(&self) -> String {
        self.analysis.ledger.report.abstained.join("\n")
    }

    /// Everything that is kept of clusters, without ordinals.
    pub(crate) fn findings(&self) -> (String, Vec<String>) {
        let numbers = self.store.kept_numbers(Shelf::Evidence).expect("numbers");
        let evidence =
            numbers.into_iter().map(|n| self.store.kept(Shelf::Evidence, n).expect("reads").expect("is"));
        (format!("{:#?}", self.analysis.ledger.book), evidence.collect())
    }
}

/// Whether two houses have come to the same findings, byte for byte.
pub(crate) fn same_findings(one: &House, other: &House) {
    let (one, other) = (one.findings(), other.findings());
    assert!(one.0.len() > 1_000 && !one.1.is_empty());
    // Not assert_eq: a page of a hundred screens says less than the first line that differs.
    let differs = one.0.lines().zip(other.0.lines()).find(|(a, b)| a != b);
    assert!(differs.is_none() && one.0.len() == other.0.len(), "{differs:?}");
    for (one, other) in one.1.iter().zip(&other.1) {
        let at = one.bytes().zip(other.bytes()).position(|(a, b)| a != b);
        let near = |text: &str, at: usize| {
            text.get(at.saturating_sub(120)..(at + 60).min(text.len())).map(str::to_owned)
        };
        assert!(at.is_none(), "{:?} {:?}", near(one, at.unwrap_or(0)), near(other, at.unwrap_or(0)));
    }
    assert!(one.1 == other.1, "as many documents, as long");
}

/// Events as lines.
pub(crate) fn written(world: &World, made: &[Made]) -> Vec<Vec<u8>> {
    let line = |made| {
        let mut line = Vec::new();
        world.write_json(made, &mut line);
        line
    };
    made.iter().map(line).collect()
}

pub(crate) fn lines(world: &World, day: u32) -> Vec<Vec<u8>> {
    written(world, &world.day(day))
}

pub(crate) fn campaign(accounts: u32) -> CampaignPlan {
    CampaignPlan { first_day: 2, ..rung("E3", accounts).expect("a rung") }
}

pub(crate) fn world(plan: WorldPlan) -> World {
    World::new(plan, 5)
}

pub(crate) fn planted(world: &World) -> BTreeSet<String> {
    world.truth().into_iter().filter(|truth| truth.campaign.is_some()).map(|truth| truth.account).collect()
}

pub(crate) fn run(world: &World) -> House {
    run_with(world, |_, _| {})
}

/// Runs a world; before a day is closed, something more is done with the house.
pub(crate) fn run_with(world: &World, mut each: impl FnMut(&mut House, u32)) -> House {
    let mut house = House::new(1);
    for day in 0..world.days() {
        house.take(&lines(world, day).concat());
        each(&mut house, day);
        house.close_due(None);
    }
    house.close_due(Some(Micros::MAX));
    house
}
