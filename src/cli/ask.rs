//! A question to the server and its answer to stdout, the same way for every command that asks.

use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::shell;
use crate::cli::show::{Format, show};
use crate::cli::target::Target;
use crate::http::client::{Client, Response};
use crate::limits::LIMIT_MAX;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// How the answer is to look.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// How to write the answer. A table on a terminal, else JSON, unless you say.
    #[arg(short = 'o', long = "output", value_name = "FORMAT", value_enum)]
    format: Option<Format>,

    /// The same as -o json.
    #[arg(long, conflicts_with = "format")]
    json: bool,

    /// Print the curl line that asks the same, and ask nothing.
    #[arg(long)]
    curl: bool,
}

/// Which time the question is about.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Window")]
struct Span {
    /// First instant: RFC 3339, or so long before the newest event (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// First instant after the window, written like --since.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// How much of the answer.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Paging")]
struct Paging {
    /// Rows at the most (of each page, with --all).
    #[arg(long, value_name = "ROWS")]
    limit: Option<usize>,

    /// Go on where the page with this cursor ended.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,

    /// All rows: follows the cursors to the end. JSON comes as one document a page.
    #[arg(long)]
    all: bool,
}

impl Span {
    /// Adds the window to a question.
    fn apply(&self, target: Target) -> Target {
        target.with("since", self.since.as_ref()).with("until", self.until.as_ref())
    }
}

impl Output {
    fn format(&self) -> Format {
        let by_stream = if std::io::stdout().is_terminal() { Format::Table } else { Format::Json };
        self.format.unwrap_or(if self.json { Format::Json } else { by_stream })
    }
}

/// What every question has besides what it asks, where the answer comes whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Whole {
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    server: Server,
}

impl Whole {
    /// Asks, or shows how to.
    pub(crate) fn ask(&self, target: Target) -> Result<(), CliError> {
        ask(&self.server, &self.output, &Paging::default(), target)
    }
}

/// The same where the answer comes in pages.
#[derive(Debug, clap::Args)]
pub(crate) struct Paged {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    whole: Whole,
}

impl Paged {
    /// Asks, or shows how to.
    pub(crate) fn ask(&self, question: impl Into<Question>) -> Result<(), CliError> {
        ask(&self.whole.server, &self.whole.output, &self.paging, question)
    }

    /// The same for what has no pages.
    pub(crate) fn ask_whole(&self, target: Target) -> Result<(), CliError> {
        self.whole.ask(target)
    }
}

/// All that a question about one thing in some time has besides the thing.
#[derive(Debug, clap::Args)]
pub(crate) struct One {
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    whole: Whole,
}

impl One {
    /// Asks, or shows how to.
    pub(crate) fn ask(&self, target: Target) -> Result<(), CliError> {
        self.whole.ask(self.span.apply(target))
    }
}

/// All that a question about many things in some time has besides what is asked of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Many {
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    paged: Paged,
}

impl Many {
    /// Asks, or shows how to.
    pub(crate) fn ask(&self, question: impl Into<Question>) -> Result<(), CliError> {
        let mut question = question.into();
        question.target = self.span.apply(question.target);
        self.paged.ask(question)
    }
}

/// A question that is ready to be asked.
pub(crate) struct Question {
    /// Where to ask.
    pub(crate) target: Target,
    /// Sent as the body instead of asked by GET, for what is too long for a URL.
    pub(crate) body: Option<String>,
}

impl From<Target> for Question {
    fn from(target: Target) -> Self {
        Self { target, body: None }
    }
}

/// Asks and shows the answer, or shows the curl line.
fn ask(
    server: &Server,
    output: &Output,
    paging: &Paging,
    question: impl Into<Question>,
) -> Result<(), CliError> {
    let question = question.into();
    let format = output.format();
    // Nobody reads page after page of a table; the largest page is the fewest questions.
    let limit = paging.limit.or(paging.all.then_some(LIMIT_MAX));
    let target = question.target.with("limit", limit).with("format", Some(format.name()));
    let stdout = std::io::stdout();
    let terminal = stdout.is_terminal();
    let mut out = stdout.lock();
    if output.curl {
        let line =
            curl_line(server, &target.with("cursor", paging.cursor.as_ref()), question.body.as_deref());
        return writeln!(out, "{line}").map_err(CliError::Output);
    }
    let mut client = server.client()?;
    let mut pages = Pages { format, all: paging.all, rows: 0, first: true, notes: None };
    let mut cursor = paging.cursor.clone();
    loop {
        let page = target.clone().with("cursor", cursor.as_ref());
        let response = fetch(&mut client, &page, question.body.as_deref())?;
        cursor = response.headers.get("x-next-cursor").and_then(|next| next.to_str().ok()).map(str::to_owned);
        let last = cursor.is_none() || !paging.all;
        let text = String::from_utf8_lossy(&response.body);
        out.write_all(show(&pages.page(&text, last), format, terminal).as_bytes())
            .map_err(CliError::Output)?;
        if last {
            return out.flush().map_err(CliError::Output);
        }
    }
}

/// One answer, or the server's refusal.
pub(crate) fn fetch(client: &mut Client, target: &Target, body: Option<&str>) -> Result<Response, CliError> {
    let response = match body {
        Some(body) => client.post(&target.text(), "text/plain", body.to_owned())?,
        None => client.get(&target.text(), "*/*")?,
    };
    if response.status.is_success() { Ok(response) } else { Err(CliError::refused(&response)) }
}

/// Text to stdout, as it is.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CliError::Output)
}

fn curl_line(server: &Server, target: &Target, body: Option<&str>) -> String {
    let url = shell::url(server, &target.text());
    let data = body.map(|body| format!(" --data-binary {}", shell::quote(body))).unwrap_or_default();
    format!("{}{data} {}", shell::curl(server), shell::quote(&url))
}

/// Makes the pages of an answer read like one.
struct Pages {
    format: Format,
    all: bool,
    rows: u64,
    first: bool,
    /// What the last page says besides its rows.
    notes: Option<Value>,
}

impl Pages {
    fn page(&mut self, text: &str, last: bool) -> String {
        let first = std::mem::take(&mut self.first);
        match self.format {
            // The header once.
            Format::Csv if !first => text.split_once('\n').map_or("", |(_, rows)| rows).to_owned(),
            // How to get the next page, once that has been done.
            Format::Table if !last => {
                let kept = text.lines().filter(|line| !line.starts_with("more: "));
                kept.flat_map(|line| [line, "\n"]).collect()
            }
            Format::Table => text.replace("more: add cursor=", "more: add --all, or --cursor "),
            Format::Ndjson if self.all => self.ndjson(text, last),
            Format::Json | Format::Csv | Format::Ndjson => text.to_owned(),
        }
    }

    /// One trailer after all pages: its absence says that the answer was cut.
    fn ndjson(&mut self, text: &str, last: bool) -> String {
        let mut kept = String::with_capacity(text.len());
        for line in text.lines() {
            if line.starts_with("{\"_end\"") {
                let end: Value = serde_json::from_str(line).unwrap_or_default();
                self.notes = end.get("notes").cloned();
                continue;
            }
            self.rows += 1;
            kept.push_str(line);
            kept.push('\n');
        }
        if last {
            let mut end = json!({ "_end": true, "rows": self.rows, "next": Value::Null });
            if let Some(notes) = self.notes.take() {
                end["notes"] = notes;
            }
            kept.push_str(&end.to_string());
            kept.push('\n');
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Pages, Server, Target, curl_line};

    fn pages(format: Format) -> Pages {
        Pages { format, all: true, rows: 0, first: true, notes: None }
    }

    #[test]
    fn pages_read_like_one_answer() {
        let mut csv = pages(Format::Csv);
        assert_eq!(csv.page("a,b\n1,2\n", false) + &csv.page("a,b\n3,4\n", true), "a,b\n1,2\n3,4\n");
        let mut ndjson = pages(Format::Ndjson);
        let first = ndjson.page("{\"a\":1}\n{\"_end\":true,\"rows\":1,\"next\":\"x\"}\n", false);
        let second = ndjson.page("{\"a\":2}\n{\"_end\":true,\"rows\":1,\"next\":null}\n", true);
        assert_eq!(first + &second, "{\"a\":1}\n{\"a\":2}\n{\"_end\":true,\"next\":null,\"rows\":2}\n");
        let mut noted = pages(Format::Ndjson);
        let one = noted.page("{\"_end\":true,\"next\":null,\"notes\":[\"n\"],\"rows\":0}\n", true);
        assert_eq!(one, "{\"_end\":true,\"next\":null,\"notes\":[\"n\"],\"rows\":0}\n");
        let mut table = pages(Format::Table);
        assert_eq!(table.page("A\n1\n\nmore: add cursor=x\n", false), "A\n1\n\n");
    }

    #[test]
    fn a_last_page_says_how_to_go_on_in_words_of_this_program() {
        let mut table = Pages { all: false, ..pages(Format::Table) };
        assert_eq!(table.page("A\n\nmore: add cursor=x\n", true), "A\n\nmore: add --all, or --cursor x\n");
    }

    #[test]
    fn the_curl_line_asks_the_same() {
        let server = Server { url: "http://127.0.0.1:7070/".into(), token_file: None };
        let target = Target::new("/v1/accounts").name("it's").with("format", Some("json"));
        let line = curl_line(&server, &target, None);
        assert_eq!(line, "curl -sS 'http://127.0.0.1:7070/v1/accounts/it%27s?format=json'");
        let line = curl_line(&server, &Target::new("/v1/search"), Some("a = 'b'"));
        assert_eq!(line, "curl -sS --data-binary 'a = '\\''b'\\''' http://127.0.0.1:7070/v1/search");
    }
}
