//! What prompts are about, who asks for what, and what topic the provider's labels say.
//!
//! Labels are wrong in one case of seven or so, because every classifier is.

use super::dice::Dice;

/// What a prompt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Topic {
    Chat = 0,
    Writing = 1,
    Translation = 2,
    Search = 3,
    Coding = 4,
    Agentic = 5,
    Reasoning = 6,
    Grading = 7,
    ToolUse = 8,
}

use Topic::{Agentic, Chat, Coding, Grading, Reasoning, Search, ToolUse, Translation, Writing};

const ALL: [Topic; 9] = [Chat, Writing, Translation, Search, Coding, Agentic, Reasoning, Grading, ToolUse];

/// The share of labels that are drawn at random.
const LABEL_NOISE: f64 = 0.16;

impl Topic {
    /// The label.
    pub(super) fn name(self) -> &'static str {
        match self {
            Chat => "chat",
            Writing => "writing",
            Translation => "translation",
            Search => "search",
            Coding => "coding",
            Agentic => "agentic",
            Reasoning => "reasoning",
            Grading => "grading",
            ToolUse => "tool_use",
        }
    }

    /// What the provider's classifier makes of it.
    pub(super) fn labelled(self, dice: &mut Dice) -> Self {
        if dice.chance(LABEL_NOISE) { ALL[dice.under(ALL.len() as u32) as usize] } else { self }
    }

    /// How many times the usual length an answer has.
    pub(super) fn answer(self) -> f64 {
        match self {
            Chat | Search | Grading => 0.7,
            Translation | ToolUse => 1.0,
            Writing | Coding => 1.6,
            Agentic => 1.9,
            Reasoning => 2.6,
        }
    }

    /// Words that belong to the topic, none longer than six words: two prompts may have them in common.
    pub(super) fn phrases(self) -> &'static [&'static str] {
        match self {
            Chat => &["what do you think about", "tell me more about"],
            Writing => &["write a short letter about", "make this paragraph friendlier"],
            Translation => &["translate this into french", "how do you say"],
            Search => &["find recent news about", "who was the founder of"],
            Coding => &["fix the bug in", "this python function fails with", "do a code review of"],
            Agentic => &[
                "you are an autonomous coding agent",
                "you are an autonomous agent for",
                "choose the next action for",
            ],
            Reasoning => &[
                "explain your reasoning step by step",
                "think step by step before answering",
                "show your full reasoning about",
            ],
            Grading => &[
                "grade the answer against the rubric",
                "output only a score for",
                "you are a strict grader of",
            ],
            ToolUse => &["call the tool that fits", "use the available tools for"],
        }
    }

    /// What may stand further on in the same prompt.
    pub(super) fn ending(self) -> Option<&'static str> {
        match self {
            Reasoning => Some("before the final answer"),
            Grading => Some("using the rubric"),
            _ => None,
        }
    }
}

/// What an account asks for: weights of the topics, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Taste {
    /// People.
    Everyday,
    /// People who program.
    Developer,
    /// Services that run by themselves.
    Service,
    /// Office work.
    Office,
    /// The mix of many customers behind one reseller.
    Resold,
    /// What extraction aims at, and what a coding agent asks for.
    Target,
    /// A hackathon about agents.
    Contest,
}

impl Taste {
    fn weights(self) -> &'static [u8; 9] {
        match self {
            Self::Everyday => &[40, 18, 10, 14, 10, 2, 3, 1, 2],
            Self::Developer => &[10, 4, 2, 6, 52, 12, 6, 1, 7],
            Self::Service => &[14, 10, 12, 22, 18, 8, 4, 4, 8],
            Self::Office => &[20, 30, 16, 14, 12, 2, 3, 1, 2],
            Self::Resold => &[38, 18, 14, 10, 12, 3, 3, 1, 1],
            Self::Target => &[1, 1, 1, 2, 14, 38, 22, 11, 10],
            Self::Contest => &[4, 3, 1, 4, 30, 40, 4, 1, 13],
        }
    }

    /// The topic of one request.
    pub(super) fn topic(self, dice: &mut Dice) -> Topic {
        ALL.get(dice.weighted(self.weights())).copied().unwrap_or(Chat)
    }
}
