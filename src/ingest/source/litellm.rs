//! `LiteLLM` `StandardLoggingPayload`: what its generic callback, its Datadog callback and its own
//! exports send for each call, whether it succeeded or not.
//!
//! `id` is the upstream's and repeats; `litellm_call_id` does not. `model` is the upstream's name and
//! `model_group` the one that the customer asked for.

use super::super::value::Scalar;
use super::super::wanted::Wanted;
use super::field::Field;
use super::map::{Mapped, Source};
use super::way::{How, Way, way};
use super::{headers, joins, messages};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

const WAYS: &[Way] = &[
    way(Field::Ts, "startTime"),
    way(Field::Ts, "completionStartTime"),
    way(Field::Ts, "endTime"),
    way(Field::RequestId, "litellm_call_id"),
    way(Field::Account, "metadata.user_api_key_user_id").by(How::Holder),
    way(Field::Account, "metadata.user_api_key_team_id"),
    way(Field::Account, "metadata.user_api_key_org_id"),
    way(Field::Account, "end_user"),
    way(Field::Account, "metadata.user_api_key_end_user_id"),
    way(Field::Account, "metadata.user_api_key_hash"),
    way(Field::ApiKey, "metadata.user_api_key_hash"),
    way(Field::Ip, "requester_ip_address"),
    way(Field::Ip, "metadata.requester_ip_address"),
    way(Field::Fingerprint, "metadata.requester_custom_headers.x-device-fingerprint"),
    way(Field::Fingerprint, "metadata.requester_custom_headers.x-client-fingerprint"),
    way(Field::Fingerprint, "metadata.requester_custom_headers.x-fingerprint"),
    way(Field::Fingerprint, "metadata.requester_custom_headers.x-ja4"),
    way(Field::Fingerprint, "metadata.requester_metadata.headers.x-device-fingerprint"),
    way(Field::Fingerprint, "metadata.requester_metadata.headers.x-ja4"),
    way(Field::UserAgent, "metadata.user_agent").by(How::Header),
    way(Field::UserAgent, "user_agent").by(How::Header),
    way(Field::UserAgent, "metadata.requester_metadata.headers.user-agent").by(How::Header),
    way(Field::Model, "model_group"),
    way(Field::Model, "model"),
    way(Field::Endpoint, "metadata.user_api_key_request_route").by(How::Path),
    way(Field::Endpoint, "call_type"),
    way(Field::Status, "error_information.error_code"),
    way(Field::InputTokens, "prompt_tokens"),
    way(Field::InputTokens, "metadata.usage_object.prompt_tokens"),
    way(Field::OutputTokens, "completion_tokens"),
    way(Field::OutputTokens, "metadata.usage_object.completion_tokens"),
    way(Field::LatencyMs, "response_time").by(How::Seconds),
    way(Field::EmailDomain, "metadata.user_api_key_user_email").by(How::Domain),
    way(Field::Session, "session_id"),
    way(Field::Session, "metadata.requester_custom_headers.x-session-id"),
    way(Field::Template, "metadata.prompt_management_metadata.prompt_id"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish };

/// What no way leads to: what [`finish`] looks at besides headers and messages.
const ASKED: [&str; 3] = ["status", "error_information.normalized_error", "error_information.error_class"];

/// Where request headers are.
const HEADERS: [&str; 2] = ["metadata.requester_custom_headers", "metadata.requester_metadata.headers"];

/// Where the chat is.
const MESSAGES: &str = "messages";

/// What would make an object a list of records.
const LISTS: [&str; 2] = ["batch", "logs"];

/// What is read of a record: a twentieth of its bytes, the others being the answer, prices and settings.
pub(super) static WANTED: LazyLock<Wanted> = LazyLock::new(|| {
    let named =
        WAYS.iter().map(|way| way.path).chain(Field::NAMES).chain(ASKED).chain(joins::paths()).chain(LISTS);
    Wanted::new(named, &[HEADERS[0], HEADERS[1], MESSAGES])
});

/// A name that every record of this source has.
pub(super) static MARK: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"startTime\""));

fn finish(mapped: &mut Mapped<'_, '_>) {
    // `status` is a word here, which the name of the contract does not take.
    if let Some(status) = status(mapped) {
        mapped.compute(Field::Status, Scalar::Whole(status), "status and error_information");
    }
    for at in HEADERS {
        if let Some(sdk) = headers::sdk(mapped.flat, at) {
            mapped.compute(Field::Fingerprint, Scalar::Text(Cow::Owned(sdk)), "x-stainless-* headers");
        }
    }
    let chat = messages::read(mapped.flat, MESSAGES);
    mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), MESSAGES);
    mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), MESSAGES);
}

/// The HTTP status that the customer saw.
fn status(mapped: &Mapped<'_, '_>) -> Option<u64> {
    match mapped.text("status")? {
        "success" => return Some(200),
        "failure" => {}
        _ => return None,
    }
    // "400_INVALID_REQUEST"
    let normalised =
        mapped.text("error_information.normalized_error").and_then(|text| text.split('_').next());
    if let Some(code) =
        normalised.and_then(|code| code.parse().ok()).filter(|code| (100..=599).contains(code))
    {
        return Some(code);
    }
    match mapped.text("error_information.error_class")? {
        "BadRequestError"
        | "ContextWindowExceededError"
        | "ContentPolicyViolationError"
        | "UnsupportedParamsError" => Some(400),
        "AuthenticationError" => Some(401),
        "PermissionDeniedError" => Some(403),
        "NotFoundError" => Some(404),
        "Timeout" => Some(408),
        "UnprocessableEntityError" => Some(422),
        "RateLimitError" | "BudgetExceededError" => Some(429),
        "InternalServerError" | "APIError" | "APIConnectionError" => Some(500),
        "BadGatewayError" => Some(502),
        "ServiceUnavailableError" => Some(503),
        _ => None,
    }
}
