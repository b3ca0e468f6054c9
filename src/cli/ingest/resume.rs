//! How far a file was sent, remembered between runs in a small file of its own.
//!
//! A mark says what lay before it, so that a file that was replaced under its name is sent from its
//! start. Losing a mark loses time, nothing else; so nothing here is an error.

use crate::cli::ingest::source::Position;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes before a mark that are compared.
pub(super) const TAIL_BYTES: usize = 4_096;

/// Time between two writes of the mark.
const SAVE_PAUSE: Duration = Duration::from_secs(1);

/// A place up to which everything is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where.
    pub(super) position: Position,
    /// How many bytes before it are known.
    pub(super) tail_bytes: u64,
    /// Their hash.
    pub(super) tail: u64,
}

/// Hash of the bytes before a mark.
pub(super) fn tail_hash(tail: &[u8]) -> u64 {
    xxh3_64(tail)
}

/// The memory of one file sent to one server.
pub(super) struct Memory {
    path: PathBuf,
    /// When a mark was written last, and the newest mark.
    last: Mutex<(Instant, Option<Mark>)>,
}

impl Memory {
    /// The memory of a file; stdin has none.
    pub(super) fn of(folder: &Path, file: &Path, url: &str) -> Option<Self> {
        let file = std::fs::canonicalize(file).ok().filter(|file| file.is_file())?;
        let key = xxh3_64(format!("{url}\n{}", file.to_string_lossy()).as_bytes());
        let path = folder.join("ingest").join(format!("{key:016x}.json"));
        // Short runs end before they write anything.
        Some(Self { path, last: Mutex::new((Instant::now(), None)) })
    }

    /// The mark of an interrupted run.
    pub(super) fn load(&self) -> Option<Mark> {
        let value: Value = serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()?;
        let number = |name: &str| value.get(name)?.as_u64();
        let position = Position { offset: number("offset")?, line: number("line")? };
        let tail_bytes = number("tail_bytes")?.min(TAIL_BYTES as u64);
        Some(Mark { position, tail_bytes, tail: number("tail")? })
    }

    /// Remembers a mark; most of them only until the next one, unless `now`.
    pub(super) fn save(&self, mark: &Mark, now: bool) {
        let Ok(mut last) = self.last.lock() else { return };
        last.1 = Some(*mark);
        if now || last.0.elapsed() >= SAVE_PAUSE {
            last.0 = Instant::now();
            drop(self.write(mark));
        }
    }

    /// Writes down the last mark that was remembered.
    pub(super) fn save_last(&self) {
        let mark = self.last.lock().ok().and_then(|last| last.1);
        if let Some(mark) = mark {
            self.save(&mark, true);
        }
    }

    /// The file is sent: the next run sends it from its start.
    pub(super) fn forget(&self) {
        drop(std::fs::remove_file(&self.path));
    }

    fn write(&self, mark: &Mark) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mark = json!({
            "offset": mark.position.offset,
            "line": mark.position.line,
            "tail_bytes": mark.tail_bytes,
            "tail": mark.tail,
        });
        // Put in place at once: a mark cut in half would be none.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(mark.to_string().as_bytes())?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Memory, Position};
    use std::path::Path;

    #[test]
    fn a_mark_comes_back_until_it_is_forgotten() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("log");
        std::fs::write(&file, b"x").expect("write");
        let memory = || Memory::of(folder.path(), &file, "http://h").expect("memory");
        let mark = |offset| Mark { position: Position { offset, line: 2 }, tail_bytes: 4, tail: u64::MAX };
        assert_eq!(memory().load(), None);
        let first = memory();
        first.save(&mark(10), true);
        // Too soon after the one before to be written, until it is the last.
        first.save(&mark(20), false);
        assert_eq!(memory().load(), Some(mark(10)));
        first.save_last();
        assert_eq!(memory().load(), Some(mark(20)));
        assert_eq!(Memory::of(folder.path(), &file, "http://other").expect("memory").load(), None);
        memory().forget();
        assert_eq!(memory().load(), None);
    }

    #[test]
    fn stdin_and_damaged_memories_have_no_mark() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(Memory::of(folder.path(), Path::new("-"), "http://h").is_none());
        let file = folder.path().join("log");
        std::fs::write(&file, b"x").expect("write");
        let memory = Memory::of(folder.path(), &file, "http://h").expect("memory");
        std::fs::create_dir_all(folder.path().join("ingest")).expect("folder");
        for content in
            ["", "{", "[]", "{\"offset\":1}", "{\"offset\":-1,\"line\":1,\"tail_bytes\":1,\"tail\":1}"]
        {
            std::fs::write(&memory.path, content).expect("write");
            assert_eq!(memory.load(), None, "{content}");
        }
    }
}
