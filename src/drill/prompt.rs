//! What a prompt says: some dozen words of fill, and where a text is shared, that text before, after or instead.
//!
//! Two prompts that share nothing have no eight words in a row in common: a phrase that belongs to a topic is
//! at most six words long and stands between names that hardly any other prompt has.

use super::dice::Dice;
use super::topic::Topic;
use super::words::{Words, write_name};

/// Words of fill.
const FILL_MIN: u32 = 25;
const FILL_MAX: u32 = 60;

/// Words of a text that a template fixes, besides the phrase of its topic.
const HEAD_WORDS: u32 = 18;

/// Bytes of a conversation's first turn, so that it is known again by its beginning, and of each further one.
const TURN_FIRST_BYTES: usize = 4_700;
const TURN_BYTES: usize = 400;

/// What the prompt of a request consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Text {
    /// Fill alone.
    Fill,
    /// A fixed text, then fill.
    Head(u32),
    /// Fill, then a fixed text.
    Tail(u32),
    /// A fixed prompt.
    Whole(u32),
    /// A conversation, with everything that was said before this turn.
    Turn { of: u32, turn: u8 },
    /// The same prompt again, wherever it is sent.
    Again(u32),
}

/// Writes prompts.
pub(super) struct Prompts<'a> {
    pub(super) words: &'a Words,
    /// Topic of each fixed text.
    pub(super) topics: &'a [Topic],
    pub(super) seed: u64,
}

impl Prompts<'_> {
    /// Writes a prompt; `own` is the number that makes its fill different from any other.
    pub(super) fn write(&self, text: Text, topic: Topic, own: u64, out: &mut Vec<u8>) {
        let mut own = Dice::of(&[self.seed, 0x40, own]);
        match text {
            Text::Fill => self.fill(topic, &mut own, out),
            Text::Head(text) => {
                self.fixed(text, HEAD_WORDS, out);
                self.fill(topic, &mut own, out);
            }
            Text::Tail(text) => {
                self.fill(topic, &mut own, out);
                out.push(b' ');
                self.fixed(text, HEAD_WORDS, out);
            }
            Text::Whole(text) => {
                let words = FILL_MIN + text % (FILL_MAX - FILL_MIN);
                self.fixed(text, words, out);
            }
            Text::Again(number) => {
                self.fill(topic, &mut Dice::of(&[self.seed, 0x41, u64::from(number)]), out);
            }
            Text::Turn { of, turn } => self.turns(of, turn, topic, out),
        }
        while out.last() == Some(&b' ') {
            out.pop();
        }
    }

    fn topic_of(&self, text: u32) -> Topic {
        self.topics.get(text as usize).copied().unwrap_or(Topic::Chat)
    }

    /// A fixed text: always the same words for its number.
    fn fixed(&self, text: u32, words: u32, out: &mut Vec<u8>) {
        let mut dice = Dice::of(&[self.seed, 0x42, u64::from(text)]);
        self.sentences(self.topic_of(text), words, &mut dice, out);
    }

    fn fill(&self, topic: Topic, dice: &mut Dice, out: &mut Vec<u8>) {
        let words = FILL_MIN + dice.under(FILL_MAX - FILL_MIN - 10);
        self.sentences(topic, words, dice, out);
    }

    /// Words with a phrase of the topic somewhere among them.
    fn sentences(&self, topic: Topic, words: u32, dice: &mut Dice, out: &mut Vec<u8>) {
        let phrases = topic.phrases();
        let phrase = phrases.get(dice.under(phrases.len() as u32) as usize).copied().unwrap_or_default();
        let at = dice.under(words / 2);
        for word in 0..words {
            if word == at {
                write_name(dice, out);
                out.extend_from_slice(phrase.as_bytes());
                out.push(b' ');
                write_name(dice, out);
                if let Some(ending) = topic.ending() {
                    out.extend_from_slice(ending.as_bytes());
                    out.push(b' ');
                    write_name(dice, out);
                }
            }
            self.words.write(dice, out);
            if word % 12 == 11 {
                end_sentence(out);
            }
        }
        end_sentence(out);
    }

    fn turns(&self, conversation: u32, turn: u8, topic: Topic, out: &mut Vec<u8>) {
        let start = out.len();
        let mut dice = Dice::of(&[self.seed, 0x43, u64::from(conversation)]);
        let mut bytes = TURN_FIRST_BYTES;
        for _ in 0..=turn {
            while out.len() - start < bytes {
                self.sentences(topic, 12, &mut dice, out);
            }
            bytes += TURN_BYTES;
        }
    }
}

/// A full stop in the place of the last space.
fn end_sentence(out: &mut Vec<u8>) {
    if out.last() == Some(&b' ') {
        out.pop();
        out.extend_from_slice(b". ");
    }
}
