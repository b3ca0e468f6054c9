//! OpenTelemetry: attributes of the `GenAI`, HTTP, client and user conventions, in their current and older
//! names, and those of `OpenLLMetry` (`traceloop.*`), Langfuse and `LiteLLM`'s own exporters. The same names
//! nested (`user: {id}`) are the Elastic Common Schema.
//!
//! Attributes of the resource come below `resource.`; they say who logs, so that only an account and
//! names of the contract are taken from there. `server.address` is the upstream and never taken.

use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source};
use super::messages::{self, Chat};
use super::pyrepr;
use super::shape::is_gen_ai;
use super::way::{How, Way, way};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "ts"),
    way(Field::Ts, "@timestamp"),
    way(Field::Ts, "start_time"),
    way(Field::RequestId, "request_id"),
    way(Field::RequestId, "http.request.id"),
    way(Field::RequestId, "http.request.header.x-request-id"),
    way(Field::RequestId, "http.request.header.x-request-id.0"),
    way(Field::Account, "user.id"),
    way(Field::Account, "enduser.id"),
    way(Field::Account, "enduser.pseudo.id"),
    way(Field::Account, "account"),
    way(Field::Account, "account.id"),
    way(Field::Account, "metadata.user_api_key_user_id"),
    way(Field::Account, "gen_ai.user"),
    way(Field::Account, "gen_ai.user.id"),
    way(Field::Account, "traceloop.association.properties.user_id"),
    way(Field::Account, "langfuse.user.id"),
    way(Field::Account, "llm.user"),
    way(Field::Account, "llm.openai.user"),
    way(Field::Account, "metadata.user_api_key_team_id"),
    way(Field::Account, "resource.user.id"),
    way(Field::Account, "resource.account"),
    way(Field::ApiKey, "metadata.user_api_key_hash"),
    way(Field::Ip, "client.address"),
    way(Field::Ip, "client.ip"),
    way(Field::Ip, "http.client_ip"),
    way(Field::Ip, "metadata.requester_ip_address"),
    way(Field::Ip, "traceloop.association.properties.ip"),
    way(Field::Ip, "langfuse.trace.metadata.ip").by(How::Quoted),
    way(Field::Ip, "langfuse.observation.metadata.ip").by(How::Quoted),
    way(Field::Fingerprint, "device.fingerprint"),
    way(Field::Fingerprint, "http.request.header.x-device-fingerprint.0"),
    way(Field::Fingerprint, "http.request.header.x-device-fingerprint"),
    way(Field::Fingerprint, "tls.client.ja4"),
    way(Field::Fingerprint, "tls.client.ja3"),
    way(Field::Fingerprint, "traceloop.association.properties.fingerprint"),
    way(Field::Fingerprint, "langfuse.trace.metadata.fingerprint").by(How::Quoted),
    way(Field::UserAgent, "user_agent.original").by(How::Header),
    way(Field::UserAgent, "http.user_agent").by(How::Header),
    way(Field::UserAgent, "http.request.header.user-agent.0"),
    way(Field::UserAgent, "http.request.header.user-agent"),
    way(Field::Asn, "client.as.number"),
    way(Field::Country, "client.geo.country_iso_code"),
    way(Field::Model, "gen_ai.request.model"),
    way(Field::Model, "langfuse.observation.model.name"),
    way(Field::Model, "llm.request.model"),
    way(Field::Model, "llm.model_name"),
    way(Field::Model, "llm.openai.model"),
    way(Field::Model, "gen_ai.response.model"),
    way(Field::Model, "llm.response.model"),
    way(Field::Endpoint, "url.path").by(How::Path),
    way(Field::Endpoint, "http.route"),
    way(Field::Endpoint, "http.target").by(How::Path),
    way(Field::Endpoint, "gen_ai.operation.name"),
    way(Field::Endpoint, "llm.request.type"),
    way(Field::Status, "http.response.status_code"),
    way(Field::Status, "http.status_code"),
    way(Field::InputTokens, "gen_ai.usage.input_tokens"),
    way(Field::InputTokens, "gen_ai.usage.prompt_tokens"),
    way(Field::InputTokens, "llm.usage.prompt_tokens"),
    way(Field::InputTokens, "llm.token_count.prompt"),
    way(Field::OutputTokens, "gen_ai.usage.output_tokens"),
    way(Field::OutputTokens, "gen_ai.usage.completion_tokens"),
    way(Field::OutputTokens, "llm.usage.completion_tokens"),
    way(Field::OutputTokens, "llm.token_count.completion"),
    way(Field::LatencyMs, "duration_ms"),
    way(Field::LatencyMs, "duration_ns").by(How::Nanos),
    way(Field::LatencyMs, "event.duration").by(How::Nanos),
    way(Field::EmailDomain, "user.email").by(How::Domain),
    way(Field::EmailDomain, "metadata.user_api_key_user_email").by(How::Domain),
    way(Field::Session, "gen_ai.conversation.id"),
    way(Field::Session, "session.id"),
    way(Field::Session, "langfuse.session.id"),
    way(Field::Session, "traceloop.association.properties.session_id"),
    way(Field::Template, "gen_ai.prompt.name"),
    way(Field::Template, "traceloop.prompt.key"),
    way(Field::Template, "langfuse.observation.prompt.name"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

/// Where messages are, newest convention first.
const MESSAGES: [&str; 6] = [
    "gen_ai.input.messages",
    "langfuse.observation.input",
    "gen_ai.prompt",
    "llm.prompts",
    "llm.input_messages",
    "langfuse.trace.input",
];

fn finish(mapped: &mut Mapped<'_, '_>) {
    // Most records hold no messages: one look at all paths is cheaper than one for each place.
    let said = mapped.flat.iter().map(|(path, _)| path).filter(|path| is_gen_ai(path));
    let said: Vec<&str> =
        said.filter(|path| MESSAGES.into_iter().any(|base| path.starts_with(base))).collect();
    let may_hold = |base: &str| said.iter().any(|path| path.starts_with(base));
    let found = MESSAGES.into_iter().filter(|path| may_hold(path)).find_map(|path| {
        let chat = messages::read(mapped.flat, path);
        (chat != Chat::default()).then_some((path, chat))
    });
    if let Some((path, chat)) = found {
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), path);
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), path);
    }
    let system = messages::all(mapped.flat, "gen_ai.system_instructions");
    mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(system)), "gen_ai.system_instructions");
    usage(mapped);
    printed(mapped);
    in_text(mapped);
}

/// Langfuse puts its counts into an attribute as JSON.
fn usage(mapped: &mut Mapped<'_, '_>) {
    const PATH: &str = "langfuse.observation.usage_details";
    let Some((inner, _)) = mapped.text(PATH).and_then(super::flat_of) else { return };
    for (field, names) in [
        (Field::InputTokens, ["input", "prompt_tokens"]),
        (Field::OutputTokens, ["output", "completion_tokens"]),
    ] {
        for name in names {
            if let Some(Scalar::Whole(count)) = inner.get(name) {
                mapped.compute(field, Scalar::Whole(*count), PATH);
            }
        }
    }
}

/// `LiteLLM`'s own exporter prints messages and counts the way Python does.
fn printed(mapped: &mut Mapped<'_, '_>) {
    if let Some(text) = mapped.text("llm.openai.usage") {
        let json = pyrepr::to_json(text);
        if let Some((inner, _)) = super::flat_of(&json) {
            for (field, name) in
                [(Field::InputTokens, "prompt_tokens"), (Field::OutputTokens, "completion_tokens")]
            {
                if let Some(Scalar::Whole(count)) = inner.get(name) {
                    mapped.compute(field, Scalar::Whole(*count), "llm.openai.usage");
                }
            }
        }
    }
    if let Some(text) = mapped.text("llm.openai.messages") {
        let chat = messages::from_text(&pyrepr::to_json(text));
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), "llm.openai.messages");
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), "llm.openai.messages");
    }
}

/// `LiteLLM`'s Langfuse exporter puts its metadata into an attribute as JSON.
fn in_text(mapped: &mut Mapped<'_, '_>) {
    const FIELDS: [(Field, &str); 5] = [
        (Field::Account, "user_api_key_user_id"),
        (Field::Account, "user_api_key_team_id"),
        (Field::ApiKey, "user_api_key_hash"),
        (Field::Ip, "requester_ip_address"),
        (Field::UserAgent, "user_agent"),
    ];
    let Some((inner, _)) = mapped.text("metadata").and_then(super::flat_of) else { return };
    for (field, name) in FIELDS {
        if let Some(Scalar::Text(text)) = inner.get(name) {
            mapped.compute(field, Scalar::Text(Cow::Owned(text.clone().into_owned())), "metadata");
        }
    }
}
