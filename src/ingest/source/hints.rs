//! For a line without `account` or `ts`: which of its fields probably hold them under another name.
//!
//! Nothing is guessed into the event. A wrong guess (the upstream's id for the customer's) would accuse
//! the wrong account; a sentence that names the field costs the operator a minute.

use super::super::reject::{Wrong, shown};
use super::super::value::Skip;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Names under which nginx, Caddy, Fluent Bit, `LiteLLM` and others log the time, best first.
const TIME_NAMES: [&str; 13] = [
    "time",
    "timestamp",
    "@timestamp",
    "msec",
    "startTime",
    "date",
    "time_iso8601",
    "start_time",
    "created_at",
    "datetime",
    "StartUTC",
    "eventTime",
    "time_local",
];

/// Names under which gateways log the customer, best first.
const ACCOUNT_NAMES: [&str; 13] = [
    "user",
    "user_id",
    "userId",
    "account_id",
    "accountId",
    "customer",
    "customer_id",
    "end_user",
    "tenant",
    "consumer",
    "username",
    "subject",
    "metadata",
];

/// What to say about an object in which one or both of the needed fields are missing.
pub(super) fn missing(object: &[u8], account_missing: bool, ts_missing: bool) -> Wrong {
    let mut found = Found::default();
    let mut reader = serde_json::Deserializer::from_slice(object);
    // The object was read before: it cannot fail now, and if it did, there would be no hint.
    drop(found.deserialize(&mut reader));
    let name = |names: &[&'static str], best: usize| names.get(best).map(|name| shown(name));
    let account = name(&ACCOUNT_NAMES, found.account).filter(|_| account_missing);
    let time = name(&TIME_NAMES, found.time).filter(|_| ts_missing);
    let (field, subject, verb) = match (account_missing, ts_missing) {
        (true, true) => ("account", "account and ts", "are"),
        (true, false) => ("account", "account", "is"),
        _ => ("ts", "ts", "is"),
    };
    let reason = match (account, time) {
        (Some(account), Some(time)) => format!(
            "{subject} {verb} missing (the line has {account} and {time}: their mapping is not set up; send {subject})"
        ),
        (Some(name), None) | (None, Some(name)) => {
            format!(
                "{subject} {verb} missing (the line has {name}: its mapping is not set up; send {subject})"
            )
        }
        (None, None) => format!("{subject} {verb} missing; every event needs account and ts"),
    };
    Wrong::new(field, reason)
}

/// Places of the best names found in the two lists; past their end for none.
#[derive(Debug)]
struct Found {
    time: usize,
    account: usize,
}

impl Default for Found {
    fn default() -> Self {
        Self { time: usize::MAX, account: usize::MAX }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Found {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let place = |names: &[&str]| names.iter().position(|name| *name == key).unwrap_or(usize::MAX);
            self.time = self.time.min(place(&TIME_NAMES));
            self.account = self.account.min(place(&ACCOUNT_NAMES));
            map.next_value_seed(Skip::FIELD)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_known_name_is_named_and_nothing_else_of_the_line() {
        let wrong = missing(br#"{"date":1,"msec":2,"time":3,"account":"a"}"#, false, true);
        assert_eq!(wrong.field, Some("ts"));
        assert_eq!(
            wrong.reason,
            r#"ts is missing (the line has "time": its mapping is not set up; send ts)"#
        );
        let wrong = missing(br#"{"user_id":"x","ts":2}"#, true, false);
        assert_eq!(
            wrong.reason,
            r#"account is missing (the line has "user_id": its mapping is not set up; send account)"#
        );
        let wrong = missing(br#"{"startTime":1.5,"end_user":""}"#, true, true);
        assert_eq!(
            wrong.reason,
            "account and ts are missing (the line has \"end_user\" and \"startTime\": their mapping is not set up; send account and ts)"
        );
        assert_eq!(
            missing(br#"{"secret":1}"#, true, true).reason,
            "account and ts are missing; every event needs account and ts"
        );
    }
}
