//! A snapshot: one consistent view for reading, made of one redb read transaction and the rows that
//! are not in a segment yet. Ingest goes on beside it.

use super::block::Block;
use super::catalog::Catalog;
use super::days::{self, Counters, DayEntry, ENTRY_ASPECTS, Links, RunHeader};
use super::error::StoreError;
use super::segment::Header;
use super::tables::{self, ACCOUNTS, COLUMNS, DAYS, Key, POSTINGS};
use super::view::View;
use crate::event::{Aspect, Day, Micros, Window};
use crate::limits::SEGMENT_ROWS;
use crate::privacy::Privacy;
use redb::{AccessGuard, Database, ReadOnlyTable, ReadableDatabase};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::ops::{Bound, Deref};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

type Guard = AccessGuard<'static, &'static [u8]>;

/// The tables of a read transaction.
pub(super) struct Disk {
    pub(super) columns: ReadOnlyTable<Key<8>, &'static [u8]>,
    pub(super) postings: ReadOnlyTable<Key<9>, &'static [u8]>,
    pub(super) days: ReadOnlyTable<Key<13>, &'static [u8]>,
    pub(super) accounts: ReadOnlyTable<&'static [u8], &'static [u8]>,
    /// redb ends all reading when its handle is dropped, so whoever reads holds it.
    _database: Arc<Database>,
}

impl Disk {
    pub(super) fn open(database: Arc<Database>) -> Result<Self, StoreError> {
        let transaction = database.begin_read()?;
        Ok(Self {
            columns: transaction.open_table(COLUMNS)?,
            postings: transaction.open_table(POSTINGS)?,
            days: transaction.open_table(DAYS)?,
            accounts: transaction.open_table(ACCOUNTS)?,
            _database: database,
        })
    }

    pub(super) fn page(&self, segment: u32, page: u32) -> Result<Guard, StoreError> {
        let value = self.columns.get(tables::column_key(segment, page))?;
        value.ok_or_else(|| {
            StoreError::corrupt(format!("columns of segment {segment}"), format!("page {page} is missing"))
        })
    }
}

/// One consistent view.
pub struct Snapshot {
    pub(super) view: Arc<View>,
    pub(super) disk: Arc<Disk>,
    pub(super) catalog: Arc<RwLock<Catalog>>,
    pub(super) privacy: Privacy,
}

/// A read lock on the catalog: take it, resolve names, drop it. While it is held no new name can come in.
pub struct CatalogGuard<'a>(RwLockReadGuard<'a, Catalog>);

impl Deref for CatalogGuard<'_> {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        &self.0
    }
}

/// Names a run of a day's relations.
#[derive(Clone, Debug)]
pub struct RunKey(pub(super) Arc<RunHeader>);

impl RunKey {
    /// The day.
    #[must_use]
    pub fn day(&self) -> Day {
        Day(self.0.day)
    }
}

/// The cheapest cover of a window: runs for whole days, parts for the rest.
pub struct Plan {
    /// Runs whose days lie inside the window.
    pub runs: Vec<RunKey>,
    /// Parts that hold rows which no run above covers, oldest first. Ask [`Plan::keeps`] for each row.
    pub parts: Vec<Part>,
    window: Window,
    covered: BTreeMap<i32, u64>,
}

impl Plan {
    /// Whether a row of one of the parts belongs to the window and is in none of the runs.
    #[must_use]
    pub fn keeps(&self, row: u64, ts: Micros) -> bool {
        self.window.contains(ts) && self.covered.get(&Day::of(ts).0).is_none_or(|until| row >= *until)
    }

    /// The window that was asked for.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }
}

impl Snapshot {
    /// How what came in was changed before it was kept, for whoever looks for it.
    #[must_use]
    pub fn privacy(&self) -> &Privacy {
        &self.privacy
    }

    /// Latest event time, none for an empty database.
    #[must_use]
    pub fn newest(&self) -> Option<Micros> {
        self.view.newest
    }

    /// Rows in the database.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.view.rows
    }

    /// The names.
    #[must_use]
    pub fn catalog(&self) -> CatalogGuard<'_> {
        CatalogGuard(self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All parts that overlap a window, oldest first.
    #[must_use]
    pub fn parts(&self, window: Window) -> Vec<Part> {
        self.all_parts().filter(|part| window.overlaps(part.span().0, part.span().1)).collect()
    }

    fn all_parts(&self) -> impl Iterator<Item = Part> {
        let sealed = self.view.segments.iter().enumerate().map(|(number, header)| Part {
            first_row: (number * SEGMENT_ROWS) as u64,
            content: Content::Sealed {
                number: number as u32,
                header: Arc::clone(header),
                disk: Arc::clone(&self.disk),
            },
        });
        let open = self.view.open.iter().map(|piece| Part {
            first_row: piece.first_row,
            content: Content::Open {
                first: piece.rows.ts.iter().copied().min().unwrap_or_default(),
                last: piece.rows.ts.iter().copied().max().unwrap_or_default(),
                rows: Arc::clone(&piece.rows),
            },
        });
        sealed.chain(open)
    }

    /// The cheapest cover of a window.
    #[must_use]
    pub fn plan(&self, window: Window) -> Plan {
        let whole = |day: i32| window.covers(Day(day).start(), Day(day).end() - 1);
        let days = self.view.runs.iter().filter(|(day, _)| whole(**day));
        let covered: BTreeMap<i32, u64> =
            days.clone().filter_map(|(day, runs)| Some((*day, runs.last()?.until_row))).collect();
        let runs = days.flat_map(|(_, runs)| runs.iter().map(|run| RunKey(Arc::clone(run)))).collect();
        let is_needed = |part: &Part| {
            let (first, last) = part.span();
            window.overlaps(first, last)
                && part.days().iter().any(|day| {
                    let in_window = window.overlaps(Day(*day).start(), Day(*day).end() - 1);
                    in_window
                        && covered
                            .get(day)
                            .is_none_or(|until| part.first_row + u64::from(part.len()) > *until)
                })
        };
        let parts = self.all_parts().filter(is_needed).collect();
        Plan { runs, parts, window, covered }
    }

    /// A run's entries of many aspect keys, in order. Each block is read once.
    pub fn entries(
        &self,
        run: &RunKey,
        aspect: Aspect,
        keys: &RoaringBitmap,
        each: &mut dyn FnMut(u32, DayEntry),
    ) -> Result<(), StoreError> {
        self.payloads(run, aspect, keys, &mut |key, payload| {
            let entry = days::parse(aspect, run.day(), payload);
            each(key, entry.ok_or_else(|| days::wrong_entry(&run.0))?);
            Ok(())
        })
    }

    /// Only the counters of a run's entries, which is much cheaper.
    pub fn counters(
        &self,
        run: &RunKey,
        aspect: Aspect,
        keys: &RoaringBitmap,
        each: &mut dyn FnMut(u32, Counters),
    ) -> Result<(), StoreError> {
        self.payloads(run, aspect, keys, &mut |key, mut payload| {
            let counters = days::take_counters(run.day(), &mut payload);
            each(key, counters.ok_or_else(|| days::wrong_entry(&run.0))?);
            Ok(())
        })
    }

    /// Only the links of a run's entries to one aspect.
    pub fn links(
        &self,
        run: &RunKey,
        (aspect, to): (Aspect, Aspect),
        keys: &RoaringBitmap,
        each: &mut dyn FnMut(u32, Links<'_>),
    ) -> Result<(), StoreError> {
        self.payloads(run, aspect, keys, &mut |key, payload| {
            let links = days::links(aspect, to, run.day(), payload);
            each(key, links.ok_or_else(|| days::wrong_entry(&run.0))?);
            Ok(())
        })
    }

    fn payloads(
        &self,
        run: &RunKey,
        aspect: Aspect,
        keys: &RoaringBitmap,
        each: &mut Each<'_>,
    ) -> Result<(), StoreError> {
        let header = &*run.0;
        let place = ENTRY_ASPECTS.iter().position(|other| *other == aspect);
        let Some(fences) = place.and_then(|at| header.fences.get(at)) else { return Ok(()) };
        let read = |first: u32| {
            let value = self.disk.days.get(tables::day_key(header.day, header.run, aspect as u8, first))?;
            value.ok_or_else(|| StoreError::corrupt(days::place(header), format!("block {first} is missing")))
        };
        visit_blocks(fences, keys, read, || days::place(header), each)
    }
}

/// Takes an aspect key and its payload.
type Each<'a> = dyn FnMut(u32, &[u8]) -> Result<(), StoreError> + 'a;

/// Calls `each` with the payload of every wanted key that the blocks hold, in order of keys.
fn visit_blocks(
    fences: &[u32],
    keys: &RoaringBitmap,
    read: impl Fn(u32) -> Result<Guard, StoreError>,
    place: impl Fn() -> String,
    each: &mut Each<'_>,
) -> Result<(), StoreError> {
    for (at, first) in fences.iter().enumerate() {
        let past = fences.get(at + 1).copied();
        let range = (Bound::Included(*first), past.map_or(Bound::Unbounded, Bound::Excluded));
        let wanted = keys.range_cardinality(range);
        if wanted == 0 {
            continue;
        }
        let guard = read(*first)?;
        let block = Block::open(guard.value(), &place)?;
        // Many wishes are compared with all that is there, few are searched for.
        if wanted as usize > block.len() / 8 {
            let mut wanted = keys.range(range).peekable();
            for (index, key) in block.keys().into_iter().enumerate() {
                while wanted.next_if(|wish| *wish < key).is_some() {}
                if wanted.peek() == Some(&key) {
                    each(key, block.payload(index).ok_or_else(|| wrong(&place))?)?;
                }
            }
        } else {
            for key in keys.range(range) {
                if let Some(index) = block.find(key) {
                    each(key, block.payload(index).ok_or_else(|| wrong(&place))?)?;
                }
            }
        }
    }
    Ok(())
}

fn wrong(place: impl Fn() -> String) -> StoreError {
    StoreError::corrupt(place(), "a block with a wrong entry")
}

/// Up to 65,536 rows that follow each other in order of arrival.
#[derive(Clone)]
pub struct Part {
    pub(super) first_row: u64,
    pub(super) content: Content,
}

#[derive(Clone)]
pub(super) enum Content {
    Sealed { number: u32, header: Arc<Header>, disk: Arc<Disk> },
    Open { rows: Arc<super::rows::Rows>, first: Micros, last: Micros },
}

impl Part {
    /// Number of the part's first row in the database.
    #[must_use]
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Rows in the part.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no part is empty")]
    pub fn len(&self) -> u32 {
        match &self.content {
            Content::Sealed { header, .. } => header.layout.rows,
            Content::Open { rows, .. } => rows.len() as u32,
        }
    }

    /// Earliest and latest event time.
    #[must_use]
    pub fn span(&self) -> (Micros, Micros) {
        match &self.content {
            Content::Sealed { header, .. } => (header.layout.first, header.layout.last),
            Content::Open { first, last, .. } => (*first, *last),
        }
    }

    /// Event-time days that the part may have rows of.
    fn days(&self) -> Vec<i32> {
        match &self.content {
            Content::Sealed { header, .. } => header.days.iter().map(|(day, _)| *day).collect(),
            Content::Open { first, last, .. } => (Day::of(*first).0..=Day::of(*last).0).collect(),
        }
    }

    /// Rows (counted from 0 within the part) that carry one of the aspect keys.
    pub fn rows_with(&self, aspect: Aspect, keys: &RoaringBitmap) -> Result<RoaringBitmap, StoreError> {
        match &self.content {
            Content::Open { rows, .. } => {
                let column = rows.keys.get(aspect.index()).map_or(&[][..], Vec::as_slice);
                let single = (keys.len() == 1).then(|| keys.min()).flatten();
                let hit = |key: u32| single.map_or_else(|| keys.contains(key), |only| only == key);
                let found =
                    column.iter().enumerate().filter(|(_, key)| hit(**key)).map(|(row, _)| row as u32);
                Ok(found.collect())
            }
            Content::Sealed { number, header, disk } => {
                let fences = header.fences.get(aspect.index()).map_or(&[][..], Vec::as_slice);
                let place = || format!("{} postings of segment {number}", aspect.name());
                let read = |first: u32| {
                    let value = disk.postings.get(tables::posting_key(*number, aspect as u8, first))?;
                    value.ok_or_else(|| StoreError::corrupt(place(), format!("block {first} is missing")))
                };
                let mut rows = super::posting::Rows::new();
                visit_blocks(fences, keys, read, place, &mut |_, payload| rows.add(payload, place))?;
                Ok(rows.finish())
            }
        }
    }

    /// Random access to the part's columns.
    #[must_use]
    pub fn reader(&self) -> super::reader::PartReader {
        super::reader::PartReader::new(self)
    }
}
