//! Enough to say anything? A log that is too small, too short or all new gets an honest answer instead of
//! a finding.

use super::facts::Kind;
use super::window::Window;
use crate::limits::{ACCOUNTS_MIN, BASELINE_ACCOUNTS_MIN, ONE_ACCOUNT_SHARE};

/// Checks a window: an error says why nothing can be judged, notes say which families have nothing to go by.
pub(super) fn check(window: &Window, notes: &mut Vec<String>) -> Result<(), String> {
    let accounts = window.accounts.len();
    if accounts < ACCOUNTS_MIN {
        return Err(format!(
            "not enough to say: {accounts} accounts in the window, {ACCOUNTS_MIN} are needed"
        ));
    }
    let established = window.accounts.iter().filter(|account| account.mature).count();
    if established < BASELINE_ACCOUNTS_MIN {
        return Err(format!(
            "not enough to say: {established} established accounts (30 days old and active on 5), \
             {BASELINE_ACCOUNTS_MIN} are needed to know what is usual; send account_created_at, or wait"
        ));
    }
    let all: u64 = window.totals.iter().sum();
    if let Some(account) = window.accounts.iter().find(|a| a.events as f64 > ONE_ACCOUNT_SHARE * all as f64) {
        let share = account.events as f64 / all as f64 * 100.0;
        notes.push(format!(
            "one account makes {share:.0} % of all events: rhythm is compared with the rest only roughly"
        ));
    }
    for (kind, family, field) in [
        (Kind::Ip, "NET", "an ip of the public Internet"),
        (Kind::Fingerprint, "CLIENT", "fingerprint"),
        (Kind::Template, "CONTENT", "prompt"),
        (Kind::Payment, "MONEY", "payment"),
    ] {
        if window.items(kind).is_empty() {
            notes.push(format!("{family} abstains: no event has {field}"));
        }
    }
    if window.accounts.iter().all(|account| account.created.is_none()) {
        notes.push("LIFE abstains: no event has account_created_at".to_owned());
    }
    if window.days() < 5 {
        notes.push(format!("SYNC abstains: {} days in the window, 5 are needed", window.days()));
    }
    if window.accounts.iter().all(|account| account.labelled == 0) {
        notes.push(
            "purpose cannot be judged: no event has prompt or topic, so nothing is accused of extraction"
                .to_owned(),
        );
    }
    Ok(())
}
