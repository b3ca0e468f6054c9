//! Cursors: opaque text that says where a page ended, in which window, and to which question it belongs.
//!
//! The window goes along because `7d` means another one as soon as a newer event has come: all pages of
//! an answer are about the same window. The checksum only keeps a cursor from being used with another
//! question by mistake; there is nothing in it to protect.

use super::{Page, QueryError, Request, Span};
use crate::event::{Micros, Window};
use crate::limits::LIMIT_DEFAULT;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The part of an answer that is asked for.
pub(super) struct Pager {
    /// The window of all pages.
    pub(super) window: Window,
    /// Rows at the most.
    pub(super) limit: usize,
    /// Where the page before ended.
    position: Option<String>,
    question: u64,
}

impl Pager {
    /// Reads the page and the window of a request, given the time of the newest event.
    pub(super) fn new(request: &Request, newest: Micros) -> Result<Self, QueryError> {
        let mut bare = request.clone();
        let (span, page) = parts_of(&mut bare);
        let (span, page) = (*span, page.map(std::mem::take).unwrap_or_default());
        // Everything that was asked but how much of it to give.
        Self::of(&format!("{bare:?}"), span, page, newest)
    }

    /// Reads a page and a window of a question, given the time of the newest event.
    pub(super) fn of(question: &str, span: Span, page: Page, newest: Micros) -> Result<Self, QueryError> {
        let question = xxh3_64_with_seed(question.as_bytes(), 0);
        let limit = page.limit.unwrap_or(LIMIT_DEFAULT);
        let (window, position) = match page.cursor {
            None => (span.window(newest), None),
            Some(cursor) => {
                let (window, position) = decode(question, &cursor)?;
                (window, Some(position))
            }
        };
        Ok(Self { window, limit, position, question })
    }

    /// The cursor of a page that begins after a position (text without dots and tildes).
    pub(super) fn encode(&self, position: &str) -> String {
        let bound = |instant: Micros, open: Micros| {
            if instant == open { String::new() } else { instant.to_string() }
        };
        let Window { since, until } = self.window;
        let text = format!("{}~{}~{position}", bound(since, Micros::MIN), bound(until, Micros::MAX));
        format!("{text}.{:016x}", checksum(self.question, &text))
    }

    /// Where the page before ended, as two numbers.
    pub(super) fn after<A: std::str::FromStr, B: std::str::FromStr>(
        &self,
    ) -> Result<Option<(A, B)>, QueryError> {
        let Some(position) = &self.position else { return Ok(None) };
        let parsed = position.split_once('_').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        parsed.map(Some).ok_or_else(no_position)
    }

    /// The slice of a ranked list that is asked for, and the cursor of the next one.
    pub(super) fn slice(&self, total: usize) -> Result<(usize, usize, Option<String>), QueryError> {
        let start = match &self.position {
            None => 0,
            Some(position) => position.parse::<usize>().map_err(|_| no_position())?,
        };
        let start = start.min(total);
        let end = start.saturating_add(self.limit).min(total);
        let next = (end < total).then(|| self.encode(&end.to_string()));
        Ok((start, end, next))
    }
}

/// The window and the page of a request, where it has one.
fn parts_of(request: &mut Request) -> (&mut Span, Option<&mut Page>) {
    match request {
        Request::Account { span, .. } | Request::Why { span, .. } | Request::ClusterTimeline { span, .. } => {
            (span, None)
        }
        Request::Ip { span, page, .. }
        | Request::Fingerprint { span, page, .. }
        | Request::Template { span, page, .. }
        | Request::Neighbors { span, page, .. }
        | Request::Pairs { span, page, .. }
        | Request::Events { span, page, .. }
        | Request::Search { span, page, .. } => (span, Some(page)),
    }
}

fn no_position() -> QueryError {
    QueryError::Parameter { field: "cursor", reason: "it holds no position".to_owned() }
}

fn checksum(question: u64, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), question)
}

fn decode(question: u64, cursor: &str) -> Result<(Window, String), QueryError> {
    let reason = "it belongs to another question: pass on the cursor of the answer before, unchanged";
    let wrong = || QueryError::Parameter { field: "cursor", reason: reason.to_owned() };
    let (text, sum) = cursor.rsplit_once('.').ok_or_else(wrong)?;
    if u64::from_str_radix(sum, 16).ok() != Some(checksum(question, text)) {
        return Err(wrong());
    }
    let mut fields = text.splitn(3, '~');
    let (Some(since), Some(until), Some(position)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(wrong());
    };
    let bound = |text: &str, open: Micros| {
        if text.is_empty() { Ok(open) } else { text.parse::<Micros>().map_err(|_| wrong()) }
    };
    let window = Window { since: bound(since, Micros::MIN)?, until: bound(until, Micros::MAX)? };
    Ok((window, position.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::{Bound, Select};
    use super::*;

    fn request(expression: &str, select: Select, cursor: Option<String>) -> Request {
        Request::Search {
            expression: expression.to_owned(),
            select,
            span: Span { since: Some(Bound::Ago(5)), until: None },
            page: Page { limit: Some(4), cursor },
        }
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let pager =
            |cursor| Pager::new(&request("account = a", Select::Accounts, cursor), 100).expect("a page");
        let (start, end, next) = pager(None).slice(10).expect("a page");
        assert_eq!((start, end), (0, 4));
        let (start, end, next) = pager(next).slice(10).expect("a page");
        assert_eq!((start, end), (4, 8));
        let (start, end, last) = pager(next.clone()).slice(10).expect("a page");
        assert_eq!((start, end, last), (8, 10, None));
        let (start, end, _) = pager(next).slice(3).expect("a shrunken list");
        assert_eq!((start, end), (3, 3));
    }

    #[test]
    fn pages_keep_the_window_of_the_first_though_newer_events_came() {
        let first = Pager::new(&request("account = a", Select::Events, None), 100).expect("a page");
        assert_eq!(first.window, Window { since: 95, until: Micros::MAX });
        let cursor = first.encode("-7_8");
        assert!(
            cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
            "{cursor}"
        );
        let second = Pager::new(&request("account = a", Select::Events, Some(cursor)), 900).expect("a page");
        assert_eq!(second.window, first.window);
        assert_eq!(second.after::<i64, u64>().expect("a position"), Some((-7, 8)));
        assert!(second.slice(10).is_err(), "a position of events is none of a list");
    }

    #[test]
    fn a_cursor_of_another_question_or_a_forged_one_is_refused() {
        let first = Pager::new(&request("account = a", Select::Events, None), 100).expect("a page");
        let cursor = first.encode("7_8");
        let forged =
            [cursor.replace("7_8", "7_9"), cursor.replace("95", "94"), String::new(), "~.0".to_owned()];
        let others = [
            request("account = b", Select::Events, Some(cursor.clone())),
            request("account = a", Select::Accounts, Some(cursor.clone())),
        ];
        let forged = forged.map(|cursor| request("account = a", Select::Events, Some(cursor)));
        for wrong in others.iter().chain(&forged) {
            let refused = Pager::new(wrong, 100).err();
            assert!(matches!(refused, Some(QueryError::Parameter { field: "cursor", .. })), "{wrong:?}");
        }
    }
}
