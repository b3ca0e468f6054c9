//! What could not be taken, and why: one sentence that names the line, the field and the fix.
//!
//! Reasons are shown to the sender and may end in a terminal, so that values in them go through
//! [`shown`]. Prompts, keys and anything else secret never appear in one.

use crate::limits::ERRORS_LISTED_MAX;
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
}

impl Rejects {
    /// Counts one, and lists it while there is room.
    pub fn push(&mut self, reject: Reject) {
        self.count += 1;
        if self.first.len() < ERRORS_LISTED_MAX {
            self.first.push(reject);
        }
    }
}

/// What is wrong with one value, before the line is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: Option<&'static str>,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field: Some(field), reason: reason.into() }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self { field: None, reason: reason.into() }
    }

    pub(super) fn at(self, line: u64) -> Reject {
        Reject { line, field: self.field, reason: self.reason }
    }
}

/// Characters of a value that a reason shows.
const SHOWN_CHARS_MAX: usize = 48;

/// A value as a reason may show it: quoted, ASCII, without control characters, cut.
pub(super) fn shown(value: &str) -> String {
    let mut out = String::from("\"");
    let mut chars = value.chars();
    for char in chars.by_ref().take(SHOWN_CHARS_MAX) {
        out.extend(char.escape_default());
    }
    out.push_str(if chars.next().is_some() { "...\"" } else { "\"" });
    out
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
    fn only_the_first_rejects_are_listed_but_all_are_counted() {
        let mut rejects = Rejects::default();
        for line in 1..=1_000 {
            rejects.push(Wrong::whole("no").at(line));
        }
        assert_eq!(rejects.count, 1_000);
        assert_eq!(rejects.first.len(), ERRORS_LISTED_MAX);
        assert_eq!(rejects.first.last().map(|reject| reject.line), Some(ERRORS_LISTED_MAX as u64));
    }

    #[test]
    fn a_reject_without_a_field_leaves_the_field_out() {
        let json = serde_json::to_string(&Wrong::whole("no").at(3)).unwrap();
        assert_eq!(json, r#"{"line":3,"reason":"no"}"#);
    }
}
