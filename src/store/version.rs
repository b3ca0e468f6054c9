//! The format version: what this program reads, and what it says of anything else.

use super::codec::{self, Decode, Encode};
use super::error::StoreError;
use super::tables::META;
use redb::ReadableTable;

/// The format that this program writes. `FORMAT.md` describes it.
pub(super) const FORMAT: u32 = 1;

/// The oldest format that the upgrade ladder starts from.
pub(super) const FORMAT_OLDEST: u32 = 0;

/// Name of the record in the meta table.
const RECORD: &str = "database";

/// What identifies a database.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Meta {
    pub(super) format: u32,
    /// Secret of this database: keys the dictionaries' hashes and the identities of events.
    pub(super) seed: u64,
}

/// The record of a database, none for a new one; refuses what this program cannot read.
pub(super) fn read(transaction: &redb::WriteTransaction) -> Result<Option<Meta>, StoreError> {
    let other_tables = transaction.list_tables()?.any(|table| redb::TableHandle::name(&table) != "meta");
    let table = transaction.open_table(META)?;
    let Some(value) = table.get(RECORD)? else {
        if other_tables {
            return Err(StoreError::Open(
                "the file is a redb database of another program: choose another data folder".to_owned(),
            ));
        }
        return Ok(None);
    };
    let meta: Meta = codec::decode(value.value(), || "the meta record".to_owned())?;
    if meta.format > FORMAT {
        return Err(StoreError::Open(format!(
            "the data folder has format {} and this program reads {FORMAT_OLDEST} to {FORMAT}: \
             install a newer cahoots, or choose another data folder",
            meta.format
        )));
    }
    Ok(Some(meta))
}

/// Stores the record.
pub(super) fn write(transaction: &redb::WriteTransaction, meta: &Meta) -> Result<(), StoreError> {
    let mut table = transaction.open_table(META)?;
    table.insert(RECORD, codec::encode(meta)?.as_slice())?;
    Ok(())
}
