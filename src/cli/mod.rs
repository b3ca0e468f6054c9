//! The command line: one file a command. Reads flags and variables, calls `app`, `store` or a server,
//! and writes what comes back.
//!
//! Questions are asked over HTTP, the way everybody else asks them, so that a terminal shows nothing
//! that curl could not. Answers go to stdout, everything else to stderr.

mod account;
mod accounts;
mod ask;
mod check;
mod clusters;
mod connect;
mod demo;
mod drill;
mod dump;
mod error;
mod events;
mod evidence;
mod explain_source;
mod fingerprint;
mod ingest;
mod input;
mod ip;
mod memory;
mod neighbors;
mod pairs;
mod search;
mod serve;
mod shell;
mod show;
mod status;
mod target;
mod template;
#[cfg(test)]
mod testing;
mod why;

pub use error::CliError;

use clap::{Parser, Subcommand};
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  cahoots demo                                  a small provider's day, with answers
  cahoots serve --data ./data                   the server, on 127.0.0.1:7070
  cahoots ingest requests.ndjson.zst            send a log
  cahoots neighbors acct-17 --since 7d          who shares what with acct-17
  cahoots why acct-17 acct-23                   everything that two accounts share
  cahoots search 'ip in 203.0.113.0/24 and not model = \"m-small\"'

Exit codes:
  0   it worked
  1   it failed, or some events were rejected
  2   wrong usage: a flag, a setting, or a question that the server could not read
  3   not found: no account, address, fingerprint or path of that name
  4   no server could be reached
  74  the disk: full, failed or damaged";

/// Which of your API accounts are in cahoots?
#[derive(Debug, Parser)]
#[command(name = "cahoots", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Ingest(ingest::Ingest),
    Accounts(accounts::Accounts),
    Account(account::Account),
    Events(events::Events),
    Ip(ip::Ip),
    Fingerprint(fingerprint::Fingerprint),
    Template(template::Template),
    Neighbors(neighbors::Neighbors),
    Why(why::Why),
    Search(search::Search),
    Pairs(pairs::Pairs),
    Clusters(clusters::Clusters),
    Cluster(clusters::Cluster),
    Analyze(clusters::Analyze),
    Evidence(evidence::Evidence),
    Verify(evidence::Verify),
    Drill(drill::Drill),
    ExplainSource(explain_source::ExplainSource),
    Status(status::Status),
    Check(check::Check),
    Dump(dump::Dump),
}

/// Runs a command line; the first argument is the program's own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Result<(), CliError> {
    match Cli::try_parse_from(args).map_err(CliError::Usage)?.command {
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Ingest(command) => command.run(),
        Command::Accounts(command) => command.run(),
        Command::Account(command) => command.run(),
        Command::Events(command) => command.run(),
        Command::Ip(command) => command.run(),
        Command::Fingerprint(command) => command.run(),
        Command::Template(command) => command.run(),
        Command::Neighbors(command) => command.run(),
        Command::Why(command) => command.run(),
        Command::Search(command) => command.run(),
        Command::Pairs(command) => command.run(),
        Command::Clusters(command) => command.run(),
        Command::Cluster(command) => command.run(),
        Command::Analyze(command) => command.run(),
        Command::Evidence(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Drill(command) => command.run(),
        Command::ExplainSource(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Dump(command) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cli, CliError, run};
    use crate::cli::testing::Running;
    use clap::CommandFactory;

    fn code(args: &[&str]) -> u8 {
        let args = std::iter::once("cahoots").chain(args.iter().copied()).map(Into::into);
        run(args).expect_err("these do not reach anything").exit_code()
    }

    #[test]
    fn the_flags_are_consistent_and_every_command_has_examples() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        for command in cli.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Examples:"), "{}", command.get_name());
            assert!(help.contains(&format!("cahoots {}", command.get_name())), "{}", command.get_name());
        }
    }

    #[test]
    fn wrong_usage_is_2_and_help_is_0() {
        assert_eq!(code(&["nonsense"]), 2);
        assert_eq!(code(&["serve", "--bogus"]), 2);
        assert_eq!(code(&["serve", "--config", "/nonexistent/cahoots.toml"]), 2);
        assert_eq!(code(&["serve", "--listen", "0.0.0.0:7070", "--data", "/nonexistent"]), 2);
        assert_eq!(code(&["--help"]), 0);
        assert_eq!(code(&["--version"]), 0);
        assert_eq!(code(&["why", "a"]), 2);
        assert_eq!(code(&["account", "x", "--url", "ftp://x"]), 2);
    }

    #[test]
    fn a_server_is_asked_in_every_format_and_its_refusals_have_their_codes() {
        let running = Running::start();
        for format in ["json", "ndjson", "csv", "table"] {
            running.run(&["status", "-o", format]).expect(format);
        }
        running.run(&["account", "x", "--curl"]).expect("asks nothing");
        for wrong in
            [&["ip", "nonsense"][..], &["account", "x", "--since", "soon"], &["pairs", "--via", "model"]]
        {
            assert_eq!(running.run(wrong).expect_err("refused").exit_code(), 2, "{wrong:?}");
        }
        let url = format!("{}/elsewhere", running.url);
        assert_eq!(code(&["status", "--url", &url]), 3);
    }

    #[test]
    fn nobody_there_is_4() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        drop(listener);
        assert_eq!(code(&["status", "--url", &url]), 4);
        let CliError::Client(_) =
            run(["cahoots", "status", "--url", &url].map(Into::into)).expect_err("nobody")
        else {
            panic!("another error");
        };
    }
}
