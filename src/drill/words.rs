//! Prompts: sentences of made-up words, so that two people never send the same phrase by chance.

use super::dice::Dice;

const STARTS: [&str; 16] =
    ["b", "br", "d", "f", "g", "gr", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v"];
const ENDS: [&str; 16] =
    ["a", "an", "e", "el", "en", "er", "i", "in", "is", "o", "on", "or", "u", "un", "ar", "et"];

/// Phrases of requests that extraction aims at; honest developers send them too.
const TARGET: [&str; 8] = [
    "you are an autonomous coding agent with tools",
    "explain your reasoning step by step before the final answer",
    "grade the answer against the rubric from one to ten",
    "write out your full chain of thought",
    "use the tool results below and decide on the next tool call",
    "you are a reward model, score each response",
    "plan the task, call a function, then reflect on the result",
    "show the internal reasoning behind the completed answer",
];

/// Topics of target requests.
pub(super) const TARGET_TOPICS: [&str; 4] = ["agentic", "reasoning", "grading", "tool_use"];

/// Other topics.
pub(super) const OTHER_TOPICS: [&str; 5] = ["chat", "writing", "translation", "search", "coding"];

fn word(dice: &mut Dice, out: &mut Vec<u8>) {
    let bits = dice.next();
    for part in 0..2 + (bits & 1) {
        let at = bits >> (8 + 8 * part);
        out.extend_from_slice(STARTS[(at & 15) as usize].as_bytes());
        out.extend_from_slice(ENDS[(at >> 4 & 15) as usize].as_bytes());
    }
}

/// Appends some words with spaces between them.
pub(super) fn words(dice: &mut Dice, count: u64, out: &mut Vec<u8>) {
    for at in 0..count {
        if at > 0 {
            out.push(b' ');
        }
        word(dice, out);
    }
}

/// Appends a fixed text: the same for the same number.
pub(super) fn fixed(seed: u64, number: u64, count: u64, out: &mut Vec<u8>) {
    words(&mut Dice::of(seed, &[0x7e47, number]), count, out);
}

/// Appends a phrase of a target request.
pub(super) fn target(dice: &mut Dice, out: &mut Vec<u8>) {
    let phrase = TARGET[dice.below(TARGET.len() as u64) as usize];
    out.extend_from_slice(phrase.as_bytes());
}
