//! `cahoots dump`: the whole database as stable text.

use crate::cli::error::CliError;
use crate::store::{self, StoreError};
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cahoots dump --data ./data > before.txt
  cahoots dump --data ./data | head

Stop the server first: one process holds the file at a time.";

/// Write the whole database as text, the same text for the same content
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dump {
    /// Folder of the data file.
    #[arg(long, value_name = "FOLDER", env = "CAHOOTS_DATA")]
    data: PathBuf,
}

impl Dump {
    /// Writes it to stdout.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let mut out = Watched { inner: io::BufWriter::new(io::stdout().lock()), failed: None };
        let dumped = store::dump(&self.data, &mut out).and_then(|()| Ok(out.flush()?));
        judge(dumped, out.failed)
    }
}

/// Whose fault it was: the store cannot tell a closed pipe from a disk that fails.
fn judge(dumped: Result<(), StoreError>, failed: Option<io::ErrorKind>) -> Result<(), CliError> {
    match (dumped, failed) {
        (Err(_), Some(kind)) => Err(CliError::Output(kind.into())),
        (dumped, _) => Ok(dumped?),
    }
}

/// A writer that remembers how it failed.
struct Watched<W> {
    inner: W,
    failed: Option<io::ErrorKind>,
}

impl<W: Write> Watched<W> {
    fn watch<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.failed = Some(error.kind());
        }
        result
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.watch(flushed)
    }
}

#[cfg(test)]
mod tests {
    use super::{CliError, StoreError, Watched, io, judge};
    use std::io::Write;

    #[test]
    fn a_reader_that_leaves_is_no_failure_of_the_disk() {
        let (reader, writer) = io::pipe().expect("pipe");
        drop(reader);
        let mut out = Watched { inner: writer, failed: None };
        let failed: StoreError = StoreError::Io(out.write(b"x").expect_err("closed").to_string());
        let error = judge(Err(failed), out.failed).expect_err("failed");
        assert!(error.is_closed_pipe());
        let error = judge(Err(StoreError::DiskFull), None).expect_err("failed");
        assert!(matches!(error, CliError::Store(StoreError::DiskFull)));
    }
}
