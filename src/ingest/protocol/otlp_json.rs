//! The JSON form of OTLP where it is not plain: 64-bit numbers as text, ids in hexadecimal, values by type.

use super::otlp::{AnyValue, ArrayValue, KeyValueList, Value};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOr<'a, T> {
    Other(T),
    Text(#[serde(borrow)] Cow<'a, str>),
}

/// A number, or a text that holds one; 0 for anything else.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match TextOr::<u64>::deserialize(deserializer)? {
        TextOr::Other(number) => number,
        TextOr::Text(text) => text.parse().unwrap_or(0),
    })
}

/// Bytes from hexadecimal digits; what is no pair of digits is left out.
pub(super) fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(pair.first()?)? * 16 + digit(pair.get(1)?)?) as u8);
    Ok(text.as_bytes().chunks(2).filter_map(pair).collect())
}

#[derive(Deserialize)]
struct AnyJson<'a> {
    #[serde(default, rename = "stringValue")]
    text: Option<String>,
    #[serde(default, rename = "boolValue")]
    truth: Option<bool>,
    #[serde(borrow, default, rename = "intValue")]
    int: Option<TextOr<'a, i64>>,
    #[serde(default, rename = "doubleValue")]
    double: Option<f64>,
    #[serde(default, rename = "arrayValue")]
    array: Option<ArrayValue>,
    #[serde(default, rename = "kvlistValue")]
    list: Option<KeyValueList>,
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = AnyJson::deserialize(deserializer)?;
        let int = json.int.and_then(|int| match int {
            TextOr::Other(number) => Some(number),
            TextOr::Text(text) => text.parse().ok(),
        });
        let value = None
            .or(json.text.map(Value::Text))
            .or(json.truth.map(Value::Bool))
            .or(int.map(Value::Int))
            .or(json.double.map(Value::Double))
            .or(json.array.map(Value::Array))
            .or(json.list.map(Value::List));
        Ok(Self { value })
    }
}
