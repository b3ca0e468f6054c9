//! An answer as bytes, in each of the four formats. Pure.
//!
//! What is in the cells was written by strangers: csv keeps spreadsheets from running it, the table
//! keeps terminals from obeying it, JSON escapes it anyway.

use crate::http::negotiate::Format;
use crate::query::{Answer, Table};
use crate::text::terminal_safe;
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment};
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{Error, Write as _};

/// The answer in a format. Fails only for lack of memory.
pub fn render(answer: &Answer, format: Format) -> Result<Vec<u8>, Error> {
    match format {
        Format::Json => json(&answer.document),
        Format::Ndjson => ndjson(answer),
        Format::Csv => csv(&answer.table),
        Format::Table => Ok(table(answer).into_bytes()),
    }
}

fn json(document: &Value) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec(document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn ndjson(answer: &Answer) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let table = &answer.table;
    for line in &table.lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    for row in table.rows.iter().filter(|_| table.lines.is_empty()) {
        let mut serializer = serde_json::Serializer::new(&mut bytes);
        let mut object = serializer.serialize_map(Some(row.len()))?;
        for (column, cell) in table.columns.iter().zip(row) {
            object.serialize_entry(column, cell)?;
        }
        SerializeMap::end(object)?;
        bytes.push(b'\n');
    }
    // Its absence tells the reader that the stream was cut.
    let mut end = serde_json::json!({ "_end": true, "rows": table.rows.len(), "next": answer.next });
    if !table.notes.is_empty() {
        end["notes"] = table.notes.clone().into();
    }
    writeln!(bytes, "{end}")?;
    Ok(bytes)
}

fn csv(table: &Table) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if !table.columns.is_empty() {
        writer.write_record(&table.columns)?;
    }
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| guard_formula(cell_text(cell)).into_owned()))?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Spreadsheets run what begins like a formula, even inside quotes; an apostrophe makes it text.
/// A number is one only if JSON says so, so `-5` stays a number and the account `-5` becomes text.
fn guard_formula((text, is_number): (Cow<'_, str>, bool)) -> Cow<'_, str> {
    if !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

/// The text of a cell, and whether it is a number.
fn cell_text(cell: &Value) -> (Cow<'_, str>, bool) {
    match cell {
        Value::Null => (Cow::Borrowed(""), false),
        Value::String(text) => (Cow::Borrowed(text), false),
        Value::Number(number) => (Cow::Owned(number.to_string()), true),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            let between = if texts.iter().any(|text| text.contains(' ')) { "; " } else { " " };
            (Cow::Owned(texts.join(between)), false)
        }
        other => (Cow::Owned(other.to_string()), false),
    }
}

/// Texts of a list that a cell of a table shows.
const LISTED_IN_CELL_MAX: usize = 3;

/// The text of a cell for a person: of a list of sentences only the first.
fn shown(cell: &Value) -> Cow<'_, str> {
    let words = |list: &[Value]| list.iter().any(|text| text.as_str().is_some_and(|text| text.contains(' ')));
    match cell {
        Value::Array(list) if list.len() > LISTED_IN_CELL_MAX && words(list) => {
            let first = Value::from(list.get(..LISTED_IN_CELL_MAX).unwrap_or_default());
            let more = list.len() - LISTED_IN_CELL_MAX;
            Cow::Owned(format!("{} and {more} more", cell_text(&first).0))
        }
        cell => cell_text(cell).0,
    }
}

fn table(answer: &Answer) -> String {
    let Table { columns, rows, notes, .. } = &answer.table;
    let mut text = String::new();
    if rows.is_empty() {
        text.push_str("(nothing)\n");
    } else {
        text.push_str(&draw(columns, rows));
    }
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        text.push_str(&terminal_safe(note));
        text.push('\n');
    }
    if let Some(next) = &answer.next {
        text.push_str("\nmore: add cursor=");
        text.push_str(&terminal_safe(next));
        text.push('\n');
    }
    text
}

/// Rows in aligned columns; numbers to the right where a column has nothing else.
fn draw(columns: &[&str], rows: &[Vec<Value>]) -> String {
    let is_numeric = |at: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(at));
        cells.all(|cell| cell.is_number() || cell.is_null())
    };
    let sides: Vec<CellAlignment> = (0..columns.len())
        .map(|at| if is_numeric(at) { CellAlignment::Right } else { CellAlignment::Left })
        .collect();
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(NOTHING).set_header(columns.iter().map(|column| column.to_uppercase()));
    for row in rows {
        let cells = row.iter().zip(&sides);
        drawn.add_row(cells.map(|(cell, side)| Cell::new(terminal_safe(&shown(cell))).set_alignment(*side)));
    }
    drawn.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Format, Table, render};
    use serde_json::json;

    fn answer() -> Answer {
        let rows = vec![
            vec![json!("=cmd|'/c calc'!A1"), json!(-5), json!(["a", "b"])],
            vec![json!("x\u{1b}[2J\u{202e},\"q\""), json!(1200), json!(null)],
        ];
        let table = Table::new(vec!["account", "events", "shares"], rows);
        Answer { document: json!({ "accounts": 2 }), table, next: Some("abc".into()) }
    }

    fn text(format: Format) -> String {
        String::from_utf8(render(&answer(), format).expect("rendered")).expect("UTF-8")
    }

    #[test]
    fn json_is_the_document_and_ndjson_the_rows_with_a_trailer() {
        assert_eq!(text(Format::Json), "{\"accounts\":2}\n");
        let ndjson = text(Format::Ndjson);
        let lines: Vec<serde_json::Value> =
            ndjson.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert_eq!(lines[0], json!({"account": "=cmd|'/c calc'!A1", "events": -5, "shares": ["a", "b"]}));
        assert_eq!(lines[2], json!({"_end": true, "rows": 2, "next": "abc"}));
    }

    #[test]
    fn csv_keeps_spreadsheets_from_running_cells() {
        let csv = text(Format::Csv);
        let expected =
            "account,events,shares\n'=cmd|'/c calc'!A1,-5,a b\n\"x\u{1b}[2J\u{202e},\"\"q\"\"\",1200,\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn the_table_is_aligned_and_harmless() {
        let table = text(Format::Table);
        assert!(table.chars().all(|letter| letter == '\n' || (!letter.is_control() && letter != '\u{202e}')));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[0].starts_with(" ACCOUNT") && lines[0].ends_with("SHARES"), "{table}");
        assert_eq!(lines[1].find("-5").map(|at| at + 2), lines[2].find("1200").map(|at| at + 4), "{table}");
        assert!(table.ends_with("more: add cursor=abc\n"));
        let nothing = Answer { table: Table::default(), next: None, ..answer() };
        assert_eq!(render(&nothing, Format::Table).expect("rendered"), b"(nothing)\n");
    }

    #[test]
    fn lines_and_notes_go_where_there_is_a_place_for_them() {
        let words = json!(["NET ip 1 (2 accounts)", "b c", "d e", "f g", "h i"]);
        let mut table = Table::new(vec!["shares"], vec![vec![words]]);
        table.lines = vec![json!({"shared": [{"via": "ip"}]})];
        table.notes = vec!["not enough to say\u{1b}[2J".to_owned()];
        let answer = Answer { document: json!({}), table, next: None };
        let text = |format| String::from_utf8(render(&answer, format).expect("rendered")).expect("UTF-8");
        let ndjson = text(Format::Ndjson);
        let (line, end) = ndjson.split_once('\n').expect("two lines");
        assert_eq!(line, r#"{"shared":[{"via":"ip"}]}"#);
        assert!(end.contains("not enough to say"), "{end}");
        assert_eq!(text(Format::Csv), "shares\nNET ip 1 (2 accounts); b c; d e; f g; h i\n");
        let drawn = text(Format::Table);
        assert!(drawn.contains("NET ip 1 (2 accounts); b c; d e and 2 more"), "{drawn}");
        assert!(drawn.ends_with("\nnot enough to say\\u{1b}[2J\n"), "{drawn}");
    }
}
