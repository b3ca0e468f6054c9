//! Small records as bytes: version byte, xxh3-64 of the payload, payload. The only user of bincode.
//!
//! bincode is frozen upstream; since nothing else names it, leaving it is this one file's work.

use super::error::StoreError;
use super::sum;

/// What makes a struct a [`Record`].
pub use bincode::{Decode, Encode};

const VERSION: u8 = 1;

/// A record that can be stored.
pub(super) trait Record: Encode + Decode<()> {}
impl<T: Encode + Decode<()>> Record for T {}

/// The bytes of a record.
pub(super) fn encode(record: &impl Record) -> Result<Vec<u8>, StoreError> {
    let payload = bincode::encode_to_vec(record, bincode::config::standard())
        .map_err(|error| StoreError::Io(format!("a record cannot be encoded: {error}")))?;
    let mut value = sum::start(payload.len() + 1);
    value.push(VERSION);
    value.extend_from_slice(&payload);
    sum::seal(&mut value);
    Ok(value)
}

/// A record as it is, for values that carry their own frame.
pub(super) fn plain(record: &impl Encode) -> Result<Vec<u8>, StoreError> {
    bincode::encode_to_vec(record, bincode::config::standard())
        .map_err(|error| StoreError::Io(format!("a record cannot be encoded: {error}")))
}

/// The record that such bytes stand for.
pub(super) fn from_plain<T: Decode<()>>(plain: &[u8], place: impl Fn() -> String) -> Result<T, StoreError> {
    // No claimed length may make bincode allocate more than a day's facts can be.
    let config = bincode::config::standard().with_limit::<{ 8 << 30 }>();
    match bincode::decode_from_slice(plain, config) {
        Ok((record, used)) if used == plain.len() => Ok(record),
        Ok(_) => Err(StoreError::corrupt(place(), "bytes follow the record")),
        Err(error) => Err(StoreError::corrupt(place(), error.to_string())),
    }
}

/// The record that bytes stand for; all of them must be used.
pub(super) fn decode<T: Record>(value: &[u8], place: impl Fn() -> String) -> Result<T, StoreError> {
    let content = sum::open(value, &place)?;
    let Some((&VERSION, payload)) = content.split_first() else {
        return Err(StoreError::corrupt(place(), "a record of unknown version"));
    };
    // The payload is as long as the value, so a claimed length beyond it cannot make bincode allocate.
    let config = bincode::config::standard().with_limit::<{ 64 << 20 }>();
    match bincode::decode_from_slice(payload, config) {
        Ok((record, used)) if used == payload.len() => Ok(record),
        Ok(_) => Err(StoreError::corrupt(place(), "bytes follow the record")),
        Err(error) => Err(StoreError::corrupt(place(), error.to_string())),
    }
}
