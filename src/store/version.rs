//! The format version: what this program reads, and what it says of anything else.

use super::codec::{self, Decode, Encode};
use super::error::StoreError;
use super::tables::{ACCOUNTS, JOURNAL, META, SEGMENTS};
use crate::privacy::{Privacy, Pseudonyms};
use redb::{ReadableTable, ReadableTableMetadata};

/// The format that this program writes. `FORMAT.md` describes it.
pub(super) const FORMAT: u32 = 2;

/// The oldest format that the upgrade ladder starts from.
pub(super) const FORMAT_OLDEST: u32 = 0;

/// Name of the record in the meta table.
const RECORD: &str = "database";

/// Name of the record of the secret.
const SECRET: &str = "secret";

/// What a new database is made with, and what an old one is asked for.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Keys the dictionaries' hashes and the identities of events.
    pub seed: u64,
    /// The secret of keyed hashes.
    pub key: [u8; 32],
    /// What is to be kept under a pseudonym; none for what the database has.
    pub pseudonyms: Option<Pseudonyms>,
}

impl Founding {
    /// For tests, and for databases that live no longer than their process.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let key = blake3::derive_key("cahoots: the key of a database from its seed", &seed.to_le_bytes());
        Self { seed, key, pseudonyms: None }
    }
}

/// The secret of a database, and what it is used for.
#[derive(Clone, Debug, Encode, Decode)]
struct Secret {
    key: [u8; 32],
    pseudonyms: u8,
}

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

/// The secret of a database, made if it has none. What is kept under a pseudonym is settled with the first row.
pub(super) fn privacy(
    transaction: &redb::WriteTransaction,
    founding: &Founding,
) -> Result<Privacy, StoreError> {
    let is_empty = transaction.open_table(JOURNAL)?.is_empty()?
        && transaction.open_table(SEGMENTS)?.is_empty()?
        && transaction.open_table(ACCOUNTS)?.is_empty()?;
    let mut table = transaction.open_table(META)?;
    let place = || "the record of the secret".to_owned();
    let known = table.get(SECRET)?.map(|value| codec::decode::<Secret>(value.value(), place)).transpose()?;
    let (key, has) = match known {
        Some(Secret { key, pseudonyms }) => {
            let has = Pseudonyms::from_bits(pseudonyms);
            (key, has.ok_or_else(|| StoreError::corrupt(place(), "a set of pseudonyms that nobody knows"))?)
        }
        None => (founding.key, Pseudonyms::NONE),
    };
    let asked = founding.pseudonyms.unwrap_or(has);
    if asked != has && !is_empty {
        let fix = if has == Pseudonyms::NONE {
            "take the setting away".to_owned()
        } else {
            format!("set it to {has}")
        };
        return Err(StoreError::Open(format!(
            "the database keeps {has} under a pseudonym and pseudonymize asks for {asked}, so that old and new names \
             would not match: {fix}, or name a new folder with --data and send the log again"
        )));
    }
    table.insert(SECRET, codec::encode(&Secret { key, pseudonyms: asked.bits() })?.as_slice())?;
    Ok(Privacy::new(key, asked))
}
