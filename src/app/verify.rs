//! Evidence against events: every figure of a sealed document, computed again from a database or from logs.

use super::offline::{Offline, SEED};
use crate::detect::{Difference, VerifyError, verify};
use crate::ingest::{Decoder, Mappings, Proxies};
use crate::store::{Founding, StoreError, privacy_of};
use serde_json::Value;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// How logs are read, where that is not told by themselves: as the server read them.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The folder of the database with whose secret raw keys, cards and pseudonyms are hashed.
    pub key_of: Option<PathBuf>,
    /// Sources of the operator's own.
    pub sources: Mappings,
    /// The proxies that are trusted; none for the usual ones.
    pub proxies: Option<Arc<Proxies>>,
}

/// A log, and what to call it.
pub struct Log {
    /// Its name, for messages.
    pub name: PathBuf,
    /// Its content, decompressed.
    pub content: Box<dyn Read + Send>,
}

/// What a document came to when it was computed again.
#[derive(Debug, Default)]
pub struct Verified {
    /// Figures that do not agree.
    pub differences: Vec<Difference>,
    /// How many do.
    pub agreed: usize,
    /// Records that are in the logs and were not taken, as a server would not.
    pub refused: u64,
    /// The first of them: log, line and reason.
    pub first_refused: Option<(PathBuf, u64, String)>,
}

/// Why a document could not be computed again.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFailure {
    /// A log cannot be read.
    #[error("{name:?} cannot be read: {reason}")]
    Log {
        /// Which.
        name: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// There is no room for a scratch database.
    #[error("no scratch folder can be made: {0}")]
    Scratch(io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document is none, or was changed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Computes a document again from the folder of a database that no server has open.
pub fn verify_against_data(document: &Value, folder: &Path) -> Result<Verified, VerifyFailure> {
    verified(document, &Offline::open(folder)?, Verified::default())
}

/// Computes a document again from logs, in any order.
pub fn verify_against_logs(
    document: &Value,
    logs: Vec<Log>,
    reading: &Reading,
) -> Result<Verified, VerifyFailure> {
    let scratch =
        tempfile::Builder::new().prefix("cahoots-verify-").tempdir().map_err(VerifyFailure::Scratch)?;
    let mut founding = Founding::of_seed(SEED);
    if let Some(folder) = &reading.key_of {
        let privacy = privacy_of(folder)?;
        (founding.key, founding.pseudonyms) = (privacy.key(), Some(privacy.pseudonyms()));
    }
    let mut offline = Offline::open_as(scratch.path(), &founding)?;
    let mut so_far = Verified::default();
    for mut log in logs {
        offline.begin_log(|mut context| {
            context.proxies.clone_from(&reading.proxies);
            Decoder::new(context).with_mappings(reading.sources)
        });
        take(&mut offline, &mut log)?;
        let rejects = offline.end_log()?;
        so_far.refused += rejects.count;
        let first = rejects.first.into_iter().next();
        so_far.first_refused =
            so_far.first_refused.or(first.map(|first| (log.name, first.line, first.reason)));
    }
    offline.end()?;
    verified(document, &offline, so_far)
}

fn take(offline: &mut Offline, log: &mut Log) -> Result<(), VerifyFailure> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = log.content.read(&mut piece);
        match read.map_err(|reason| VerifyFailure::Log { name: log.name.clone(), reason })? {
            0 => return Ok(()),
            read => offline.take(piece.get(..read).unwrap_or_default())?,
        }
    }
}

fn verified(document: &Value, offline: &Offline, so_far: Verified) -> Result<Verified, VerifyFailure> {
    let (differences, agreed) = verify(document, &offline.snapshot()?)?;
    Ok(Verified { differences, agreed, ..so_far })
}
