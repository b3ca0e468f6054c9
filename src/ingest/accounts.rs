//! Account records: objects of what an operator knows of accounts, read from a whole body.
//!
//! The forms of a body are those of events: an array, or objects one after another. Unknown fields are dropped:
//! they are what a customer database has besides, and nothing that has to be here.

use super::reject::{Rejects, Wrong, shown};
use super::source::record::{Names, Record, RecordSeed};
use super::stream::{End, Next, Place};
use super::value::{Scalar, check_name};
use super::{address, time};
use crate::event::{Dim, ip_bytes};
use crate::limits::LINE_BYTES_MAX;
use crate::privacy::{Privacy, json_error};
use crate::store::AccountRecord;
use serde::de::DeserializeSeed;
use std::marker::PhantomData;

/// The fields of a record, and the names under which customer databases have them.
const FIELDS: [(&str, &[&str]); 8] = [
    ("account", &[]),
    ("created", &["created_at", "account_created_at"]),
    ("plan", &[]),
    ("payment", &["payment_hash"]),
    ("email_domain", &["email"]),
    ("signup_ip", &["sign_up_ip", "ip"]),
    ("organisation", &["organization"]),
    ("verified", &[]),
];

const ACCOUNT: usize = 0;
const CREATED: usize = 1;
const PLAN: usize = 2;
const PAYMENT: usize = 3;
const EMAIL_DOMAIN: usize = 4;
const SIGNUP_IP: usize = 5;
const ORGANISATION: usize = 6;
const VERIFIED: usize = 7;

struct AccountFields;

impl Names for AccountFields {
    fn number(name: &str) -> Option<usize> {
        FIELDS.iter().position(|(field, others)| *field == name || others.contains(&name))
    }

    fn name(number: usize) -> &'static str {
        FIELDS[number].0
    }

    fn is_foreign(_: &str) -> bool {
        false
    }
}

/// What a body of records holds.
#[derive(Debug, Default)]
pub struct AccountRecords {
    /// Names of accounts as they are kept, and what is said of them, in the order of the body.
    pub records: Vec<(String, AccountRecord)>,
    /// The line of each.
    pub lines: Vec<u64>,
    /// What was not taken.
    pub rejects: Rejects,
}

impl AccountRecords {
    /// Reads a body.
    #[must_use]
    pub fn read(body: &[u8], privacy: &Privacy) -> Self {
        let mut found = Self::default();
        let mut place = Place::default();
        let mut rest = body;
        loop {
            let (at, next) = place.seek(rest, true);
            rest = rest.get(at..).unwrap_or_default();
            let wrong = match next {
                Next::Nothing | Next::Unsure => break,
                Next::Other(other) => Wrong::whole(format!("expected a JSON object, found {other}")),
                Next::Object => match object(rest) {
                    Ok((mut record, end)) => {
                        let line = place.number();
                        let (object, after) = rest.split_at(end);
                        place.passed(object);
                        rest = after;
                        match told(&mut record, privacy) {
                            Ok(record) => {
                                found.records.push(record);
                                found.lines.push(line);
                            }
                            Err(wrong) => wrong.add_to(&mut found.rejects, line),
                        }
                        continue;
                    }
                    Err(wrong) => wrong,
                },
            };
            wrong.add_to(&mut found.rejects, place.number());
            rest = match place.resync().look(rest) {
                End::Value(end) => rest.get(end..).unwrap_or_default(),
                End::Line(end) => {
                    place.line_lost();
                    rest.get(end..).unwrap_or_default()
                }
                End::Open => &[],
            };
        }
        if let Some(line) = place.unclosed_array() {
            Wrong::whole("the array is not closed: the body ends early").add_to(&mut found.rejects, line);
        }
        found
    }
}

/// The object at the start of the bytes, and where it ends.
fn object(bytes: &[u8]) -> Result<(Record<'_>, usize), Wrong> {
    let window = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    let mut reader = serde_json::Deserializer::from_slice(window);
    let mut record = Record::new();
    let seed = RecordSeed::<AccountFields> { record: &mut record, extra: None, names: PhantomData };
    seed.deserialize(&mut reader)
        .map_err(|error| Wrong::whole(format!("not taken as JSON: {}", json_error(&error))))?;
    let end = reader.into_iter::<serde::de::IgnoredAny>().byte_offset();
    Ok((record, end))
}

/// What a record says of which account.
fn told(record: &mut Record<'_>, privacy: &Privacy) -> Result<(String, AccountRecord), Wrong> {
    if let Some(wrong) = record.wrong.take() {
        return Err(wrong);
    }
    let account = text(record, ACCOUNT)?.ok_or_else(|| {
        Wrong::new("account", "account is missing; every record needs it, and says one more thing at least")
    })?;
    check_name(&account, "account")?;
    if account.contains('\0') {
        return Err(Wrong::new("account", "account holds a NUL byte"));
    }
    let kept = |dim: Dim, text: String| privacy.kept(dim, &text).into_owned();
    let signup_ip = match &record.values[SIGNUP_IP] {
        value if value.is_missing() => None,
        Scalar::Text(text) => {
            let parsed = address::parse(text).map_err(|wrong| Wrong::new("signup_ip", wrong.reason))?;
            Some(privacy.address(ip_bytes(parsed)))
        }
        _ => return Err(Wrong::new("signup_ip", "signup_ip must be text such as \"203.0.113.21\"")),
    };
    let created = time::created_time(&record.values[CREATED]);
    let told = AccountRecord {
        created: created
            .map_err(|wrong| Wrong::new("created", wrong.reason.replace("account_created_at", "created")))?,
        plan: text(record, PLAN)?.map(|plan| privacy.unknown(&plan, false).into_owned()),
        payment: text(record, PAYMENT)?.map(|payment| kept(Dim::Payment, payment)),
        email_domain: text(record, EMAIL_DOMAIN)?.map(|domain| kept(Dim::EmailDomain, domain)),
        signup_ip,
        organisation: text(record, ORGANISATION)?.map(|name| privacy.unknown(&name, false).into_owned()),
        verified: verified(&record.values[VERIFIED])?,
    };
    if told == AccountRecord::default() {
        let names = FIELDS.map(|(name, _)| name).join(", ");
        return Err(Wrong::whole(format!("nothing is said of the account; the fields are {names}")));
    }
    Ok((kept(Dim::Account, account), told))
}

/// A field as text, cut if it is too long; none if it says nothing.
fn text(record: &mut Record<'_>, number: usize) -> Result<Option<String>, Wrong> {
    let value = &mut record.values[number];
    value.settle_text(FIELDS[number].0)?;
    if number != ACCOUNT {
        value.cut_text();
    }
    Ok((!value.is_missing()).then(|| value.text().to_owned()))
}

fn verified(value: &Scalar<'_>) -> Result<Option<bool>, Wrong> {
    match value {
        Scalar::Bool(truth) => Ok(Some(*truth)),
        Scalar::Whole(0) => Ok(Some(false)),
        Scalar::Whole(1) => Ok(Some(true)),
        value if value.is_missing() => Ok(None),
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Scalar::Text(text) => {
            Err(Wrong::new("verified", format!("verified is {}; send true or false", shown(text))))
        }
        _ => Err(Wrong::new("verified", "verified must be true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::Pseudonyms;

    const PLAIN: Privacy = Privacy::new([5; 32], Pseudonyms::NONE);

    fn read(body: &str) -> AccountRecords {
        AccountRecords::read(body.as_bytes(), &PLAIN)
    }

    #[test]
    fn records_come_in_every_form_of_a_body() {
        for body in [
            r#"{"account":"a","plan":"x"}{"account":"b","verified":1}"#,
            "{\"account\":\"a\",\"plan\":\"x\"}\r\n\n{\"account\":\"b\",\"verified\":\"True\"}\n",
            r#"[{"account":"a","plan":"x","other":{"y":[1]}}, {"account":"b","verified":true}]"#,
        ] {
            let found = read(body);
            assert_eq!(found.rejects.count, 0, "{body}: {:?}", found.rejects);
            let names: Vec<&str> = found.records.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["a", "b"], "{body}");
            assert_eq!(
                (found.records[0].1.plan.as_deref(), found.records[1].1.verified),
                (Some("x"), Some(true))
            );
        }
    }

    #[test]
    fn every_field_is_read_and_private_ones_are_hashed() {
        let found = read(
            r#"{"account":"ann@example.org","created_at":"2026-01-02T00:00:00Z","plan":"pro","payment":"4111 1111 1111 1111",
            "email":"Ann@Example.org","sign_up_ip":"192.0.2.1:443","organization":"Acme, mail boss@acme.org","verified":false}"#,
        );
        let (name, record) = &found.records[0];
        assert_eq!(name, "ann@example.org");
        assert_eq!(record.created, Some(1_767_312_000_000_000));
        assert!(record.payment.as_deref().is_some_and(|payment| payment.starts_with("card:")), "{record:?}");
        assert_eq!(record.email_domain.as_deref(), Some("example.org"));
        assert_eq!(record.signup_ip, Some(ip_bytes("192.0.2.1".parse().expect("ip"))));
        let organisation = record.organisation.as_deref().unwrap_or_default();
        assert!(organisation.starts_with("Acme, mail mail:"), "{organisation}");
    }

    #[test]
    fn what_is_wrong_costs_its_line_and_names_field_and_fix() {
        let body = "{\"plan\":\"x\"}\n{\"account\":\"a\"}\n{\"account\":\"a\",\"created\":\"soon\"}\n17\n\
            {\"account\":\"a\",\"signup_ip\":\"x\"}\n{\"account\":\"a\",\"verified\":\"maybe\"}\n{\"account\":\"a\",\n\
            {\"account\":\"b\",\"plan\":\"y\"}\n{\"account\":\"b\",\"plan\":\"y\",\"plan\":\"z\"}";
        let found = read(body);
        assert_eq!(found.records.len(), 1);
        assert_eq!(found.lines, [8]);
        let told: Vec<(u64, Option<&str>)> = found.rejects.first.iter().map(|r| (r.line, r.field)).collect();
        assert_eq!(
            told,
            [
                (1, Some("account")),
                (2, None),
                (3, Some("created")),
                (4, None),
                (5, Some("signup_ip")),
                (6, Some("verified")),
                (7, None),
                (9, Some("plan")),
            ],
            "{:?}",
            found.rejects.first
        );
        assert_eq!(read("[{\"account\":\"a\",\"plan\":\"x\"}").rejects.count, 1, "not closed");
    }
}
