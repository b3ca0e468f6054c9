//! Which format an answer goes out in: `?format=`, else the Accept header, else JSON (ndjson for the members of a
//! cluster).
//!
//! An Accept header that names nothing we have gets JSON too: an answer in another format helps more
//! than a refusal.

use crate::http::params::wrong;
use crate::http::route::RouteError;
use hyper::HeaderMap;
use hyper::header::ACCEPT;

/// A format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One document.
    Json,
    /// One object a row, and a last line that says that all came.
    Ndjson,
    /// Comma-separated, safe to open in a spreadsheet.
    Csv,
    /// Aligned text, safe to show on a terminal.
    Table,
}

impl Format {
    /// The format of that name in a query string.
    pub(crate) fn from_name(name: &str) -> Result<Self, RouteError> {
        match name {
            "json" => Ok(Self::Json),
            "ndjson" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            "table" => Ok(Self::Table),
            _ => Err(wrong("format", "it is one of json, ndjson, csv, table")),
        }
    }

    /// The Content-Type of an answer in the format.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Table => "text/plain; charset=utf-8",
        }
    }

    fn from_media_type(media_type: &str, usual: Self) -> Option<Self> {
        match media_type.to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "application/*" | "*/*" => Some(usual),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines" => Some(Self::Ndjson),
            "text/csv" => Some(Self::Csv),
            "text/plain" | "text/*" => Some(Self::Table),
            _ => None,
        }
    }
}

/// The format to answer in.
#[must_use]
pub fn choose(named: Option<Format>, headers: &HeaderMap) -> Format {
    choose_or(named, headers, Format::Json)
}

/// The same where another format than JSON is the usual one.
#[must_use]
pub fn choose_or(named: Option<Format>, headers: &HeaderMap, usual: Format) -> Format {
    if let Some(format) = named {
        return format;
    }
    let mut best: Option<(f32, Format)> = None;
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let Some(format) = parts.next().and_then(|part| Format::from_media_type(part, usual)) else {
                continue;
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            // Of equals the first one named wins.
            if quality > 0.0 && best.is_none_or(|(highest, _)| quality > highest) {
                best = Some((quality, format));
            }
        }
    }
    best.map_or(usual, |(_, format)| format)
}

#[cfg(test)]
mod tests {
    use super::{ACCEPT, Format, HeaderMap, choose, choose_or};

    #[test]
    fn the_query_string_wins_then_the_best_accept_then_json() {
        for (accept, format) in [
            ("*/*", Format::Json),
            ("text/csv", Format::Csv),
            ("Application/X-NDJSON", Format::Ndjson),
            ("text/html, text/plain;q=0.8, application/json;q=0.9", Format::Json),
            ("text/plain, application/json", Format::Table),
            ("text/csv;q=0, image/png", Format::Json),
            ("", Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().expect("header"));
            assert_eq!(choose(None, &headers), format, "{accept}");
            assert_eq!(choose(Some(Format::Table), &headers), Format::Table);
        }
        let mut headers = HeaderMap::new();
        assert_eq!(choose_or(None, &headers, Format::Ndjson), Format::Ndjson);
        headers.insert(ACCEPT, "*/*".parse().expect("header"));
        assert_eq!(choose_or(None, &headers, Format::Ndjson), Format::Ndjson);
        headers.insert(ACCEPT, "application/json".parse().expect("header"));
        assert_eq!(choose_or(None, &headers, Format::Ndjson), Format::Json);
    }
}
