//! Opening a data folder: lock, version, names, journal.

use super::append::Appender;
use super::catalog::Catalog;
use super::error::StoreError;
use super::file::{database_path, high_water_path, open_database, owner_path};
use super::names::{self, Extent};
use super::shared::Shared;
use super::tables::{
    self, ACCOUNTS, ASPECTS, COLUMNS, DAYS, HALVES, JOURNAL, KEPT, Key, NAMES, POSTINGS, RUNS, SEGMENTS,
    SOURCES,
};
use super::version::{self, FORMAT, Founding, Meta};
use super::view::View;
use super::{Store, codec, coverage, journal, upgrade};
use crate::privacy::Privacy;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use std::sync::Arc;

/// Opens a folder for reading and writing, creating what is not there.
pub(super) fn open(folder: &Path, founding: &Founding) -> Result<(Store, Appender), StoreError> {
    let cannot = |what: &str, error: std::io::Error| {
        StoreError::Open(format!(
            "cannot {what} {}: {error}; name another folder with --data",
            folder.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(|error| cannot("create the data folder", error))?;
    let database = open_database(folder)?;
    let pid = std::process::id();
    std::fs::write(owner_path(folder), format!("{pid}\n")).map_err(|error| cannot("write to", error))?;
    let (meta, privacy) = prepare(&database, founding)?;
    let (catalog, blocked, durable, view) = load(&database, &meta)?;
    check_high_water(folder, view.rows)?;
    let covered = coverage::load(&database)?;
    let secrets = (meta.seed, privacy);
    let shared = Arc::new(Shared::new(folder.to_owned(), secrets, database, catalog, view, covered));
    let appender = Appender::new(Arc::clone(&shared), durable, blocked)?;
    Ok((Store { shared }, appender))
}

/// Checks the version, climbs the ladder, creates tables.
fn prepare(database: &Database, founding: &Founding) -> Result<(Meta, Privacy), StoreError> {
    let transaction = database.begin_write()?;
    let meta = if let Some(meta) = version::read(&transaction)? {
        upgrade::climb(&transaction, meta)?
    } else {
        let meta = Meta { format: FORMAT, seed: founding.seed };
        version::write(&transaction, &meta)?;
        meta
    };
    create(&transaction, COLUMNS)?;
    create(&transaction, POSTINGS)?;
    create(&transaction, DAYS)?;
    create(&transaction, NAMES)?;
    create(&transaction, ASPECTS)?;
    create(&transaction, RUNS)?;
    create(&transaction, KEPT)?;
    drop(transaction.open_table(ACCOUNTS)?);
    drop(transaction.open_table(JOURNAL)?);
    drop(transaction.open_table(HALVES)?);
    drop(transaction.open_table(SEGMENTS)?);
    drop(transaction.open_table(SOURCES)?);
    let privacy = version::privacy(&transaction, founding)?;
    transaction.commit()?;
    Ok((meta, privacy))
}

fn create<const WIDTH: usize>(
    transaction: &redb::WriteTransaction,
    table: TableDefinition<'static, Key<WIDTH>, &'static [u8]>,
) -> Result<(), StoreError> {
    drop(transaction.open_table(table)?);
    Ok(())
}

/// Reads names, journal and headers into memory: catalog, extent in blocks, extent on disk, view.
fn load(database: &Database, meta: &Meta) -> Result<(Catalog, Extent, Extent, View), StoreError> {
    let transaction = database.begin_read()?;
    let mut catalog = Catalog::new(meta.seed);
    for (table, is_names) in [(NAMES, true), (ASPECTS, false)] {
        for entry in transaction.open_table(table)?.iter()? {
            let (key, value) = entry?;
            let (number, first) = key.value().split_first().map_or((0, 0), |(number, first)| {
                (*number, u32::from_be_bytes(first.try_into().unwrap_or_default()))
            });
            names::apply_block(&mut catalog, number, first, value.value(), is_names)?;
        }
    }
    let blocked = Extent::of(&catalog);
    let mut view = View::default();
    for entry in transaction.open_table(SEGMENTS)?.iter()? {
        let (number, value) = entry?;
        let place = || format!("header of segment {}", number.value());
        let header: super::segment::Header = codec::decode(value.value(), place)?;
        if number.value() as usize != view.segments.len() {
            return Err(StoreError::corrupt(place(), "the segment before it is missing"));
        }
        view.newest = view.newest.max(Some(header.layout.last));
        view.segments.push(Arc::new(header));
    }
    view.rows = view.sealed_rows();
    for entry in transaction.open_table(RUNS)?.iter()? {
        let (key, value) = entry?;
        let (day, run) = tables::run_of_key(key.value());
        view.add_run(Arc::new(codec::decode(value.value(), || format!("header of day {day}, run {run}"))?));
    }
    for entry in transaction.open_table(JOURNAL)?.iter()? {
        let (first_row, value) = entry?;
        let first_row = first_row.value();
        if first_row != view.rows {
            let reason = format!("record {first_row} comes after row {}", view.rows);
            return Err(StoreError::corrupt("the journal", reason));
        }
        view.push(journal::decode(value.value(), first_row, &mut catalog)?);
    }
    let durable = Extent::of(&catalog);
    Ok((catalog, blocked, durable, view))
}

/// Refuses a database that has fewer rows than it once had.
fn check_high_water(folder: &Path, rows: u64) -> Result<(), StoreError> {
    let path = high_water_path(folder);
    let known =
        std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
    if rows < known {
        return Err(StoreError::Open(format!(
            "{} has {rows} rows but had {known}: restore a backup, or remove {} to go on with what is left",
            database_path(folder).display(),
            path.display()
        )));
    }
    Ok(())
}
