//! How a secret is told from other text: by the beginnings that providers give their keys, by the scheme before
//! a token, by the name of a parameter, by the shape of a card number or a mail address.
//!
//! Entropy alone says nothing here: request ids and fingerprints look like keys. So a key of a shape that
//! nobody publishes is known only where a key belongs (`api_key`, `Authorization`).

use aho_corasick::AhoCorasick;
use aho_corasick::packed::Searcher;
use std::ops::Range;
use std::sync::LazyLock;

/// What may follow a beginning.
#[derive(Clone, Copy)]
enum After {
    /// So many letters, digits, `-`, `_` and `.` at the least, the beginning not counted.
    Key(usize),
    /// Three parts with dots between them.
    Jwt,
    /// A token of any form, which is the secret.
    Token,
    /// A name and a password in base64.
    Basic,
    /// The value of a parameter, if its name says that it is a secret.
    Parameter,
    /// The value of a header, with a scheme or without.
    Header,
    /// All that is left.
    Rest,
}

use After::{Basic, Header, Jwt, Key, Parameter, Rest, Token};

/// Beginnings, and what has to follow. All in ASCII without quotes and slashes, so that JSON can hide none of
/// them but by `\u00`, which is the last one.
const BEGINNINGS: [(&str, After); 48] = [
    ("csk-", Key(12)),        // Cerebras
    ("sk-", Key(12)),         // OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM
    ("sk_live_", Key(8)),     // Stripe, Clerk
    ("sk_test_", Key(8)),     // the same
    ("rk_live_", Key(8)),     // Stripe
    ("sk_", Key(24)),         // ElevenLabs and others
    ("AIza", Key(30)),        // Google
    ("ya29.", Key(20)),       // Google, OAuth
    ("AKIA", Key(16)),        // AWS
    ("ASIA", Key(16)),        // AWS, temporary
    ("AWS4-HMAC", Rest),      // AWS, signed requests
    ("ghp_", Key(20)),        // GitHub
    ("gho_", Key(20)),        // GitHub
    ("ghu_", Key(20)),        // GitHub
    ("ghs_", Key(20)),        // GitHub
    ("ghr_", Key(20)),        // GitHub
    ("github_pat_", Key(20)), // GitHub
    ("glpat-", Key(16)),      // GitLab
    ("xoxb-", Key(10)),       // Slack
    ("xoxp-", Key(10)),       // Slack
    ("hf_", Key(20)),         // Hugging Face
    ("gsk_", Key(20)),        // Groq
    ("xai-", Key(20)),        // xAI
    ("pplx-", Key(20)),       // Perplexity
    ("r8_", Key(20)),         // Replicate
    ("nvapi-", Key(20)),      // NVIDIA
    ("fw_", Key(20)),         // Fireworks
    ("sess-", Key(20)),       // OpenAI, sessions
    ("tgp_v1_", Key(20)),     // Together
    ("lsv2_", Key(20)),       // LangSmith
    ("tvly-", Key(16)),       // Tavily
    ("jina_", Key(20)),       // Jina
    ("npm_", Key(30)),        // npm
    ("SG.", Key(30)),         // SendGrid
    ("eyJ", Jwt),             // JSON web tokens
    ("Bearer ", Token),
    ("bearer ", Token),
    ("BEARER ", Token),
    ("Basic ", Basic),
    ("basic ", Basic),
    ("uthorization:", Header),
    ("uthorization=", Header),
    ("-----BEGIN", Rest), // PEM
    ("key=", Parameter),
    ("oken=", Parameter),
    ("ecret=", Parameter),
    ("assword=", Parameter),
    ("\\u00", Rest), // not in a decoded text, see `may_hold`
];

/// Bytes of a JSON web token's header, and of its content.
const JWT_HEAD_BYTES_MAX: usize = 1024;
const JWT_BODY_BYTES_MAX: usize = 16 << 10;

/// Bytes of the name of a parameter.
const NAME_BYTES_MAX: usize = 40;

/// Bytes of a header's value in which its scheme is looked for.
const HEADER_BYTES_MAX: usize = 1024;

/// Shortest token that is a secret whatever it is made of.
const TOKEN_BYTES_MIN: usize = 16;

/// Shortest one that is a secret if it has a digit.
const TOKEN_DIGIT_BYTES_MIN: usize = 6;

/// Shortest text without a known beginning that is a raw key where a key belongs. Below it is an id or an alias.
const KEY_BYTES_MIN: usize = 16;

/// Digits of a card number. Cards of twelve are hardly issued, and one customer number of twelve digits in ten would
/// pass for one.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Finds beginnings, many at once.
pub enum Finder {
    /// With vector instructions.
    Packed(Searcher),
    /// Where there are none.
    Plain(AhoCorasick),
    /// If not even that could be built; a test says that this does not happen.
    Nothing,
}

static FINDER: LazyLock<Finder> = LazyLock::new(|| {
    let texts = BEGINNINGS.map(|(text, _)| text);
    match Searcher::new(texts) {
        Some(packed) => Finder::Packed(packed),
        None => AhoCorasick::new(texts).map_or(Finder::Nothing, Finder::Plain),
    }
});

impl Finder {
    /// The one finder.
    #[must_use]
    pub fn get() -> &'static Self {
        &FINDER
    }

    /// The next beginning from a place: which, and where.
    fn beginning(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        let span = aho_corasick::Span { start: from, end: bytes.len() };
        let found = match self {
            Self::Packed(packed) => packed.find_in(bytes, span)?,
            Self::Plain(plain) => plain.find(aho_corasick::Input::new(bytes).span(span))?,
            Self::Nothing => return None,
        };
        Some((found.pattern().as_usize(), found.start()))
    }

    /// Whether a line of JSON may hold a secret anywhere. Quick, and often wrongly yes.
    #[must_use]
    pub fn may_hold(&self, line: &[u8]) -> bool {
        self.beginning(line, 0).is_some()
    }

    /// The next secret in a text that begins at a place or after it.
    #[must_use]
    pub fn next(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let mut at = from;
        while let Some((which, start)) = self.beginning(text.as_bytes(), at) {
            let (beginning, after) = BEGINNINGS.get(which)?;
            if let Some(found) = extent(text, start, beginning, *after) {
                return Some(found);
            }
            at = start + 1;
        }
        None
    }
}

/// The secret that begins with a beginning, if it is one.
fn extent(text: &str, start: usize, beginning: &str, after: After) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let end_of = |from: usize, inside: fn(u8) -> bool| {
        from + bytes.get(from..).unwrap_or_default().iter().take_while(|byte| inside(**byte)).count()
    };
    let tail = start + beginning.len();
    let stands_alone =
        start.checked_sub(1).and_then(|at| bytes.get(at)).is_none_or(|b| !b.is_ascii_alphanumeric());
    match after {
        Key(_) | Jwt if !stands_alone => None,
        Key(least) => {
            let end = end_of(tail, is_of_key);
            (end - tail >= least).then_some(start..end)
        }
        Jwt => {
            // Where it is none, that shows near its beginning: a long text full of beginnings costs no more.
            let head = bytes.get(tail..)?.iter().take(JWT_HEAD_BYTES_MAX);
            let dot = tail + head.clone().position(|byte| *byte == b'.')?;
            let after_dot = bytes.get(dot + 1..)?;
            let body = after_dot.iter().take(JWT_BODY_BYTES_MAX).position(|byte| *byte == b'.')?;
            let is_whole = bytes.get(tail..dot + 1 + body)?.iter().all(|byte| is_of_key(*byte));
            (is_whole && dot + body >= tail + TOKEN_BYTES_MIN)
                .then(|| start..end_of(dot + 1 + body, is_of_key))
        }
        Token | Basic => {
            let from = end_of(tail, |byte| byte == b' ');
            let end = end_of(from, is_of_token);
            let token = text.get(from..end)?;
            let secret = if matches!(after, Basic) { is_basic(token) } else { is_token(token) };
            (secret && !token.starts_with("key:")).then_some(from..end)
        }
        Parameter => {
            let name = bytes.get(start.saturating_sub(NAME_BYTES_MAX)..start)?;
            let name_start = start - name.iter().rev().take_while(|byte| is_of_name(**byte)).count();
            // The name first: what follows one that is no secret may be long.
            if !is_secret_name(text.get(name_start..tail - 1)?) {
                return None;
            }
            let end = end_of(tail, |byte| is_of_token(byte) && byte != b'&');
            let value = text.get(tail..end)?;
            (value.len() >= TOKEN_DIGIT_BYTES_MIN && !value.starts_with("key:")).then_some(tail..end)
        }
        Header => {
            let near = bytes.get(tail..)?.iter().take(HEADER_BYTES_MAX);
            let length = near.take_while(|byte| byte.is_ascii() && !matches!(byte, b'\r' | b'\n')).count();
            let line = text.get(tail..tail + length)?;
            let value = without_scheme(line);
            let from = tail + line.trim_end().len().saturating_sub(value.len());
            // Some schemes have many parts, any of which may be the secret.
            let is_many = value.contains("=\"");
            let is_inside: fn(u8) -> bool =
                if is_many { |byte| !matches!(byte, b'\r' | b'\n') } else { is_of_token };
            let end = end_of(from, is_inside);
            let token = text.get(from..end)?;
            (is_token(token) && !token.starts_with("key:")).then_some(from..end)
        }
        Rest if beginning.starts_with('\\') => None,
        Rest => Some(start..text.trim_end().len()),
    }
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_of_token(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b',' | b';')
}

/// Whether what follows `Bearer` is one and no word.
fn is_token(token: &str) -> bool {
    let has_digit = token.bytes().any(|byte| byte.is_ascii_digit());
    token.len() >= TOKEN_BYTES_MIN || (has_digit && token.len() >= TOKEN_DIGIT_BYTES_MIN)
}

/// Whether what follows `Basic` is a name and a password: base64 with a colon in it.
fn is_basic(token: &str) -> bool {
    let value = |byte: u8| -> Option<u32> {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        DIGITS.iter().position(|digit| *digit == byte).map(|at| at as u32)
    };
    let digits: Option<Vec<u32>> = token.trim_end_matches('=').bytes().map(value).collect();
    let Some(digits) = digits else { return false };
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = four.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - four.len()));
        bits.to_be_bytes().into_iter().skip(1).take(four.len() - 1)
    });
    bytes.into_iter().any(|byte| byte == b':')
}

/// Whether a field, header or parameter of this name holds a secret and nothing else.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const ENDS: [&str; 8] = [
        "apikey",
        "accesskey",
        "secretkey",
        "authtoken",
        "accesstoken",
        "secret",
        "password",
        "authorization",
    ];
    const WHOLE: [&str; 7] = ["key", "token", "refreshtoken", "idtoken", "cookie", "setcookie", "passwd"];
    let plain: String = name.chars().filter(|c| !matches!(c, '-' | '_' | '.')).collect();
    let plain = plain.to_ascii_lowercase();
    ENDS.iter().any(|end| plain.ends_with(end)) || WHOLE.contains(&plain.as_str())
}

/// A header's value without the scheme before the token.
pub(super) fn without_scheme(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(' ') {
        Some((scheme, token))
            if ["bearer", "basic", "token", "apikey", "key"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(scheme)) =>
        {
            token.trim_start()
        }
        _ => text,
    }
}

/// Whether a text that stands where a key belongs is one, and not its hash, its id or its alias.
pub(super) fn is_raw_key(text: &str) -> bool {
    let begins =
        BEGINNINGS.iter().any(|(text_of, after)| matches!(after, Key(_) | Jwt) && text.starts_with(text_of));
    begins || (text.len() >= KEY_BYTES_MIN && !is_hash(text))
}

/// Whether a text is a hash or a UUID: at least 32 hex digits, perhaps after the name of the hash.
fn is_hash(text: &str) -> bool {
    let digits = text.split_once(':').map_or(text, |(_, digits)| digits);
    let hex = digits.bytes().filter(u8::is_ascii_hexdigit).count();
    hex >= 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The next card number in a text, from a place on: 13 to 19 digits, perhaps in groups, that begin as cards do and pass the check of card
/// numbers.
pub(super) fn card(text: &str, mut at: usize) -> Option<Range<usize>> {
    if text.len() - at < *CARD_DIGITS.start() {
        return None;
    }
    let bytes = text.as_bytes();
    while let Some(start) = bytes.get(at..)?.iter().position(u8::is_ascii_digit).map(|found| at + found) {
        let run =
            bytes[start..].iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
        let run = bytes.get(start..start + run.count())?;
        let length = run.iter().rposition(u8::is_ascii_digit)? + 1;
        let digits: Vec<u8> =
            run[..length].iter().filter(|byte| byte.is_ascii_digit()).map(|b| b - b'0').collect();
        let stands_alone = |at: Option<&u8>| at.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let alone = stands_alone(start.checked_sub(1).and_then(|at| bytes.get(at)))
            && stands_alone(bytes.get(start + length));
        let issued = matches!(digits.first(), Some(2..=6));
        if alone && issued && CARD_DIGITS.contains(&digits.len()) && passes_luhn(&digits) {
            return Some(start..start + length);
        }
        at = start + length;
    }
    None
}

fn passes_luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let digits = digits.iter().rev().enumerate();
    let sum: u32 =
        digits.map(|(at, digit)| u32::from(if at % 2 == 1 { doubled(*digit) } else { *digit })).sum();
    sum.is_multiple_of(10)
}

/// The next mail address in a text, from a place on.
pub(super) fn mail(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_local =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&*+-/=?^_`{|}~.".contains(byte) || *byte >= 0x80;
    for at in memchr::memchr_iter(b'@', bytes.get(from..)?).map(|at| from + at) {
        let start = at - bytes[from..at].iter().rev().take_while(|byte| is_local(byte)).count();
        let domain = bytes[at + 1..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || b"-.".contains(b) || **b >= 0x80);
        let end = at + 1 + domain.count();
        let domain = text.get(at + 1..end).unwrap_or_default().trim_end_matches('.');
        if start < at && domain.contains('.') && !domain.starts_with('.') {
            return Some(start..at + 1 + domain.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Vec<&str> {
        let (mut at, mut found) = (0, Vec::new());
        while let Some(range) = Finder::get().next(text, at) {
            at = range.end;
            found.push(&text[range]);
        }
        found
    }

    #[test]
    fn keys_and_tokens_are_found_inside_of_text() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        for (text, wanted) in [
            ("sk-ant-api03-abcdefghijkl", vec!["sk-ant-api03-abcdefghijkl"]),
            (
                "x=sk-proj-0123456789abcdef, csk-0123456789abcd",
                vec!["sk-proj-0123456789abcdef", "csk-0123456789abcd"],
            ),
            ("Bearer  abc123def", vec!["abc123def"]),
            ("authorization: Bearer longertokenwithoutdigits", vec!["longertokenwithoutdigits"]),
            ("Authorization: opaque-0001\r\nX: y", vec!["opaque-0001"]),
            ("BEARER sk-1234", vec!["sk-1234"]),
            ("Basic dXNlcjpwYXNzd29yZA==", vec!["dXNlcjpwYXNzd29yZA=="]),
            ("/v1/x?key=AIzaSyA1&api_key=qwertz", vec!["AIzaSyA1", "qwertz"]),
            ("?access_token=abcdef&x=1", vec!["abcdef"]),
            (jwt, vec![jwt]),
            ("-----BEGIN PRIVATE KEY-----\nabc", vec!["-----BEGIN PRIVATE KEY-----\nabc"]),
            ("AKIAIOSFODNN7EXAMPLE", vec!["AKIAIOSFODNN7EXAMPLE"]),
        ] {
            assert_eq!(secrets(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_long_text_of_beginnings_is_read_in_one_go() {
        // Each of these would take minutes if every beginning were followed to the end of the text.
        for piece in ["eyJ-", "xkey=", "eyJ.", "uthorization:x ", "sk-", "Basic x ", "@a", "4 ", "key=", "1-"]
        {
            let text = piece.repeat((1 << 20) / piece.len());
            let mut at = 0;
            while let Some(range) = Finder::get().next(&text, at) {
                at = range.end;
            }
            let _found = (card(&text, 0), mail(&text, 0));
        }
    }

    #[test]
    fn ordinary_words_are_none() {
        for text in [
            "task-management-and-planning",
            "basic programming",
            "bearer of good news",
            "send Authorization: Bearer TOKEN",
            "Bearer key:0123456789abcdef01234567",
            "/v1/models?apikey=key:0123456789abcdef01234567",
            "monkey=banana-banana",
            "sk-learn/1.2",
            "eyJustOneWordWithoutDots",
            "claude-cli/2.0.14 (external, cli)",
            "https://example.org/?q=key",
            "SG.1",
            "",
        ] {
            assert!(secrets(text).is_empty(), "{text}: {:?}", secrets(text));
        }
    }

    #[test]
    fn an_escaped_beginning_does_not_slip_through_the_look_at_the_line() {
        assert!(Finder::get().may_hold(br#"{"x":"\u0073k-0123456789abcdef"}"#));
        assert!(Finder::get().may_hold(br#"{"x":"Bearer a\/b"}"#));
        assert!(!Finder::get().may_hold(br#"{"ts":1795426307,"account":"acct-1","api_key":"key-1"}"#));
        assert!(!matches!(Finder::get(), Finder::Nothing));
    }

    #[test]
    fn cards_are_told_by_their_check_digit() {
        for (text, wanted) in [
            ("4111 1111 1111 1111", Some("4111 1111 1111 1111")),
            ("visa 5500-0000-0000-0004.", Some("5500-0000-0000-0004")),
            ("378282246310005", Some("378282246310005")),
            ("4111 1111 1111 1112", None),
            ("pm4111111111111111", None),
            ("411111", None),
            ("2026-11-25 12:00", None),
        ] {
            assert_eq!(card(text, 0).map(|found| &text[found]), wanted, "{text}");
        }
    }

    #[test]
    fn mail_addresses_are_told_by_their_domain() {
        for (text, wanted) in [
            ("Ann <ann.b+x@mail.example.org>", Some("ann.b+x@mail.example.org")),
            ("write to a@b.de.", Some("a@b.de")),
            ("@example.org", None),
            ("a@localhost", None),
            ("example.org", None),
        ] {
            assert_eq!(mail(text, 0).map(|found| &text[found]), wanted, "{text}");
        }
    }
}
