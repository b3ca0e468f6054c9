//! Time as senders write it: RFC 3339 with any offset, or an epoch whose unit shows in its size.
//!
//! What is left out: local times without an offset (nobody could say which instant they mean).

use super::reject::{Wrong, shown};
use super::value::{Plain, Scalar, plain_number};
use crate::event::{MICROS_A_SECOND, Micros};
use crate::limits::{CREATED_MAX, FUTURE_MAX, TS_MIN};

/// Below these an epoch counts seconds, milliseconds, microseconds; below the last, nanoseconds. As
/// seconds the first is the year 5138; as milliseconds it is 1973, and so on.
const SECONDS_END: u64 = 100_000_000_000;
pub(super) const MILLIS_END: u64 = 100_000_000_000_000;
pub(super) const MICROS_END: u64 = 100_000_000_000_000_000;

const FORMS: &str = "send RFC 3339 such as 2026-11-23T09:31:47Z, or an epoch in s, ms, us or ns";

/// When an event happened. `None` for a missing value.
pub(super) fn event_time(value: &Scalar<'_>, now: Micros) -> Result<Option<Micros>, Wrong> {
    let Some(ts) = instant(value, "ts")? else { return Ok(None) };
    if ts < TS_MIN {
        let reason =
            "ts lies before 2000-01-01: an epoch may be s, ms, us or ns, but its unit must show in its size";
        return Err(Wrong::new("ts", reason));
    }
    if ts > now.saturating_add(FUTURE_MAX) {
        let ahead_seconds = (ts - now) / MICROS_A_SECOND;
        let reason = format!(
            "ts lies {ahead_seconds} s in the future, at most {} s are taken: check the sender's clock and time zone",
            FUTURE_MAX / MICROS_A_SECOND
        );
        return Err(Wrong::new("ts", reason));
    }
    Ok(Some(ts))
}

/// When an account was created: any day from 1970 on, a date will do.
pub(super) fn created_time(value: &Scalar<'_>) -> Result<Option<Micros>, Wrong> {
    const FIELD: &str = "account_created_at";
    if let Scalar::Text(text) = value
        && let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
        && let Ok(start) = date.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return within_created(start.timestamp().as_microsecond()).map(Some);
    }
    instant(value, FIELD)?.map(within_created).transpose()
}

fn within_created(created: Micros) -> Result<Micros, Wrong> {
    if (0..CREATED_MAX).contains(&created) {
        return Ok(created);
    }
    Err(Wrong::new("account_created_at", "account_created_at lies outside 1970 to 2199"))
}

/// The instant that a value stands for, without judging whether it can be.
fn instant(value: &Scalar<'_>, field: &'static str) -> Result<Option<Micros>, Wrong> {
    let found = match value {
        _ if value.is_missing() => return Ok(None),
        Scalar::Whole(epoch) => Ok(from_whole(*epoch)),
        Scalar::Double(epoch) => from_double(*epoch),
        Scalar::Negative(_) => Err("is negative".to_owned()),
        Scalar::Text(text) => from_text(text.trim()),
        Scalar::Missing | Scalar::Bool(_) | Scalar::Nested => Err(format!("is no time; {FORMS}")),
    };
    found.map(Some).map_err(|problem| Wrong::new(field, format!("{field} {problem}")))
}

fn from_text(text: &str) -> Result<Micros, String> {
    match plain_number(text) {
        Some(Plain::Whole(epoch)) => Ok(from_whole(epoch)),
        Some(Plain::Double(epoch)) => from_double(epoch),
        None => match text.parse::<jiff::Timestamp>() {
            Ok(timestamp) => Ok(timestamp.as_microsecond()),
            Err(_) if text.parse::<jiff::civil::DateTime>().is_ok() => {
                Err(format!("has no offset from UTC: {}; send it like 2026-11-23T09:31:47Z", shown(text)))
            }
            Err(_) => Err(format!("is no time: {}; {FORMS}", shown(text))),
        },
    }
}

/// Cannot overflow: seconds come in below 1e11, everything else shrinks or stays.
fn from_whole(epoch: u64) -> Micros {
    let micros = match epoch {
        0..SECONDS_END => epoch * 1_000_000,
        SECONDS_END..MILLIS_END => epoch * 1_000,
        MILLIS_END..MICROS_END => epoch,
        MICROS_END.. => epoch / 1_000,
    };
    micros as Micros
}

fn from_double(epoch: f64) -> Result<Micros, String> {
    if epoch < 0.0 {
        return Err("is negative".to_owned());
    }
    let micros = match epoch {
        _ if epoch < SECONDS_END as f64 => epoch * 1e6,
        _ if epoch < MILLIS_END as f64 => epoch * 1e3,
        _ if epoch < MICROS_END as f64 => epoch,
        _ => epoch / 1e3,
    };
    // Past 2262, where nanoseconds in 64 bits end, no unit makes sense of a number.
    if micros >= 9.2e15 {
        return Err(format!("is no time: {epoch:e}; {FORMS}"));
    }
    Ok(micros.round() as Micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    const NOW: Micros = 1_795_426_875_000_000;

    fn text(text: &str) -> Scalar<'_> {
        Scalar::Text(Cow::Borrowed(text))
    }

    #[test]
    fn every_way_to_write_one_instant_gives_that_instant() {
        let instant = 1_795_426_307_067_000;
        let ways = [
            text("2026-11-23T09:31:47.067Z"),
            text("2026-11-23T09:31:47.067+00:00"),
            text("2026-11-23T15:01:47.067+05:30"),
            text("2026-11-23 01:31:47.067-08:00"),
            text("2026-11-23t09:31:47.067000000z"),
            text(" 1795426307.067 "),
            text("1795426307.067000"),
            text("1795426307067"),
            text("1795426307067000"),
            text("1795426307067000000"),
            text("1.795426307067e9"),
            Scalar::Whole(1_795_426_307_067),
            Scalar::Whole(1_795_426_307_067_000),
            Scalar::Whole(1_795_426_307_067_000_000),
            Scalar::Double(1_795_426_307.067),
            Scalar::Double(1_795_426_307_067.0),
            Scalar::Double(1_795_426_307_067_000.0),
            Scalar::Double(1.795_426_307_067e18),
        ];
        for way in &ways {
            assert_eq!(event_time(way, NOW), Ok(Some(instant)), "{way:?}");
        }
        assert_eq!(event_time(&Scalar::Whole(1_795_426_307), NOW), Ok(Some(1_795_426_307_000_000)));
    }

    #[test]
    fn what_is_no_time_is_told_apart_and_names_the_fix() {
        let cases = [
            (Scalar::Negative(-5), "ts is negative"),
            (Scalar::Double(-0.5), "ts is negative"),
            (text("-1795426307.5"), "ts is negative"),
            (Scalar::Whole(0), "before 2000-01-01"),
            (Scalar::Whole(5), "before 2000-01-01"),
            (text("1999-12-31T23:59:59Z"), "before 2000-01-01"),
            (Scalar::Whole(u64::MAX), "in the future"),
            (Scalar::Double(1e300), "is no time"),
            (Scalar::Whole(1_795_426_875 + 601), "601 s in the future"),
            (text("2038-01-19T03:14:08Z"), "in the future"),
            (text("2026-11-23T09:31:47"), "no offset from UTC"),
            (text("2026-11-23"), "no offset from UTC"),
            (text("yesterday\x1b[2J"), "\"yesterday\\u{1b}[2J\""),
            (text("inf"), "is no time"),
            (text("1795426307s"), "is no time"),
            (text("0x6b03"), "is no time"),
            (Scalar::Bool(true), "is no time"),
            (Scalar::Nested, "send RFC 3339"),
        ];
        for (value, reason) in cases {
            let wrong = event_time(&value, NOW).expect_err("no time");
            assert_eq!(wrong.field, Some("ts"));
            assert!(wrong.reason.contains(reason), "{value:?}: {}", wrong.reason);
        }
        assert_eq!(event_time(&Scalar::Whole(1_795_426_875 + 600), NOW), Ok(Some(NOW + FUTURE_MAX)));
        assert_eq!(event_time(&text("-"), NOW), Ok(None));
    }

    #[test]
    fn an_account_may_be_older_than_any_event_and_its_date_will_do() {
        assert_eq!(created_time(&text("1985-01-02")), Ok(Some(473_472_000_000_000)));
        assert_eq!(created_time(&text("2098-01-01T00:00:00Z")), Ok(Some(4_039_372_800_000_000)));
        assert_eq!(created_time(&Scalar::Whole(0)), Ok(Some(0)));
        assert_eq!(created_time(&Scalar::Missing), Ok(None));
        for wrong in [text("1969-12-31"), text("2500-01-01"), Scalar::Whole(u64::MAX), text("soon")] {
            let found = created_time(&wrong).expect_err("no time");
            assert_eq!(found.field, Some("account_created_at"), "{wrong:?}");
        }
    }
}
