//! Helicone: rows of its query interface and of `@helicone/export`. It keeps no address of the client.

use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source};
use super::messages;
use super::way::{How, Way, way};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "request_created_at").by(How::UtcTime),
    way(Field::RequestId, "request_id"),
    way(Field::Account, "request_user_id"),
    way(Field::Account, "helicone_user"),
    way(Field::Account, "request_properties.Helicone-User-Id"),
    way(Field::Account, "user_id"),
    way(Field::Ip, "request_properties.ip"),
    way(Field::Ip, "properties.ip"),
    way(Field::Fingerprint, "request_properties.fingerprint"),
    way(Field::Fingerprint, "properties.fingerprint"),
    way(Field::UserAgent, "request_properties.user_agent"),
    way(Field::Country, "country_code"),
    way(Field::Model, "request_model"),
    way(Field::Model, "model_override"),
    way(Field::Model, "response_model"),
    way(Field::Endpoint, "request_path").by(How::Path),
    way(Field::Endpoint, "target_url").by(How::Path),
    way(Field::Status, "response_status"),
    way(Field::InputTokens, "prompt_tokens"),
    way(Field::OutputTokens, "completion_tokens"),
    way(Field::LatencyMs, "delay_ms"),
    way(Field::Session, "request_properties.Helicone-Session-Id"),
    way(Field::Session, "properties.Helicone-Session-Id"),
    way(Field::Template, "request_properties.Helicone-Prompt-Id"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

fn finish(mapped: &mut Mapped<'_, '_>) {
    for path in [
        "request_body.messages",
        "request_body.contents",
        "request_body.input",
        "request_body.prompt",
        "request_body",
    ] {
        let chat = messages::read(mapped.flat, path);
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), path);
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), path);
    }
    let system = messages::all(mapped.flat, "request_body.system");
    mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(system)), "request_body.system");
}
