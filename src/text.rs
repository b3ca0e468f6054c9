//! Text from outside, made harmless before people see it.
//!
//! Account names and user agents are written by whoever calls the API; on a terminal or in a log an
//! escape sequence or a right-to-left override would let them paint over what is said about them.
//! Escaping for CSV, JSON and HTML belongs to their writers.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with everything that moves a cursor, changes a direction or is invisible written as
/// `\u{..}`. What is left takes exactly the place it seems to take.
pub fn terminal_safe(text: &str) -> Cow<'_, str> {
    if !text.contains(deceives) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if deceives(letter) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(letter));
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// Whether a character acts on a terminal instead of showing on it.
fn deceives(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::terminal_safe;
    use std::borrow::Cow;

    #[test]
    fn plain_text_of_any_script_is_left_alone_and_not_copied() {
        for text in ["acct-1", "Jos\u{e9}", "\u{4f1a}\u{793e}", "a b", ""] {
            assert!(matches!(terminal_safe(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_spelled_out() {
        for (text, safe) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\r\nb", "a\\u{d}\\u{a}b"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("x\u{202e}gpj", "x\\u{202e}gpj"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("nul\0", "nul\\u{0}"),
        ] {
            assert_eq!(terminal_safe(text), safe);
        }
    }
}
