//! A file or standard input, decompressed whatever its name. What is in it is for others to tell.

use crate::cli::error::CliError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

/// Bytes of the read buffer.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// Opens what a command line names, `-` for standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, CliError> {
    let raw: io::Result<Box<dyn Read + Send>> = match path.to_str() {
        Some("-") => Ok(Box::new(io::stdin())),
        _ => File::open(path).map(|file| Box::new(file) as Box<dyn Read + Send>),
    };
    let decoded = raw.and_then(decode).map(|(decoded, _)| decoded);
    decoded.map_err(|reason| CliError::Input { path: path.to_owned(), reason })
}

/// The `Content-Encoding` of content that begins so; `None` for plain.
pub(super) fn encoding_of(magic: &[u8]) -> Option<&'static str> {
    match magic {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd] => Some("zstd"),
        _ => None,
    }
}

/// Decompresses what is compressed, told by its first bytes.
pub(super) fn decode(
    mut raw: Box<dyn Read + Send>,
) -> io::Result<(Box<dyn Read + Send>, Option<&'static str>)> {
    let mut magic = Vec::new();
    raw.by_ref().take(4).read_to_end(&mut magic)?;
    let encoding = encoding_of(&magic);
    let raw = Cursor::new(magic).chain(raw);
    let decoded: Box<dyn Read + Send> = match encoding {
        Some("gzip") => Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, raw))),
        Some(_) => Box::new(zstd::stream::read::Decoder::new(raw)?),
        None => Box::new(raw),
    };
    Ok((decoded, encoding))
}
