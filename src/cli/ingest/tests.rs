//! Sending, against a real server and against one that is busy, full, or gone.

use super::progress::Progress;
use super::resume::Mark;
use super::send::{Sender, Tally};
use super::source::Source;
use crate::cli::CliError;
use crate::cli::connect::Server;
use crate::cli::testing::{Running, answer, scripted};
use crate::limits::SEND_LINES_MAX;
use std::path::{Path, PathBuf};

const TAKEN: &str = "{\"accepted\":1,\"duplicates\":0,\"rejected\":0,\"errors\":[]}";

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("write");
    path
}

fn event(n: usize) -> String {
    format!("{{\"account\":\"a{}\",\"ts\":\"2026-01-02T00:00:00Z\",\"request_id\":\"r{n}\"}}\n", n % 7)
}

/// Sends a file and gives what became of it and the last mark.
fn send(url: &str, file: &Path, mark: Option<&Mark>) -> (Result<(), CliError>, Tally, Option<Mark>) {
    let server = Server { url: url.to_owned(), token_file: None };
    let mut source = Source::open(file, mark).expect("open");
    let progress = Progress::start("test", source.raw_bytes());
    let (mut total, mut last) = (Tally::default(), None);
    let sent = Sender::new(&server, &progress).send_lines(&mut source, |ack| {
        total.add(&ack.tally, "log");
        last = Some(ack.mark);
    });
    (sent, total, last)
}

#[test]
fn all_lines_arrive_once_and_the_bad_ones_are_named_by_their_line() {
    let running = Running::start();
    let mut lines: Vec<String> = (0..SEND_LINES_MAX * 2 + 100).map(event).collect();
    lines[SEND_LINES_MAX + 10] = "{\"account\":\"x\"}\n".to_owned();
    lines[3] = "\n".to_owned();
    let path = file(running.folder.path(), "log", &lines.concat());
    let (sent, total, mark) = send(&running.url, &path, None);
    sent.expect("sent");
    let good = lines.len() as u64 - 2;
    assert_eq!((total.accepted, total.duplicates, total.rejected), (good, 0, 1));
    assert_eq!(total.errors[0].0, format!("log:{}", SEND_LINES_MAX + 11));
    assert_eq!(mark.expect("mark").position.line, lines.len() as u64);
    let (_, again, _) = send(&running.url, &path, None);
    assert_eq!((again.accepted, again.duplicates), (0, good));
}

#[test]
fn a_run_that_was_stopped_sends_only_what_is_left() {
    let running = Running::start();
    let text: String = (0..SEND_LINES_MAX + 100).map(event).collect();
    let path = file(running.folder.path(), "log", &text);
    let mut source = Source::open(&path, None).expect("open");
    let mark = source.next_body().expect("body").expect("body").mark;
    let (sent, total, _) = send(&running.url, &path, Some(&mark));
    sent.expect("sent");
    assert_eq!((total.accepted, total.duplicates), (100, 0));
}

#[test]
fn the_command_says_1_when_lines_were_rejected_and_0_when_none_were() {
    let running = Running::start();
    let folder = running.folder.path();
    let good = file(folder, "good", &event(1));
    let array = file(folder, "array", &format!("[{},\n{}]", event(2).trim(), event(3).trim()));
    let bad = file(folder, "bad", &format!("{}nonsense\n", event(4)));
    let path = |path: &Path| path.to_string_lossy().into_owned();
    running.run(&["ingest", &path(&good), &path(&array), "--json", "--from-start"]).expect("sent");
    let error = running.run(&["ingest", &path(&bad)]).expect_err("rejected");
    assert_eq!(
        (error.exit_code(), error.to_string().as_str()),
        (1, "one line was rejected, all others are stored")
    );
    let error = running.run(&["ingest", &path(&folder.join("none"))]).expect_err("missing");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn a_busy_server_gets_the_same_body_again() {
    let folder = tempfile::tempdir().expect("folder");
    let path = file(folder.path(), "log", &event(1));
    let busy = |status| answer(status, "retry-after: 0\r\n", "{\"detail\":\"later\"}");
    let (url, served) = scripted(vec![busy(429), busy(503), busy(507), answer(200, "", TAKEN)]);
    let (sent, total, _) = send(&url, &path, None);
    sent.expect("sent");
    assert_eq!(total.accepted, 1);
    assert_eq!(served.join().expect("served"), vec![event(1); 4]);
}

#[test]
fn a_body_waits_until_the_one_before_it_is_taken() {
    let folder = tempfile::tempdir().expect("folder");
    let text: String = (0..=SEND_LINES_MAX).map(event).collect();
    let path = file(folder.path(), "log", &text);
    let busy = answer(503, "retry-after: 0\r\n", "{\"detail\":\"later\"}");
    let (url, served) = scripted(vec![busy, answer(200, "", TAKEN), answer(200, "", TAKEN)]);
    send(&url, &path, None).0.expect("sent");
    let (last, first) = (event(SEND_LINES_MAX), text.len() - event(SEND_LINES_MAX).len());
    assert!(served.join().expect("served") == [&text[..first], &text[..first], &last]);
}

#[test]
fn what_cannot_get_better_is_not_tried_again() {
    let folder = tempfile::tempdir().expect("folder");
    let path = file(folder.path(), "log", &event(1));
    for (status, code) in [(401, 1), (413, 1), (500, 1)] {
        let (url, served) = scripted(vec![answer(status, "", "{\"detail\":\"no\"}")]);
        let (sent, total, mark) = send(&url, &path, None);
        let error = sent.expect_err("refused");
        assert_eq!(error.exit_code(), code);
        assert!(error.to_string().starts_with("no"), "{error}");
        assert!(total == Tally::default() && mark.is_none());
        assert_eq!(served.join().expect("served").len(), 1);
    }
}

#[test]
fn a_server_that_was_never_there_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("folder");
    let path = file(folder.path(), "log", &event(1));
    let (url, served) = scripted(vec![String::new()]);
    let (sent, _, _) = send(&url, &path, None);
    assert_eq!(sent.expect_err("broken").exit_code(), 4);
    served.join().expect("served");
}

#[test]
fn a_body_of_bad_lines_only_is_an_outcome_and_not_a_refusal() {
    let folder = tempfile::tempdir().expect("folder");
    let path = file(folder.path(), "log", "x\n");
    let bad = "{\"detail\":\"all bad\",\"accepted\":0,\"duplicates\":0,\"rejected\":1,\
               \"errors\":[{\"line\":1,\"field\":\"ts\",\"reason\":\"is missing\"}]}";
    let (url, served) = scripted(vec![answer(400, "", bad)]);
    let (sent, total, _) = send(&url, &path, None);
    sent.expect("an outcome");
    assert_eq!(total.rejected, 1);
    assert_eq!(total.errors, [("log:1".to_owned(), "ts: is missing".to_owned())]);
    served.join().expect("served");
}
