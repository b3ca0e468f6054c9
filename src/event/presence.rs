//! Which fields an event carries, as one bit each: for figures about what a log source brings.

use super::{Dim, Draft, Number, Text};

/// Fields by bit. Left out are account and time, which every event has, and what is derived from others.
/// The last ones are there when what is kept of them is: a template also by the phrases of a prompt.
pub const PRESENCE: [&str; 24] = [
    "api_key",
    "payment",
    "email_domain",
    "plan",
    "account_created_at",
    "ip",
    "asn",
    "country",
    "fingerprint",
    "user_agent",
    "model",
    "endpoint",
    "status",
    "topic",
    "request_id",
    "session",
    "prompt",
    "system_prompt",
    "prompt_hash",
    "template",
    "prefix_hash",
    "input_tokens",
    "output_tokens",
    "latency_ms",
];

/// The bits of an event.
pub(super) fn of(draft: &Draft<'_>) -> u32 {
    let dim = |dim: Dim| draft.dims.get(dim.index()).is_some_and(|value| !value.is_empty());
    let text = |text: Text| draft.texts.get(text.index()).is_some_and(|value| !value.is_empty());
    let number = |number: Number| draft.numbers.get(number.index()).is_some_and(Option::is_some);
    let is_there = [
        dim(Dim::ApiKey),
        dim(Dim::Payment),
        dim(Dim::EmailDomain),
        dim(Dim::Plan),
        dim(Dim::Created),
        dim(Dim::Ip),
        dim(Dim::Asn),
        dim(Dim::Country),
        dim(Dim::Fingerprint),
        dim(Dim::UserAgent),
        dim(Dim::Model),
        dim(Dim::Endpoint),
        dim(Dim::Status),
        dim(Dim::Topic),
        text(Text::RequestId),
        text(Text::Session),
        number(Number::PromptChars),
        number(Number::System),
        number(Number::Exact),
        number(Number::Head) || number(Number::Body),
        number(Number::Prefix),
        number(Number::InputTokens),
        number(Number::OutputTokens),
        number(Number::LatencyMs),
    ];
    is_there.into_iter().zip(0..).fold(0, |bits, (is_there, bit)| bits | u32::from(is_there) << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_bit_under_its_name() {
        let mut draft = Draft::default();
        assert_eq!(of(&draft), 0);
        draft.dims[Dim::Account.index()] = b"ann";
        draft.dims[Dim::Ip.index()] = &[0; 16];
        draft.texts[Text::Session.index()] = "s";
        draft.numbers[Number::LatencyMs.index()] = Some(0);
        let bits = of(&draft);
        let there: Vec<&str> =
            (0..).zip(PRESENCE).filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| name).collect();
        assert_eq!(there, ["ip", "session", "latency_ms"]);
        for dim in Dim::ALL.into_iter().take(15).skip(1) {
            assert_eq!(PRESENCE[dim.index() - 1], dim.name());
        }
    }
}
