//! Rows in memory: what a commit added, column by column, and how such columns become bytes.
//!
//! The journal and the segments use the same encoding of columns; they differ in what goes around it.

use super::codec::{Decode, Encode};
use super::column::{self, Directory, Numbers};
use super::error::StoreError;
use super::page::{Pages, Source};
use super::text::{self, TextFrame, TextRows, Texts};
use crate::event::{Aspect, Event, Micros, Number, Text};

/// Rows one after the other, in order of arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) ts: Vec<Micros>,
    pub(super) keys: [Vec<u32>; 4],
    pub(super) numbers: [Vec<u32>; Number::COUNT],
    pub(super) texts: [TextRows; 4],
    /// Identity of rows, 0 where it follows from account and request id.
    pub(super) identities: Vec<u64>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.ts.len()
    }

    /// Adds events; the columns hold the ordinals of their aspect keys.
    pub(super) fn extend(&mut self, events: &[Event<'_>], keys: [&[u32]; 4]) {
        self.ts.extend(events.iter().map(|event| event.ts()));
        for (column, keys) in self.keys.iter_mut().zip(keys) {
            column.extend_from_slice(keys);
        }
        for (number, column) in Number::ALL.into_iter().zip(&mut self.numbers) {
            column.extend(events.iter().map(|event| event.number_plus_one(number)));
        }
        for (text, column) in Text::ALL.into_iter().zip(&mut self.texts) {
            for event in events {
                column.push(event.text(text));
            }
        }
        let kept = |event: &Event<'_>| if event.is_known_by_id() { 0 } else { event.identity() };
        self.identities.extend(events.iter().map(kept));
    }

    /// A row of another set of rows, copied to the end of this one.
    fn push_row(&mut self, other: &Self, row: usize) {
        self.ts.extend(other.ts.get(row));
        for (to, from) in self.keys.iter_mut().zip(&other.keys) {
            to.extend(from.get(row));
        }
        for (to, from) in self.numbers.iter_mut().zip(&other.numbers) {
            to.extend(from.get(row));
        }
        for (to, from) in self.texts.iter_mut().zip(&other.texts) {
            to.push(from.get(row));
        }
        self.identities.extend(other.identities.get(row));
    }

    /// A copy of the rows of a range, then those of another set: joins small pieces.
    pub(super) fn copy_of(pieces: &[(&Self, std::ops::Range<usize>)]) -> Self {
        let mut copy = Self::default();
        for (rows, range) in pieces {
            for row in range.clone() {
                copy.push_row(rows, row);
            }
        }
        copy
    }

    pub(super) fn key(&self, aspect: Aspect, row: usize) -> u32 {
        self.keys.get(aspect.index()).and_then(|column| column.get(row)).copied().unwrap_or_default()
    }

    pub(super) fn number_plus_one(&self, number: Number, row: usize) -> u32 {
        self.numbers.get(number.index()).and_then(|column| column.get(row)).copied().unwrap_or_default()
    }

    pub(super) fn text(&self, text: Text, row: usize) -> &[u8] {
        self.texts.get(text.index()).map_or(&[], |column| column.get(row))
    }
}

/// Where the columns of a set of rows lie.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub(super) struct Layout {
    pub(super) rows: u32,
    /// Earliest event time.
    pub(super) first: Micros,
    /// Latest event time.
    pub(super) last: Micros,
    /// Event times are kept as multiples of this many microseconds after `first`.
    unit: u64,
    ts: Numbers,
    keys: [Numbers; 4],
    numbers: [Numbers; Number::COUNT],
    identities: Numbers,
    texts: [Texts; 4],
}

/// Writes the columns of pieces that follow each other.
pub(super) fn put(pieces: &[&Rows], pages: &mut Pages) -> Result<Layout, StoreError> {
    let times = || pieces.iter().flat_map(|rows| rows.ts.iter().copied());
    let first = times().min().unwrap_or_default();
    let last = times().max().unwrap_or_default();
    // Most logs have milliseconds or seconds: the zeros behind them are not worth ten bits a row.
    let unit =
        [1_000_000, 1_000].into_iter().find(|unit| times().all(|ts| (ts - first) % unit == 0)).unwrap_or(1);
    let ts: Vec<u64> = times().map(|ts| ((ts - first) / unit) as u64).collect();
    let join = |column: &dyn Fn(&Rows) -> &Vec<u32>| -> Vec<u64> {
        pieces.iter().flat_map(|rows| column(rows).iter().map(|value| u64::from(*value))).collect()
    };
    let identities: Vec<u64> = pieces.iter().flat_map(|rows| rows.identities.iter().copied()).collect();
    let mut directory = Directory::default();
    let mut texts = [Texts::Empty; 4];
    for (text, place) in Text::ALL.into_iter().zip(&mut texts) {
        let values: Vec<&[u8]> =
            pieces.iter().flat_map(|rows| (0..rows.len()).map(|row| rows.text(text, row))).collect();
        *place = text::put_texts(&values, pages, &mut directory)?;
    }
    let rows = ts.len() as u32;
    let ts = column::put_numbers(&ts, pages, &mut directory);
    let mut put = |values: Vec<u64>| column::put_numbers(&values, pages, &mut directory);
    let keys = Aspect::ALL.map(|aspect| put(join(&|rows| &rows.keys[aspect.index()])));
    let numbers = Number::ALL.map(|number| put(join(&|rows| &rows.numbers[number.index()])));
    let identities = put(identities);
    let entries = directory.place(pages);
    Ok(Layout {
        rows,
        first,
        last,
        unit: unit as u64,
        ts: ts.placed(&entries),
        keys: keys.map(|column| column.placed(&entries)),
        numbers: numbers.map(|column| column.placed(&entries)),
        identities: identities.placed(&entries),
        texts: texts.map(|column| column.placed(&entries)),
    })
}

impl Layout {
    fn time(&self, value: u64) -> Micros {
        self.first.saturating_add(value.saturating_mul(self.unit) as i64)
    }

    /// Event time of a row.
    pub(super) fn ts(&self, source: &mut impl Source, row: usize) -> Result<Micros, StoreError> {
        Ok(self.time(column::number(source, self.ts, row)?))
    }

    /// Event times of all rows.
    pub(super) fn all_ts(&self, source: &mut impl Source) -> Result<Vec<Micros>, StoreError> {
        let values = column::numbers(source, self.ts, self.rows as usize)?;
        Ok(values.into_iter().map(|value| self.time(value)).collect())
    }

    /// Ordinal of the aspect key of a row.
    pub(super) fn key(
        &self,
        source: &mut impl Source,
        aspect: Aspect,
        row: usize,
    ) -> Result<u32, StoreError> {
        Ok(column::number(source, self.keys[aspect.index()], row)? as u32)
    }

    /// Ordinals of the aspect keys of all rows.
    pub(super) fn all_keys(&self, source: &mut impl Source, aspect: Aspect) -> Result<Vec<u64>, StoreError> {
        column::numbers(source, self.keys[aspect.index()], self.rows as usize)
    }

    /// A number plus one of a row, 0 for missing.
    pub(super) fn number_plus_one(
        &self,
        source: &mut impl Source,
        number: Number,
        row: usize,
    ) -> Result<u32, StoreError> {
        Ok(column::number(source, self.numbers[number.index()], row)? as u32)
    }

    /// A number plus one of all rows, 0 for missing.
    pub(super) fn all_numbers(
        &self,
        source: &mut impl Source,
        number: Number,
    ) -> Result<Vec<u64>, StoreError> {
        column::numbers(source, self.numbers[number.index()], self.rows as usize)
    }

    /// Identities of all rows, 0 where a request id gives it.
    pub(super) fn all_identities(&self, source: &mut impl Source) -> Result<Vec<u64>, StoreError> {
        column::numbers(source, self.identities, self.rows as usize)
    }

    /// The frame of a text column that a row lies in.
    pub(super) fn text_frame(
        &self,
        source: &mut impl Source,
        text: Text,
        row: usize,
    ) -> Result<Option<TextFrame>, StoreError> {
        text::text_frame(source, self.texts[text.index()], row / column::FRAME_ROWS)
    }

    /// All values of a text column.
    pub(super) fn all_texts(
        &self,
        source: &mut impl Source,
        text: Text,
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), StoreError> {
        let mut frame = None;
        let mut value = Vec::new();
        for row in 0..self.rows as usize {
            if row % column::FRAME_ROWS == 0 {
                frame = self.text_frame(source, text, row)?;
                if let Some(frame) = &mut frame {
                    frame.index();
                }
            }
            match &frame {
                None => each(row, &[]),
                Some(frame) => match frame.get(row % column::FRAME_ROWS, &mut value) {
                    Some(()) => each(row, &value),
                    None => return Err(StoreError::corrupt(source.place(), "a frame of text ends early")),
                },
            }
        }
        Ok(())
    }

    /// The rows again, as they were in memory.
    pub(super) fn read(&self, source: &mut impl Source) -> Result<Rows, StoreError> {
        let mut rows = Rows { ts: self.all_ts(source)?, ..Rows::default() };
        for aspect in Aspect::ALL {
            rows.keys[aspect.index()] =
                self.all_keys(source, aspect)?.into_iter().map(|key| key as u32).collect();
        }
        for number in Number::ALL {
            rows.numbers[number.index()] =
                self.all_numbers(source, number)?.into_iter().map(|value| value as u32).collect();
        }
        rows.identities = self.all_identities(source)?;
        for text in Text::ALL {
            let column = &mut rows.texts[text.index()];
            self.all_texts(source, text, &mut |_, value| column.push(value))?;
        }
        Ok(rows)
    }
}
