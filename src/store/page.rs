//! A string of bytes cut into checksummed pages, with random access by position.
//!
//! A segment's columns and a journal record are both written through [`Pages`]; the journal uses one
//! page without end. A small piece never straddles two pages, so that a lookup reads one; a larger one
//! does, so that pages are full.

use super::error::StoreError;
use super::sum;
use crate::limits::PAGE_BYTES;
use std::borrow::Cow;

/// Content bytes of one stored page.
pub(super) const PAGE_CONTENT: usize = PAGE_BYTES - sum::SUM_BYTES;

/// Largest piece that is kept on one page. Frames of numbers are smaller, frames of text are not.
const WHOLE_BYTES_MAX: usize = 1_024;

/// Pages being written.
pub(super) struct Pages {
    content_max: usize,
    pages: Vec<Vec<u8>>,
}

impl Pages {
    /// Pages of a segment.
    pub(super) fn bounded() -> Self {
        Self { content_max: PAGE_CONTENT, pages: Vec::new() }
    }

    /// One page without end.
    pub(super) fn unbounded() -> Self {
        Self { content_max: u32::MAX as usize, pages: Vec::new() }
    }

    /// Writes a piece and gives its position.
    pub(super) fn place(&mut self, piece: &[u8]) -> u32 {
        let free = self.pages.last().map_or(0, |page| self.content_max + sum::SUM_BYTES - page.len());
        if free == 0 || (piece.len() > free && piece.len() <= WHOLE_BYTES_MAX) {
            self.new_page();
        }
        let position = self.position();
        let mut rest = piece;
        loop {
            let content_max = self.content_max;
            let Some(page) = self.pages.last_mut() else { break };
            let room = content_max + sum::SUM_BYTES - page.len();
            let (now, later) = rest.split_at(room.min(rest.len()));
            page.extend_from_slice(now);
            if later.is_empty() {
                break;
            }
            rest = later;
            self.new_page();
        }
        position
    }

    fn new_page(&mut self) {
        self.pages.push(sum::start(self.content_max.min(PAGE_CONTENT)));
    }

    fn position(&self) -> u32 {
        let full = self.pages.len().saturating_sub(1) * self.content_max;
        let used = self.pages.last().map_or(0, |page| page.len() - sum::SUM_BYTES);
        (full + used) as u32
    }

    /// The sealed pages in order.
    pub(super) fn finish(mut self) -> Vec<Vec<u8>> {
        for page in &mut self.pages {
            sum::seal(page);
        }
        self.pages
    }
}

/// Something that gives back placed pieces.
pub(super) trait Source {
    /// `len` bytes from a position.
    fn read(&mut self, position: u32, len: usize) -> Result<Cow<'_, [u8]>, StoreError>;
    /// For errors.
    fn place(&self) -> String;
}

/// One page without end, already checked.
pub(super) struct Flat<'a>(pub(super) &'a [u8]);

impl Source for Flat<'_> {
    fn read(&mut self, position: u32, len: usize) -> Result<Cow<'_, [u8]>, StoreError> {
        let start = position as usize;
        let piece = self.0.get(start..start + len);
        piece.map(Cow::Borrowed).ok_or_else(|| StoreError::corrupt(self.place(), "a column ends early"))
    }

    fn place(&self) -> String {
        "journal".to_owned()
    }
}

/// Pages of one segment, fetched one by one and kept while the reader lives.
pub(super) struct Paged<F> {
    segment: u32,
    fetch: F,
    kept: Vec<(u32, redb::AccessGuard<'static, &'static [u8]>)>,
}

/// Pages that a reader keeps at once.
const KEPT_PAGES_MAX: usize = 256;

impl<F> Paged<F>
where
    F: FnMut(u32) -> Result<redb::AccessGuard<'static, &'static [u8]>, StoreError>,
{
    /// A reader whose pages come from `fetch`.
    pub(super) fn new(segment: u32, fetch: F) -> Self {
        Self { segment, fetch, kept: Vec::new() }
    }

    /// Content of a page. Its checksum is checked when it is fetched.
    fn content(&mut self, page: u32) -> Result<&[u8], StoreError> {
        let at = if let Some(at) = self.kept.iter().rposition(|(number, _)| *number == page) {
            at
        } else {
            let guard = (self.fetch)(page)?;
            let segment = self.segment;
            sum::open(guard.value(), || format!("columns of segment {segment}, page {page}"))?;
            if self.kept.len() >= KEPT_PAGES_MAX {
                self.kept.clear();
            }
            self.kept.push((page, guard));
            self.kept.len() - 1
        };
        Ok(self.kept.get(at).and_then(|(_, guard)| guard.value().get(sum::SUM_BYTES..)).unwrap_or_default())
    }
}

impl<F> Source for Paged<F>
where
    F: FnMut(u32) -> Result<redb::AccessGuard<'static, &'static [u8]>, StoreError>,
{
    fn read(&mut self, position: u32, len: usize) -> Result<Cow<'_, [u8]>, StoreError> {
        let (first, offset) = (position / PAGE_CONTENT as u32, position as usize % PAGE_CONTENT);
        let early = StoreError::corrupt(self.place(), "a column ends early");
        if offset + len <= PAGE_CONTENT {
            let piece = self.content(first)?.get(offset..offset + len);
            return piece.map(Cow::Borrowed).ok_or(early);
        }
        let mut gathered = Vec::with_capacity(len);
        let (mut page, mut from) = (first, offset);
        while gathered.len() < len {
            let content = self.content(page)?.get(from..).unwrap_or_default();
            if content.is_empty() {
                return Err(early);
            }
            gathered.extend_from_slice(content.get(..len - gathered.len()).unwrap_or(content));
            (page, from) = (page + 1, 0);
        }
        Ok(Cow::Owned(gathered))
    }

    fn place(&self) -> String {
        format!("columns of segment {}", self.segment)
    }
}
