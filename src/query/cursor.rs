//! Cursors: opaque text that says where a page ended, and to which question it belongs.
//!
//! The checksum only keeps a cursor from being used with another question by mistake; there is nothing
//! in it to protect.

use super::{Page, QueryError};
use crate::limits::LIMIT_DEFAULT;
use xxhash_rust::xxh3::xxh3_64;

fn checksum(question: &[&str], position: &str) -> u64 {
    let mut text = question.join("\u{0}");
    text.push('\u{0}');
    text.push_str(position);
    xxh3_64(text.as_bytes())
}

/// A cursor for a position (text without dots).
pub(super) fn encode(question: &[&str], position: &str) -> String {
    format!("{position}.{:016x}", checksum(question, position))
}

/// The position of a cursor.
pub(super) fn decode<'c>(question: &[&str], cursor: &'c str) -> Result<&'c str, QueryError> {
    let position = cursor.rsplit_once('.').filter(|(position, sum)| {
        u64::from_str_radix(sum, 16).is_ok_and(|sum| sum == checksum(question, position))
    });
    let reason = "it belongs to another question: pass on the cursor of the answer before, unchanged";
    let wrong = || QueryError::Parameter { field: "cursor", reason: reason.to_owned() };
    position.map(|(position, _)| position).ok_or_else(wrong)
}

/// The slice of a ranked list that a page asks for, and the cursor of the next one.
pub(super) fn slice(
    page: &Page,
    question: &[&str],
    total: usize,
) -> Result<(usize, usize, Option<String>), QueryError> {
    let start = match &page.cursor {
        None => 0,
        Some(cursor) => {
            let position = decode(question, cursor)?;
            let wrong =
                |_| QueryError::Parameter { field: "cursor", reason: "it holds no position".to_owned() };
            position.parse::<usize>().map_err(wrong)?
        }
    };
    let start = start.min(total);
    let end = start.saturating_add(page.limit.unwrap_or(LIMIT_DEFAULT)).min(total);
    let next = (end < total).then(|| encode(question, &end.to_string()));
    Ok((start, end, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let page = |cursor: Option<String>| Page { limit: Some(4), cursor };
        let (start, end, next) = slice(&page(None), &["q"], 10).unwrap();
        assert_eq!((start, end), (0, 4));
        let (start, end, next) = slice(&page(next), &["q"], 10).unwrap();
        assert_eq!((start, end), (4, 8));
        let (start, end, last) = slice(&page(next.clone()), &["q"], 10).unwrap();
        assert_eq!((start, end, last), (8, 10, None));
        assert!(slice(&page(next), &["other"], 10).is_err(), "a cursor of another question");
        assert!(slice(&page(Some("8.0".into())), &["q"], 10).is_err(), "a forged one");
    }
}
