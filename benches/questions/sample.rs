//! Parameters that occur in the log: events from random places of the file, and windows around them.

use crate::rig::Failure;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes in which a random place surely has a whole line.
const SAMPLE_BYTES: usize = 16 << 10;

/// Where to look next: the sequence `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Places(pub(crate) u64);

impl Places {
    /// The next random number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }
}

/// What an event of the log says.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Its account.
    pub(crate) account: String,
    /// Its address.
    pub(crate) ip: String,
    /// Its fingerprint.
    pub(crate) fingerprint: String,
    /// Its model.
    pub(crate) model: String,
    /// `since=...&until=...` of seven whole days that hold the event.
    pub(crate) window: String,
}

/// The first whole event after a random place of the file.
pub(crate) fn sample(path: &Path, places: &mut Places) -> Result<Sample, Failure> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = (u128::from(length.saturating_sub(SAMPLE_BYTES as u64)) * u128::from(places.next())) >> 64;
    file.seek(SeekFrom::Start(start as u64))?;
    let mut bytes = vec![0; SAMPLE_BYTES];
    let count = file.read(&mut bytes)?;
    // The first line is rarely whole.
    let line = bytes[..count].split(|byte| *byte == b'\n').nth(1).ok_or("the file has too few lines")?;
    let event: Value = serde_json::from_slice(line)?;
    let field =
        |name: &str| event[name].as_str().map(str::to_owned).ok_or(format!("an event without {name}"));
    Ok(Sample {
        account: field("account")?,
        ip: field("ip")?,
        fingerprint: field("fingerprint")?,
        model: field("model")?,
        window: window(&field("ts")?, places.next() % 7)?,
    })
}

/// Seven days, the given number of which lie before that of the event.
fn window(ts: &str, before: u64) -> Result<String, Failure> {
    let date: jiff::civil::Date = ts.get(..10).ok_or("a ts without date")?.parse()?;
    let since = date.checked_sub(jiff::Span::new().days(before as i64))?;
    let until = since.checked_add(jiff::Span::new().days(7))?;
    Ok(format!("since={since}&until={until}"))
}
