//! A large file in pieces of so many lines, of which one is in memory.

use super::Failure;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// A file that is read from its start in pieces; only one piece is in memory.
#[derive(Debug)]
pub(crate) struct Pieces {
    file: File,
    lines_max: usize,
    /// Bytes read after the last piece.
    rest: Vec<u8>,
}

impl Pieces {
    /// Opens a file to be read `lines_max` lines at a time.
    pub(crate) fn open(path: &Path, lines_max: usize) -> Result<Self, Failure> {
        Ok(Self { file: File::open(path)?, lines_max, rest: Vec::new() })
    }

    /// Fills `piece` with the next lines and says how many; zero at the end.
    pub(crate) fn next(&mut self, piece: &mut Vec<u8>) -> Result<usize, Failure> {
        piece.clear();
        std::mem::swap(piece, &mut self.rest);
        let (mut lines, mut seen) = (0, 0);
        loop {
            for at in memchr::memchr_iter(b'\n', &piece[seen..]) {
                lines += 1;
                if lines == self.lines_max {
                    let end = seen + at + 1;
                    self.rest.extend_from_slice(&piece[end..]);
                    piece.truncate(end);
                    return Ok(lines);
                }
            }
            seen = piece.len();
            piece.resize(seen + READ_BYTES, 0);
            let count = self.file.read(&mut piece[seen..])?;
            piece.truncate(seen + count);
            if count == 0 {
                let unended = piece.last().is_some_and(|byte| *byte != b'\n');
                return Ok(lines + usize::from(unended));
            }
        }
    }
}
