//! Stored values as JSON values. Text stays as it is; making it safe for a terminal or a spreadsheet
//! belongs to whoever prints it.

use crate::event::{Dim, Micros, Window};
use crate::privacy::Privacy;
use serde_json::Value;

/// A value of a dimension.
pub(super) fn value(privacy: &Privacy, dim: Dim, bytes: &[u8]) -> Value {
    match dim {
        Dim::Ip => <[u8; 16]>::try_from(bytes).map_or(Value::Null, |ip| privacy.shown_address(ip).into()),
        Dim::Net | Dim::Site => bytes.split_first_chunk::<16>().map_or(Value::Null, |(ip, bits)| {
            privacy.shown_network(*ip, bits.first().copied().unwrap_or_default()).into()
        }),
        Dim::Asn | Dim::Status => big_endian(bytes).into(),
        Dim::Created => time(big_endian(bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned().into(),
    }
}

/// A JSON value without quotes.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn big_endian(bytes: &[u8]) -> i64 {
    bytes.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte))
}

/// An instant as RFC 3339, null outside of what a calendar knows.
pub(super) fn time(instant: Micros) -> Value {
    match jiff::Timestamp::from_microsecond(instant) {
        Ok(timestamp) => timestamp.to_string().into(),
        Err(_) => Value::Null,
    }
}

/// A window as asked for; an open end is null.
pub(super) fn window(window: Window) -> Value {
    serde_json::json!({ "since": time(window.since), "until": time(window.until) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ip_bytes, prefix_bytes};
    use crate::privacy::Pseudonyms;
    use serde_json::json;

    #[test]
    fn kept_bytes_become_what_was_sent() {
        let privacy = Privacy::new([0; 32], Pseudonyms::NONE);
        let value = |dim, bytes: &[u8]| value(&privacy, dim, bytes);
        let v4 = ip_bytes("203.0.113.7".parse().unwrap());
        let v6 = ip_bytes("2001:db8::7".parse().unwrap());
        assert_eq!(value(Dim::Ip, &v4), json!("203.0.113.7"));
        assert_eq!(value(Dim::Net, &prefix_bytes(v4, 120)), json!("203.0.113.0/24"));
        assert_eq!(value(Dim::Site, &prefix_bytes(v6, 48)), json!("2001:db8::/48"));
        assert_eq!(value(Dim::Asn, &64_500_u32.to_be_bytes()), json!(64_500));
        assert_eq!(value(Dim::Status, &429_u16.to_be_bytes()), json!(429));
        assert_eq!(
            value(Dim::Created, &1_770_000_000_000_000_i64.to_be_bytes()),
            json!("2026-02-02T02:40:00Z")
        );
        assert_eq!(time(Micros::MIN), Value::Null);
    }
}
