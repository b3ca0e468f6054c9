//! Langfuse exports: observations (blob storage and public API, `snake_case` and `camelCase`) and traces. What
//! its SDKs send live is OTLP, which `otel` reads.

use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source};
use super::messages::{self, Chat};
use super::way::{How, Way, way};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "start_time").by(How::UtcTime),
    way(Field::Ts, "startTime").by(How::UtcTime),
    way(Field::Ts, "timestamp").by(How::UtcTime),
    way(Field::RequestId, "id"),
    way(Field::Account, "user_id"),
    way(Field::Account, "userId"),
    way(Field::Account, "metadata.user_id"),
    way(Field::Account, "metadata.userId"),
    way(Field::Ip, "metadata.ip").by(How::Quoted),
    way(Field::Fingerprint, "metadata.fingerprint").by(How::Quoted),
    way(Field::UserAgent, "metadata.user_agent").by(How::Quoted),
    way(Field::Model, "provided_model_name"),
    way(Field::Model, "providedModelName"),
    way(Field::Model, "model"),
    way(Field::Endpoint, "type"),
    way(Field::InputTokens, "usage_details.input"),
    way(Field::InputTokens, "usageDetails.input"),
    way(Field::InputTokens, "input_usage"),
    way(Field::InputTokens, "inputUsage"),
    way(Field::InputTokens, "usage.input"),
    way(Field::InputTokens, "promptTokens"),
    way(Field::OutputTokens, "usage_details.output"),
    way(Field::OutputTokens, "usageDetails.output"),
    way(Field::OutputTokens, "output_usage"),
    way(Field::OutputTokens, "outputUsage"),
    way(Field::OutputTokens, "usage.output"),
    way(Field::OutputTokens, "completionTokens"),
    way(Field::LatencyMs, "latency").by(How::Seconds),
    way(Field::Session, "session_id"),
    way(Field::Session, "sessionId"),
    way(Field::Template, "prompt_id"),
    way(Field::Template, "promptId"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

fn finish(mapped: &mut Mapped<'_, '_>) {
    for path in ["input", "input.messages"] {
        let chat = messages::read(mapped.flat, path);
        if chat != Chat::default() {
            mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), path);
            mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), path);
        }
    }
}
