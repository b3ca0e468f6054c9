//! The bits of [`super::Number::Marks`]: which phrase lists a prompt or its system prompt hits.
//!
//! A mark is no verdict: teachers grade, programmers program, and auditors ask for reasons. What counts is how
//! much more often a group of accounts does it than others. The lists are in `ingest`.

/// Asks that reasoning be written out.
pub const REASONING: u32 = 1;

/// Has answers graded, compared or rewarded.
pub const GRADING: u32 = 1 << 1;

/// A step of an agent: tools, tool results, browser or computer use.
pub const AGENT: u32 = 1 << 2;

/// Programming.
pub const CODING: u32 = 1 << 3;

/// Every mark and its name.
pub const ALL: [(u32, &str); 4] =
    [(REASONING, "reasoning"), (GRADING, "grading"), (AGENT, "agent"), (CODING, "coding")];
