//! Unknown fields that are kept as they came: without secrets, and without what looks like a prompt or an answer.
//!
//! They are read whole, which costs what `keep_extra` is worth to whoever turns it on.

use crate::privacy::{Privacy, is_secret_name};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Names under which gateways and libraries log prompts and answers. What is below them is dropped, unless it is a
/// number or a truth value.
const CONTENT_NAMES: [&str; 17] = [
    "messages",
    "prompt",
    "prompts",
    "input",
    "inputs",
    "output",
    "outputs",
    "response",
    "completion",
    "completions",
    "choices",
    "content",
    "text",
    "instructions",
    "request_body",
    "response_body",
    "body",
];

/// Makes the inside of an object the text of an object that may be kept.
pub(super) fn protect(extra: &mut String, privacy: &Privacy) {
    extra.insert(0, '{');
    extra.push('}');
    // It was put together of values that were read before.
    let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(extra) else {
        extra.clear();
        return;
    };
    if clean(&mut fields, privacy) {
        *extra = Value::Object(fields).to_string();
    }
}

/// Takes out of an object what must not be kept; says whether there was anything.
fn clean(fields: &mut Map<String, Value>, privacy: &Privacy) -> bool {
    let before = fields.len();
    fields.retain(|name, value| {
        let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        !(CONTENT_NAMES.contains(&last.as_str())
            && (value.is_string() || value.is_array() || value.is_object()))
    });
    let secret_names: Vec<String> =
        fields.keys().filter(|name| privacy.unknown(name, false) != **name).cloned().collect();
    let mut changed = before != fields.len() || !secret_names.is_empty();
    for name in secret_names {
        if let Some(value) = fields.remove(&name) {
            fields.insert(privacy.unknown(&name, false).into_owned(), value);
        }
    }
    for (name, value) in fields.iter_mut() {
        changed |= clean_value(value, is_secret_name(name), privacy);
    }
    changed
}

fn clean_value(value: &mut Value, secret: bool, privacy: &Privacy) -> bool {
    match value {
        Value::String(text) => match privacy.unknown(text, secret && !text.is_empty()) {
            Cow::Borrowed(_) => false,
            Cow::Owned(kept) => {
                *text = kept;
                true
            }
        },
        Value::Array(list) => {
            list.iter_mut().fold(false, |changed, value| clean_value(value, secret, privacy) | changed)
        }
        Value::Object(fields) => clean(fields, privacy),
        Value::Number(number) => {
            let text = number.to_string();
            let kept = privacy.unknown(&text, secret);
            let changed = kept != text;
            if changed {
                *value = Value::String(kept.into_owned());
            }
            changed
        }
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::Pseudonyms;

    fn protected(inside: &str) -> Value {
        let mut extra = inside.to_owned();
        protect(&mut extra, &Privacy::new([3; 32], Pseudonyms::NONE));
        serde_json::from_str(&extra).expect("JSON")
    }

    #[test]
    fn what_says_nothing_private_is_kept_to_the_byte() {
        let mut extra = r#""b":1.50,"a":{"region":"eu-1"}"#.to_owned();
        protect(&mut extra, &Privacy::new([3; 32], Pseudonyms::NONE));
        assert_eq!(extra, r#"{"b":1.50,"a":{"region":"eu-1"}}"#);
    }

    #[test]
    fn secrets_prompts_cards_and_mail_addresses_are_not() {
        let kept = protected(
            r#""headers":{"X-Api-Key":["hush"],"cookie":"a=b"},"messages":[{"content":"hush"}],"note":"mail hush@example.org",
            "card":4111111111111111,"sk-hushhushhush0":1,"content":3,"region":"eu-1","request":{"prompt":"hush"}"#,
        );
        let text = kept.to_string();
        assert!(!text.contains("hush") && !text.contains("4111") && !text.contains("a=b"), "{text}");
        assert_eq!((&kept["region"], &kept["content"]), (&"eu-1".into(), &3.into()));
        assert!(
            kept["headers"]["cookie"].as_str().is_some_and(|cookie| cookie.starts_with("key:")),
            "{text}"
        );
    }
}
