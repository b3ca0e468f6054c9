//! Formats of answers, and what a terminal must not be shown.
//!
//! The server makes tables harmless; JSON and CSV it leaves as they are, because programs read them.
//! On a terminal a person reads them, so here they are made harmless too.

use crate::text::terminal_safe;
use std::borrow::Cow;
use std::fmt::Write as _;

/// A format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Aligned text.
    Table,
    /// One document.
    Json,
    /// One object a row, and a last line that says that all came.
    Ndjson,
    /// Comma-separated, safe to open in a spreadsheet.
    Csv,
}

impl Format {
    /// The name in a query string.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }
}

/// The text as it may be written to where it goes.
pub(crate) fn show(text: &str, format: Format, terminal: bool) -> Cow<'_, str> {
    if !terminal {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        match format {
            Format::Json | Format::Ndjson => safe.push_str(&json_safe(line)),
            Format::Table | Format::Csv => safe.push_str(&terminal_safe(line)),
        }
        safe.push_str(end);
    }
    Cow::Owned(safe)
}

/// JSON with what acts on a terminal as JSON escapes: still the same document.
fn json_safe(line: &str) -> Cow<'_, str> {
    if matches!(terminal_safe(line), Cow::Borrowed(_)) {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(line.len() + 16);
    let mut letter_bytes = [0; 4];
    for letter in line.chars() {
        if matches!(terminal_safe(letter.encode_utf8(&mut letter_bytes)), Cow::Borrowed(_)) {
            safe.push(letter);
            continue;
        }
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::{Format, show};
    use serde_json::{Value, json};

    #[test]
    fn a_terminal_gets_the_same_json_without_what_acts_on_it() {
        let value = json!({ "account": "a\u{9b}31m\u{202e}\u{e0041}\u{7f}", "n": 1 });
        let text = format!("{value}\n");
        let shown = show(&text, Format::Json, true);
        assert!(shown.trim_end().chars().all(|letter| (' '..='~').contains(&letter)), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).expect("still JSON"), value);
        assert_eq!(show(&text, Format::Json, false), text);
    }

    #[test]
    fn csv_and_tables_keep_their_lines() {
        assert_eq!(show("a,\u{1b}[2J\nb\n", Format::Csv, true), "a,\\u{1b}[2J\nb\n");
        assert_eq!(show("a\u{1b}\n", Format::Table, false), "a\u{1b}\n");
    }
}
