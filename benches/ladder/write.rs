//! The log of a world as a file, for whoever wants to send it to a server and measure that process alone.

use cahoots::drill::World;
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Bytes collected before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Writes the events of all days, and the names of the campaign's accounts.
pub(crate) fn log(folder: &Path, world: &World) -> Result<()> {
    let mut log = BufWriter::with_capacity(WRITE_BYTES, File::create(folder.join("log.ndjson"))?);
    let mut line = Vec::new();
    for day in 0..world.days() {
        for made in world.day(day) {
            line.clear();
            world.write_json(&made, &mut line);
            log.write_all(&line)?;
        }
    }
    log.flush()?;
    let mut names = BufWriter::new(File::create(folder.join("campaign.txt"))?);
    for truth in world.truth().into_iter().filter(|truth| truth.campaign.is_some()) {
        writeln!(names, "{}", truth.account)?;
    }
    names.flush()
}
