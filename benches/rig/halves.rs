//! A log as two programs would have written it: nginx before the gateway, which knows the client's address, and the
//! gateway, which knows the account.

use crate::rig::Failure;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// Cuts every event of a log in two, which come one after the other.
pub(crate) fn write(log: &Path, halves: &Path) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(halves)?);
    for line in BufReader::new(File::open(log)?).lines() {
        let mut event: Map<String, Value> = serde_json::from_str(&line?)?;
        let ip = event.insert("ip".to_owned(), json!("10.0.0.7"));
        let edge = json!({
            "remote_addr": ip,
            "time_iso8601": event["ts"],
            "request_id": event["request_id"],
            "http_user_agent": event["user_agent"],
            "status": event["status"],
        });
        writeln!(out, "{edge}\n{}", Value::Object(event))?;
    }
    out.flush()?;
    Ok(())
}
