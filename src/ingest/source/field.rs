//! The fields of the contract: their numbers and names.

use super::record::FIELDS_MAX;

/// A field of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Field {
    Ts,
    RequestId,
    Account,
    ApiKey,
    Ip,
    Fingerprint,
    UserAgent,
    Asn,
    Country,
    Model,
    Endpoint,
    Status,
    InputTokens,
    OutputTokens,
    LatencyMs,
    Payment,
    AccountCreatedAt,
    EmailDomain,
    Plan,
    Session,
    Topic,
    Prompt,
    SystemPrompt,
    PromptHash,
    Template,
    PrefixHash,
}

impl Field {
    /// Names by number.
    pub(super) const NAMES: [&str; FIELDS_MAX] = [
        "ts",
        "request_id",
        "account",
        "api_key",
        "ip",
        "fingerprint",
        "user_agent",
        "asn",
        "country",
        "model",
        "endpoint",
        "status",
        "input_tokens",
        "output_tokens",
        "latency_ms",
        "payment",
        "account_created_at",
        "email_domain",
        "plan",
        "session",
        "topic",
        "prompt",
        "system_prompt",
        "prompt_hash",
        "template",
        "prefix_hash",
    ];

    /// Every field, by number.
    pub(super) const ALL: [Self; FIELDS_MAX] = [
        Self::Ts,
        Self::RequestId,
        Self::Account,
        Self::ApiKey,
        Self::Ip,
        Self::Fingerprint,
        Self::UserAgent,
        Self::Asn,
        Self::Country,
        Self::Model,
        Self::Endpoint,
        Self::Status,
        Self::InputTokens,
        Self::OutputTokens,
        Self::LatencyMs,
        Self::Payment,
        Self::AccountCreatedAt,
        Self::EmailDomain,
        Self::Plan,
        Self::Session,
        Self::Topic,
        Self::Prompt,
        Self::SystemPrompt,
        Self::PromptHash,
        Self::Template,
        Self::PrefixHash,
    ];

    /// The field of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The name in the contract.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}
