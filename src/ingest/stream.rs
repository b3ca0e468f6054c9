//! Where values begin and end in a body, told by the body alone.
//!
//! Real senders put JSON objects into a body as lines (with LF, CRLF, blank lines, a byte order mark),
//! as one array, or one after the other without anything between, and their `Content-Type` says
//! little about which. All of that is one grammar here: between values anything goes that separates
//! (white space, commas, byte order marks, record separators), and brackets around them open and close
//! an array.
//!
//! A value that is malformed costs only itself. From its first byte on [`Resync`] looks for the end of
//! its brackets or the end of its line, whichever comes first: the first, so that one sender's bad
//! bytes in an array on one line do not take the other events with them; the second, because a string
//! or bracket that never ends must not swallow the lines after it.
//!
//! **Numbering.** [`Place`] numbers values by the physical line on which they begin, blank lines
//! counted, as an editor would show it. Elements of an array, and values from the point on where two
//! began on one line, are numbered by value instead: first, second, third.

use serde::de::IgnoredAny;

/// Where in the body the decoder stands.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the bytes so far, not states")]
pub(super) struct Place {
    /// Line ends so far.
    line_ends: u64,
    /// Values so far.
    values: u64,
    /// The line on which the last value began.
    value_line: u64,
    /// Whether lines no longer tell values apart.
    by_value: bool,
    in_array: bool,
    /// Whether a line ended since the last value.
    line_ended: bool,
    /// Whether the bracket that closes the array may have been skipped with a malformed value.
    array_end_unsure: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What comes first after the separators.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An object begins here.
    Object,
    /// Something that is no object begins here; the text names it.
    Other(&'static str),
    /// Nothing is left.
    Nothing,
    /// Too few bytes to tell.
    Unsure,
}

impl Place {
    /// Passes over separators and array brackets. Returns how many bytes those were and what follows.
    pub(super) fn seek(&mut self, bytes: &[u8], last: bool) -> (usize, Next) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'\n' => {
                    self.line_ends += 1;
                    self.line_ended = true;
                }
                b' ' | b'\t' | b'\r' | b',' | 0x1E => {}
                b'[' if !self.in_array => {
                    self.in_array = true;
                    self.array_end_unsure = false;
                    self.by_value = true;
                }
                b']' if self.in_array => self.in_array = false,
                b'{' => return (at, Next::Object),
                0xEF if bytes[at..].starts_with(BYTE_ORDER_MARK) => at += 2,
                0xEF if !last && BYTE_ORDER_MARK.starts_with(&bytes[at..]) => return (at, Next::Unsure),
                other => return (at, Next::Other(describe(other))),
            }
            at += 1;
        }
        (at, Next::Nothing)
    }

    /// The number of the value that begins here. To be asked once for each.
    pub(super) fn number(&mut self) -> u64 {
        let line = self.line_ends + 1;
        self.values += 1;
        self.by_value |= self.value_line == line;
        self.value_line = line;
        if self.by_value { self.values } else { line }
    }

    /// Notes that a value was read whole.
    pub(super) fn passed(&mut self, value: &[u8]) {
        self.line_ends += memchr::memchr_iter(b'\n', value).count() as u64;
        self.line_ended = false;
    }

    /// Whether the value that begins here is on a line of its own, as far as the values before it tell.
    pub(super) fn is_by_line(&self) -> bool {
        self.values > 0 && self.line_ended && !self.by_value
    }

    /// How to find the end of a malformed value.
    pub(super) fn resync(&self) -> Resync {
        Resync { in_array: self.in_array, ..Resync::default() }
    }

    /// Notes that the rest of a line was skipped, and with it perhaps the end of the array.
    pub(super) fn line_lost(&mut self) {
        self.array_end_unsure = true;
    }

    /// The number of the value that would have come, when the body ends inside an array.
    pub(super) fn unclosed_array(&self) -> Option<u64> {
        (self.in_array && !self.array_end_unsure).then_some(self.values + 1)
    }
}

/// Names what stands where an object should. Its content is not shown: after a malformed line it may
/// be the middle of a prompt.
fn describe(byte: u8) -> &'static str {
    match byte {
        b'[' => "an array",
        b'"' => "a string",
        b'-' | b'0'..=b'9' => "a number",
        b']' | b'}' => "a closing bracket without its opening one",
        0 => "a NUL byte",
        0x1F => "compressed data; say Content-Encoding: gzip",
        b'<' => "markup",
        b'a'..=b'z' | b'A'..=b'Z' => "a word",
        0x80.. => "a byte outside ASCII",
        _ => "another character",
    }
}

/// Looks for the end of a malformed value, over as many pieces as it takes.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the bytes so far, not states")]
pub(super) struct Resync {
    in_array: bool,
    started: bool,
    /// Whether the value began with a bracket, so that its end is the matching one.
    bracketed: bool,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// Where a malformed value ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At its own end, after so many bytes.
    Value(usize),
    /// At the end of its line, so many bytes on, where the line end stands.
    Line(usize),
    /// Not in these bytes.
    Open,
}

impl Resync {
    /// Looks on. The first call starts with the first byte of the value.
    pub(super) fn look(&mut self, bytes: &[u8]) -> End {
        for (at, &byte) in bytes.iter().enumerate() {
            if !self.started {
                self.started = true;
                self.bracketed = matches!(byte, b'{' | b'[');
            }
            match byte {
                b'\n' => return End::Line(at),
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b']' | b',' if self.depth == 0 && self.in_array => return End::Value(at),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 && self.bracketed {
                        return End::Value(at + 1);
                    }
                }
                _ => {}
            }
        }
        End::Open
    }
}

/// Whether what is wrong with a value may come from its not being here as a whole. It may also lie in what a source
/// passes over, which is known when all of it is here.
pub(super) fn may_be_cut_off(error: &serde_json::Error, window: &[u8]) -> bool {
    more_may_mend(error, window) || is_begun(window)
}

/// Whether a value is not here as a whole, whatever is wrong with the texts and numbers in it.
fn is_begun(window: &[u8]) -> bool {
    let first = serde_json::Deserializer::from_slice(window).into_iter::<IgnoredAny>().next();
    matches!(first, Some(Err(error)) if more_may_mend(&error, window))
}

/// Whether what is wrong may come from the value not being here as a whole: always at its end, but serde
/// calls a number that ends after its sign invalid and not cut off.
fn more_may_mend(error: &serde_json::Error, window: &[u8]) -> bool {
    let line_start = match error.line() {
        0 | 1 => Some(0),
        line => memchr::memchr_iter(b'\n', window).nth(line - 2).map(|line_end| line_end + 1),
    };
    error.is_eof() || line_start.is_none_or(|start| start + error.column() >= window.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(bytes: &[u8], in_array: bool) -> End {
        Resync { in_array, ..Resync::default() }.look(bytes)
    }

    #[test]
    fn a_malformed_value_ends_with_its_brackets_or_its_line() {
        assert_eq!(end_of(b"{\"a\":\xFF}, {\"b\":1}", true), End::Value(7));
        assert_eq!(end_of(br#"{"a":"}\"}",}x"#, false), End::Value(13));
        assert_eq!(end_of(b"{\"a\":\"open}\n{}", false), End::Line(11));
        assert_eq!(end_of(b"[[{[1]}]] {}", false), End::Value(9));
        assert_eq!(end_of(b"nginx: {\"a\":1} {}\n", false), End::Line(17));
        assert_eq!(end_of(b"12, {}", true), End::Value(2));
        assert_eq!(end_of(b"\"a,]\" ]", true), End::Value(6));
        assert_eq!(end_of(b"{{{{", true), End::Open);
    }

    #[test]
    fn lines_are_numbered_as_an_editor_would_until_values_share_one() {
        let mut place = Place::default();
        let mut numbers = Vec::new();
        let mut rest: &[u8] = b"\xEF\xBB\xBF{}\r\n\r\n{}\n{\n}\n{} {}\n{}";
        loop {
            let (at, next) = place.seek(rest, true);
            if next == Next::Nothing {
                break;
            }
            numbers.push(place.number());
            let End::Value(len) = Resync::default().look(&rest[at..]) else {
                place.passed(b"\n");
                rest = &rest[at + 3..];
                continue;
            };
            rest = &rest[at + len..];
        }
        assert_eq!(numbers, [1, 3, 4, 6, 5, 6]);
    }
}
