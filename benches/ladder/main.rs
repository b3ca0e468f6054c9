//! The ladder: how much of a planted campaign is found, how early, and whom else it accuses.
//!
//! Logs are made by the generator of `cahoots drill`, go through the decoder and the store as any log
//! does, and every day is closed as it would be in life. The truth is read only afterwards.

mod run;

use std::collections::BTreeSet;
use std::path::PathBuf;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let Some(log) = args.next().map(PathBuf::from) else { return };
    let truth: BTreeSet<String> = args
        .next()
        .map(|path| std::fs::read_to_string(path).expect("truth").lines().map(str::to_owned).collect())
        .unwrap_or_default();
    let outcome = run::replay(&log);
    outcome.print(&truth);
}
