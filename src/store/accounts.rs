//! Account records: what the operator knows of accounts besides their requests. One value an account, by name.

use super::Store;
use super::codec::{self, Decode, Encode};
use super::error::StoreError;
use super::read::Snapshot;
use super::tables::ACCOUNTS;
use crate::event::Micros;
use crate::limits::ACCOUNT_RECORDS_MAX;
use redb::{ReadableTable, ReadableTableMetadata};

/// What is known of an account. Texts are as they are kept (`privacy`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct AccountRecord {
    /// When it was created.
    pub created: Option<Micros>,
    /// Its plan.
    pub plan: Option<String>,
    /// Its payment.
    pub payment: Option<String>,
    /// The domain of its mail address.
    pub email_domain: Option<String>,
    /// The address from which it was made: 16 bytes, IPv4 as IPv4-mapped.
    pub signup_ip: Option<[u8; 16]>,
    /// The organisation that it belongs to.
    pub organisation: Option<String>,
    /// Whether the operator has verified the organisation.
    pub verified: Option<bool>,
}

impl AccountRecord {
    /// Takes over every field that a newer record has.
    fn renew(&mut self, newer: &Self) {
        let Self { created, plan, payment, email_domain, signup_ip, organisation, verified } = newer.clone();
        self.created = created.or(self.created);
        self.plan = plan.or(self.plan.take());
        self.payment = payment.or(self.payment.take());
        self.email_domain = email_domain.or(self.email_domain.take());
        self.signup_ip = signup_ip.or(self.signup_ip);
        self.organisation = organisation.or(self.organisation.take());
        self.verified = verified.or(self.verified);
    }
}

/// What became of some records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Accounts that had no record.
    pub new: u64,
    /// Accounts whose record says something else now.
    pub changed: u64,
    /// Accounts whose record said so already.
    pub same: u64,
    /// Places of the records that there was no room for.
    pub refused: Vec<usize>,
}

pub(super) fn place(account: &str) -> String {
    format!("the record of account {account:?}")
}

impl Store {
    /// Notes records, in their order, in one transaction. After `Ok` all is on disk.
    pub fn note_accounts(&self, records: &[(String, AccountRecord)]) -> Result<Noted, StoreError> {
        self.shared.ready_to_write()?;
        self.write_accounts(records).inspect_err(|error| self.shared.write_failed(error))
    }

    fn write_accounts(&self, records: &[(String, AccountRecord)]) -> Result<Noted, StoreError> {
        let database = self.shared.database()?;
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        let mut noted = Noted::default();
        {
            let mut table = transaction.open_table(ACCOUNTS)?;
            let mut room = ACCOUNT_RECORDS_MAX.saturating_sub(table.len()?);
            for (at, (account, newer)) in records.iter().enumerate() {
                let known = table.get(account.as_bytes())?;
                let known: Option<AccountRecord> =
                    known.map(|value| codec::decode(value.value(), || place(account))).transpose()?;
                let is_new = known.is_none();
                if is_new && room == 0 {
                    noted.refused.push(at);
                    continue;
                }
                let before = known.clone();
                let mut record = known.unwrap_or_default();
                record.renew(newer);
                match before {
                    None => (noted.new, room) = (noted.new + 1, room - 1),
                    Some(before) if before == record => noted.same += 1,
                    Some(_) => noted.changed += 1,
                }
                table.insert(account.as_bytes(), codec::encode(&record)?.as_slice())?;
            }
        }
        transaction.commit()?;
        Ok(noted)
    }
}

impl Snapshot {
    /// The record of an account, by its kept name.
    pub fn account_record(&self, account: &str) -> Result<Option<AccountRecord>, StoreError> {
        let value = self.disk.accounts.get(account.as_bytes())?;
        value.map(|value| codec::decode(value.value(), || place(account))).transpose()
    }

    /// Whether there is any record.
    pub fn has_account_records(&self) -> Result<bool, StoreError> {
        Ok(!self.disk.accounts.is_empty()?)
    }

    /// Every record, by name.
    pub(super) fn account_records(
        &self,
        each: &mut dyn FnMut(&str, &AccountRecord) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for entry in self.disk.accounts.iter()? {
            let (name, value) = entry?;
            let name = String::from_utf8_lossy(name.value());
            each(&name, &codec::decode(value.value(), || place(&name))?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(plan: Option<&str>, verified: Option<bool>) -> AccountRecord {
        AccountRecord { plan: plan.map(str::to_owned), verified, ..AccountRecord::default() }
    }

    #[test]
    fn the_newest_record_wins_field_by_field_and_stays_after_a_restart() {
        let folder = tempfile::tempdir().expect("folder");
        let (store, appender) = Store::open(folder.path(), 1).expect("opens");
        let records = [
            ("ann".to_owned(), record(Some("free"), Some(true))),
            ("bob".to_owned(), record(None, Some(false))),
            ("ann".to_owned(), record(Some("pro"), None)),
        ];
        let noted = store.note_accounts(&records).expect("writes");
        assert_eq!(noted, Noted { new: 2, changed: 1, ..Noted::default() });
        let again = store.note_accounts(&records[2..]).expect("writes");
        assert_eq!(again, Noted { same: 1, ..Noted::default() });
        drop((store, appender));
        let (store, _appender) = Store::open(folder.path(), 1).expect("opens");
        let snapshot = store.snapshot().expect("snapshot");
        assert_eq!(snapshot.account_record("ann").expect("reads"), Some(record(Some("pro"), Some(true))));
        assert_eq!(snapshot.account_record("zoe").expect("reads"), None);
    }

    #[test]
    fn a_damaged_record_is_found_by_the_check() {
        let folder = tempfile::tempdir().expect("folder");
        let (store, appender) = Store::open(folder.path(), 1).expect("opens");
        let records = ["ann", "bob"].map(|name| (name.to_owned(), record(Some("free"), None)));
        store.note_accounts(&records).expect("writes");
        drop((store, appender));
        let report = crate::store::check(folder.path()).expect("walks");
        assert_eq!((report.accounts, report.problems), (2, vec![]));
        let (store, appender) = Store::open(folder.path(), 1).expect("opens");
        let transaction = store.shared.database().expect("open").begin_write().expect("begins");
        {
            let mut table = transaction.open_table(ACCOUNTS).expect("a table");
            let mut value = codec::encode(&record(Some("free"), None)).expect("encodes");
            table.insert(&b"zo\0"[..], value.as_slice()).expect("inserts");
            *value.last_mut().expect("a byte") ^= 1;
            table.insert(&b"ann"[..], value.as_slice()).expect("inserts");
        }
        transaction.commit().expect("commits");
        drop((store, appender));
        let report = crate::store::check(folder.path()).expect("walks");
        assert_eq!((report.accounts, report.problems.len()), (3, 2), "{:?}", report.problems);
        assert!(report.problems[0].contains("the record of account \"ann\""), "{:?}", report.problems);
        assert!(report.problems[1].contains("no account has such a name"), "{:?}", report.problems);
    }
}
