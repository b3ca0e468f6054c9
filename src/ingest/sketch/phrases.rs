//! The phrase lists behind the marks, and the automaton that finds them all in one pass.
//!
//! A list is a text file with a phrase a line, in any language. Phrases are normalised like prompts, so they match
//! whatever case, line breaks and signs a prompt has, and every number is any number. A phrase begins where a word
//! begins and ends where one ends; with `*` at its end its last word may go on. `#` begins a comment.
//!
//! What is left out: meaning. A phrase that is quoted counts like one that is said.

use super::normalise::{MASK, words};
use crate::event::mark;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use std::sync::LazyLock;

/// The lists and the mark of each.
pub(super) const LISTS: [(u32, &str); 4] = [
    (mark::REASONING, include_str!("phrases/reasoning.txt")),
    (mark::GRADING, include_str!("phrases/grading.txt")),
    (mark::AGENT, include_str!("phrases/agent.txt")),
    (mark::CODING, include_str!("phrases/coding.txt")),
];

/// Parts the words of a text.
const SPACE: u8 = b' ';

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// All phrases in one automaton.
struct Lexicon {
    automaton: NFA,
    /// The automaton's state between two words of no phrase.
    between: StateID,
    /// A bit for each `slot` in which a phrase begins.
    beginnings: [u64; SLOTS / 64],
    /// The mark of each phrase, by the automaton's number for it.
    marks: Vec<u32>,
}

impl Lexicon {
    #[expect(
        clippy::expect_used,
        reason = "built from constants: it is the same every time, and tests build it"
    )]
    fn new() -> Self {
        let phrases = || LISTS.into_iter().flat_map(|(mark, list)| lines(list).map(move |line| (mark, line)));
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .build(phrases().map(|(_, line)| pattern(line)))
            .expect("the lists are short");
        let start = automaton.start_state(Anchored::No).expect("every automaton has one");
        let between = automaton.next_state(Anchored::No, start, SPACE);
        let mut beginnings = [0; SLOTS / 64];
        for (_, line) in phrases() {
            let slot = slot(&pattern(line)[1..]);
            beginnings[slot / 64] |= 1 << (slot % 64);
        }
        Self { automaton, between, beginnings, marks: phrases().map(|(mark, _)| mark).collect() }
    }

    /// Whether no phrase begins with this word.
    fn begins_nothing(&self, word: &[u8]) -> bool {
        let slot = slot(word);
        self.beginnings[slot / 64] & (1 << (slot % 64)) == 0
    }
}

/// Slots in which phrases may begin.
const SLOTS: usize = 1 << 12;

/// A number made of the first three bytes of a word, with the space behind it if it is short.
fn slot(word: &[u8]) -> usize {
    let byte = |at: usize| u32::from(word.get(at).copied().unwrap_or(SPACE));
    let bytes = byte(0) | byte(1) << 8 | byte(2) << 16;
    (bytes.wrapping_mul(0x9E37_79B1) >> 20) as usize
}

/// The phrases of a list.
pub(super) fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The bytes of a phrase as a reader feeds them to the automaton.
fn pattern(line: &str) -> Vec<u8> {
    let mut pattern = vec![SPACE];
    words(line, |word| {
        pattern.extend_from_slice(word.text);
        pattern.push(SPACE);
    });
    if line.ends_with('*') {
        pattern.pop();
    }
    pattern
}

/// Reads a text word by word and notes whose phrases it has.
pub(super) struct Reader {
    lexicon: &'static Lexicon,
    state: StateID,
    marks: u32,
    /// The last word was a masked one without letters: several in a row are one.
    masked: bool,
}

impl Reader {
    pub(super) fn new() -> Self {
        let lexicon = &*LEXICON;
        Self { lexicon, state: lexicon.between, marks: 0, masked: false }
    }

    /// Another part of the text begins.
    pub(super) fn part(&mut self) {
        self.masked = false;
        self.state = self.lexicon.between;
    }

    pub(super) fn word(&mut self, word: &[u8]) {
        let again = std::mem::replace(&mut self.masked, word == MASK) && self.masked;
        // Most words of most texts stop here, which makes the whole twice as fast.
        if again || (self.state == self.lexicon.between && self.lexicon.begins_nothing(word)) {
            return;
        }
        for byte in word {
            self.step(*byte);
        }
        self.step(SPACE);
    }

    /// The marks of all phrases that were read.
    pub(super) fn marks(&self) -> u32 {
        self.marks
    }

    fn step(&mut self, byte: u8) {
        let automaton = &self.lexicon.automaton;
        self.state = automaton.next_state(Anchored::No, self.state, byte);
        if automaton.is_special(self.state) && automaton.is_match(self.state) {
            for number in 0..automaton.match_len(self.state) {
                let phrase = automaton.match_pattern(self.state, number);
                self.marks |= self.lexicon.marks.get(phrase.as_usize()).copied().unwrap_or(0);
            }
        }
    }
}
