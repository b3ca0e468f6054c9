//! Columns of text: frames of 256 rows. Ids of one shape (UUIDs, `req_<hex>`) are kept as their hex digits,
//! other text by zstd. Bytes are in `FORMAT.md`.

use super::bits;
use super::codec::{Decode, Encode};
use super::column::{Directory, Entries, FRAME_ROWS};
use super::error::StoreError;
use super::page::{Pages, Source};

/// Directory entry of a frame of text: position u32, length u32, mode u8.
const TEXT_ENTRY_BYTES: usize = 9;

/// A column of text: without `E` yet placed, its number in the directory.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(super) enum Texts<E = Entries> {
    /// No row has a value.
    Empty,
    /// Where its frames are found.
    Frames(E),
}

impl Texts<usize> {
    /// The column, once the directory is placed.
    pub(super) fn placed(self, entries: &[Entries]) -> Texts {
        match self {
            Self::Empty => Texts::Empty,
            Self::Frames(number) => entries.get(number).map_or(Texts::Empty, |at| Texts::Frames(*at)),
        }
    }
}

/// Values of text rows one after the other; an empty one is missing.
#[derive(Clone, Debug, Default)]
pub(super) struct TextRows {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl TextRows {
    pub(super) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u32);
    }

    pub(super) fn get(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(row).copied().unwrap_or(start);
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }
}

const MODE_EMPTY: u8 = 0;
const MODE_HEX: u8 = 1;
const MODE_ZSTD: u8 = 2;

/// zstd level for text of mixed shape: the journal and the segments are both written under load.
const ZSTD_LEVEL: i32 = 1;

/// Writes a column of text.
pub(super) fn put_texts(
    values: &[&[u8]],
    pages: &mut Pages,
    directory: &mut Directory,
) -> Result<Texts<usize>, StoreError> {
    if values.iter().all(|value| value.is_empty()) {
        return Ok(Texts::Empty);
    }
    let mut entries = Vec::new();
    for frame in values.chunks(FRAME_ROWS) {
        let (mode, bytes) = if frame.iter().all(|value| value.is_empty()) {
            (MODE_EMPTY, Vec::new())
        } else if let Some(bytes) = hex_frame(frame) {
            (MODE_HEX, bytes)
        } else {
            (MODE_ZSTD, zstd_frame(frame)?)
        };
        let position = if bytes.is_empty() { 0 } else { pages.place(&bytes) };
        entries.extend_from_slice(&position.to_le_bytes());
        entries.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        entries.push(mode);
    }
    Ok(Texts::Frames(directory.add(TEXT_ENTRY_BYTES, entries)))
}

/// Marks a hex digit in a shape; ASCII text has no such byte.
const DIGIT: u8 = 0xff;

/// Longest value whose shape is kept.
const SHAPE_BYTES_MAX: usize = 64;

/// The rows as one shape (length, then each byte as it is or `DIGIT`) and their digits, if they have one.
fn hex_frame(rows: &[&[u8]]) -> Option<Vec<u8>> {
    let first = *rows.first()?;
    if first.is_empty() || first.len() > SHAPE_BYTES_MAX || rows.iter().any(|row| row.len() != first.len()) {
        return None;
    }
    let mut shape = first.to_vec();
    for row in rows {
        for (at, (kept, byte)) in shape.iter_mut().zip(row.iter()).enumerate() {
            if *kept != DIGIT && *kept != *byte {
                nibble(*first.get(at)?)?;
                *kept = DIGIT;
            }
            if *kept == DIGIT {
                nibble(*byte)?;
            }
        }
    }
    if !first.is_ascii() {
        return None;
    }
    let digits = digits_of(&shape);
    let mut out = Vec::with_capacity(1 + shape.len() + rows.len() * digits.div_ceil(2));
    out.push(shape.len() as u8);
    out.extend_from_slice(&shape);
    for row in rows {
        let mut high = None;
        for (byte, _) in row.iter().zip(&shape).filter(|(_, kept)| **kept == DIGIT) {
            let digit = nibble(*byte)?;
            match high.take() {
                Some(before) => out.push(before << 4 | digit),
                None => high = Some(digit),
            }
        }
        out.extend(high.map(|before| before << 4));
    }
    Some(out)
}

/// How many digits a row of a shape has.
fn digits_of(shape: &[u8]) -> usize {
    shape.iter().map(|byte| usize::from(*byte == DIGIT)).sum()
}

/// Value of a lower-case hex digit.
fn nibble(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn zstd_frame(rows: &[&[u8]]) -> Result<Vec<u8>, StoreError> {
    let mut plain = Vec::new();
    for row in rows {
        bits::put_varint(row.len() as u64, &mut plain);
        plain.extend_from_slice(row);
    }
    let mut out = (plain.len() as u32).to_le_bytes().to_vec();
    out.extend(zstd::bulk::compress(&plain, ZSTD_LEVEL)?);
    Ok(out)
}

/// A decoded frame of text.
pub(super) struct TextFrame {
    mode: u8,
    bytes: Vec<u8>,
    /// Bytes of digits of a row of a frame with a shape.
    row_bytes: usize,
    /// Offset of each row of a plain frame, once [`TextFrame::index`] has found them.
    starts: Vec<usize>,
}

impl TextFrame {
    fn new(mode: u8, bytes: Vec<u8>) -> Self {
        let shape = bytes.split_first().and_then(|(len, rest)| rest.get(..usize::from(*len)));
        let row_bytes = shape.map_or(0, |shape| digits_of(shape).div_ceil(2));
        Self { mode, bytes, row_bytes, starts: Vec::new() }
    }

    /// Finds where each row starts, worth it for who reads them all.
    pub(super) fn index(&mut self) {
        if self.mode != MODE_ZSTD {
            return;
        }
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            self.starts.push(self.bytes.len() - rest.len());
            let skipped = bits::take_varint(&mut rest).and_then(|len| bits::take(&mut rest, len as usize));
            if skipped.is_none() {
                break;
            }
        }
    }

    /// Puts the value of a row of the frame into `value`.
    pub(super) fn get(&self, row: usize, value: &mut Vec<u8>) -> Option<()> {
        value.clear();
        match self.mode {
            MODE_EMPTY => Some(()),
            MODE_HEX => self.hex(row, value),
            _ => self.plain(row, value),
        }
    }

    fn hex(&self, row: usize, value: &mut Vec<u8>) -> Option<()> {
        let (&len, rest) = self.bytes.split_first()?;
        let (shape, digits) = rest.split_at_checked(usize::from(len))?;
        let digits = digits.get(row * self.row_bytes..(row + 1) * self.row_bytes)?;
        let mut nibbles = digits.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
        for byte in shape {
            value.push(if *byte == DIGIT { digit(nibbles.next()?) } else { *byte });
        }
        Some(())
    }

    fn plain(&self, row: usize, value: &mut Vec<u8>) -> Option<()> {
        let start = self.starts.get(row).copied();
        let mut rest = self.bytes.get(start.unwrap_or_default()..)?;
        for _ in 0..if start.is_some() { 0 } else { row } {
            let len = bits::take_varint(&mut rest)? as usize;
            bits::take(&mut rest, len)?;
        }
        let len = bits::take_varint(&mut rest)? as usize;
        value.extend_from_slice(bits::take(&mut rest, len)?);
        Some(())
    }
}

/// The frame of text that holds a row, or nothing for an empty column.
pub(super) fn text_frame(
    source: &mut impl Source,
    column: Texts,
    frame: usize,
) -> Result<Option<TextFrame>, StoreError> {
    let Texts::Frames(entries) = column else { return Ok(None) };
    let entry = entries.read(source, frame, TEXT_ENTRY_BYTES)?;
    let mut rest = &entry[..];
    let parsed = (|| Some((bits::take_u32(&mut rest)?, bits::take_u32(&mut rest)?, *rest.first()?)))();
    drop(entry);
    let wrong = |source: &dyn Fn() -> String| StoreError::corrupt(source(), "a wrong frame of text");
    let Some((position, len, mode)) = parsed else {
        return Err(wrong(&|| source.place()));
    };
    if mode == MODE_EMPTY {
        return Ok(Some(TextFrame::new(mode, Vec::new())));
    }
    let mut bytes = source.read(position, len as usize)?.into_owned();
    if mode == MODE_ZSTD {
        let mut rest = &bytes[..];
        // A frame is at most 256 rows of bounded values, so the claimed size has a bound too.
        let plain_bytes = bits::take_u32(&mut rest).filter(|n| *n as usize <= FRAME_BYTES_MAX);
        let plain = plain_bytes.and_then(|n| zstd::bulk::decompress(rest, n as usize).ok());
        bytes = plain.ok_or_else(|| wrong(&|| source.place()))?;
    }
    Ok(Some(TextFrame::new(mode, bytes)))
}

/// Bytes of a frame of text before compression.
const FRAME_BYTES_MAX: usize = FRAME_ROWS * (crate::limits::EXTRA_BYTES_MAX + 16);

#[cfg(test)]
mod tests {
    use super::super::page::Flat;
    use super::super::sum::SUM_BYTES;
    use super::*;
    use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

    fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop_oneof![
            prop::collection::vec("[0-9a-f]{8}-[0-9a-f]{4}".prop_map(String::into_bytes), 0..600),
            prop::collection::vec("req_[0-9]{6}".prop_map(String::into_bytes), 0..600),
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..600),
        ]
    }

    proptest! {
        #[test]
        fn texts_come_back(values in texts()) {
            let rows: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            let mut pages = Pages::unbounded();
            let mut directory = Directory::default();
            let column = put_texts(&rows, &mut pages, &mut directory).expect("in memory");
            let column = column.placed(&directory.place(&mut pages));
            let pages = pages.finish();
            let mut source = Flat(pages.first().map_or(&[][..], |page| &page[SUM_BYTES..]));
            for (row, value) in values.iter().enumerate() {
                let frame = text_frame(&mut source, column, row / FRAME_ROWS).expect("whole");
                let mut got = Vec::new();
                let whole = frame.is_none_or(|frame| frame.get(row % FRAME_ROWS, &mut got).is_some());
                prop_assert!(whole);
                prop_assert_eq!(&got, value);
            }
        }
    }

    #[test]
    fn ids_of_one_shape_take_half_a_byte_a_digit() {
        let ids: Vec<String> =
            (0..256).map(|n| format!("req_{:016x}", n * 0x9E37_79B9_7F4A_7C15_u128 % (1 << 64))).collect();
        let rows: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
        let frame = hex_frame(&rows).expect("one shape");
        assert_eq!(frame.len(), 1 + 20 + 256 * 8);
    }
}
