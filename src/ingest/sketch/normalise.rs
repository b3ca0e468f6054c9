//! Text as the words that a template keeps when it is filled in.
//!
//! - Letters are lower case. Whitespace and signs end a word; inside `and/or` and `step-by-step` they part two.
//! - What is usually fill is *masked*, so that it does not change a phrase: numbers, dates, UUIDs, URLs, e-mail
//!   addresses, paths, `snake_case`, `camelCase`, `a::b`, `a.b`, words with digits, words over 64 bytes.
//! - Scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese): each character is a word.
//! - Full-width forms are their ASCII twins. Combining accents, zero-width and direction marks are as if not there.
//!
//! What is left out: letters of different scripts that look alike, and composed against decomposed accents beyond
//! dropping the accent. One pass, nothing allocated, and each byte is looked at twice at most.

use std::sync::LazyLock;

/// Bytes of a word. A longer one is a blob, and masked.
const WORD_BYTES_MAX: usize = 64;

/// What a masked word is called.
pub(super) const MASK: &[u8] = b"#";

/// A word of normalised text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// The word in lower case; [`MASK`] for numbers and blobs.
    pub(super) text: &'a [u8],
    /// Whether it is what templates are filled with.
    pub(super) masked: bool,
}

/// What a byte or letter can be in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Class {
    /// Ends whatever there was.
    Gap,
    Lower,
    Upper,
    Digit,
    /// ASCII that may stand inside a number, a URL or a path.
    Sign,
    /// The bytes of other letters than ASCII.
    Wide,
    /// A letter of a script without spaces.
    Alone,
    /// As if it were not there.
    Nothing,
}

const fn ascii_class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        b'.' | b':' | b'/' | b'\\' | b'-' | b'_' | b'@' | b'+' | b'=' | b'?' | b'&' | b'%' | b'#' | b'$'
        | b'~' => Class::Sign,
        0x80..=0xFF => Class::Wide,
        _ => Class::Gap,
    }
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Gap; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = ascii_class(byte as u8);
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Letters below this are looked up instead of asked for: Latin, Greek, Cyrillic, Armenian, Hebrew.
const NEAR: u32 = 0x600;

/// What [`far_class`] and the standard library say of each of them.
static NEAR_LETTERS: LazyLock<Vec<(Class, char)>> =
    LazyLock::new(|| (0..NEAR).filter_map(char::from_u32).map(far_letter).collect());

/// The class of a character outside ASCII, and the character in lower case.
fn wide_letter(letter: char) -> (Class, char) {
    match u32::from(letter) {
        // Nearly all of Chinese and Korean.
        0x4E00..=0x9FFF => (Class::Alone, letter),
        0xAC00..=0xD7A3 => (Class::Lower, letter),
        near @ ..NEAR => NEAR_LETTERS.get(near as usize).copied().unwrap_or((Class::Gap, letter)),
        _ => far_letter(letter),
    }
}

fn far_letter(letter: char) -> (Class, char) {
    let class = far_class(letter);
    match class {
        // One capital has two characters in lower case, and the second is an accent.
        Class::Upper => (class, letter.to_lowercase().next().unwrap_or(letter)),
        _ => (class, letter),
    }
}

fn far_class(letter: char) -> Class {
    match u32::from(letter) {
        // Accents to combine, soft hyphen, zero width, direction, variation, tags.
        0x300..=0x36F
        | 0xAD
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0x20D0..=0x20FF
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xE_0000..=0xE_0FFF => Class::Nothing,
        _ if letter.is_numeric() => Class::Digit,
        // The two dandas that end a sentence, then letters and vowel signs of the Indian scripts.
        0x964 | 0x965 => Class::Gap,
        0x900..=0xDFF => Class::Lower,
        _ if !letter.is_alphabetic() => Class::Gap,
        // Thai and Lao, Burmese, Khmer, kana, ideographs, half-width kana.
        0xE00..=0xEFF
        | 0x1000..=0x109F
        | 0x1780..=0x17FF
        | 0x3005..=0x30FF
        | 0x31F0..=0x31FF
        | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF
        | 0xF900..=0xFAFF
        | 0xFF66..=0xFF9F
        | 0x2_0000..=0x3_FFFF => Class::Alone,
        _ if letter.is_uppercase() => Class::Upper,
        _ => Class::Lower,
    }
}

/// Calls `each` with the words of a text, in order.
pub(super) fn words(text: &str, mut each: impl FnMut(Word<'_>)) {
    let bytes = text.as_bytes();
    let class_at = |at: usize| bytes.get(at).map_or(Class::Gap, |byte| class(*byte));
    let mut at = 0;
    while at < bytes.len() {
        if class_at(at) == Class::Gap {
            at += 1;
            continue;
        }
        // Nearly all of a text: a plain word, perhaps with a capital and the sign that ends a sentence.
        let start = at;
        let mut end = at + 1;
        while class_at(end) == Class::Lower {
            end += 1;
        }
        let ends = matches!(bytes.get(end), Some(b'.' | b':' | b'?'));
        let after = end + usize::from(ends);
        if class_at(after) == Class::Gap && end - start <= WORD_BYTES_MAX {
            match class_at(start) {
                Class::Lower => {
                    each(Word { text: &bytes[start..end], masked: false });
                    at = after;
                    continue;
                }
                Class::Upper => {
                    let mut word = [0; WORD_BYTES_MAX];
                    let word = &mut word[..end - start];
                    word.copy_from_slice(&bytes[start..end]);
                    word[0] = word[0].to_ascii_lowercase();
                    each(Word { text: word, masked: false });
                    at = after;
                    continue;
                }
                _ => {}
            }
        }
        at += chunk(&text[start..], &mut each);
    }
}

/// The ASCII letter that a letter is or is a full-width form of.
fn narrow(letter: char) -> Option<u8> {
    let letter = match u32::from(letter) {
        wide @ 0xFF01..=0xFF5E => wide - 0xFEE0,
        other => other,
    };
    u8::try_from(letter).ok().filter(u8::is_ascii)
}

/// Reads the words up to the next gap of ASCII. Returns how many bytes that was.
fn chunk(text: &str, each: &mut impl FnMut(Word<'_>)) -> usize {
    let mut token = Token::new();
    for (at, letter) in text.char_indices() {
        if let Some(narrow) = narrow(letter) {
            match class(narrow) {
                Class::Gap if letter.is_ascii() => {
                    token.end(each);
                    return at;
                }
                Class::Gap => token.end(each),
                Class::Sign => token.sign(narrow),
                class => token.push(&[narrow.to_ascii_lowercase()], class),
            }
            continue;
        }
        let mut utf8 = [0; 4];
        let (class, lower) = wide_letter(letter);
        let lower = lower.encode_utf8(&mut utf8).as_bytes();
        match class {
            Class::Nothing => {}
            Class::Alone => {
                token.end(each);
                each(Word { text: lower, masked: false });
            }
            Class::Lower | Class::Upper | Class::Digit => token.push(lower, class),
            Class::Gap | Class::Sign | Class::Wide => token.end(each),
        }
    }
    token.end(each);
    text.len()
}

/// What is between two gaps, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// One word, or several with signs between them.
    Words,
    /// A number or an identifier.
    Code,
    /// Longer than a word may be.
    Blob,
}

/// What is gathered between two gaps.
struct Token {
    text: [u8; WORD_BYTES_MAX],
    len: usize,
    /// The class of the last letter; `Gap` before the first.
    last: Class,
    /// The sign since the last letter or digit, 0 for none; the last one of several.
    sign: u8,
    slashes: usize,
    letters: bool,
    inner_signs: bool,
    kind: Kind,
}

impl Token {
    fn new() -> Self {
        Self {
            text: [0; WORD_BYTES_MAX],
            len: 0,
            last: Class::Gap,
            sign: 0,
            slashes: 0,
            letters: false,
            inner_signs: false,
            kind: Kind::Words,
        }
    }

    /// Adds a letter or digit, already in lower case.
    fn push(&mut self, letter: &[u8], class: Class) {
        let begins = self.last == Class::Gap;
        self.code_if(
            class == Class::Digit
                || (class == Class::Upper && self.last == Class::Lower && self.sign == 0)
                || (self.sign == b'.' && !begins)
                || (self.sign == b'/' && begins),
        );
        self.letters |= class != Class::Digit;
        self.inner_signs |= self.sign != 0 && !begins;
        if self.sign != 0 && !begins {
            self.put(&[self.sign]);
        }
        self.put(letter);
        self.sign = 0;
        self.last = class;
    }

    /// Adds a sign, which counts when a letter follows.
    fn sign(&mut self, sign: u8) {
        let doubled = sign == self.sign && matches!(sign, b':' | b'/');
        self.slashes += usize::from(sign == b'/');
        self.code_if(matches!(sign, b'_' | b'@' | b'\\' | b'=') || doubled || self.slashes > 1);
        // Two different signs are no dot inside a word.
        self.sign = if sign == b'.' && self.sign != 0 { b'-' } else { sign };
    }

    fn code_if(&mut self, is_code: bool) {
        if is_code {
            self.kind = self.kind.max(Kind::Code);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.text.get_mut(self.len..self.len + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.kind = Kind::Blob,
        }
    }

    /// Hands out what was gathered and begins again.
    fn end(&mut self, each: &mut impl FnMut(Word<'_>)) {
        let text = &self.text[..self.len];
        match self.kind {
            _ if text.is_empty() => {}
            Kind::Code if self.letters => each(Word { text, masked: true }),
            Kind::Code | Kind::Blob => each(Word { text: MASK, masked: true }),
            Kind::Words if self.inner_signs => {
                for word in text.split(|byte| class(*byte) == Class::Sign) {
                    each(Word { text: word, masked: false });
                }
            }
            Kind::Words => each(Word { text, masked: false }),
        }
        *self = Self::new();
    }
}
