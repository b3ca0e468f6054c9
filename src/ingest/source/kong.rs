//! Kong `http-log`, with what its AI plugins add below `ai.<plugin>`. Older versions write
//! `prompt_token` where newer ones write `prompt_tokens`.

use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source};
use super::way::{How, Way, way};
use super::{borrowed, messages};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "started_at"),
    way(Field::RequestId, "request.id"),
    way(Field::RequestId, "request.headers.x-request-id"),
    way(Field::RequestId, "request.headers.kong-request-id"),
    way(Field::Account, "account"),
    way(Field::Account, "consumer.custom_id"),
    way(Field::Account, "consumer.username"),
    way(Field::Account, "consumer.id"),
    way(Field::Account, "authenticated_entity.id"),
    way(Field::ApiKey, "authenticated_entity.id"),
    way(Field::Ip, "client_ip"),
    way(Field::Fingerprint, "fingerprint"),
    way(Field::Fingerprint, "request.headers.x-device-fingerprint"),
    way(Field::Fingerprint, "request.headers.x-ja4"),
    way(Field::UserAgent, "request.headers.user-agent"),
    way(Field::Endpoint, "request.uri").by(How::Path),
    way(Field::Endpoint, "request.url").by(How::Path),
    way(Field::Status, "response.status"),
    way(Field::LatencyMs, "latencies.request"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

/// What follows `ai.<plugin>.`.
const AI: [(Field, &str); 7] = [
    (Field::Model, "meta.request_model"),
    (Field::Model, "meta.response_model"),
    (Field::InputTokens, "usage.prompt_tokens"),
    (Field::InputTokens, "usage.prompt_token"),
    (Field::OutputTokens, "usage.completion_tokens"),
    (Field::OutputTokens, "usage.completion_token"),
    (Field::LatencyMs, "meta.llm_latency"),
];

fn finish(mapped: &mut Mapped<'_, '_>) {
    let flat = mapped.flat;
    for (field, wanted) in AI {
        let found = flat.iter().find(|(path, _)| {
            path.strip_prefix("ai.")
                .and_then(|rest| rest.split_once('.'))
                .is_some_and(|(_, rest)| rest == wanted)
        });
        if let Some((_, value)) = found {
            mapped.compute(field, borrowed(value), "the fields of the AI plugin");
        }
    }
    let payload = flat.iter().find_map(|(path, value)| match value {
        Scalar::Text(text) if path.starts_with("ai.") && path.ends_with("payload.request") => Some(text),
        _ => None,
    });
    if let Some(payload) = payload {
        let chat = messages::from_text(payload);
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), "payload.request");
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), "payload.request");
    }
}
