//! What must not reach the disk as it came: raw keys and tokens, cards, mail addresses, and where the operator
//! says so account names and addresses. In their place stand hashes keyed with a secret of the database, the
//! same for the same value, so that everything can still be correlated.
//!
//! ```text
//! key:1f3a...   a raw API key, a bearer token, a password        card:...   a card number
//! acct:...      an account, if accounts are pseudonyms           mail:...   an e-mail address
//! p:203.0.9.7   an address, if addresses are pseudonyms (`address.rs`); no address that anybody has
//! ```
//!
//! A question is asked with the raw value or with what stands in its place: whoever asks goes through the
//! same functions as what comes in. The secret lies in the database file, so whoever has the whole file can
//! try out guesses; answers, evidence and logs say nothing without it.

mod address;
mod look;

pub use address::Network;
pub use look::{Finder, is_secret_name};

use crate::event::{Dim, ip_from_bytes};
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Hex digits of a hash that stands in the place of a value: 96 bits, so that no two values meet by chance.
const HASH_DIGITS: usize = 24;

/// What is kept under a pseudonym.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pseudonyms {
    /// Account names.
    pub accounts: bool,
    /// Addresses of clients, with their prefixes in order.
    pub ips: bool,
}

impl Pseudonyms {
    /// Names and addresses are kept as they come.
    pub const NONE: Self = Self { accounts: false, ips: false };

    /// The words of the setting.
    const WORDS: [&str; 2] = ["account", "ip"];

    /// What the words of the setting mean; an error names the wrong one.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut found = Self::NONE;
        for word in words {
            match word.trim() {
                "account" => found.accounts = true,
                "ip" => found.ips = true,
                other => return Err(other.to_owned()),
            }
        }
        Ok(found)
    }

    /// The set as a number that a file keeps.
    #[must_use]
    pub fn bits(self) -> u8 {
        u8::from(self.accounts) | u8::from(self.ips) << 1
    }

    /// The set of a number; none for a number of another version.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits < 4).then_some(Self { accounts: bits & 1 != 0, ips: bits & 2 != 0 })
    }
}

impl fmt::Display for Pseudonyms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Self::WORDS.into_iter().zip([self.accounts, self.ips]);
        let words: Vec<&str> = words.filter(|(_, on)| *on).map(|(word, _)| word).collect();
        out.write_str(if words.is_empty() { "nothing" } else { "" })?;
        out.write_str(&words.join(","))
    }
}

/// The secret of a database, and what it is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    key: [u8; 32],
    pseudonyms: Pseudonyms,
}

impl fmt::Debug for Privacy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Privacy({})", self.pseudonyms)
    }
}

impl Privacy {
    /// With a secret: real randomness, except in tests.
    #[must_use]
    pub const fn new(key: [u8; 32], pseudonyms: Pseudonyms) -> Self {
        Self { key, pseudonyms }
    }

    /// The secret, for the store to keep.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// What is kept under a pseudonym.
    #[must_use]
    pub fn pseudonyms(&self) -> Pseudonyms {
        self.pseudonyms
    }

    /// A text of a dimension as it is kept. What is kept already stays what it is.
    #[must_use]
    pub fn kept<'t>(&self, dim: Dim, text: &'t str) -> Cow<'t, str> {
        self.kept_always(dim, text).map_or_else(|| self.without_secrets(text), Cow::Owned)
    }

    /// What of [`Self::kept`] no look for secrets in the whole line can spare. None if nothing changes.
    #[must_use]
    pub fn kept_always(&self, dim: Dim, text: &str) -> Option<String> {
        match dim {
            Dim::Account => self.account(text),
            Dim::ApiKey => self.api_key(text),
            Dim::Payment => self.payment(text),
            Dim::EmailDomain => email_domain(text),
            _ => None,
        }
    }

    /// A pseudonym, if accounts have one.
    fn account(&self, name: &str) -> Option<String> {
        let pseudonymous = self.pseudonyms.accounts && !is_tagged(name, "acct:");
        pseudonymous.then(|| self.tagged("acct:", name))
    }

    /// A raw key becomes a hash; a hash, an id or an alias stays. A scheme before the key says nothing of it.
    fn api_key(&self, text: &str) -> Option<String> {
        let bare = look::without_scheme(text);
        let stays = is_tagged(bare, "key:") || !look::is_raw_key(bare);
        if stays {
            (bare.len() < text.len()).then(|| bare.to_owned())
        } else {
            Some(self.tagged("key:", bare))
        }
    }

    /// Card numbers and mail addresses in a payment. None if there is none.
    fn payment(&self, text: &str) -> Option<String> {
        let digits = |card: &str| card.chars().filter(char::is_ascii_digit).collect::<String>();
        let without_cards = replaced(text, look::card, |card| self.tagged("card:", &digits(card)));
        let of = without_cards.as_deref().unwrap_or(text);
        let without_mail = replaced(of, look::mail, |mail| self.tagged("mail:", &mail.to_lowercase()));
        without_mail.or(without_cards)
    }

    /// A text with hashes in the place of the keys, tokens and passwords in it.
    #[must_use]
    pub fn without_secrets<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let find = |text: &str, from| Finder::get().next(text, from);
        replaced(text, find, |secret| self.tagged("key:", secret)).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// A text of which nothing is known, such as a field that is kept as it came: without keys, cards and mail
    /// addresses. `secret` says that all of it is a secret, by its name.
    #[must_use]
    pub fn unknown<'t>(&self, text: &'t str, secret: bool) -> Cow<'t, str> {
        if secret && !is_tagged(text, "key:") {
            return Cow::Owned(self.tagged("key:", look::without_scheme(text)));
        }
        match self.without_secrets(text) {
            Cow::Owned(text) => Cow::Owned(self.payment(&text).unwrap_or(text)),
            Cow::Borrowed(text) => self.payment(text).map_or(Cow::Borrowed(text), Cow::Owned),
        }
    }

    /// An address as it is kept: 16 bytes, IPv4 as IPv4-mapped.
    #[must_use]
    pub fn address(&self, ip: [u8; 16]) -> [u8; 16] {
        if self.pseudonyms.ips { address::pseudonym(&self.key, ip) } else { ip }
    }

    /// A kept address as text; a pseudonym says that it is one, so that nobody takes it for somebody's.
    #[must_use]
    pub fn shown_address(&self, ip: [u8; 16]) -> String {
        let mark = if self.pseudonyms.ips { address::MARK } else { "" };
        format!("{mark}{}", ip_from_bytes(ip))
    }

    /// A kept network as text.
    #[must_use]
    pub fn shown_network(&self, ip: [u8; 16], bits: u8) -> String {
        let bits = if ip_from_bytes(ip).is_ipv4() { bits.saturating_sub(96) } else { bits };
        format!("{}/{bits}", self.shown_address(ip))
    }

    /// The kept network that a question means: a marked one as it is, any other one as it came in.
    #[must_use]
    pub fn kept_network(&self, asked: Network) -> ipnet::IpNet {
        if self.pseudonyms.ips && !asked.is_pseudonym {
            address::pseudonym_of_network(&self.key, asked.net)
        } else {
            asked.net
        }
    }

    /// A keyed hash with what it stands for before it.
    fn tagged(&self, tag: &'static str, value: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(tag.as_bytes());
        hasher.update(value.as_bytes());
        let hash = hasher.finalize().to_hex();
        format!("{tag}{}", hash.get(..HASH_DIGITS).unwrap_or_default())
    }
}

/// A text with something in the place of all that is found in it. None if nothing is.
fn replaced(
    text: &str,
    find: impl Fn(&str, usize) -> Option<Range<usize>>,
    with: impl Fn(&str) -> String,
) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    while let Some(found) = find(text, copied) {
        out.push_str(&text[copied..found.start]);
        out.push_str(&with(&text[found.clone()]));
        copied = found.end;
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// A mail address where its domain belongs: the domain.
fn email_domain(text: &str) -> Option<String> {
    let (_, domain) = text.rsplit_once('@')?;
    Some(domain.trim_end_matches('>').trim().to_ascii_lowercase())
}

/// Whether a text is a hash that stands for something already.
fn is_tagged(text: &str, tag: &str) -> bool {
    text.strip_prefix(tag).is_some_and(|hash| {
        hash.len() == HASH_DIGITS && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// What a message says in the place of what it may not show.
const WITHHELD: &str = "(not shown)";

/// Whether a text holds something that no message may show.
#[must_use]
pub fn is_private(text: &str) -> bool {
    look::card(text, 0).is_some() || look::mail(text, 0).is_some() || Finder::get().next(text, 0).is_some()
}

/// A message without what it may not show.
#[must_use]
pub fn withheld(message: String) -> String {
    let hide = |_: &str| WITHHELD.to_owned();
    let secret = |text: &str, from| Finder::get().next(text, from);
    let message = replaced(&message, secret, hide).unwrap_or(message);
    let message = replaced(&message, look::card, hide).unwrap_or(message);
    replaced(&message, look::mail, hide).unwrap_or(message)
}

/// What is wrong with JSON, without what stood there: serde shows values of the wrong kind and unknown names.
#[must_use]
pub fn json_error(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let Some(start) = message.find(['"', '`']) else { return message };
    // What serde expected comes last, and is ours.
    let end = message.rfind(", expected").or_else(|| message.rfind(" at line ")).filter(|end| *end > start);
    format!("{}...{}", &message[..start], end.and_then(|end| message.get(end..)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVACY: Privacy = Privacy::new([7; 32], Pseudonyms { accounts: true, ips: true });
    const PLAIN: Privacy = Privacy::new([7; 32], Pseudonyms::NONE);

    #[test]
    fn what_is_kept_stays_what_it_is_when_it_comes_again() {
        let texts = [
            (Dim::ApiKey, "sk-1234"),
            (Dim::ApiKey, "Bearer a-key-of-our-own-0001"),
            (Dim::Payment, "4111 1111-1111 1111"),
            (Dim::Payment, "paid by Ann@Example.org"),
            (Dim::EmailDomain, "Ann <ann@Example.org>"),
            (Dim::Account, "ann@example.org"),
            (Dim::UserAgent, "curl sk-proj-0123456789abcdefXYZ end"),
            (Dim::Endpoint, "/v1/models?api_key=abcdef123&x=1"),
        ];
        for (dim, text) in texts {
            let once = PRIVACY.kept(dim, text).into_owned();
            assert_ne!(once, text);
            assert_eq!(PRIVACY.kept(dim, &once), once, "{text}");
            let other = Privacy::new([8; 32], PRIVACY.pseudonyms);
            assert!(dim == Dim::EmailDomain || other.kept(dim, text) != once, "the key counts: {text}");
        }
    }

    #[test]
    fn a_value_is_the_same_however_it_is_written() {
        let kept = |text| PLAIN.kept(Dim::ApiKey, text).into_owned();
        assert_eq!(kept("Bearer sk-abc"), kept("sk-abc"));
        assert_eq!(kept("bearer  sk-abc"), kept("sk-abc"));
        assert_eq!(kept("Bearer key-17"), "key-17");
        assert_eq!(
            PLAIN.kept(Dim::Payment, "4111111111111111"),
            PLAIN.kept(Dim::Payment, "4111-1111-1111-1111")
        );
        assert_eq!(PLAIN.kept(Dim::Payment, "A@b.org"), PLAIN.kept(Dim::Payment, "a@b.org"));
        assert_eq!(PLAIN.kept(Dim::EmailDomain, "x@B.org"), "b.org");
    }

    #[test]
    fn all_that_is_private_in_a_text_goes() {
        let text = "a@b.org, 4111 1111 1111 1111, c@d.org and 5500-0000-0000-0004, sk-0123456789abcdef";
        let kept = PLAIN.unknown(text, false);
        assert!(!is_private(&kept), "{kept}");
        assert_eq!(
            kept.matches("mail:").count() + kept.matches("card:").count() + kept.matches("key:").count(),
            5
        );
        assert!(PLAIN.unknown("opaque", true).starts_with("key:"));
    }

    #[test]
    fn names_and_hashes_stay() {
        let hash = "a".repeat(64);
        for (dim, text) in [
            (Dim::ApiKey, hash.as_str()),
            (Dim::ApiKey, "key-acct-17"),
            (Dim::ApiKey, "5c6f7a2e-1d4b-4f6e-9a3c-0123456789ab"),
            (Dim::Account, "ann@example.org"),
            (Dim::Account, "acct-17"),
            (Dim::Payment, "pay-0017"),
            (Dim::UserAgent, "task-runner/1.0 (desk-top; disk-like-a-long-word)"),
        ] {
            assert_eq!(PLAIN.kept(dim, text), text);
        }
    }

    #[test]
    fn messages_show_nothing_private() {
        let message = "status is no number: \"4111 1111 1111 1111\", a@b.org, Bearer abc123def".to_owned();
        let shown = "status is no number: \"(not shown)\", (not shown), Bearer (not shown)";
        assert_eq!(withheld(message), shown);
        assert_eq!(withheld("AWS4-HMAC-SHA256 x".to_owned()), "(not shown)");
        let error = serde_json::from_str::<Vec<u8>>(r#"["hush, expected \" x"]"#).expect_err("text");
        assert_eq!(json_error(&error), "invalid type: string ..., expected u8 at line 1 column 22");
    }

    #[test]
    fn the_secret_is_in_no_debug_text() {
        assert_eq!(format!("{PRIVACY:?}"), "Privacy(account,ip)");
        assert_eq!(format!("{PLAIN:?}"), "Privacy(nothing)");
    }

    #[test]
    fn the_setting_is_told_by_words() {
        assert_eq!(Pseudonyms::from_words(["ip", " account"]), Ok(PRIVACY.pseudonyms));
        assert_eq!(Pseudonyms::from_words(["ips"]), Err("ips".to_owned()));
        assert_eq!(Pseudonyms::from_bits(PRIVACY.pseudonyms.bits()), Some(PRIVACY.pseudonyms));
        assert_eq!(Pseudonyms::from_bits(4), None);
    }
}
