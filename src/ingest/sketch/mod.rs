//! What is kept of a prompt beside its hash: a few 32-bit numbers, from which the text cannot be read.
//!
//! Fill changes from prompt to prompt, a template stays. So a prompt is cut into phrases of eight words
//! (`normalise.rs` says what a word is), and of each segment the phrase with the least hash is kept: two prompts
//! that have part of a segment in common have its key in common with the probability of that part.
//!
//! | number | of what |
//! |---|---|
//! | `Head` | the least phrase of the first 32 words; of a prompt of 4 to 7 words, all of them |
//! | `Tail` | the least phrase of the last 32 words |
//! | `Body` | the least phrase of all words |
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
//! `0xFFFFFFFF` becoming `0xFFFFFFFE`.
//!
//! Of a text over `SKETCH_BYTES_MAX` only pieces are read (`limits`); no phrase spans two of them.
//!
//! What is left out: which keys mean anything. That depends on how many accounts share them, which is asked later.

mod normalise;
mod phrases;

use crate::event::Number;
use crate::limits::{SKETCH_BYTES_MAX, SKETCH_END_BYTES, SKETCH_PIECE_BYTES, SKETCH_STRIDE_BYTES};
use normalise::{MASK, Word};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// The public seed of all keys: `cahoots1` in ASCII.
pub(super) const SEED: u64 = 0x6361_686f_6f74_7331;

/// Words of a phrase.
const PHRASE_WORDS: usize = 8;

/// Words of the segments at the beginning and at the end.
const END_WORDS: usize = 32;

/// Phrases of these segments.
const END_PHRASES: usize = END_WORDS - PHRASE_WORDS + 1;

/// Words of the shortest prompt that has a key of its words.
const WORDS_MIN: usize = 4;

/// Characters of a prompt's first part, by which a conversation is known again.
const PREFIX_CHARS: usize = 4_000;

/// Characters of the shortest prompt that has one: so much that a later turn, which is longer, has the same.
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

/// Fills the numbers that are kept of a prompt.
pub(super) fn fill(given: Given<'_>, numbers: &mut [Option<u32>; Number::COUNT]) {
    let mut put = |number: Number, value: Option<u32>| numbers[number.index()] = value;
    let hashed = |text: &str| (!text.is_empty()).then(|| key(hash(text.as_bytes())));
    let mut marks = None;
    let mut ends = Ends::default();
    if !given.prompt.is_empty() {
        let characters = given.prompt.chars().count();
        let (phrases, hits) = of_prompt(given.prompt);
        marks = Some(hits);
        ends = phrases.ends();
        put(
            Number::PromptChars,
            Some(u32::try_from(characters).map_or(u32::MAX - 1, |n| n.min(u32::MAX - 1))),
        );
        put(Number::Prefix, prefix(given.prompt, characters));
        put(Number::Tail, ends.tail);
    }
    if !given.system.is_empty() {
        let (system, hits) = of_system(given.system);
        marks = Some(marks.unwrap_or(0) | hits);
        put(Number::System, system);
    }
    let template = hashed(given.template);
    put(Number::Head, if given.prompt.is_empty() { template } else { ends.head });
    put(Number::Body, template.or(ends.body));
    put(Number::Exact, hashed(given.prompt).or_else(|| hashed(given.prompt_hash)));
    if let Some(prefix) = hashed(given.prefix_hash) {
        put(Number::Prefix, Some(prefix));
    }
    put(Number::Marks, marks);
}

/// The hash of some bytes that everybody can compute.
fn hash(bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, SEED)
}

/// The key that a hash is kept as. The low bits, because the high ones of a least hash are nearly all zero.
fn key(hash: u64) -> u32 {
    (hash as u32).min(u32::MAX - 1)
}

fn of_prompt(text: &str) -> (Phrases, u32) {
    let mut phrases = Phrases::new();
    let mut reader = phrases::Reader::new();
    for piece in pieces(text) {
        phrases.part();
        reader.part();
        let mut folded = Folded::default();
        normalise::words(piece, |word| {
            reader.word(word.text);
            if let Some(hash) = folded.hash(word) {
                phrases.word(hash);
            }
        });
    }
    (phrases, reader.marks())
}

fn of_system(text: &str) -> (Option<u32>, u32) {
    let mut whole = Xxh3::with_seed(SEED);
    let mut any = false;
    let mut reader = phrases::Reader::new();
    for piece in pieces(text) {
        reader.part();
        let mut folded = Folded::default();
        normalise::words(piece, |word| {
            reader.word(word.text);
            if let Some(hash) = folded.hash(word) {
                whole.update(&hash.to_le_bytes());
                any = true;
            }
        });
    }
    (any.then(|| key(whole.digest())), reader.marks())
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

/// Word hashes, of which several masked ones in a row are one.
#[derive(Debug, Default)]
struct Folded {
    masked: bool,
}

impl Folded {
    fn hash(&mut self, word: Word<'_>) -> Option<u64> {
        let again = std::mem::replace(&mut self.masked, word.masked) && word.masked;
        (!again).then(|| hash(if word.masked { MASK } else { word.text }))
    }
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
    /// Hashes of the last eight words, the newest last.
    window: [u8; 8 * PHRASE_WORDS],
    /// Words of this part, in the window or past it.
    words: usize,
    /// Hashes of the last phrases, by their number modulo the length.
    last: [u64; END_PHRASES],
    seen: usize,
    head: u64,
    body: u64,
}

impl Phrases {
    fn new() -> Self {
        Self {
            window: [0; 8 * PHRASE_WORDS],
            words: 0,
            last: [u64::MAX; END_PHRASES],
            seen: 0,
            head: u64::MAX,
            body: u64::MAX,
        }
    }

    /// Another part of the text begins.
    fn part(&mut self) {
        self.words = 0;
    }

    fn word(&mut self, hash_of_word: u64) {
        self.window.copy_within(8.., 0);
        self.window[8 * (PHRASE_WORDS - 1)..].copy_from_slice(&hash_of_word.to_le_bytes());
        self.words += 1;
        if self.words < PHRASE_WORDS {
            return;
        }
        let phrase = hash(&self.window);
        if self.seen < END_PHRASES {
            self.head = self.head.min(phrase);
        }
        self.body = self.body.min(phrase);
        self.last[self.seen % END_PHRASES] = phrase;
        self.seen += 1;
    }

    fn ends(&self) -> Ends {
        if self.seen > 0 {
            let tail = self.last.iter().min().copied().map(key);
            return Ends { head: Some(key(self.head)), tail, body: Some(key(self.body)) };
        }
        let all = (self.words >= WORDS_MIN).then(|| &self.window[8 * (PHRASE_WORDS - self.words)..]);
        Ends { head: all.map(|words| key(hash(words))), tail: None, body: None }
    }
}

#[cfg(test)]
mod tests;
