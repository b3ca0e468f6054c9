//! What is kept of a prompt beside its hash: a few 32-bit numbers, from which the text cannot be read.
//!
//! Fill changes from prompt to prompt, a template stays. So a prompt is cut into phrases of eight words
//! (`normalise.rs` says what a word is), and of each segment the phrase with the least hash is kept: if a template
//! is part of a segment, that part is the probability that the key is the template's.
//!
//! | number | of what |
//! |---|---|
//! | `Head` | the least phrase of the first 20 words; of a prompt of 4 to 7 words, all of them |
//! | `Tail` | the least phrase of the last 20 words |
//! | `Body` | the least phrase of one quarter of all phrases |
//! | `System` | all words of the system prompt |
//! | `Exact` | the bytes of the prompt |
//! | `Prefix` | the bytes of the first 4,000 characters, if there are 4,500 |
//! | `Marks` | which phrase lists prompt and system prompt hit (`phrases.rs`) |
//! | `PromptChars` | characters of the prompt |
//!
//! # To compute a key again
//!
//! Everything is XXH3 (64 bits) with the public [`SEED`], because keys have to be the same at every provider: they
//! are for finding, not for secrecy. A word's hash is that of its bytes; a masked word's that of `#`, and masked
//! words in a row are one. A phrase's hash is that of its eight word hashes, each 8 bytes, little-endian; so is
//! that of a system prompt or a short prompt. Phrases are compared by all 64 bits. A key is the low 32 bits,
//! `0xFFFFFFFF` becoming `0xFFFFFFFE`. The quarters of `Body` are the top two bits of the phrase's hash: that which
//! is the count of words modulo 4, or, as long as there is no phrase in it, that XOR 1, 2, 3.
//!
//! Of a text over `SKETCH_BYTES_MAX` only pieces are read (`limits`); no phrase spans two of them.
//!
//! # Why so
//!
//! Twenty words, because a template of as many at either end gives its key to each of its prompts, and one of
//! fifteen to half of them; of 2 KB it would be no more than its share, 15 or 30 in a hundred. Quarters, because a
//! template whose phrases all happen to have large hashes would lose against fill in each of its prompts, for
//! ever; so it has four chances. Tests measure both.
//!
//! # Rate
//!
//! 1.6 us for 300 bytes of English, then 200 to 240 MB/s (code the same, Chinese and Russian 110 to 150), on one core of
//! a busy 2-core virtual machine, up to `SKETCH_BYTES_MAX`; what is past it costs its hash only.
//!
//! What is left out: which keys mean anything. That depends on how many accounts share them, which is asked later.

mod normalise;
mod phrases;
mod systems;

use crate::event::Number;
use crate::limits::{SKETCH_BYTES_MAX, SKETCH_END_BYTES, SKETCH_PIECE_BYTES, SKETCH_STRIDE_BYTES};
use normalise::MASK;
pub(super) use systems::Systems;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// The public seed of all keys: `cahoots1` in ASCII.
pub(super) const SEED: u64 = 0x6361_686f_6f74_7331;

/// Words of a phrase.
const PHRASE_WORDS: usize = 8;

/// Words of the segments at the beginning and at the end.
const END_WORDS: usize = 20;

/// Phrases of these segments.
const END_PHRASES: usize = END_WORDS - PHRASE_WORDS + 1;

/// Bytes of word hashes that are held at once. More than a phrase, so that they are moved but rarely.
const HASHES_BYTES: usize = 64 * 8;

/// Words of the shortest prompt that has a key of its words.
const WORDS_MIN: usize = 4;

/// Characters of a prompt's first part, by which a conversation is known again.
const PREFIX_CHARS: usize = 4_000;

/// Characters of the shortest prompt that has one: a prompt that is not much longer is no conversation yet.
const PREFIX_PROMPT_CHARS: usize = 4_500;

/// What an event says of its prompt. Empty is not given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given<'a> {
    pub(super) prompt: &'a str,
    pub(super) system: &'a str,
    /// The gateway's hash of the prompt, taken where there is no prompt.
    pub(super) prompt_hash: &'a str,
    /// The gateway's id of the template: the body's key, and the head's where there is no prompt.
    pub(super) template: &'a str,
    /// The gateway's hash of the beginning of the conversation.
    pub(super) prefix_hash: &'a str,
}

/// Fills the numbers that are kept of a prompt. `secret` is the database's seed; no key depends on it.
pub(super) fn fill(
    given: Given<'_>,
    secret: u64,
    systems: &mut Systems,
    numbers: &mut [Option<u32>; Number::COUNT],
) {
    let mut put = |number: Number, value: Option<u32>| numbers[number.index()] = value;
    let mut ends = Ends::default();
    let mut marks = None;
    if !given.prompt.is_empty() {
        let characters = given.prompt.chars().count();
        let prompt = of_prompt(given.prompt);
        ends = prompt.ends;
        marks = Some(prompt.marks);
        put(Number::Tail, ends.tail);
        put(Number::Prefix, prefix(given.prompt, characters));
        put(Number::PromptChars, Some(characters.min(u32::MAX as usize - 1) as u32));
    }
    if !given.system.is_empty() {
        let system = systems.sketch(given.system, secret);
        marks = Some(marks.unwrap_or(0) | system.marks);
        put(Number::System, system.key);
    }
    put(Number::Marks, marks);
    let key_of = |text: &str| (!text.is_empty()).then(|| key(hash(text.as_bytes())));
    let template = (!given.template.is_empty()).then(|| template_key(given.template));
    put(Number::Head, if given.prompt.is_empty() { template } else { ends.head });
    put(Number::Body, template.or(ends.body));
    put(Number::Exact, key_of(given.prompt).or_else(|| key_of(given.prompt_hash)));
    if let Some(prefix) = key_of(given.prefix_hash) {
        put(Number::Prefix, Some(prefix));
    }
}

/// The key of a template that the gateway names.
#[must_use]
pub fn template_key(name: &str) -> u32 {
    key(hash(name.as_bytes()))
}

/// The hash of some bytes that everybody can compute.
fn hash(bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, SEED)
}

/// The key that a hash is kept as. The low bits, because the high ones of a least hash are nearly all zero.
fn key(hash: u64) -> u32 {
    (hash as u32).min(u32::MAX - 1)
}

/// What is kept of the words of a prompt.
struct Prompt {
    ends: Ends,
    marks: u32,
}

fn of_prompt(text: &str) -> Prompt {
    let mut phrases = Phrases::new();
    let marks = read(text, |step| match step {
        Some(word) => phrases.word(word),
        None => phrases.part(),
    });
    Prompt { ends: phrases.ends(), marks }
}

/// What is kept of a system prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct System {
    key: Option<u32>,
    marks: u32,
}

fn of_system(text: &str) -> System {
    let mut whole = Xxh3::with_seed(SEED);
    let mut any = false;
    let marks = read(text, |step| {
        if let Some(word) = step {
            whole.update(&word.to_le_bytes());
            any = true;
        }
    });
    System { key: any.then(|| key(whole.digest())), marks }
}

/// Calls `each` with the hashes of a text's words, masked ones in a row as one, and with `None` where a piece
/// begins. Returns the marks.
fn read(text: &str, mut each: impl FnMut(Option<u64>)) -> u32 {
    let mut reader = phrases::Reader::new();
    for piece in pieces(text) {
        reader.part();
        each(None);
        let mut masked = false;
        normalise::words(piece, |word| {
            reader.word(word.text);
            let again = std::mem::replace(&mut masked, word.masked) && word.masked;
            if !again {
                each(Some(hash(if word.masked { MASK } else { word.text })));
            }
        });
    }
    reader.marks()
}

/// The beginning of a long prompt exactly as sent: a later turn of the conversation begins the same.
fn prefix(prompt: &str, characters: usize) -> Option<u32> {
    if characters < PREFIX_PROMPT_CHARS {
        return None;
    }
    let (end, _) = prompt.char_indices().nth(PREFIX_CHARS)?;
    Some(key(hash(&prompt.as_bytes()[..end])))
}

/// The parts of a text that are read: all of it, or its two ends and pieces at fixed distances from its beginning,
/// so that a text that only got longer still has the earlier pieces.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let whole = text.len() <= SKETCH_BYTES_MAX;
    let tail = text.len().saturating_sub(SKETCH_END_BYTES);
    let middle = (1..)
        .map(|step| step * SKETCH_STRIDE_BYTES)
        .map(|start| (start, start + SKETCH_PIECE_BYTES))
        .take_while(move |(_, end)| !whole && *end <= tail);
    let first = if whole { text.len() } else { SKETCH_END_BYTES };
    let last = (!whole).then_some((tail, text.len()));
    std::iter::once((0, first)).chain(middle).chain(last).map(move |(start, end)| {
        let bound = |at| (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        &text[bound(start)..bound(end)]
    })
}

/// The phrase keys of a prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ends {
    head: Option<u32>,
    tail: Option<u32>,
    body: Option<u32>,
}

/// The least phrases of a prompt whose words come one by one.
#[derive(Debug)]
struct Phrases {
    /// Hashes of the last words, eight of them at least, the newest last.
    hashes: [u8; HASHES_BYTES],
    /// Bytes of them.
    filled: usize,
    /// Words since the last gap.
    in_part: usize,
    words: usize,
    seen: usize,
    head: u64,
    /// Hashes of the last phrases, by their number modulo the length.
    last: [u64; END_PHRASES],
    /// The least phrase of each quarter.
    body: [u64; 4],
}

impl Phrases {
    fn new() -> Self {
        Self {
            hashes: [0; HASHES_BYTES],
            filled: 0,
            in_part: 0,
            words: 0,
            seen: 0,
            head: u64::MAX,
            last: [u64::MAX; END_PHRASES],
            body: [u64::MAX; 4],
        }
    }

    /// Another part of the text begins.
    fn part(&mut self) {
        self.in_part = 0;
    }

    fn word(&mut self, hash_of_word: u64) {
        if self.filled == HASHES_BYTES {
            let kept = HASHES_BYTES - 8 * (PHRASE_WORDS - 1);
            self.hashes.copy_within(kept.., 0);
            self.filled -= kept;
        }
        self.hashes[self.filled..self.filled + 8].copy_from_slice(&hash_of_word.to_le_bytes());
        self.filled += 8;
        self.words += 1;
        self.in_part += 1;
        if self.in_part < PHRASE_WORDS {
            return;
        }
        let phrase = hash(self.last_words(PHRASE_WORDS));
        if self.seen < END_PHRASES {
            self.head = self.head.min(phrase);
        }
        self.last[self.seen % END_PHRASES] = phrase;
        let least = &mut self.body[(phrase >> 62) as usize];
        *least = phrase.min(*least);
        self.seen += 1;
    }

    fn ends(&self) -> Ends {
        if self.seen > 0 {
            let tail = self.last.iter().min().copied().map(key);
            let quarters = (0..4).map(|step| self.body[(self.words % 4) ^ step]);
            let body = quarters.into_iter().find(|least| *least != u64::MAX).map(key);
            return Ends { head: Some(key(self.head)), tail, body };
        }
        let head = (self.in_part >= WORDS_MIN).then(|| key(hash(self.last_words(self.in_part))));
        Ends { head, tail: None, body: None }
    }

    fn last_words(&self, words: usize) -> &[u8] {
        &self.hashes[self.filled - 8 * words..self.filled]
    }
}

#[cfg(test)]
mod tests;
