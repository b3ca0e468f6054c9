//! Query strings and the values in them: pure, and strict, because a parameter that is silently
//! ignored gives an answer to another question.
//!
//! What the values mean for an endpoint belongs to `route`.

use crate::event::{Dim, MICROS_A_DAY, MICROS_A_SECOND, Micros};
use crate::http::route::RouteError;
use crate::limits::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::query::{Bound, Page, SHAREABLE, Select, Span};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Shared by default: what few honest strangers have in common.
const VIA_DEFAULT: [Dim; 4] = [Dim::Ip, Dim::Fingerprint, Dim::ApiKey, Dim::Payment];

/// A query string, taken apart and checked against the names that the endpoint knows.
#[derive(Debug)]
pub(crate) struct Params<'q>(Vec<(&'static str, Cow<'q, str>)>);

impl<'q> Params<'q> {
    /// Takes a query string apart; a name that is unknown or repeated is an error.
    pub(crate) fn parse(query: Option<&'q str>, known: &[&'static str]) -> Result<Self, RouteError> {
        let mut found: Vec<(&'static str, Cow<'q, str>)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = form_decode(name).ok_or_else(|| wrong(name, "it is not UTF-8"))?;
            // Judged by `auth` before the route is known.
            if name == "token" {
                continue;
            }
            let Some(known) = known.iter().find(|known| **known == name) else {
                let reason = if known.is_empty() {
                    "this route takes no parameters".to_owned()
                } else {
                    format!("this route knows {}", known.join(", "))
                };
                return Err(wrong(&name, &reason));
            };
            if found.iter().any(|(before, _)| before == known) {
                return Err(wrong(known, "it is there twice: give it once"));
            }
            let value = form_decode(value).ok_or_else(|| wrong(known, "it is not UTF-8"))?;
            found.push((known, value));
        }
        Ok(Self(found))
    }

    /// Takes a query string apart and passes over names that are unknown: clients of other products add
    /// parameters that mean nothing here.
    pub(crate) fn lenient(query: Option<&'q str>, known: &[&'static str]) -> Result<Self, RouteError> {
        let pairs = query.unwrap_or_default().split('&');
        let mut found = Vec::new();
        for (name, value) in pairs.filter_map(|pair| pair.split_once('=')) {
            if let Some(known) = known.iter().find(|known| **known == name) {
                found.push((*known, form_decode(value).ok_or_else(|| wrong(known, "it is not UTF-8"))?));
            }
        }
        Ok(Self(found))
    }

    /// The value of a parameter; an empty one counts as missing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| &**value)
    }

    /// The value of a parameter that has to be there.
    pub(crate) fn required(&self, name: &'static str, example: &str) -> Result<&str, RouteError> {
        self.get(name).ok_or_else(|| wrong(name, &format!("it is missing: add {name}={example}")))
    }

    /// `since` and `until`.
    pub(crate) fn span(&self) -> Result<Span, RouteError> {
        let bound = |name: &'static str| self.get(name).map(|text| parse_bound(name, text)).transpose();
        let span = Span { since: bound("since")?, until: bound("until")? };
        let reversed = match (span.since, span.until) {
            (Some(Bound::At(since)), Some(Bound::At(until))) => since >= until,
            (Some(Bound::Ago(since)), Some(Bound::Ago(until))) => since <= until,
            _ => false,
        };
        if reversed {
            return Err(wrong("until", "it is not after since"));
        }
        Ok(span)
    }

    /// `limit` and `cursor`.
    pub(crate) fn page(&self) -> Result<Page, RouteError> {
        let limit = self.number("limit", 1, LIMIT_MAX as u64)?.map_or(LIMIT_DEFAULT, |limit| limit as usize);
        Ok(Page { limit: Some(limit), cursor: self.get("cursor").map(str::to_owned) })
    }

    /// A whole number between two bounds.
    pub(crate) fn number(&self, name: &'static str, min: u64, max: u64) -> Result<Option<u64>, RouteError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            Ok(number) if number > max && name == "limit" => {
                Err(wrong(name, &format!("it is at most {max}: page through more with cursor")))
            }
            _ => Err(wrong(name, &format!("it has to be a whole number from {min} to {max}"))),
        }
    }

    /// `via` as a list.
    pub(crate) fn vias(&self) -> Result<Vec<Dim>, RouteError> {
        let Some(text) = self.get("via") else { return Ok(VIA_DEFAULT.to_vec()) };
        let mut vias = Vec::new();
        for name in text.split(',') {
            let via = shareable(name.trim())?;
            if !vias.contains(&via) {
                vias.push(via);
            }
        }
        Ok(vias)
    }

    /// `via` as one dimension.
    pub(crate) fn via(&self) -> Result<Dim, RouteError> {
        shareable(self.required("via", "ip")?)
    }

    /// `select`.
    pub(crate) fn select(&self) -> Result<Select, RouteError> {
        match self.get("select") {
            None | Some("accounts") => Ok(Select::Accounts),
            Some("ips") => Ok(Select::Ips),
            Some("fingerprints") => Ok(Select::Fingerprints),
            Some("events") => Ok(Select::Events),
            Some("count") => Ok(Select::Count),
            Some("timeline") => Ok(Select::Timeline),
            Some(_) => {
                Err(wrong("select", "it is one of accounts, ips, fingerprints, events, count, timeline"))
            }
        }
    }
}

/// An error about one parameter.
pub(crate) fn wrong(field: &str, reason: &str) -> RouteError {
    RouteError::Parameter { field: field.chars().take(64).collect(), reason: reason.to_owned() }
}

/// Percent-decoding with `+` for a space, as forms and most clients write query strings.
pub(crate) fn form_decode(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode_str(&spaced).decode_utf8().ok().map(|text| Cow::Owned(text.into_owned()));
    }
    percent_decode_str(text).decode_utf8().ok()
}

fn shareable(name: &str) -> Result<Dim, RouteError> {
    Dim::from_name(name).filter(|dim| SHAREABLE.contains(dim)).ok_or_else(|| {
        wrong("via", &format!("accounts are compared by {}", SHAREABLE.map(Dim::name).join(", ")))
    })
}

/// RFC 3339, a date, epoch seconds, or a length of time before the newest event such as `7d`.
fn parse_bound(name: &'static str, text: &str) -> Result<Bound, RouteError> {
    let help = "write it as 2026-03-01T00:00:00Z, 2026-03-01, epoch seconds, or 7d, 24h, 90m, 30s";
    if let Some(micros) = parse_length(text) {
        return Ok(Bound::Ago(micros));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds: Option<Micros> = text.parse().ok().filter(|seconds| *seconds < 100_000_000_000);
        let seconds = seconds.ok_or_else(|| wrong(name, "epoch time has to be in seconds"))?;
        return Ok(Bound::At(seconds * MICROS_A_SECOND));
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong(name, help))?;
        return Ok(Bound::At(midnight.timestamp().as_microsecond()));
    }
    // The plus of an offset that was not escaped arrives as a space.
    let instant: jiff::Timestamp = text.replace(' ', "+").parse().map_err(|_| wrong(name, help))?;
    Ok(Bound::At(instant.as_microsecond()))
}

fn parse_length(text: &str) -> Option<Micros> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => MICROS_A_SECOND,
        "m" => 60 * MICROS_A_SECOND,
        "h" => 3_600 * MICROS_A_SECOND,
        "d" => MICROS_A_DAY,
        "w" => 7 * MICROS_A_DAY,
        _ => return None,
    };
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| digits.parse::<Micros>().ok()?.checked_mul(unit)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Bound, MICROS_A_DAY, MICROS_A_SECOND, Params, parse_bound};

    #[test]
    fn times_come_in_four_shapes() {
        for (text, bound) in [
            ("7d", Bound::Ago(7 * MICROS_A_DAY)),
            ("24h", Bound::Ago(MICROS_A_DAY)),
            ("90m", Bound::Ago(5_400 * MICROS_A_SECOND)),
            ("30s", Bound::Ago(30 * MICROS_A_SECOND)),
            ("0", Bound::At(0)),
            ("1772323200", Bound::At(1_772_323_200_000_000)),
            ("2026-03-01", Bound::At(1_772_323_200_000_000)),
            ("2026-03-01T00:00:00Z", Bound::At(1_772_323_200_000_000)),
            ("2026-03-01T02:00:00 02:00", Bound::At(1_772_323_200_000_000)),
            ("2026-03-01T00:00:00.5Z", Bound::At(1_772_323_200_500_000)),
        ] {
            assert_eq!(parse_bound("since", text).expect(text), bound, "{text}");
        }
        for text in
            ["d", "-7d", "7 days", "yesterday", "1772323200000", "99999999999999d", "2026-02-30", "\u{e9}"]
        {
            assert!(parse_bound("since", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_that_ends_before_it_starts_is_refused() {
        for query in ["since=10&until=10", "since=1d&until=2d"] {
            let params = Params::parse(Some(query), &["since", "until"]).expect("known names");
            assert!(params.span().is_err(), "{query}");
        }
        let params = Params::parse(Some("since=2d&until=1d"), &["since", "until"]).expect("known names");
        assert!(params.span().is_ok());
    }

    #[test]
    fn plus_is_a_space_and_percent_is_decoded() {
        let params = Params::parse(Some("where=ip+in%20x&token=secret&&limit="), &["where", "limit"]);
        let params = params.expect("known names");
        assert_eq!(params.get("where"), Some("ip in x"));
        assert_eq!(params.get("limit"), None);
    }
}
