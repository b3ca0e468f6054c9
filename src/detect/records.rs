//! Account records in an examination: what the operator said of accounts where their events say nothing.
//!
//! Events come first: a record fills in for an account only what no event of the window carries. What it fills in
//! goes into the evidence, because nobody finds it in the log.

use super::facts::{DayFacts, Kind, halves};
use crate::event::{Day, Dim};
use crate::store::{AccountRecord, Decode, Encode, Snapshot, StoreError};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a record fills in for one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Told {
    /// Day of creation.
    pub created: Option<i32>,
    /// Payment.
    pub payment: Option<String>,
    /// Domain of its mail address.
    pub email_domain: Option<String>,
    /// The organisation that it belongs to, if the operator has verified that.
    pub organisation: Option<String>,
}

impl Told {
    fn of(record: AccountRecord) -> Self {
        Self {
            created: record.created.map(|created| Day::of(created).0),
            payment: record.payment,
            email_domain: record.email_domain,
            organisation: record.organisation.filter(|_| record.verified == Some(true)),
        }
    }
}

/// What records fill in, by name of account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Records(BTreeMap<String, Told>);

impl Records {
    /// What the records of the database fill in for the accounts of some days.
    pub(super) fn load(snapshot: &Snapshot, days: &[DayFacts]) -> Result<Self, StoreError> {
        let mut records = Self::default();
        if !snapshot.has_account_records()? {
            return Ok(records);
        }
        let accounts: BTreeSet<u32> =
            days.iter().flat_map(|day| &day.accounts).map(|day| day.account).collect();
        let created = days.iter().flat_map(|day| &day.accounts).filter(|day| day.created != i32::MIN);
        let created: BTreeSet<u32> = created.map(|day| day.account).collect();
        let [payment, email_domain] = [Kind::Payment, Kind::EmailDomain].map(|kind| holders(days, kind));
        for account in accounts {
            let name = {
                let catalog = snapshot.catalog();
                String::from_utf8_lossy(catalog.value(Dim::Account, account)).into_owned()
            };
            let Some(record) = snapshot.account_record(&name)? else { continue };
            let mut told = Told::of(record);
            told.created = told.created.filter(|_| !created.contains(&account));
            told.payment = told.payment.filter(|_| !payment.contains(&account));
            told.email_domain = told.email_domain.filter(|_| !email_domain.contains(&account));
            if told != Told::default() {
                records.0.insert(name, told);
            }
        }
        Ok(records)
    }

    /// What is filled in for an account.
    pub(super) fn get(&self, account: &str) -> Option<&Told> {
        self.0.get(account)
    }

    /// How many accounts something is filled in for.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Accounts and what a kind of value is filled in with.
    pub(super) fn values(&self, kind: Kind) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(move |(name, told)| {
            let value = match kind {
                Kind::Payment => told.payment.as_deref(),
                Kind::EmailDomain => told.email_domain.as_deref(),
                _ => None,
            };
            Some((name.as_str(), value?))
        })
    }

    /// All of it as a document, by account.
    pub(super) fn document(&self) -> Value {
        let fields = self.0.iter().map(|(name, told)| {
            let mut fields = Map::new();
            if let Some(day) = told.created {
                fields.insert("created".to_owned(), json!(super::evidence::date(day)));
            }
            let texts = [
                ("payment", &told.payment),
                ("email_domain", &told.email_domain),
                ("verified_organisation", &told.organisation),
            ];
            for (field, text) in texts {
                if let Some(text) = text {
                    fields.insert(field.to_owned(), json!(text));
                }
            }
            (name.clone(), Value::Object(fields))
        });
        fields.collect::<Map<String, Value>>().into()
    }

    /// What a document says; `day` reads a day.
    pub(super) fn from_document(document: &Value, day: impl Fn(&str) -> Option<i32>) -> Option<Self> {
        let told = |fields: &Value| {
            let text = |field: &str| fields.get(field).and_then(Value::as_str).map(str::to_owned);
            let created = match text("created") {
                Some(text) => Some(day(&text)?),
                None => None,
            };
            let (payment, email_domain) = (text("payment"), text("email_domain"));
            Some(Told { created, payment, email_domain, organisation: text("verified_organisation") })
        };
        let records = document.as_object()?.iter().map(|(name, fields)| Some((name.clone(), told(fields)?)));
        records.collect::<Option<_>>().map(Self)
    }

    /// A digest of all of it, so that evidence can name what it was made with.
    pub(super) fn digest(&self) -> String {
        blake3::hash(self.document().to_string().as_bytes()).to_hex().to_string()
    }
}

/// Accounts that hold a value of a kind in their events.
fn holders(days: &[DayFacts], kind: Kind) -> BTreeSet<u32> {
    let at = Kind::PAIRED.iter().position(|paired| *paired == kind).unwrap_or_default();
    days.iter().filter_map(|day| day.pairs.get(at)).flatten().map(|held| halves(*held).0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_all_of_it_again() {
        let told = Told { created: Some(20_000), payment: Some("p".to_owned()), ..Told::default() };
        let verified = Told { organisation: Some("Acme".to_owned()), ..Told::default() };
        let records = Records([("a".to_owned(), told), ("b".to_owned(), verified)].into());
        let day = |text: &str| (text == "2024-10-04").then_some(20_000);
        let again = Records::from_document(&records.document(), day).expect("a document");
        assert_eq!(again, records);
        assert_eq!(again.digest(), records.digest());
        assert_ne!(Records::default().digest(), records.digest());
        assert_eq!(Records::from_document(&json!({"a": {"created": "soon"}}), day), None);
    }

    #[test]
    fn an_organisation_counts_only_if_it_is_verified() {
        let record = |verified| AccountRecord {
            organisation: Some("Acme".to_owned()),
            verified,
            ..AccountRecord::default()
        };
        assert_eq!(Told::of(record(None)).organisation, None);
        assert_eq!(Told::of(record(Some(false))).organisation, None);
        assert_eq!(Told::of(record(Some(true))).organisation.as_deref(), Some("Acme"));
    }
}
