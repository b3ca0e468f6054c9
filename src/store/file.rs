//! The files of a data folder, and what is said when the database file cannot be opened.

use super::error::StoreError;
use crate::limits::{CACHE_BYTES, FULL_CHECK_BYTES_MAX};
use redb::{Database, DatabaseError};
use std::path::{Path, PathBuf};

/// Name of the database file in its folder.
pub const DATABASE: &str = "cahoots.redb";

/// The database file of a data folder.
pub(super) fn database_path(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// Who has the database open, for the message to the one who comes second.
pub(super) fn owner_path(folder: &Path) -> PathBuf {
    folder.join("cahoots.pid")
}

/// Rows that the database is known to have had.
pub(super) fn high_water_path(folder: &Path) -> PathBuf {
    folder.join("high-water")
}

/// Opens the database file alone.
pub(super) fn open_database(folder: &Path) -> Result<Database, StoreError> {
    let path = database_path(folder);
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_check_integrity_on_open(bytes > 0 && bytes <= FULL_CHECK_BYTES_MAX);
    builder.create(&path).map_err(|error| explain(folder, error))
}

/// One sentence for each way in which redb refuses a file.
fn explain(folder: &Path, error: DatabaseError) -> StoreError {
    let path = database_path(folder);
    let shown = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            let owner = std::fs::read_to_string(owner_path(folder)).unwrap_or_default();
            let owner = owner.trim();
            let who =
                if owner.is_empty() { "another process".to_owned() } else { format!("process {owner}") };
            StoreError::Open(format!(
                "{shown} is in use by {who}: stop it, or name another folder with --data"
            ))
        }
        DatabaseError::Storage(redb::StorageError::Corrupted(reason)) => StoreError::Open(format!(
            "{shown} is damaged ({reason}): restore a backup, or name another folder with --data"
        )),
        DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            StoreError::Open(format!(
                "{shown} is not a cahoots database ({error}): name another folder with --data"
            ))
        }
        DatabaseError::Storage(error) => match StoreError::from(error) {
            StoreError::Io(reason) => {
                StoreError::Open(format!("cannot open {shown}: {reason}; name another folder with --data"))
            }
            other => other,
        },
        other => StoreError::Open(format!("cannot open {shown}: {other}; name another folder with --data")),
    }
}
