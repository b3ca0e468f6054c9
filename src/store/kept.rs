//! Records that floors above keep in the database: what the analysis knows, by shelf and number.
//!
//! A record may be large (the facts of a busy day are tens of megabytes), so it lies in chunks. Writing
//! is one transaction for all that belongs together, fsynced before it returns.

use super::codec;
use super::error::StoreError;
use super::sum;
use super::tables::{self, KEPT};
use super::{Decode, Encode, Store};
use crate::limits::KEPT_CHUNK_BYTES;
use redb::ReadableDatabase;

/// A kind of record. The numbers are in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Shelf {
    /// Facts of a day, by day.
    Facts = 1,
    /// What the analysis knows, one record.
    Analysis = 2,
    /// Evidence of a cluster, by the cluster's number.
    Evidence = 3,
    /// What account records filled in at a day's closing, by day.
    Told = 4,
}

/// A record to be written, or removed if it has no bytes.
#[derive(Clone, Debug)]
pub struct Keep {
    shelf: Shelf,
    number: i32,
    record: Option<Vec<u8>>,
}

impl Keep {
    /// A record to be written.
    pub fn record<T: Encode>(shelf: Shelf, number: i32, record: &T) -> Result<Self, StoreError> {
        let plain = codec::plain(record)?;
        let packed = zstd::bulk::compress(&plain, 1).map_err(|error| StoreError::Io(error.to_string()))?;
        let mut record = (plain.len() as u64).to_le_bytes().to_vec();
        record.extend_from_slice(&packed);
        Ok(Self { shelf, number, record: Some(record) })
    }

    /// A record to be removed.
    #[must_use]
    pub fn removed(shelf: Shelf, number: i32) -> Self {
        Self { shelf, number, record: None }
    }
}

impl Store {
    /// Writes and removes records in one transaction. After `Ok` all is on disk.
    pub fn keep(&self, records: &[Keep]) -> Result<(), StoreError> {
        self.shared.ready_to_write()?;
        self.write(records).inspect_err(|error| self.shared.write_failed(error))
    }

    fn write(&self, records: &[Keep]) -> Result<(), StoreError> {
        let database = self.shared.database()?;
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(KEPT)?;
            for keep in records {
                let range = tables::kept_range(keep.shelf as u8, keep.number);
                table.retain_in(range, |_, _| false)?;
                let chunks = keep.record.iter().flat_map(|record| record.chunks(KEPT_CHUNK_BYTES));
                for (chunk, bytes) in chunks.enumerate() {
                    let mut value = sum::start(bytes.len());
                    value.extend_from_slice(bytes);
                    sum::seal(&mut value);
                    let key = tables::kept_key(keep.shelf as u8, keep.number, chunk as u32);
                    table.insert(key, value.as_slice())?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// A record, none if there is no such one.
    pub fn kept<T: Decode<()>>(&self, shelf: Shelf, number: i32) -> Result<Option<T>, StoreError> {
        let transaction = self.shared.database()?.begin_read()?;
        let place = || format!("record {number} of shelf {}", shelf as u8);
        let mut record = Vec::new();
        for entry in transaction.open_table(KEPT)?.range(tables::kept_range(shelf as u8, number))? {
            record.extend_from_slice(sum::open(entry?.1.value(), place)?);
        }
        let Some((length, packed)) = record.split_first_chunk::<8>() else { return Ok(None) };
        // The chunks have proved themselves, so the length is ours.
        let plain = zstd::bulk::decompress(packed, u64::from_le_bytes(*length) as usize)
            .map_err(|error| StoreError::corrupt(place(), error.to_string()))?;
        codec::from_plain(&plain, place).map(Some)
    }

    /// Numbers of the records of a shelf, ascending.
    pub fn kept_numbers(&self, shelf: Shelf) -> Result<Vec<i32>, StoreError> {
        let transaction = self.shared.database()?.begin_read()?;
        let mut numbers = Vec::new();
        for entry in transaction.open_table(KEPT)?.range(tables::kept_shelf(shelf as u8))? {
            let number = tables::kept_number(entry?.0.value());
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_many_chunks_comes_back_and_goes_away() {
        let folder = tempfile::tempdir().expect("folder");
        let (store, _appender) = Store::open(folder.path(), 1).expect("opens");
        let record: Vec<u64> = (0..200_000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let writes = [
            Keep::record(Shelf::Facts, -3, &record).expect("encodes"),
            Keep::record(Shelf::Facts, 7, &vec![1_u64]).expect("encodes"),
            Keep::record(Shelf::Analysis, 0, &"state".to_owned()).expect("encodes"),
        ];
        store.keep(&writes).expect("writes");
        assert_eq!(store.kept::<Vec<u64>>(Shelf::Facts, -3).expect("reads"), Some(record));
        assert_eq!(store.kept_numbers(Shelf::Facts).expect("reads"), [-3, 7]);
        store.keep(&[Keep::removed(Shelf::Facts, -3)]).expect("removes");
        assert_eq!(store.kept::<Vec<u64>>(Shelf::Facts, -3).expect("reads"), None);
        assert_eq!(store.kept::<String>(Shelf::Analysis, 0).expect("reads").as_deref(), Some("state"));
    }
}
