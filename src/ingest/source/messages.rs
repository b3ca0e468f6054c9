//! The messages of a chat, as every API nests them: what the user asked last, and the system prompt.
//!
//! Taken are `OpenAI` and Anthropic messages (`content` a text or parts), Gemini `contents`, and the `GenAI`
//! conventions (`parts`), as an array or as a text that holds that array. Answers and tool results are
//! left out: they are the model's words and say nothing of who asked.

use super::super::flat::Flat;
use super::super::value::Scalar;
use std::collections::BTreeMap;

/// What a chat says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chat {
    /// The last message of the user.
    pub(super) prompt: String,
    /// All system messages.
    pub(super) system: String,
}

#[derive(Debug, Default)]
struct Message<'f> {
    role: &'f str,
    text: String,
}

/// Reads what lies at and below a path.
pub(super) fn read(flat: &Flat<'_>, base: &str) -> Chat {
    let mut messages: BTreeMap<usize, Message<'_>> = BTreeMap::new();
    for (path, value) in flat.iter() {
        let Scalar::Text(text) = value else { continue };
        let Some(rest) = below(path, base) else { continue };
        if rest.is_empty() {
            return from_text(text);
        }
        let (place, tail) = rest.split_once('.').unwrap_or((rest, ""));
        let Ok(place) = place.parse::<usize>() else { continue };
        let message = messages.entry(place).or_default();
        match tail {
            "role" => message.role = text,
            tail if holds_text(tail) => add(&mut message.text, text),
            _ => {}
        }
    }
    let mut chat = Chat::default();
    for message in messages.into_values().filter(|message| !message.text.is_empty()) {
        match message.role {
            "system" | "developer" => add(&mut chat.system, &message.text),
            "assistant" | "model" | "tool" | "function" => {}
            _ => chat.prompt = message.text,
        }
    }
    chat
}

/// A text that holds messages, or is the prompt itself.
pub(super) fn from_text(text: &str) -> Chat {
    let trimmed = text.trim_start();
    if trimmed.starts_with(['[', '{'])
        && let Ok((flat, _)) = Flat::from_json(trimmed.as_bytes())
    {
        for base in ["", "messages", "input", "contents", "prompt"] {
            let mut chat = read(&flat, base);
            if chat == Chat::default() {
                continue;
            }
            if chat.system.is_empty() {
                chat.system = all(&flat, "system");
            }
            return chat;
        }
    }
    Chat { prompt: text.to_owned(), system: String::new() }
}

/// All text at and below a path, for system prompts that are given by themselves.
pub(super) fn all(flat: &Flat<'_>, base: &str) -> String {
    let mut found = String::new();
    for (path, value) in flat.iter() {
        let Scalar::Text(text) = value else { continue };
        match below(path, base) {
            Some("") if text.starts_with('[') => {
                if let Ok((inner, _)) = Flat::from_json(text.as_bytes()) {
                    add(&mut found, &all(&inner, ""));
                }
            }
            Some("") => add(&mut found, text),
            Some(rest) if rest.split_once('.').is_some_and(|(_, tail)| holds_text(tail)) => {
                add(&mut found, text);
            }
            _ => {}
        }
    }
    found
}

/// What of a path lies below another one.
pub(super) fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    if base.is_empty() {
        return Some(path);
    }
    // One byte tells nearly all others from it.
    match path.as_bytes().get(base.len()) {
        None | Some(b'.') => path.strip_prefix(base).map(|rest| rest.strip_prefix('.').unwrap_or(rest)),
        Some(_) => None,
    }
}

/// Whether a text lies here, seen from a message: `content`, `content.0.text`, `parts.0.content`.
fn holds_text(tail: &str) -> bool {
    let mut steps = tail.split('.');
    let is_text = |step: Option<&str>| matches!(step, Some("content" | "text"));
    match steps.next() {
        Some("" | "content" | "text" | "parts" | "message") => {}
        _ => return false,
    }
    match (steps.next(), steps.next(), steps.next()) {
        (None, None, None) => tail != "parts" && tail != "message",
        (Some(step), None, None) => tail.starts_with("message.") && is_text(Some(step)),
        (Some(place), step, None) => place.parse::<usize>().is_ok() && is_text(step),
        _ => false,
    }
}

fn add(to: &mut String, text: &str) {
    if !to.is_empty() && !text.is_empty() {
        to.push('\n');
    }
    to.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(json: &str, base: &str) -> (String, String) {
        let (flat, _) = Flat::from_json(json.as_bytes()).expect("valid");
        let chat = read(&flat, base);
        (chat.prompt, chat.system)
    }

    #[test]
    fn the_last_question_and_all_system_texts_are_found_in_every_form() {
        let forms = [
            r#"{"m":[{"role":"system","content":"be brief"},{"role":"user","content":"old"},
                {"role":"assistant","content":"hi"},{"role":"user","content":"new"}]}"#,
            r#"{"m":[{"role":"developer","content":[{"type":"text","text":"be brief"}]},
                {"role":"user","content":[{"type":"text","text":"new"},{"type":"image_url","image_url":{"url":"x"}}]}]}"#,
            r#"{"m":"[{\"role\":\"system\",\"parts\":[{\"content\":\"be brief\",\"type\":\"text\"}]},{\"role\":\"user\",\"parts\":[{\"content\":\"new\",\"type\":\"text\"}]}]"}"#,
            r#"{"m":"{\"system\":\"be brief\",\"messages\":[{\"role\":\"user\",\"content\":\"new\"}]}"}"#,
            r#"{"m.0.role":"system","m.0.content":"be brief","m.1.role":"user","m.1.content":"new"}"#,
            r#"{"m":[{"message":{"content":"be brief"},"role":"system"},{"message":{"content":"new"},"role":"user"}]}"#,
        ];
        for form in forms {
            assert_eq!(chat(form, "m"), ("new".to_owned(), "be brief".to_owned()), "{form}");
        }
        let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"}]},{"role":"model","parts":[{"text":"c"}]}]}"#;
        assert_eq!(chat(gemini, "contents"), ("a\nb".to_owned(), String::new()));
        assert_eq!(chat(r#"{"m":"just a text"}"#, "m"), ("just a text".to_owned(), String::new()));
        assert_eq!(chat(r#"{"m":["a","b"]}"#, "m"), ("b".to_owned(), String::new()));
        assert_eq!(chat(r#"{"mm":"other"}"#, "m"), (String::new(), String::new()));
    }

    #[test]
    fn system_prompts_by_themselves_are_texts_or_parts() {
        for form in [
            r#"{"s":"be brief"}"#,
            r#"{"s":[{"type":"text","text":"be brief"}]}"#,
            r#"{"s":"[{\"type\":\"text\",\"content\":\"be brief\"}]"}"#,
        ] {
            let (flat, _) = Flat::from_json(form.as_bytes()).expect("valid");
            assert_eq!(all(&flat, "s"), "be brief", "{form}");
        }
    }
}
