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
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind, StartKind};
use std::sync::LazyLock;

/// The lists and the mark of each.
const LISTS: [(u32, &str); 4] = [
    (mark::REASONING, include_str!("phrases/reasoning.txt")),
    (mark::GRADING, include_str!("phrases/grading.txt")),
    (mark::AGENT, include_str!("phrases/agent.txt")),
    (mark::CODING, include_str!("phrases/coding.txt")),
];

/// Parts the words of a text.
const SPACE: u8 = b' ';

/// Parts two parts of a text: no phrase has it.
const BREAK: u8 = b'\n';

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// All phrases in one automaton.
struct Lexicon {
    automaton: DFA,
    start: StateID,
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
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .build(phrases().map(|(_, line)| pattern(line)))
            .expect("the lists are short");
        let start = automaton.start_state(Anchored::No).expect("it was built for this");
        Self { automaton, start, marks: phrases().map(|(mark, _)| mark).collect() }
    }
}

/// The phrases of a list.
fn lines(list: &str) -> impl Iterator<Item = &str> {
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
        Self { lexicon, state: lexicon.start, marks: 0, masked: false }
    }

    /// Another part of the text begins.
    pub(super) fn part(&mut self) {
        self.masked = false;
        self.step(BREAK);
        self.step(SPACE);
    }

    pub(super) fn word(&mut self, word: &[u8]) {
        let again = std::mem::replace(&mut self.masked, word == MASK) && self.masked;
        if again {
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
