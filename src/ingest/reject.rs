//! What could not be taken, and why: one sentence that names the line, the field and the fix.
//!
//! Reasons are shown to the sender and may end in a terminal, so that values in them go through
//! [`shown`]. Prompts, keys and anything else secret never appear in one.

use crate::limits::{COVERED_REASONS_MAX, ERRORS_LISTED_MAX, LINE_BYTES_MAX};
use crate::privacy::{is_private, json_error, withheld};
use serde::Serialize;

/// One value of a body that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// Where it began, counted from 1: the line, or in an array, or where objects share a line, the
    /// number of the value.
    pub line: u64,
    /// The field that is wrong, when it is one field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// What is wrong and how to mend it.
    pub reason: String,
}

/// All that was not taken of a body: the count, and the first ones in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejects {
    /// How many values were not taken.
    pub count: u64,
    /// The first `ERRORS_LISTED_MAX` of them.
    pub first: Vec<Reject>,
    /// All of them, by source and what is wrong.
    pub refused: Vec<Refused>,
}

/// Values that were not taken for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The source that they were taken for.
    pub source: &'static str,
    /// The field that is wrong; empty when it is none.
    pub field: &'static str,
    /// What is wrong, without the values.
    pub reason: String,
    /// How many.
    pub count: u64,
}

/// What stands for the source of values that are no records.
const NO_SOURCE: &str = "unknown";

/// What stands for reasons past the bound.
const OTHER_REASONS: &str = "other reasons";

impl Rejects {
    /// Counts one, and lists it while there is room.
    pub fn push(&mut self, reject: Reject) {
        self.push_of(NO_SOURCE, reject);
    }

    /// The same, of a source.
    pub(super) fn push_of(&mut self, source: &'static str, reject: Reject) {
        self.count += 1;
        let field = reject.field.unwrap_or_default();
        self.refuse(source, field, general(&reject.reason));
        if self.first.len() < ERRORS_LISTED_MAX {
            self.first.push(reject);
        }
    }

    fn refuse(&mut self, source: &'static str, field: &'static str, reason: String) {
        let same = |refused: &Refused| {
            refused.source == source && refused.field == field && refused.reason == reason
        };
        if let Some(known) = self.refused.iter_mut().find(|refused| same(refused)) {
            known.count += 1;
        } else if self.refused.len() < COVERED_REASONS_MAX || reason == OTHER_REASONS {
            self.refused.push(Refused { source, field, reason, count: 1 });
        } else {
            // One body has so many reasons only when somebody makes them up.
            self.refuse(source, "", OTHER_REASONS.to_owned());
        }
    }
}

/// A reason without what is different from value to value, and without the fix: numbers and quoted texts go.
fn general(reason: &str) -> String {
    const CHARS_MAX: usize = 160;
    let mut general = String::new();
    let mut chars = reason.chars().take(CHARS_MAX).peekable();
    while let Some(char) = chars.next() {
        match char {
            ';' => break,
            '"' => {
                general.push_str("\"...\"");
                let mut escaped = false;
                for inner in chars.by_ref() {
                    if inner == '"' && !escaped {
                        break;
                    }
                    escaped = inner == '\\' && !escaped;
                }
            }
            '0'..='9' => {
                general.push('#');
                while chars.next_if(char::is_ascii_digit).is_some() {}
            }
            char => general.push(char),
        }
    }
    general
}

/// What is wrong with one value, before the line is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: Option<&'static str>,
    pub(super) reason: String,
    /// The source that the value was taken for, once that is known.
    source: &'static str,
}

impl Wrong {
    pub(super) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field: Some(field), reason: reason.into(), source: NO_SOURCE }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into(), source: NO_SOURCE }
    }

    /// The same, of a value that was taken for one of this source.
    pub(super) fn of(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    /// Adds it to the rejects, as that of a line.
    pub(super) fn add_to(self, rejects: &mut Rejects, line: u64) {
        let reason = withheld(self.reason);
        rejects.push_of(self.source, Reject { line, field: self.field, reason });
    }
}

/// Characters of a value that a reason shows.
const SHOWN_CHARS_MAX: usize = 48;

/// A value as a reason may show it: quoted, ASCII, without control characters, cut. Nothing of one that holds a
/// secret: cut, it might be known no longer.
pub(super) fn shown(value: &str) -> String {
    if is_private(value) {
        return "(not shown: it looks like a secret)".to_owned();
    }
    let mut out = String::from("\"");
    let mut chars = value.chars();
    for char in chars.by_ref().take(SHOWN_CHARS_MAX) {
        out.extend(char.escape_default());
    }
    out.push_str(if chars.next().is_some() { "...\"" } else { "\"" });
    out
}

/// Says what is wrong with the JSON of a value.
pub(super) fn malformed(error: &serde_json::Error, window_bytes: usize) -> String {
    if error.is_eof() && window_bytes >= LINE_BYTES_MAX {
        return format!("over {} MiB, or never closed: longer values are not taken", LINE_BYTES_MAX >> 20);
    }
    if error.is_eof() {
        return "cut off: the body ends in the middle of this value".to_owned();
    }
    let message = json_error(error);
    let what = match message.split(" at line ").next().unwrap_or_default() {
        "invalid unicode code point" => "it is not UTF-8, or half a surrogate pair,",
        what => what,
    };
    match error.line() {
        1 => format!("not taken as JSON: {what} at byte {}", error.column()),
        line => format!("not taken as JSON: {what} at byte {} of its line {line}", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_value_cannot_steer_a_terminal_and_stays_short() {
        assert_eq!(shown("10.0.0.1"), "\"10.0.0.1\"");
        assert_eq!(shown("\x1b]8;;x\x07\u{202e}\n"), "\"\\u{1b}]8;;x\\u{7}\\u{202e}\\n\"");
        let long = shown(&"\u{1b}".repeat(100_000));
        assert!(long.len() < 400 && long.ends_with("...\"") && long.is_ascii());
    }

    #[test]
    fn nothing_private_is_shown() {
        for value in ["Bearer abc123def", "x@example.org", "4111 1111 1111 1111"] {
            assert_eq!(shown(value), "(not shown: it looks like a secret)");
            let mut rejects = Rejects::default();
            Wrong::whole(format!("wrong: {value}")).add_to(&mut rejects, 1);
            assert!(!format!("{rejects:?}").contains(value));
        }
    }

    #[test]
    fn only_the_first_rejects_are_listed_but_all_are_counted() {
        let mut rejects = Rejects::default();
        for line in 1..=1_000 {
            Wrong::whole("no").add_to(&mut rejects, line);
        }
        assert_eq!(rejects.count, 1_000);
        assert_eq!(rejects.first.len(), ERRORS_LISTED_MAX);
        assert_eq!(rejects.first.last().map(|reject| reject.line), Some(ERRORS_LISTED_MAX as u64));
    }

    #[test]
    fn reasons_are_counted_without_their_values_and_not_without_end() {
        let reason = "ts lies 601 s in the future, at most 600 s are taken: \"a\\\"1\"; check the clock";
        assert_eq!(general(reason), "ts lies # s in the future, at most # s are taken: \"...\"");
        let mut rejects = Rejects::default();
        for line in 0..1_000 {
            Wrong::new("ts", format!("lies {line} s ahead")).of("caddy").add_to(&mut rejects, line);
        }
        assert_eq!((rejects.refused.len(), rejects.refused[0].count), (1, 1_000));
        assert_eq!((rejects.refused[0].source, rejects.refused[0].field), ("caddy", "ts"));
        for letter in 0..1_000_u32 {
            let made_up = char::from_u32(0x4e00 + letter).expect("a letter").to_string();
            Wrong::whole(made_up).add_to(&mut rejects, 1);
        }
        assert!(rejects.refused.len() <= COVERED_REASONS_MAX + 1);
        assert_eq!(rejects.refused.iter().map(|refused| refused.count).sum::<u64>(), 2_000);
    }

    #[test]
    fn a_reject_without_a_field_leaves_the_field_out() {
        let reject = Reject { line: 3, field: None, reason: "no".to_owned() };
        let json = serde_json::to_string(&reject).unwrap();
        assert_eq!(json, r#"{"line":3,"reason":"no"}"#);
    }
}
