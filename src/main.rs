//! The binary: arguments to one call, the error chain to stderr, an exit code.

use cahoots::cli::{self, CliError};
use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Says what went wrong in one line: the error and its causes.
fn report(error: &CliError) {
    // Help, versions and wrong usage know their own stream and form.
    if let CliError::Usage(usage) = error {
        drop(usage.print());
        return;
    }
    // Whoever reads our output, `head` perhaps, has enough.
    if error.is_closed_pipe() {
        return;
    }
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some messages quote their cause already.
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    // Names out of logs may stand in it; they do not get to paint on the terminal.
    drop(writeln!(std::io::stderr(), "cahoots: {}", cahoots::text::terminal_safe(&line)));
}
