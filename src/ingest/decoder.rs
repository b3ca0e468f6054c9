//! A body, in pieces of any size, becomes batches of events and a list of rejects.
//!
//! The result does not depend on how the body was cut into pieces. A value that is split over pieces is
//! kept and tried again when twice as much of it has come, so that reading it stays linear however
//! small the pieces are.

use super::Context;
use super::reject::{Rejects, Wrong, malformed};
use super::source::record::Record;
use super::source::{
    Envelope, Explained, Kind, Mappings, Scratch, Sink, event_at_start, event_of_line, events_of_json, native,
};
use super::stream::{End, Next, Place, Resync, may_be_cut_off};
use crate::event::EventBatch;
use crate::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, LINE_BYTES_MAX};
use crate::privacy::Finder;
use std::net::IpAddr;

/// Bytes that are added at least when a split value is tried again.
const REST_STEP_BYTES: usize = 4 << 10;

/// Capacity that the buffer of a split value may keep for the next one.
const REST_KEPT_BYTES: usize = 64 << 10;

/// Longest text of an address, an IPv6 with an IPv4 at its end.
const ADDRESS_BYTES_MAX: usize = 46;

/// Decodes one body.
///
/// ```
/// # use cahoots::ingest::{Context, Decoder};
/// # let privacy = cahoots::privacy::Privacy::new([1; 32], cahoots::privacy::Pseudonyms::NONE);
/// # let context = Context::new(1, 1_800_000_000_000_000, privacy);
/// let mut decoder = Decoder::new(context);
/// let mut piece: &[u8] = b"{\"account\":\"alice\",\"ts\":1795426307}\n{\"account\":";
/// while !piece.is_empty() {
///     let used = decoder.feed(piece);
///     piece = &piece[used..];
///     if decoder.batch_ready() {
///         drop(decoder.take_batch()); // to the writer
///     }
/// }
/// while !decoder.finish() {
///     drop(decoder.take_batch());
/// }
/// assert_eq!(decoder.take_batch().len(), 1);
/// assert_eq!(decoder.rejects().count, 1);
/// ```
#[derive(Debug)]
pub struct Decoder {
    context: Context,
    place: Place,
    /// Set while the end of a malformed value is looked for.
    resync: Option<Resync>,
    batch: EventBatch,
    rejects: Rejects,
    scratch: Scratch,
    /// The source that the request names.
    forced: Option<Kind>,
    own: Mappings,
    /// Whether the last object was of another source than the native one, as the next one is then too as a rule.
    was_foreign: bool,
    /// What was found in each record, when that was asked for.
    explained: Option<Vec<Explained>>,
    /// A value that is split over pieces, and what followed it. Decoded up to `rest_at`.
    rest: Vec<u8>,
    rest_at: usize,
    /// Bytes of the rest at which the next attempt is worth it.
    rest_wanted: usize,
}

/// What one step came to.
enum Step {
    /// Something was passed; go on.
    On,
    /// A value begins but does not end in these bytes.
    Short,
}

impl Decoder {
    /// A decoder for one body.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            place: Place::default(),
            resync: None,
            batch: EventBatch::default(),
            rejects: Rejects::default(),
            scratch: Scratch::default(),
            forced: None,
            own: Mappings::default(),
            was_foreign: false,
            explained: None,
            rest: Vec::new(),
            rest_at: 0,
            rest_wanted: 0,
        }
    }

    /// Takes every record for one of this source, whatever its shape. `None` goes by the shape.
    #[must_use]
    pub fn of_source(mut self, forced: Option<Kind>) -> Self {
        self.forced = forced;
        self
    }

    /// Knows mappings of the operator's own too.
    #[must_use]
    pub fn with_mappings(mut self, own: Mappings) -> Self {
        self.own = own;
        self
    }

    /// Keeps what is found in each record for [`Self::take_explained`].
    #[must_use]
    pub fn explaining(mut self) -> Self {
        self.explained = Some(Vec::new());
        self
    }

    /// What was found since the last call.
    pub fn take_explained(&mut self) -> Vec<Explained> {
        self.explained.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Decodes what is complete in the bytes and keeps what is not. Returns how many of the bytes it
    /// took: fewer than all only when [`Self::batch_ready`], and then the caller takes the batch and
    /// feeds the others again.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        // How many bytes at the end of the rest are the last ones of `bytes[..used]`.
        let mut fresh = 0;
        while !self.batch_ready() {
            if self.rest.is_empty() {
                let Some(piece) = bytes.get(used..).filter(|piece| !piece.is_empty()) else { break };
                let (passed, step) = self.step(piece, false);
                used += passed;
                if matches!(step, Step::Short) {
                    self.rest.extend_from_slice(&bytes[used..]);
                    self.want_more_rest();
                    return bytes.len();
                }
                continue;
            }
            let held = self.rest.len() - self.rest_at;
            if held < self.rest_wanted {
                let more = (self.rest_wanted - held).max(REST_STEP_BYTES).min(bytes.len() - used);
                self.rest.extend_from_slice(&bytes[used..used + more]);
                used += more;
                fresh += more;
                if held + more < self.rest_wanted {
                    break;
                }
            }
            if let Step::Short = self.step_rest(false) {
                self.want_more_rest();
            } else {
                let left = self.rest.len() - self.rest_at;
                self.rest_wanted = 0;
                if left <= fresh {
                    // The rest of the rest is in the caller's bytes too: decoded there, it is not copied.
                    used -= left;
                    fresh = 0;
                    self.clear_rest();
                }
            }
        }
        used
    }

    /// Ends the body: what is still incomplete is now an error. Returns whether all is decoded; if
    /// not, [`Self::batch_ready`], and the caller takes the batch and calls again.
    pub fn finish(&mut self) -> bool {
        while self.rest_at < self.rest.len() {
            if self.batch_ready() {
                return false;
            }
            self.step_rest(true);
        }
        self.clear_rest();
        if self.resync.take().is_some() {
            self.place.line_lost();
        }
        if let Some(line) = self.place.unclosed_array() {
            self.place.line_lost();
            self.reject(line, Wrong::whole("the array is not closed: the body ends early"));
        }
        true
    }

    /// Whether the batch has to be taken before more is decoded.
    #[must_use]
    pub fn batch_ready(&self) -> bool {
        self.batch.len() >= BATCH_EVENTS_MAX || self.batch.bytes() >= BATCH_BYTES_MAX
    }

    /// What has been decoded since the last call.
    pub fn take_batch(&mut self) -> EventBatch {
        std::mem::take(&mut self.batch)
    }

    /// Bytes of memory held: events that were not taken yet and the undecoded rest.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.batch.bytes() + self.rest.len()
    }

    /// What was not taken so far.
    pub fn rejects(&mut self) -> &mut Rejects {
        &mut self.rejects
    }

    /// [`Self::step`] over the rest.
    fn step_rest(&mut self, last: bool) -> Step {
        let rest = std::mem::take(&mut self.rest);
        let (passed, step) = self.step(&rest[self.rest_at..], last);
        self.rest = rest;
        self.rest_at += passed;
        step
    }

    /// Twice as much, and at the bound on lines it is decided anyway.
    fn want_more_rest(&mut self) {
        self.rest_wanted = ((self.rest.len() - self.rest_at) * 2).min(LINE_BYTES_MAX);
    }

    fn clear_rest(&mut self) {
        self.rest.clear();
        self.rest.shrink_to(REST_KEPT_BYTES);
        self.rest_at = 0;
        self.rest_wanted = 0;
    }

    /// Passes over at most one value. Returns how many bytes it is done with.
    fn step(&mut self, bytes: &[u8], last: bool) -> (usize, Step) {
        if let Some(resync) = &mut self.resync {
            let passed = match resync.look(bytes) {
                End::Open => return (bytes.len(), Step::On),
                End::Value(passed) => passed,
                End::Line(passed) => {
                    self.place.line_lost();
                    passed
                }
            };
            self.resync = None;
            return (passed, Step::On);
        }
        let (at, next) = self.place.seek(bytes, last);
        match next {
            Next::Nothing => (at, Step::On),
            Next::Unsure => (at, Step::Short),
            Next::Other(found) => {
                if let Some((passed, step)) = self.text_line(&bytes[at..], last) {
                    return (at + passed, step);
                }
                self.give_up(Wrong::whole(format!("expected a JSON object, found {found}")));
                (at, Step::On)
            }
            Next::Object => {
                let (passed, step) = self.object(&bytes[at..], last);
                (at + passed, step)
            }
        }
    }

    /// Decodes the object at the start of the bytes.
    fn object(&mut self, bytes: &[u8], last: bool) -> (usize, Step) {
        let window = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
        let may_go_on = !last && window.len() < LINE_BYTES_MAX && self.place.is_by_line();
        if may_go_on && memchr::memchr(b'\n', window).is_none() {
            // Where a line is an event, one without its end is not tried: reading half of it is for nothing.
            return (0, Step::Short);
        }
        if self.was_foreign
            && let Some(end) = self.foreign_again(window)
        {
            return (end, Step::On);
        }
        let mut record = Record::new();
        let end = match native::read(window, self.context.keep_extra, &mut record, &mut self.scratch) {
            Ok(end) => end,
            Err(error) if !last && window.len() < LINE_BYTES_MAX && may_be_cut_off(&error, window) => {
                return (0, Step::Short);
            }
            Err(error) => {
                if let Some(end) = self.foreign_again(window) {
                    return (end, Step::On);
                }
                self.give_up(Wrong::whole(malformed(&error, window.len())));
                return (0, Step::On);
            }
        };
        let object = &window[..end];
        let line = self.place.number();
        self.place.passed(object);
        self.was_foreign = !self.is_native(&record, object) && self.foreign(object, line);
        if self.was_foreign {
            return (end, Step::On);
        }
        // Most lines hold nothing that could be one, and one look at all of it is cheaper than one at each field.
        record.may_hold_secrets = Finder::get().may_hold(object);
        match native::assemble(&mut record, object, line, &self.context, &mut self.scratch, &mut self.batch) {
            Ok(()) => {}
            Err(wrong) => self.reject(line, wrong.of(Kind::Native.name())),
        }
        (end, Step::On)
    }

    /// Whether nothing but the native source comes into question.
    fn is_native(&self, record: &Record<'_>, object: &[u8]) -> bool {
        match self.forced {
            Some(kind) => kind == Kind::Native && self.explained.is_none(),
            None => self.explained.is_none() && native::is_whole(record) && !self.own.may_tell(object),
        }
    }

    /// Takes an object that has not the shape of a native one. Returns whether its source is known.
    fn foreign(&mut self, object: &[u8], line: u64) -> bool {
        // Counted one by one: an object may hold a million records of which each is wrong.
        let mut rejects = std::mem::take(&mut self.rejects);
        let (envelope, mut sink) = self.sink(line);
        let known =
            events_of_json(object, envelope, &mut sink, &mut |wrong| wrong.add_to(&mut rejects, line));
        self.rejects = rejects;
        known
    }

    /// Takes an object as one of another source, in one pass. `None` when it is to be looked at from the beginning.
    fn foreign_again(&mut self, window: &[u8]) -> Option<usize> {
        let mut place = self.place.clone();
        let line = place.number();
        let (envelope, mut sink) = self.sink(line);
        let (end, taken) = event_at_start(window, envelope, &mut sink)?;
        place.passed(window.get(..end)?);
        self.place = place;
        if let Err(wrong) = taken {
            self.reject(line, wrong);
        }
        Some(end)
    }

    /// Takes a line of text that begins with an address, as web servers write it. `None` when it is
    /// something else.
    fn text_line(&mut self, bytes: &[u8], last: bool) -> Option<(usize, Step)> {
        let head = bytes.get(..ADDRESS_BYTES_MAX).unwrap_or(bytes);
        let Some(address_end) = head.iter().position(|byte| matches!(byte, b' ' | b'\n')) else {
            let may_be = head.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'));
            return (may_be && !last && head.len() == bytes.len()).then_some((0, Step::Short));
        };
        std::str::from_utf8(&head[..address_end]).ok()?.parse::<IpAddr>().ok()?;
        let window = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
        let line_end = match memchr::memchr(b'\n', window) {
            Some(line_end) => line_end,
            None if last => window.len(),
            None if window.len() < LINE_BYTES_MAX => return Some((0, Step::Short)),
            None => return None,
        };
        let text = String::from_utf8_lossy(&window[..line_end]);
        let mut place = self.place.clone();
        let line = place.number();
        let (envelope, mut sink) = self.sink(line);
        let taken = event_of_line(text.trim_end(), envelope, &mut sink)?;
        self.place = place;
        if let Err(wrong) = taken {
            self.reject(line, wrong);
        }
        Some((line_end, Step::On))
    }

    fn sink(&mut self, line: u64) -> (Envelope<'static>, Sink<'_>) {
        let envelope = Envelope { line, forced: self.forced, own: self.own, ..Envelope::default() };
        let sink = Sink {
            context: &self.context,
            scratch: &mut self.scratch,
            batch: &mut self.batch,
            explained: self.explained.as_mut(),
        };
        (envelope, sink)
    }

    /// Rejects the value that begins here and goes looking for its end.
    fn give_up(&mut self, wrong: Wrong) {
        let line = self.place.number();
        self.reject(line, wrong);
        self.resync = Some(self.place.resync());
    }

    fn reject(&mut self, line: u64, wrong: Wrong) {
        wrong.add_to(&mut self.rejects, line);
    }
}
