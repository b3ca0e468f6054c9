//! What a record was taken for, field by field: the answer of `explain-source`.

use super::super::reject::shown;
use super::super::value::Scalar;
use super::Kind;
use super::field::Field;
use super::map::{From, Mapped};
use std::fmt::Write;

/// What was found in one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Which record of the body it is, counted from 1.
    pub line: u64,
    /// The source that it was taken for.
    pub kind: Kind,
    /// Fields of the contract: name, where the value came from, and the value, unless it is private.
    pub fields: Vec<(&'static str, String, String)>,
    /// Paths of the record that no field was taken from.
    pub unused: Vec<String>,
    /// Whether it has more fields than are read.
    pub cut: bool,
    /// What it waits for, if it is half of an event.
    pub half: Option<&'static str>,
    /// Why it is no event.
    pub problem: Option<String>,
}

impl Explained {
    pub(super) fn of(mapped: &Mapped<'_, '_>, line: u64) -> Self {
        let mut used = Vec::new();
        let mut fields = Vec::new();
        for field in Field::ALL {
            let from = match mapped.from[field as usize] {
                From::Nowhere => continue,
                From::Path(place) => {
                    used.push(place);
                    mapped.flat.iter().nth(place).map_or("", |(path, _)| path)
                }
                From::Computed(from) | From::Envelope(from) => from,
            };
            let value = value(field, &mapped.record.values[field as usize]);
            fields.push((field.name(), from.to_owned(), value));
        }
        let unused = mapped.flat.iter().enumerate().filter(|(place, _)| !used.contains(place));
        let unused = unused.map(|(_, (path, _))| path.to_owned()).collect();
        let half = if mapped.has(Field::Account) {
            "without an address that tells clients apart, which an edge record may bring"
        } else {
            "an edge record, which joins the record that has the account"
        };
        let half = (!mapped.record.keys.is_empty()).then_some(half);
        Self { line, kind: mapped.kind, fields, unused, cut: mapped.flat.is_cut(), half, problem: None }
    }
}

/// A value as a terminal may show it. Of what a customer wrote, and of keys, only the length.
fn value(field: Field, value: &Scalar<'_>) -> String {
    match (field, value) {
        (Field::Prompt | Field::SystemPrompt | Field::ApiKey | Field::Payment, Scalar::Text(text)) => {
            format!("({} bytes)", text.len())
        }
        (_, Scalar::Text(text)) => shown(text),
        (_, Scalar::Whole(number)) => number.to_string(),
        (_, Scalar::Negative(number)) => number.to_string(),
        (_, Scalar::Double(number)) => number.to_string(),
        (_, Scalar::Bool(truth)) => truth.to_string(),
        (_, Scalar::Missing | Scalar::Nested) => String::new(),
    }
}

impl std::fmt::Display for Explained {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "line {}: {}", self.line, self.kind.name())?;
        for (name, from, value) in &self.fields {
            writeln!(formatter, "  {name:<18} {value}  <- {}", from.escape_default())?;
        }
        if let (Some(half), None) = (self.half, &self.problem) {
            writeln!(formatter, "  half of an event: {half}")?;
        }
        if let Some(problem) = &self.problem {
            writeln!(formatter, "  not taken: {problem}")?;
        }
        if self.cut {
            writeln!(formatter, "  cut: the record has more fields than are read")?;
        }
        if !self.unused.is_empty() {
            let mut unused = String::new();
            for path in &self.unused {
                let comma = if unused.is_empty() { "" } else { ", " };
                write!(unused, "{comma}{}", path.escape_default())?;
            }
            writeln!(formatter, "  not used: {unused}")?;
        }
        Ok(())
    }
}
