//! `cahoots explain-source`: what a log would be taken for, before it is sent.

use crate::cli::error::CliError;
use crate::cli::input;
use crate::clock::{Clock, SystemClock};
use crate::config::Typed;
use crate::ingest::{Context, Decoder, Mappings};
use crate::limits::PIECE_BYTES;
use crate::privacy::{Privacy, Pseudonyms};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  cahoots explain-source access.log
  head -1 litellm.json | cahoots explain-source -
  cahoots explain-source --source envoy access.json
  cahoots explain-source --config cahoots.toml --source mine requests.json";

/// Show which source each record of a log is taken for, and which path each field comes from
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainSource {
    /// The log, or - for standard input; gzip and zstd are told by their first bytes.
    file: PathBuf,
    /// Take every record for one of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Settings as TOML, for sources of your own.
    #[arg(long, value_name = "FILE", env = "CAHOOTS_CONFIG")]
    config: Option<PathBuf>,
}

impl ExplainSource {
    /// Writes it to stdout.
    pub(crate) fn run(&self) -> Result<(), CliError> {
        let own = match &self.config {
            Some(config) => Typed::from_file(config)?.sources()?,
            None => Mappings::default(),
        };
        let source = match self.source.as_deref().map(|name| own.kind(name)) {
            Some(None) => return Err(CliError::Wrong(format!("the sources are {}", own.names()))),
            source => source.flatten(),
        };
        let unreadable = |error: io::Error| CliError::Input { path: self.file.clone(), reason: error };
        let mut input = input::open(&self.file)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        // Nothing is kept, so any secret will do.
        let privacy = Privacy::new([0; 32], Pseudonyms::NONE);
        let context = Context::new(0, SystemClock.now(), privacy);
        let mut decoder = Decoder::new(context).of_source(source).with_mappings(own).explaining();
        let mut piece = vec![0; PIECE_BYTES];
        let mut told = BTreeSet::new();
        loop {
            let len = input.read(&mut piece).map_err(unreadable)?;
            let mut rest = piece.get(..len).unwrap_or_default();
            while !rest.is_empty() {
                let used = decoder.feed(rest);
                rest = rest.get(used..).unwrap_or_default();
                write(&mut decoder, &mut told, &mut out).map_err(CliError::Output)?;
            }
            if len == 0 {
                break;
            }
        }
        while !decoder.finish() {
            write(&mut decoder, &mut told, &mut out).map_err(CliError::Output)?;
        }
        write(&mut decoder, &mut told, &mut out).map_err(CliError::Output)?;
        for reject in decoder.rejects().first.iter().filter(|reject| !told.contains(&reject.line)) {
            writeln!(out, "line {}: {}", reject.line, reject.reason).map_err(CliError::Output)?;
        }
        out.flush().map_err(CliError::Output)
    }
}

/// Writes what was found since the last call, and notes the records whose problem that names.
fn write(decoder: &mut Decoder, told: &mut BTreeSet<u64>, out: &mut impl Write) -> io::Result<()> {
    // The events themselves are not wanted.
    drop(decoder.take_batch());
    for explained in decoder.take_explained() {
        if explained.problem.is_some() {
            told.insert(explained.line);
        }
        write!(out, "{explained}")?;
    }
    Ok(())
}
