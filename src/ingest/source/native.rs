//! The native source: objects whose field names are those of the contract.
//!
//! Only `account` and `ts` are needed. A field that is there but makes no sense rejects the line and
//! names itself: an event with half its fields would be found by half the questions. The words that
//! loggers write for "none" count as not given, with one exception: `NA` is the country Namibia.

use super::super::reject::{Wrong, shown};
use super::super::value::{Plain, Scalar, check_name, plain_number, text_of_first};
use super::super::{Context, Proxies, address, extra, prompt, sketch, time};
use super::field::Field;
use super::record::{Names, Record, RecordSeed};
use super::{Scratch, hints, joins};
use crate::event::{
    Dim, Draft, EventBatch, Micros, Number, Text, identity_of_request, identity_of_text, ip_bytes, is_public,
};
use crate::privacy::{Finder, Privacy};
use serde::de::DeserializeSeed;
use serde_json::de::{Deserializer, Read};
use std::borrow::Cow;
use std::marker::PhantomData;

/// Texts that are kept, cut when too long, and the dimension that each goes to.
const DIM_TEXTS: [(Field, Dim); 10] = [
    (Field::ApiKey, Dim::ApiKey),
    (Field::Payment, Dim::Payment),
    (Field::EmailDomain, Dim::EmailDomain),
    (Field::Plan, Dim::Plan),
    (Field::Country, Dim::Country),
    (Field::Fingerprint, Dim::Fingerprint),
    (Field::UserAgent, Dim::UserAgent),
    (Field::Model, Dim::Model),
    (Field::Endpoint, Dim::Endpoint),
    (Field::Topic, Dim::Topic),
];

/// The names of the contract.
pub(in crate::ingest) struct Native;

impl Names for Native {
    fn number(name: &str) -> Option<usize> {
        let field = match name {
            "ts" => Field::Ts,
            "request_id" => Field::RequestId,
            "account" => Field::Account,
            "api_key" => Field::ApiKey,
            "ip" => Field::Ip,
            "fingerprint" => Field::Fingerprint,
            "user_agent" => Field::UserAgent,
            "asn" => Field::Asn,
            "country" => Field::Country,
            "model" => Field::Model,
            "endpoint" => Field::Endpoint,
            "status" => Field::Status,
            "input_tokens" => Field::InputTokens,
            "output_tokens" => Field::OutputTokens,
            "latency_ms" => Field::LatencyMs,
            "payment" => Field::Payment,
            "account_created_at" => Field::AccountCreatedAt,
            "email_domain" => Field::EmailDomain,
            "plan" => Field::Plan,
            "session" => Field::Session,
            "topic" => Field::Topic,
            "prompt" => Field::Prompt,
            "system_prompt" => Field::SystemPrompt,
            "prompt_hash" => Field::PromptHash,
            "template" => Field::Template,
            "prefix_hash" => Field::PrefixHash,
            _ => return None,
        };
        Some(field as usize)
    }

    fn name(number: usize) -> &'static str {
        Field::NAMES[number]
    }

    fn is_foreign(name: &str) -> bool {
        super::shape::is_foreign(name)
    }
}

/// Whether the record is an event of this source: it has what every event needs, and nothing of another
/// source's. Names of this contract that an operator added to another log do not make it native.
pub(in crate::ingest) fn is_whole(record: &Record<'_>) -> bool {
    !record.foreign && !Field::Account.of(record).is_missing() && !Field::Ts.of(record).is_missing()
}

impl Field {
    /// Whether the value is one that [`assemble`] takes and that says something.
    pub(super) fn takes(self, value: &Scalar<'_>) -> bool {
        if value.is_missing() {
            return self == Self::Country && value.text() == "NA";
        }
        match self {
            Self::Ts => time::event_time(value, Micros::MAX).is_ok(),
            Self::AccountCreatedAt => time::created_time(value).is_ok(),
            Self::Ip => matches!(value, Scalar::Text(text) if address::is_one(text)),
            Self::Asn => matches!(asn(value), Ok(Some(_))),
            // Some gateways log a word there, and what is wrong with it need not be written out.
            Self::Status => !is_word(value) && matches!(status(value), Ok(Some(_))),
            Self::InputTokens | Self::OutputTokens => value.number(self.name(), false).is_ok(),
            Self::LatencyMs => value.number(self.name(), true).is_ok(),
            _ => !matches!(value, Scalar::Nested | Scalar::Bool(_)),
        }
    }

    fn of<'a, 'de>(self, record: &'a Record<'de>) -> &'a Scalar<'de> {
        &record.values[self as usize]
    }
}

/// Whether a record says what was asked of a model, as a gateway's does and an access log's does not.
fn says_what(record: &Record<'_>) -> bool {
    const WHAT: [Field; 6] = [
        Field::Model,
        Field::InputTokens,
        Field::OutputTokens,
        Field::Prompt,
        Field::SystemPrompt,
        Field::PromptHash,
    ];
    WHAT.into_iter().any(|field| !field.of(record).is_missing())
}

/// Whether a record says where a request came from, and nothing of what was asked of a model: what is before
/// the gateway logs it so. It is half of an event where it has no account.
pub(in crate::ingest) fn is_edge(record: &Record<'_>) -> bool {
    const WHERE: [Field; 3] = [Field::Ip, Field::Fingerprint, Field::UserAgent];
    let says = |field: Field| !field.of(record).is_missing();
    !says(Field::Account) && WHERE.into_iter().any(says) && !says_what(record)
}

/// Whether another record may say more of the request: this one has no account, or it is a gateway's without an
/// address by which its client could be told from others.
pub(super) fn wants_other_half(record: &Record<'_>, proxies: &Proxies) -> bool {
    let ip = || address::client(Field::Ip.of(record).text(), proxies).ok().flatten();
    Field::Account.of(record).is_missing() || (says_what(record) && !ip().is_some_and(is_public))
}

/// Reads the object at the start of the bytes into an empty record. Returns where it ends.
pub(in crate::ingest) fn read<'de>(
    bytes: &'de [u8],
    keep_extra: bool,
    record: &mut Record<'de>,
    scratch: &mut Scratch,
) -> Result<usize, serde_json::Error> {
    // What is wrong with a line is found again, with its place, by reading bytes.
    if let Some(line) = text_of_first(bytes)
        && let Ok(end) = read_from(Deserializer::from_str(line), keep_extra, record, scratch)
    {
        return Ok(end);
    }
    *record = Record::new();
    read_from(Deserializer::from_slice(bytes), keep_extra, record, scratch)
}

fn read_from<'de, R: Read<'de>>(
    mut reader: Deserializer<R>,
    keep_extra: bool,
    record: &mut Record<'de>,
    scratch: &mut Scratch,
) -> Result<usize, serde_json::Error> {
    scratch.extra.clear();
    let seed =
        RecordSeed::<Native> { record, extra: keep_extra.then_some(&mut scratch.extra), names: PhantomData };
    seed.deserialize(&mut reader)?;
    // The only way to ask the reader where it stands.
    Ok(reader.into_iter::<serde::de::IgnoredAny>().byte_offset())
}

/// Adds the event that a record stands for to the batch.
pub(in crate::ingest) fn assemble(
    record: &mut Record<'_>,
    object: &[u8],
    line: u64,
    context: &Context,
    scratch: &mut Scratch,
    batch: &mut EventBatch,
) -> Result<(), Wrong> {
    if let Some(wrong) = record.wrong.take() {
        return Err(wrong);
    }
    settle_texts(record, &context.privacy)?;
    let ts = time::event_time(Field::Ts.of(record), context.now)?;
    settle_names(record, &context.privacy)?;
    let account = Field::Account.of(record).text();
    let request_id = Field::RequestId.of(record).text();

    let fixed = Fixed::of(record, context)?;
    let is_half = account.is_empty() || (!fixed.is_public && says_what(record));
    let keys = if context.join && is_half {
        joins::with_id(&record.keys, request_id, context.seed)
    } else {
        Vec::new()
    };
    let edge = account.is_empty() && !keys.is_empty() && is_edge(record);
    let (Some(ts), true) = (ts, edge || !account.is_empty()) else {
        return Err(hints::missing(object, account.is_empty(), ts.is_none()));
    };
    let prompt_text = Field::Prompt.of(record).text();
    let prompt_hash = prompt::hash(context.seed, prompt_text);
    if !scratch.extra.is_empty() {
        extra::protect(&mut scratch.extra, &context.privacy);
    }

    let mut draft = Draft { ts, line, source: record.source, keys: &keys, edge, ..Draft::default() };
    for (field, dim) in DIM_TEXTS {
        draft.dims[dim.index()] = field.of(record).text().as_bytes();
    }
    draft.dims[Dim::Account.index()] = account.as_bytes();
    draft.dims[Dim::Created.index()] = fixed.created.as_ref().map_or(&[], |bytes| bytes.as_slice());
    draft.dims[Dim::Ip.index()] = fixed.ip.as_ref().map_or(&[], |bytes| bytes.as_slice());
    draft.dims[Dim::Asn.index()] = fixed.asn.as_ref().map_or(&[], |bytes| bytes.as_slice());
    draft.dims[Dim::Status.index()] = fixed.status.as_ref().map_or(&[], |bytes| bytes.as_slice());
    draft.texts[Text::RequestId.index()] = request_id;
    draft.texts[Text::Session.index()] = Field::Session.of(record).text();
    draft.texts[Text::Extra.index()] = scratch.extra.as_str();
    draft.texts[Text::PromptHash.index()] = match Field::PromptHash.of(record).text() {
        "" if prompt_text.is_empty() => "",
        "" => std::str::from_utf8(&prompt_hash).unwrap_or_default(),
        given => given,
    };
    draft.numbers[Number::InputTokens.index()] = number(record, Field::InputTokens, false)?;
    draft.numbers[Number::OutputTokens.index()] = number(record, Field::OutputTokens, false)?;
    draft.numbers[Number::LatencyMs.index()] = number(record, Field::LatencyMs, true)?;
    let given = sketch::Given {
        prompt: prompt_text,
        system: Field::SystemPrompt.of(record).text(),
        prompt_hash: Field::PromptHash.of(record).text(),
        template: Field::Template.of(record).text(),
        prefix_hash: Field::PrefixHash.of(record).text(),
    };
    sketch::fill(given, context.seed, &mut scratch.systems, &mut draft.numbers);
    draft.weak_id = record.weak_id;
    draft.identity = if request_id.is_empty() || record.weak_id || edge {
        identity_of_text(context.seed, object)
    } else {
        identity_of_request(context.seed, account.as_bytes(), request_id.as_bytes(), &mut scratch.identity)
    };
    batch.push(&draft);
    Ok(())
}

fn number(record: &Record<'_>, field: Field, fraction: bool) -> Result<Option<u32>, Wrong> {
    field.of(record).number(field.name(), fraction)
}

/// Makes every text field a text or missing, takes out what must not be kept, and cuts those that may be cut.
fn settle_texts(record: &mut Record<'_>, privacy: &Privacy) -> Result<(), Wrong> {
    // What only a hash is kept of needs no cutting either.
    const UNCUT: [Field; 6] = [
        Field::Account,
        Field::RequestId,
        Field::Prompt,
        Field::SystemPrompt,
        Field::Template,
        Field::PrefixHash,
    ];
    const CUT: [Field; 2] = [Field::Session, Field::PromptHash];
    let plain = UNCUT.into_iter().chain(CUT).map(|field| (field, None));
    for (field, dim) in plain.chain(DIM_TEXTS.into_iter().map(|(field, dim)| (field, Some(dim)))) {
        let value = &mut record.values[field as usize];
        if matches!(value, Scalar::Missing) {
            continue;
        }
        value.settle_text(field.name())?;
        let is_namibia = field == Field::Country && value.text() == "NA";
        if value.is_missing() && !is_namibia {
            *value = Scalar::Missing;
        }
        if !UNCUT.contains(&field) {
            // Before it is cut: half a key is known no longer, and is half a key.
            protect(value, dim, record.may_hold_secrets, privacy);
            value.cut_text();
        }
    }
    Ok(())
}

/// Whether any text that is kept may hold a key or a token: one look at all of them is cheaper than one at each.
pub(super) fn may_hold_secrets(record: &Record<'_>, texts: &mut Vec<u8>) -> bool {
    const KEPT: [Field; 4] = [Field::Account, Field::RequestId, Field::Session, Field::PromptHash];
    texts.clear();
    for field in KEPT.into_iter().chain(DIM_TEXTS.into_iter().map(|(field, _)| field)) {
        texts.extend_from_slice(field.of(record).text().as_bytes());
        texts.push(b'\n');
    }
    Finder::get().may_hold(texts)
}

/// Puts hashes in the place of what must not be kept.
fn protect(value: &mut Scalar<'_>, dim: Option<Dim>, may_hold_secrets: bool, privacy: &Privacy) {
    let text = value.text();
    let kept = match dim {
        Some(dim) if may_hold_secrets => privacy.kept(dim, text),
        Some(dim) => privacy.kept_always(dim, text).map_or(Cow::Borrowed(text), Cow::Owned),
        None if may_hold_secrets => privacy.without_secrets(text),
        None => return,
    };
    if let Cow::Owned(kept) = kept {
        *value = Scalar::Text(Cow::Owned(kept));
    }
}

/// Checks the names that may not be cut, and takes out what must not be kept.
fn settle_names(record: &mut Record<'_>, privacy: &Privacy) -> Result<(), Wrong> {
    let account = Field::Account.of(record).text();
    check_name(account, "account")?;
    if account.contains('\0') {
        return Err(Wrong::new("account", "account holds a NUL byte"));
    }
    check_name(Field::RequestId.of(record).text(), "request_id")?;
    let may_hold_secrets = record.may_hold_secrets;
    for (field, dim) in [(Field::Account, Some(Dim::Account)), (Field::RequestId, None)] {
        // An edge record has no account, and nothing is no name to hide.
        if !record.values[field as usize].is_missing() {
            protect(&mut record.values[field as usize], dim, may_hold_secrets, privacy);
        }
    }
    Ok(())
}

/// Values that are kept as bytes of a fixed length.
struct Fixed {
    created: Option<[u8; 8]>,
    ip: Option<[u8; 16]>,
    asn: Option<[u8; 4]>,
    status: Option<[u8; 2]>,
    /// Whether the address is one by which clients are told apart.
    is_public: bool,
}

impl Fixed {
    fn of(record: &Record<'_>, context: &Context) -> Result<Self, Wrong> {
        let ip = match Field::Ip.of(record) {
            value if value.is_missing() => None,
            Scalar::Text(text) => address::client(text, context.proxies())?,
            _ => return Err(Wrong::new("ip", "ip must be text such as \"203.0.113.21\"")),
        };
        Ok(Self {
            created: time::created_time(Field::AccountCreatedAt.of(record))?.map(i64::to_be_bytes),
            ip: ip.map(|ip| context.privacy.address(ip_bytes(ip))),
            is_public: ip.is_some_and(is_public),
            asn: asn(Field::Asn.of(record))?.map(u32::to_be_bytes),
            status: status(Field::Status.of(record))?.map(u16::to_be_bytes),
        })
    }
}

/// `13335`, `"13335"`, `"AS13335"` or `"AS13335 Cloudflare"`. 0 stands for none, by its registry.
fn asn(value: &Scalar<'_>) -> Result<Option<u32>, Wrong> {
    let number = match value {
        Scalar::Text(text) if !value.is_missing() => {
            let first = text.split_whitespace().next().unwrap_or_default();
            let digits = first
                .get(..2)
                .filter(|start| start.eq_ignore_ascii_case("as"))
                .map_or(first, |_| &first[2..]);
            match plain_number(digits) {
                Some(Plain::Whole(number)) => u32::try_from(number).ok(),
                _ => None,
            }
            .ok_or_else(|| {
                Wrong::new("asn", format!("asn is no number: {}; send 13335 or AS13335", shown(text)))
            })?
        }
        other => other.number("asn", false)?.unwrap_or(0),
    };
    Ok(Some(number).filter(|number| *number != 0))
}

/// Whether a text cannot be a number.
fn is_word(value: &Scalar<'_>) -> bool {
    matches!(value, Scalar::Text(text) if text.trim_start().starts_with(|char: char| char.is_ascii_alphabetic()))
}

/// 100 to 999. 0 is what nginx and Envoy write when no answer was sent, and counts as not given.
fn status(value: &Scalar<'_>) -> Result<Option<u16>, Wrong> {
    match value.number("status", false)? {
        None | Some(0) => Ok(None),
        Some(number @ 100..=999) => Ok(Some(number as u16)),
        Some(number) => {
            Err(Wrong::new("status", format!("status is {number}; send the HTTP status, 100 to 999")))
        }
    }
}
