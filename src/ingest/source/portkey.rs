//! Portkey's open gateway, log hook (`default.log`): the request and the answer as a whole, without the
//! client's address and without a time, so that the time of arrival stands in for it.
//!
//! `x-portkey-config` among its headers holds the provider's key; nothing of it is taken.

use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source};
use super::way::{How, Way, way};
use super::{headers, messages};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "createdAt"),
    way(Field::RequestId, "metadata.request_id"),
    way(Field::RequestId, "request.headers.x-portkey-trace-id"),
    way(Field::Account, "metadata._user"),
    way(Field::Account, "metadata.user_id"),
    way(Field::Account, "request.json.user"),
    way(Field::Account, "request.json.metadata.user_id"),
    way(Field::Ip, "metadata.ip"),
    way(Field::Ip, "metadata.client_ip"),
    way(Field::Fingerprint, "metadata.fingerprint"),
    way(Field::UserAgent, "request.headers.user-agent").by(How::Header),
    way(Field::Model, "request.json.model"),
    way(Field::Model, "response.json.model"),
    way(Field::Endpoint, "requestType"),
    way(Field::Status, "response.statusCode"),
    way(Field::InputTokens, "response.json.usage.prompt_tokens"),
    way(Field::InputTokens, "response.json.usage.input_tokens"),
    way(Field::OutputTokens, "response.json.usage.completion_tokens"),
    way(Field::OutputTokens, "response.json.usage.output_tokens"),
    way(Field::Session, "metadata.session_id"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

fn finish(mapped: &mut Mapped<'_, '_>) {
    if let Some(sdk) = headers::sdk(mapped.flat, "request.headers") {
        mapped.compute(Field::Fingerprint, Scalar::Text(Cow::Owned(sdk)), "x-stainless-* headers");
    }
    let chat = messages::read(mapped.flat, "request.json.messages");
    mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), "request.json.messages");
    mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), "request.json.messages");
    let system = messages::all(mapped.flat, "request.json.system");
    mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(system)), "request.json.system");
    for path in ["request.json.prompt", "request.json.input", "request.text"] {
        let chat = messages::read(mapped.flat, path);
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), path);
    }
}
