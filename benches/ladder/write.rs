//! The log of a world as a file, for whoever wants to send it to a server and measure that process alone.

use cahoots::drill::{Made, World};
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Writes the events of all days, of honest accounts only some percent, and the names of the campaign's accounts.
pub(crate) fn log(folder: &Path, world: &World, percent: u32) -> Result<()> {
    let truth = world.truth();
    let is_honest = |made: &Made| truth.get(made.account as usize).is_none_or(|one| one.campaign.is_none());
    let is_kept = |made: &Made| {
        let key = [made.ts.to_le_bytes(), i64::from(made.account).to_le_bytes()].concat();
        xxh3_64(&key) % 100 < u64::from(percent) || !is_honest(made)
    };
    let mut log = BufWriter::with_capacity(WRITE_BYTES, File::create(folder.join("log.ndjson"))?);
    let mut line = Vec::new();
    for day in 0..world.days() {
        for made in world.day(day).into_iter().filter(&is_kept) {
            line.clear();
            world.write_json(&made, &mut line);
            log.write_all(&line)?;
        }
    }
    log.flush()?;
    let mut names = BufWriter::new(File::create(folder.join("campaign.txt"))?);
    for truth in truth.iter().filter(|truth| truth.campaign.is_some()) {
        writeln!(names, "{}", truth.account)?;
    }
    names.flush()
}
