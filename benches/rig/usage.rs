//! What the system says about a process and a folder: memory, processor time, bytes on disk. Linux only.

use crate::rig::Failure;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Ticks a second in `/proc/PID/stat`, the same on all common platforms.
const TICKS_A_SECOND: f64 = 100.0;
/// Bytes of a block in `stat`.
const BLOCK_BYTES: u64 = 512;

/// Memory of a process in bytes: now, and at most so far.
pub(crate) fn memory(pid: u32) -> Result<(u64, u64), Failure> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| -> Result<u64, Failure> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such field")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

/// Processor seconds that a process has used, in all its threads.
pub(crate) fn processor_seconds(pid: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; what follows it starts with field 3.
    let (_, fields) = stat.rsplit_once(')').ok_or("unreadable stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? as f64 / TICKS_A_SECOND)
}

/// Bytes of a folder's files: allocated, and as long as they say.
pub(crate) fn folder_bytes(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut allocated, mut length) = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let metadata = entry?.metadata()?;
        if metadata.is_file() {
            allocated += metadata.blocks() * BLOCK_BYTES;
            length += metadata.len();
        }
    }
    Ok((allocated, length))
}
