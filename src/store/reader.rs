//! Random access to the columns of one part: a few microseconds a value, and each page is fetched and
//! checked once while the reader lives.

use super::column::FRAME_ROWS;
use super::error::StoreError;
use super::page::Paged;
use super::read::{Content, Part};
use super::rows::{Layout, Rows};
use super::text::TextFrame;
use crate::event::{Aspect, Micros, Number, Text};
use std::sync::Arc;

type Fetch = Box<dyn FnMut(u32) -> Result<redb::AccessGuard<'static, &'static [u8]>, StoreError> + Send>;

/// Reads columns of a part by row, counted from 0 within the part.
pub struct PartReader(Inner);

enum Inner {
    Open(Arc<Rows>),
    Sealed(Box<Sealed>),
}

struct Sealed {
    layout: Layout,
    source: Paged<Fetch>,
    /// The last frame read of each text column, by frame number.
    frames: [Option<(usize, Option<TextFrame>)>; 4],
}

impl PartReader {
    pub(super) fn new(part: &Part) -> Self {
        match &part.content {
            Content::Open { rows, .. } => Self(Inner::Open(Arc::clone(rows))),
            Content::Sealed { number, header, disk } => {
                let (number, disk) = (*number, Arc::clone(disk));
                let fetch: Fetch = Box::new(move |page| disk.page(number, page));
                let source = Paged::new(number, fetch);
                Self(Inner::Sealed(Box::new(Sealed {
                    layout: header.layout,
                    source,
                    frames: [const { None }; 4],
                })))
            }
        }
    }

    /// Event time of a row.
    pub fn ts(&mut self, row: u32) -> Result<Micros, StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => Ok(rows.ts.get(row as usize).copied().unwrap_or_default()),
            Inner::Sealed(sealed) => sealed.layout.ts(&mut sealed.source, row as usize),
        }
    }

    /// Ordinal of the row's aspect key.
    pub fn key(&mut self, aspect: Aspect, row: u32) -> Result<u32, StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => Ok(rows.key(aspect, row as usize)),
            Inner::Sealed(sealed) => sealed.layout.key(&mut sealed.source, aspect, row as usize),
        }
    }

    /// A number of the row.
    pub fn number(&mut self, number: Number, row: u32) -> Result<Option<u32>, StoreError> {
        let plus_one = match &mut self.0 {
            Inner::Open(rows) => rows.number_plus_one(number, row as usize),
            Inner::Sealed(sealed) => {
                sealed.layout.number_plus_one(&mut sealed.source, number, row as usize)?
            }
        };
        Ok(plus_one.checked_sub(1))
    }

    /// A text of the row, empty for missing.
    pub fn text(&mut self, text: Text, row: u32) -> Result<String, StoreError> {
        let row = row as usize;
        let bytes = match &mut self.0 {
            Inner::Open(rows) => rows.text(text, row).to_vec(),
            Inner::Sealed(sealed) => sealed.text(text, row)?,
        };
        // Decoders hand in text, so anything else is damage that a checksum did not see.
        String::from_utf8(bytes).map_err(|_| StoreError::corrupt("a text column", "a value is not UTF-8"))
    }

    /// Event times of all rows.
    pub fn all_ts(&mut self) -> Result<Vec<Micros>, StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => Ok(rows.ts.clone()),
            Inner::Sealed(sealed) => sealed.layout.all_ts(&mut sealed.source),
        }
    }

    /// Ordinals of the aspect keys of all rows.
    pub fn all_keys(&mut self, aspect: Aspect) -> Result<Vec<u32>, StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => Ok(rows.keys.get(aspect.index()).cloned().unwrap_or_default()),
            Inner::Sealed(sealed) => {
                let keys = sealed.layout.all_keys(&mut sealed.source, aspect)?;
                Ok(keys.into_iter().map(|key| key as u32).collect())
            }
        }
    }

    /// A number of all rows, missing ones as 0.
    pub fn all_numbers(&mut self, number: Number) -> Result<Vec<u32>, StoreError> {
        Ok(self.all_numbers_plus_one(number)?.into_iter().map(|value| value.saturating_sub(1)).collect())
    }

    /// A number plus one of all rows, 0 for missing.
    pub(super) fn all_numbers_plus_one(&mut self, number: Number) -> Result<Vec<u32>, StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => Ok(rows.numbers.get(number.index()).cloned().unwrap_or_default()),
            Inner::Sealed(sealed) => {
                let values = sealed.layout.all_numbers(&mut sealed.source, number)?;
                Ok(values.into_iter().map(|value| value as u32).collect())
            }
        }
    }

    /// Calls `each` with every row's text, empty for missing.
    pub fn all_texts(&mut self, text: Text, each: &mut dyn FnMut(usize, &[u8])) -> Result<(), StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => {
                (0..rows.len()).for_each(|row| each(row, rows.text(text, row)));
                Ok(())
            }
            Inner::Sealed(sealed) => sealed.layout.all_texts(&mut sealed.source, text, each),
        }
    }

    /// Identities of all rows, 0 where a request id gives it.
    pub(super) fn all_identities(&mut self) -> Result<Vec<u64>, StoreError> {
        match &mut self.0 {
            Inner::Open(rows) => Ok(rows.identities.clone()),
            Inner::Sealed(sealed) => sealed.layout.all_identities(&mut sealed.source),
        }
    }
}

impl Sealed {
    fn text(&mut self, text: Text, row: usize) -> Result<Vec<u8>, StoreError> {
        let number = row / FRAME_ROWS;
        let slot = &mut self.frames[text.index()];
        if slot.as_ref().is_none_or(|(kept, _)| *kept != number) {
            *slot = Some((number, self.layout.text_frame(&mut self.source, text, row)?));
        }
        let frame = slot.as_ref().and_then(|(_, frame)| frame.as_ref());
        let mut value = Vec::new();
        let whole = frame.is_none_or(|frame| frame.get(row % FRAME_ROWS, &mut value).is_some());
        if whole { Ok(value) } else { Err(StoreError::corrupt("a text column", "a frame ends early")) }
    }
}
