//! Rows for facts: the columns of the rows that arrived between two closings, part by part.

use crate::detect::in_parallel;
use crate::event::{Aspect, Day, MICROS_A_DAY, MICROS_A_SECOND, Number, Window};
use crate::store::{Part, Snapshot, StoreError};
use std::ops::Range;

/// Which rows to gather: those of a day that arrived below a row, or in a range of rows.
#[derive(Clone, Debug)]
pub(crate) struct Gathering {
    /// The day of event time.
    pub day: Day,
    /// Numbers of rows, in order of arrival.
    pub rows: Range<u64>,
}

/// Columns to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    All,
    /// Who, by what client, with which phrases.
    Keys,
}

/// One event, as far as facts need it.
#[derive(Clone, Copy, Default)]
pub(super) struct Line {
    pub(super) account: u32,
    pub(super) second: u32,
    /// Microseconds since the start of the second.
    pub(super) micro: u32,
    pub(super) subject: u32,
    pub(super) origin: u32,
    pub(super) client: u32,
    pub(super) route: u32,
    pub(super) input: u32,
    pub(super) output: u32,
    pub(super) keys: [u32; 4],
    pub(super) exact: u32,
    pub(super) prefix: u32,
    pub(super) marks: u32,
    pub(super) chars: u32,
}

/// Rows of a gathering, in order of arrival.
pub(super) fn read(
    snapshot: &Snapshot,
    wanted: &Gathering,
    columns: Columns,
) -> Result<Vec<Line>, StoreError> {
    let window = Window { since: wanted.day.start(), until: wanted.day.end() };
    let overlaps = |part: &Part| {
        let end = part.first_row() + u64::from(part.len());
        part.first_row() < wanted.rows.end && end > wanted.rows.start
    };
    let parts: Vec<Part> = snapshot.parts(window).into_iter().filter(overlaps).collect();
    let read = in_parallel(
        parts.len(),
        || (),
        |(), at| match parts.get(at) {
            Some(part) => read_part(part, wanted, columns),
            None => Ok(Vec::new()),
        },
    );
    let read = read.into_iter().collect::<Result<Vec<Vec<Line>>, _>>()?;
    // Each part's lines go as they are taken over: a day of them twice would be the most memory of a closing.
    let mut lines = Vec::with_capacity(read.iter().map(Vec::len).sum());
    for part in read {
        lines.extend(part);
    }
    Ok(lines)
}

fn read_part(part: &Part, wanted: &Gathering, columns: Columns) -> Result<Vec<Line>, StoreError> {
    let mut lines = Vec::new();
    let mut reader = part.reader();
    let start = wanted.day.start();
    let ts = reader.all_ts()?;
    let mut inside = Vec::with_capacity(ts.len());
    for (at, ts) in ts.iter().enumerate() {
        let row = part.first_row() + at as u64;
        if (start..start + MICROS_A_DAY).contains(ts) && wanted.rows.contains(&row) {
            inside.push(at);
            let (second, micro) = ((ts - start) / MICROS_A_SECOND, (ts - start) % MICROS_A_SECOND);
            lines.push(Line { second: second as u32, micro: micro as u32, ..Line::default() });
        }
    }
    if inside.is_empty() {
        return Ok(lines);
    }
    let mut fill = |column: Vec<u32>, to: fn(&mut Line) -> &mut u32| {
        for (line, at) in lines.iter_mut().zip(&inside) {
            *to(line) = column.get(*at).copied().unwrap_or_default();
        }
    };
    fill(reader.all_keys(Aspect::Subject)?, |line| &mut line.subject);
    fill(reader.all_keys(Aspect::Client)?, |line| &mut line.client);
    fill(reader.all_keys(Aspect::Route)?, |line| &mut line.route);
    // Of sketches 0 stands for missing: that a real key is 0 happens once in four billion.
    fill(reader.all_numbers(Number::Head)?, |line| &mut line.keys[0]);
    fill(reader.all_numbers(Number::Tail)?, |line| &mut line.keys[1]);
    fill(reader.all_numbers(Number::Body)?, |line| &mut line.keys[2]);
    fill(reader.all_numbers(Number::System)?, |line| &mut line.keys[3]);
    if columns == Columns::All {
        fill(reader.all_keys(Aspect::Origin)?, |line| &mut line.origin);
        fill(reader.all_numbers(Number::InputTokens)?, |line| &mut line.input);
        fill(reader.all_numbers(Number::OutputTokens)?, |line| &mut line.output);
        fill(reader.all_numbers(Number::Exact)?, |line| &mut line.exact);
        fill(reader.all_numbers(Number::Prefix)?, |line| &mut line.prefix);
        fill(reader.all_numbers(Number::Marks)?, |line| &mut line.marks);
        fill(reader.all_numbers(Number::PromptChars)?, |line| &mut line.chars);
    }
    Ok(lines)
}
