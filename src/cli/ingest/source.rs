//! A file or stdin as bodies to send: decompressed, cut between lines.
//!
//! Offsets count decompressed bytes, so that a run can go on inside a compressed file. What is in a
//! line is the server's business.

use crate::cli::ingest::resume::{Mark, TAIL_BYTES, tail_hash};
use crate::cli::input::{BUFFER_BYTES, decode, encoding_of};
use crate::limits::{LINE_BYTES_MAX, SEND_BYTES_MAX, SEND_LINES_MAX};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes looked at to tell what is in a file.
const PEEK_BYTES: u64 = 64 << 10;

/// How a source is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Line by line, in many bodies.
    Lines,
    /// As one body, because lines mean nothing in it: an array, or objects over several lines.
    Whole,
}

/// A place between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Decompressed bytes before it.
    pub(super) offset: u64,
    /// Lines before it.
    pub(super) line: u64,
}

/// Lines that go together.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// The lines.
    pub(super) bytes: bytes::Bytes,
    /// Lines before the first one.
    first_line: u64,
    /// Where the source is after it.
    pub(super) mark: Mark,
    /// Lines that are too long to send.
    pub(super) skipped: Vec<u64>,
}

impl Body {
    /// The line, from 1, in which the n-th value from 1 stands, if each line holds one value.
    pub(super) fn line_of(&self, value: u64) -> u64 {
        let lines = self.bytes.split(|byte| *byte == b'\n').enumerate();
        let mut filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        let index = filled.nth(usize::try_from(value.saturating_sub(1)).unwrap_or(usize::MAX));
        let line = index.map_or(value, |(index, _)| index as u64 + 1) + self.first_line;
        self.skipped.iter().fold(line, |line, skipped| line + u64::from(*skipped <= line))
    }
}

/// Something that is being sent.
pub(super) struct Source {
    reader: BufReader<Box<dyn Read + Send>>,
    shape: Shape,
    position: Position,
    raw_read: Arc<AtomicU64>,
    raw_bytes: Option<u64>,
}

impl Source {
    /// Opens a file, `-` for stdin. Goes on at the mark if what lies before it is what was sent then.
    pub(super) fn open(file: &Path, mark: Option<&Mark>) -> io::Result<Self> {
        if file == Path::new("-") {
            return Self::new(Box::new(io::stdin()), None, Arc::default());
        }
        if let Some(mark) = mark
            && let Some(source) = Self::open_at(file, mark)?
        {
            return Ok(source);
        }
        let (raw, raw_bytes, raw_read) = open_raw(file)?;
        Self::new(Box::new(raw), raw_bytes, raw_read)
    }

    fn new(raw: Box<dyn Read + Send>, raw_bytes: Option<u64>, raw_read: Arc<AtomicU64>) -> io::Result<Self> {
        let (mut decoded, _) = decode(raw)?;
        let mut peek = Vec::new();
        decoded.by_ref().take(PEEK_BYTES).read_to_end(&mut peek)?;
        let shape = shape_of(&peek);
        let reader: Box<dyn Read + Send> = Box::new(Cursor::new(peek).chain(decoded));
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        Ok(Self { reader, shape, position: Position::default(), raw_read, raw_bytes })
    }

    fn open_at(file: &Path, mark: &Mark) -> io::Result<Option<Self>> {
        let (mut raw, raw_bytes, raw_read) = open_raw(file)?;
        let skip = mark.position.offset.saturating_sub(mark.tail_bytes);
        let plain = encoding(file)?.is_none();
        if plain {
            raw.inner.seek(SeekFrom::Start(skip))?;
            raw_read.store(skip, Ordering::Relaxed);
        }
        let (mut reader, _): (Box<dyn Read + Send>, _) =
            if plain { (Box::new(raw), None) } else { decode(Box::new(raw))? };
        if !plain && io::copy(&mut reader.by_ref().take(skip), &mut io::sink())? < skip {
            return Ok(None);
        }
        let mut tail = Vec::new();
        reader.by_ref().take(mark.tail_bytes).read_to_end(&mut tail)?;
        if tail_hash(&tail) != mark.tail {
            return Ok(None);
        }
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        Ok(Some(Self { reader, shape: Shape::Lines, position: mark.position, raw_read, raw_bytes }))
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Bytes read of the file as it lies there.
    pub(super) fn raw_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.raw_read)
    }

    /// Bytes of the file as it lies there, if there is a file.
    pub(super) fn raw_bytes(&self) -> Option<u64> {
        self.raw_bytes
    }

    /// All that is left, as it comes.
    pub(super) fn into_reader(self) -> impl Read + Send + 'static {
        self.reader
    }

    /// The next lines, `None` at the end.
    pub(super) fn next_body(&mut self) -> io::Result<Option<Body>> {
        let mut bytes = Vec::with_capacity(SEND_LINES_MAX * 64);
        let mut skipped = Vec::new();
        let first = self.position;
        // Where the bytes begin that lie in the body as they lie in the source.
        let mut contiguous = 0;
        let mut lines = 0;
        while lines < SEND_LINES_MAX && bytes.len() < SEND_BYTES_MAX {
            let start = bytes.len();
            let read = self.reader.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                break;
            }
            self.position.offset += read as u64;
            self.position.line += 1;
            lines += 1;
            if read > LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
                bytes.truncate(start);
                contiguous = start;
                self.position.offset += skip_line(&mut self.reader)?;
                skipped.push(self.position.line);
            }
        }
        if lines == 0 {
            return Ok(None);
        }
        let tail = bytes.get(contiguous.max(bytes.len().saturating_sub(TAIL_BYTES))..).unwrap_or_default();
        // After a line that was skipped nothing before the end of the body is known for sure.
        let tail = if skipped.last() == Some(&self.position.line) { &[] } else { tail };
        let mark = Mark { position: self.position, tail_bytes: tail.len() as u64, tail: tail_hash(tail) };
        Ok(Some(Body { bytes: bytes.into(), first_line: first.line, mark, skipped }))
    }
}

/// Reads past the end of a line and says how many bytes that were.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let end = memchr::memchr(b'\n', buffer).map(|at| at + 1);
        let bytes = end.unwrap_or(buffer.len());
        reader.consume(bytes);
        skipped += bytes as u64;
        if end.is_some() || bytes == 0 {
            return Ok(skipped);
        }
    }
}

/// Told by the first bytes: what each line is, or that lines mean nothing.
fn shape_of(peek: &[u8]) -> Shape {
    let peek = peek.strip_prefix(b"\xef\xbb\xbf").unwrap_or(peek).trim_ascii_start();
    match peek.first() {
        Some(b'[') => Shape::Whole,
        Some(b'{') => {
            // Without a line end there may be many objects in it, and no place to cut.
            let cut = memchr::memchr(b'\n', peek);
            let whole = cut
                .map_or(peek.len() as u64 == PEEK_BYTES, |end| !peek[..end].trim_ascii_end().ends_with(b"}"));
            if whole { Shape::Whole } else { Shape::Lines }
        }
        _ => Shape::Lines,
    }
}

/// A reader that counts.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

type Raw = (Counted<File>, Option<u64>, Arc<AtomicU64>);

fn open_raw(path: &Path) -> io::Result<Raw> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder: name its files"));
    }
    let read = Arc::<AtomicU64>::default();
    Ok((Counted { inner: file, read: Arc::clone(&read) }, metadata.is_file().then_some(metadata.len()), read))
}

/// The Content-Encoding of a file as it lies there; `None` for plain and for stdin.
pub(super) fn encoding(path: &Path) -> io::Result<Option<&'static str>> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let mut magic = Vec::new();
    let file = File::open(path)?;
    // Reading the first bytes of a pipe would take them from whoever comes next.
    if file.metadata()?.is_file() {
        file.take(4).read_to_end(&mut magic)?;
    }
    Ok(encoding_of(&magic))
}

#[cfg(test)]
mod tests {
    use super::{Shape, Source, encoding, shape_of};
    use crate::limits::{LINE_BYTES_MAX, SEND_LINES_MAX};
    use std::io::{Read, Write};
    use std::path::{Path, PathBuf};

    fn lines(count: usize) -> Vec<u8> {
        (0..count).flat_map(|n| format!("{{\"n\":{n}}}\n").into_bytes()).collect()
    }

    fn write(folder: &Path, name: &str, content: &[u8]) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("write");
        path
    }

    /// The same content plain, as two gzip members, and as zstd.
    fn forms(folder: &Path, content: &[u8]) -> Vec<PathBuf> {
        let (head, tail) = content.split_at(content.len() / 2);
        let gzip = |part: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part).expect("gzip");
            encoder.finish().expect("gzip")
        };
        let zstd = zstd::encode_all(content, 1).expect("zstd");
        vec![
            write(folder, "plain", content),
            write(folder, "gzip", &[gzip(head), gzip(tail)].concat()),
            write(folder, "zstd", &zstd),
        ]
    }

    #[test]
    fn bodies_end_between_lines_and_together_are_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let mut content = lines(SEND_LINES_MAX * 2 + 3);
        content.pop();
        for path in forms(folder.path(), &content) {
            let mut source = Source::open(&path, None).expect("open");
            assert_eq!(source.shape(), Shape::Lines);
            let mut all = Vec::new();
            let mut counts = Vec::new();
            while let Some(body) = source.next_body().expect("body") {
                counts.push(body.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count());
                all.extend_from_slice(&body.bytes);
            }
            assert_eq!(counts, [SEND_LINES_MAX, SEND_LINES_MAX, 3], "{path:?}");
            assert_eq!(all, content);
        }
    }

    #[test]
    fn a_run_goes_on_where_it_stopped_unless_the_file_is_another_one() {
        let folder = tempfile::tempdir().expect("folder");
        let content = lines(SEND_LINES_MAX + 5);
        for path in forms(folder.path(), &content) {
            let mut source = Source::open(&path, None).expect("open");
            let mark = source.next_body().expect("body").expect("body").mark;
            let mut again = Source::open(&path, Some(&mark)).expect("open");
            assert_eq!(again.position().line, SEND_LINES_MAX as u64);
            let rest = again.next_body().expect("body").expect("body");
            assert_eq!(rest.bytes.as_ref(), &content[mark.position.offset as usize..], "{path:?}");
            assert_eq!(rest.line_of(2), SEND_LINES_MAX as u64 + 2);
            for other in [lines(SEND_LINES_MAX), lines(3), content.to_ascii_uppercase()] {
                let other = write(folder.path(), "other", &other);
                let goes_on = Source::open(&other, Some(&mark)).expect("open").position().offset > 0;
                // The first of them is what was sent, to the byte.
                assert_eq!(goes_on, std::fs::read(&other).expect("read") == lines(SEND_LINES_MAX));
            }
        }
    }

    #[test]
    fn a_line_that_no_server_takes_is_left_out_and_named() {
        let folder = tempfile::tempdir().expect("folder");
        let long = vec![b'x'; LINE_BYTES_MAX * 2 + 7];
        let content = [&b"{\"a\":1}\n\n"[..], &long, b"\n{\"a\":2}\n{\"a\":3}\n"].concat();
        let mut source = Source::open(&write(folder.path(), "long", &content), None).expect("open");
        let body = source.next_body().expect("body").expect("body");
        assert_eq!(body.bytes.as_ref(), b"{\"a\":1}\n\n{\"a\":2}\n{\"a\":3}\n");
        assert_eq!(body.skipped, [3]);
        assert_eq!([1, 2, 3].map(|value| body.line_of(value)), [1, 4, 5]);
        assert_eq!(body.mark.position.offset, content.len() as u64);
        assert!(source.next_body().expect("end").is_none());
    }

    #[test]
    fn what_cannot_be_cut_at_lines_goes_whole() {
        for (text, shape) in [
            ("{\"a\":1}\n{\"a\":2}\n", Shape::Lines),
            ("\u{feff}{\"a\":1}\r\n{", Shape::Lines),
            ("{\"a\":1}", Shape::Lines),
            ("", Shape::Lines),
            ("hello\n", Shape::Lines),
            (" \n[{\"a\":1},\n", Shape::Whole),
            ("{\n  \"a\": 1\n}\n", Shape::Whole),
        ] {
            assert_eq!(shape_of(text.as_bytes()), shape, "{text}");
        }
        let folder = tempfile::tempdir().expect("folder");
        let array = b"[\n{\"a\":1},\n{\"a\":2}\n]";
        for path in forms(folder.path(), array) {
            let source = Source::open(&path, None).expect("open");
            assert_eq!(source.shape(), Shape::Whole);
            let mut all = Vec::new();
            source.into_reader().read_to_end(&mut all).expect("read");
            assert_eq!(all, array);
        }
    }

    #[test]
    fn a_cut_archive_and_a_folder_are_errors() {
        let folder = tempfile::tempdir().expect("folder");
        let paths = forms(folder.path(), &lines(50_000));
        assert_eq!(encoding(&paths[1]).expect("encoding"), Some("gzip"));
        for path in &paths[1..] {
            let bytes = std::fs::read(path).expect("read");
            let cut = write(folder.path(), "cut", &bytes[..bytes.len() - bytes.len() / 4]);
            let mut source = Source::open(&cut, None).expect("open");
            let broken = loop {
                match source.next_body() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("the end of {path:?} was taken for its end"),
                    Err(error) => break error,
                }
            };
            assert!(!broken.to_string().is_empty());
        }
        assert!(Source::open(folder.path(), None).is_err());
        assert!(Source::open(&folder.path().join("none"), None).is_err());
    }
}
