//! A full walk: every column and every account record decodes, every posting and every relation is what the events say.
//!
//! Segments and runs are functions of their rows, so the walk makes them again and compares bytes.

use super::accounts::{self, AccountRecord};
use super::codec;
use super::days::{self, RunHeader};
use super::error::StoreError;
use super::read::Snapshot;
use super::reader::PartReader;
use super::rows::Rows;
use super::tables::{self, COLUMNS, DAYS, POSTINGS};
use super::{Store, segment, work};
use crate::event::{Aspect, Window};
use crate::limits::{NAME_BYTES_MAX, SEGMENT_ROWS};
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata};
use std::path::Path;

/// What a walk has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Events read.
    pub events: u64,
    /// Segments made again and compared.
    pub segments: u64,
    /// Runs of day relations made again and compared.
    pub runs: u64,
    /// Account records read.
    pub accounts: u64,
    /// What does not agree, one sentence each.
    pub problems: Vec<String>,
}

/// Walks the database of a folder that no server has open.
pub fn check(folder: &Path) -> Result<CheckReport, StoreError> {
    if !super::file::database_path(folder).try_exists()? {
        return Err(StoreError::Open(format!("there is no database in {}", folder.display())));
    }
    // The seed is for a new database only, and there is one.
    let (store, appender) = Store::open(folder, 0)?;
    drop(appender);
    let snapshot = store.snapshot()?;
    let mut report = CheckReport::default();
    let (mut pages, mut postings) = (0, 0);
    for part in snapshot.parts(Window::ALL) {
        let rows = part.reader().rows()?;
        report.events += rows.len() as u64;
        check_keys(&snapshot, part.first_row(), &rows, &mut report);
        if part.first_row() < snapshot.view.sealed_rows() {
            let number = (part.first_row() / SEGMENT_ROWS as u64) as u32;
            let (more_pages, more_postings) = check_segment(&snapshot, number, &rows, &mut report)?;
            pages += more_pages;
            postings += more_postings;
            report.segments += 1;
        }
    }
    let mut blocks = 0;
    for (day, runs) in &snapshot.view.runs {
        let mut from_row = 0;
        for run in runs {
            blocks += check_run(&snapshot, *day, from_row, run, &mut report)?;
            from_row = run.until_row;
            report.runs += 1;
        }
    }
    check_accounts(&snapshot, &mut report)?;
    check_counts(&store, [pages, postings, blocks], &mut report)?;
    if report.events != snapshot.rows() {
        report.problems.push(format!(
            "{} events were read, but there are {} rows",
            report.events,
            snapshot.rows()
        ));
    }
    Ok(report)
}

/// Every key of every row must be in the catalog.
fn check_keys(snapshot: &Snapshot, first_row: u64, rows: &Rows, report: &mut CheckReport) {
    for aspect in Aspect::ALL {
        let known = snapshot.catalog().keys(aspect);
        let unknown = (0..rows.len()).find(|row| rows.key(aspect, *row) >= known);
        if let Some(row) = unknown {
            let row = first_row + row as u64;
            report.problems.push(format!("row {row} names a {} that is not in the catalog", aspect.name()));
        }
    }
}

/// Makes a segment again from its rows and compares; gives how many pages and blocks it has.
fn check_segment(
    snapshot: &Snapshot,
    number: u32,
    rows: &Rows,
    report: &mut CheckReport,
) -> Result<(u64, u64), StoreError> {
    let again = segment::seal(number, &[rows])?;
    for (page, expected) in again.pages.iter().enumerate() {
        let stored = snapshot.disk.page(number, page as u32)?;
        if stored.value() != expected.as_slice() {
            report.problems.push(format!("segment {number}: page {page} of its columns differs"));
        }
    }
    for (aspect, first, expected) in &again.postings {
        let stored = snapshot.disk.postings.get(tables::posting_key(number, *aspect, *first))?;
        if stored.is_none_or(|stored| stored.value() != expected.as_slice()) {
            let name = Aspect::ALL.get(usize::from(*aspect)).map_or("?", |aspect| aspect.name());
            report
                .problems
                .push(format!("segment {number}: {name} postings from key {first} disagree with the events"));
        }
    }
    let header = snapshot.view.segments.get(number as usize);
    if header.is_none_or(|header| header.days != again.header.days || header.fences != again.header.fences) {
        report.problems.push(format!("segment {number}: its header disagrees with the events"));
    }
    Ok((again.pages.len() as u64, again.postings.len() as u64))
}

/// Makes a run again from its rows and compares; gives how many blocks it has.
fn check_run(
    snapshot: &Snapshot,
    day: i32,
    from_row: u64,
    run: &RunHeader,
    report: &mut CheckReport,
) -> Result<u64, StoreError> {
    let day = crate::event::Day(day);
    let rows = work::rows_of_day(snapshot, day, from_row, run.until_row)?;
    let again = days::build(day, run.run, run.until_row, &rows);
    for (aspect, first, expected) in &again.blocks {
        let stored = snapshot.disk.days.get(tables::day_key(run.day, run.run, *aspect, *first))?;
        if stored.is_none_or(|stored| stored.value() != expected.as_slice()) {
            report
                .problems
                .push(format!("{}: the block from key {first} disagrees with the events", days::place(run)));
        }
    }
    if again.header != *run {
        report.problems.push(format!("{}: its header disagrees with the events", days::place(run)));
    }
    Ok(again.blocks.len() as u64)
}

/// Every account record must read, under a name that an account can have, and hold nothing besides.
fn check_accounts(snapshot: &Snapshot, report: &mut CheckReport) -> Result<(), StoreError> {
    for entry in snapshot.disk.accounts.iter()? {
        let (name, value) = entry?;
        report.accounts += 1;
        let place = accounts::place(&String::from_utf8_lossy(name.value()));
        if !std::str::from_utf8(name.value()).is_ok_and(is_name) {
            report.problems.push(format!("{place}: no account has such a name"));
        }
        match codec::decode::<AccountRecord>(value.value(), || place.clone()) {
            Ok(record) if codec::encode(&record)? == value.value() => {}
            Ok(_) => report.problems.push(format!("{place} is not as it would be written")),
            Err(error) => report.problems.push(error.to_string()),
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains('\0')
}

/// Nothing may be stored that no header names.
fn check_counts(store: &Store, expected: [u64; 3], report: &mut CheckReport) -> Result<(), StoreError> {
    let transaction = store.shared.database()?.begin_read()?;
    let stored = [
        ("columns", transaction.open_table(COLUMNS)?.len()?),
        ("postings", transaction.open_table(POSTINGS)?.len()?),
        ("days", transaction.open_table(DAYS)?.len()?),
    ];
    for ((table, stored), expected) in stored.into_iter().zip(expected) {
        if stored != expected {
            report.problems.push(format!("table {table} has {stored} values where headers name {expected}"));
        }
    }
    Ok(())
}

impl PartReader {
    /// All rows of the part.
    pub(super) fn rows(&mut self) -> Result<Rows, StoreError> {
        let mut rows = Rows { ts: self.all_ts()?, identities: self.all_identities()?, ..Rows::default() };
        for (aspect, column) in Aspect::ALL.into_iter().zip(&mut rows.keys) {
            *column = self.all_keys(aspect)?;
        }
        for (number, column) in crate::event::Number::ALL.into_iter().zip(&mut rows.numbers) {
            *column = self.all_numbers_plus_one(number)?;
        }
        for (text, column) in crate::event::Text::ALL.into_iter().zip(&mut rows.texts) {
            self.all_texts(text, &mut |_, value| column.push(value))?;
        }
        Ok(rows)
    }
}
