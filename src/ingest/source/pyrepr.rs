//! Values that a Python program wrote with `str()`, as `LiteLLM`'s OpenTelemetry exporter does with the
//! request's messages and the usage: `[{'role': 'user', 'content': None}]` becomes JSON.

/// The JSON of a Python literal. What is no literal becomes something that is no JSON.
pub(super) fn to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut word = String::new();
    while let Some(char) = chars.next() {
        if char.is_ascii_alphabetic() {
            word.push(char);
            if chars.peek().is_some_and(char::is_ascii_alphabetic) {
                continue;
            }
            json.push_str(match word.as_str() {
                "None" => "null",
                "True" => "true",
                "False" => "false",
                other => other,
            });
            word.clear();
        } else if matches!(char, '\'' | '"') {
            string(&mut json, &mut chars, char);
        } else {
            json.push(char);
        }
    }
    json
}

/// A string up to its closing quote.
fn string(json: &mut String, chars: &mut impl Iterator<Item = char>, quote: char) {
    json.push('"');
    while let Some(char) = chars.next() {
        match char {
            char if char == quote => break,
            '"' => json.push_str("\\\""),
            '\\' => match chars.next() {
                Some('\'') => json.push('\''),
                Some('x') => {
                    json.push_str("\\u00");
                    json.extend(chars.by_ref().take(2));
                }
                Some(next) => json.extend(['\\', next]),
                None => {}
            },
            char => json.push(char),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_literals_become_json() {
        let text = r#"[{'role': 'user', 'content': "it's \"x\"\n", 'n': None, 'ok': True, 't': 0.5, 's': 'a\'b "c" \xe9 None'}]"#;
        let value: serde_json::Value = serde_json::from_str(&to_json(text)).expect("JSON");
        let wanted = serde_json::json!([{
            "role": "user", "content": "it's \"x\"\n", "n": null, "ok": true, "t": 0.5, "s": "a'b \"c\" \u{e9} None"
        }]);
        assert_eq!(value, wanted);
        assert!(serde_json::from_str::<serde_json::Value>(&to_json("<object at 0x7f>")).is_err());
    }
}
