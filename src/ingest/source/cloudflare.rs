//! Cloudflare: Logpush `http_requests`, and the logs of its AI Gateway.
//!
//! Headers that carry the account are fields that the operator adds to the job (`RequestHeaders`).

use super::super::flat::Flat;
use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source};
use super::way::{How, Way, way};
use super::{flat_of, messages};
use std::borrow::Cow;

const WAYS: &[Way] = &[
    way(Field::Ts, "EdgeStartTimestamp"),
    way(Field::Ts, "EdgeEndTimestamp"),
    way(Field::RequestId, "RequestHeaders.x-request-id"),
    way(Field::RequestId, "RayID"),
    way(Field::Account, "account"),
    way(Field::Account, "RequestHeaders.x-account-id"),
    way(Field::Account, "RequestHeaders.x-user-id"),
    way(Field::Account, "FraudUserID"),
    way(Field::Ip, "ClientIP"),
    way(Field::Asn, "ClientASN"),
    way(Field::Country, "ClientCountry"),
    way(Field::Fingerprint, "JA4"),
    way(Field::Fingerprint, "JA3Hash"),
    way(Field::Fingerprint, "RequestHeaders.x-device-fingerprint"),
    way(Field::UserAgent, "ClientRequestUserAgent").by(How::Header),
    way(Field::Endpoint, "ClientRequestPath").by(How::Path),
    way(Field::Endpoint, "ClientRequestURI").by(How::Path),
    way(Field::Status, "EdgeResponseStatus"),
    way(Field::LatencyMs, "EdgeTimeToFirstByteMs"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish: upper_country };

/// Countries are written in lower case by this data set alone.
fn upper_country(mapped: &mut Mapped<'_, '_>) {
    if let Scalar::Text(country) = &mut mapped.record.values[Field::Country as usize] {
        *country = Cow::Owned(country.to_ascii_uppercase());
    }
}

/// What Logpush uploads when a job is set up, to see that the address takes bodies: no event, and no error.
pub(super) fn is_challenge(flat: &Flat<'_>) -> bool {
    flat.len() == 1 && flat.get("content").is_some_and(|content| content.text() == "tests")
}

const AI_WAYS: &[Way] = &[
    way(Field::Ts, "created_at").by(How::UtcTime),
    way(Field::Ts, "createdAt").by(How::UtcTime),
    way(Field::RequestId, "id"),
    way(Field::Account, "account"),
    way(Field::Account, "metadata.user_id"),
    way(Field::Account, "metadata.user"),
    way(Field::Account, "metadata.userId"),
    way(Field::Ip, "metadata.ip"),
    way(Field::Fingerprint, "metadata.fingerprint"),
    way(Field::UserAgent, "metadata.user_agent"),
    way(Field::Model, "model"),
    way(Field::Endpoint, "path").by(How::Path),
    way(Field::Status, "status_code"),
    way(Field::InputTokens, "tokens_in"),
    way(Field::OutputTokens, "tokens_out"),
    way(Field::LatencyMs, "duration"),
];

pub(super) const AI: Source = Source { ways: AI_WAYS, finish };

fn finish(mapped: &mut Mapped<'_, '_>) {
    const NAMES: [(Field, &str); 6] = [
        (Field::Account, "account"),
        (Field::Account, "user_id"),
        (Field::Account, "user"),
        (Field::Account, "userId"),
        (Field::Ip, "ip"),
        (Field::Fingerprint, "fingerprint"),
    ];
    // Metadata is an object in some of its interfaces and a text that holds one in others.
    if let Some((inner, _)) = mapped.text("metadata").and_then(flat_of) {
        for (field, name) in NAMES {
            if let Some(Scalar::Text(text)) = inner.get(name) {
                mapped.compute(field, Scalar::Text(Cow::Owned(text.clone().into_owned())), "metadata");
            }
        }
    }
    for path in ["request", "request_body", "request.messages"] {
        let chat = messages::read(mapped.flat, path);
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), path);
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), path);
    }
}
