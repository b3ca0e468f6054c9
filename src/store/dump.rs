//! The whole database as text, the same for the same content: what snapshot tests compare and what a
//! curious operator can read. Values are escaped; the secret is left out.

use super::error::StoreError;
use super::read::{Part, Snapshot};
use super::{Store, version};
use crate::event::{Aspect, Dim, Number, Text, Window};
use crate::privacy::Privacy;
use roaring::RoaringBitmap;
use std::io::Write;
use std::path::Path;

/// Writes the database of a folder that no server has open.
pub fn dump(folder: &Path, out: &mut dyn Write) -> Result<(), StoreError> {
    if !super::file::database_path(folder).try_exists()? {
        return Err(StoreError::Open(format!("there is no database in {}", folder.display())));
    }
    let (store, appender) = Store::open(folder, 0)?;
    let snapshot = store.snapshot()?;
    writeln!(out, "format {}", version::FORMAT)?;
    writeln!(out, "rows {}, segments {}", snapshot.rows(), snapshot.view.segments.len())?;
    dump_catalog(&snapshot, out)?;
    for part in snapshot.parts(Window::ALL) {
        dump_part(&snapshot, &part, out)?;
    }
    dump_days(&snapshot, out)?;
    dump_accounts(&snapshot, out)?;
    appender.waiting.dump(out)
}

/// A value as a person would write it.
pub(super) fn show(privacy: &Privacy, dim: Dim, value: &[u8]) -> String {
    let number = || value.iter().fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    match (dim, <[u8; 16]>::try_from(value), value.split_first_chunk::<16>()) {
        (Dim::Ip, Ok(ip), _) => privacy.shown_address(ip),
        (Dim::Net | Dim::Site, _, Some((ip, [bits]))) => privacy.shown_network(*ip, *bits),
        (Dim::Asn | Dim::Status | Dim::Created, ..) => number().to_string(),
        _ => String::from_utf8_lossy(value).escape_debug().to_string(),
    }
}

fn dump_catalog(snapshot: &Snapshot, out: &mut dyn Write) -> Result<(), StoreError> {
    let catalog = snapshot.catalog();
    for dim in Dim::ALL {
        for name in 0..catalog.names(dim) {
            writeln!(
                out,
                "name {} {name} = {}",
                dim.name(),
                show(&snapshot.privacy, dim, catalog.value(dim, name))
            )?;
        }
    }
    for aspect in Aspect::ALL {
        for key in 0..catalog.keys(aspect) {
            let names = aspect.dims().iter().filter_map(|dim| {
                let name = catalog.name_of(*dim, key)?;
                Some(format!("{}={}", dim.name(), show(&snapshot.privacy, *dim, catalog.value(*dim, name))))
            });
            writeln!(out, "{} {key} = {}", aspect.name(), names.collect::<Vec<_>>().join(" "))?;
        }
    }
    Ok(())
}

fn dump_accounts(snapshot: &Snapshot, out: &mut dyn Write) -> Result<(), StoreError> {
    snapshot.account_records(&mut |name, record| {
        write!(out, "account {}", name.escape_debug())?;
        let texts = [
            ("plan", &record.plan),
            ("payment", &record.payment),
            ("email_domain", &record.email_domain),
            ("organisation", &record.organisation),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                write!(out, " {field}={}", text.escape_debug())?;
            }
        }
        if let Some(created) = record.created {
            write!(out, " created={created}")?;
        }
        if let Some(ip) = record.signup_ip {
            write!(out, " signup_ip={}", snapshot.privacy.shown_address(ip))?;
        }
        if let Some(verified) = record.verified {
            write!(out, " verified={verified}")?;
        }
        writeln!(out)?;
        Ok(())
    })
}

fn dump_part(snapshot: &Snapshot, part: &Part, out: &mut dyn Write) -> Result<(), StoreError> {
    let sealed = part.first_row() < snapshot.view.sealed_rows();
    writeln!(out, "part {} {}", part.first_row(), if sealed { "segment" } else { "open" })?;
    let mut reader = part.reader();
    for row in 0..part.len() {
        write!(out, "row {} ts={}", part.first_row() + u64::from(row), reader.ts(row)?)?;
        for aspect in Aspect::ALL {
            write!(out, " {}={}", aspect.name(), reader.key(aspect, row)?)?;
        }
        for number in Number::ALL {
            if let Some(value) = reader.number(number, row)? {
                write!(out, " {}={value}", number.name())?;
            }
        }
        for (text, name) in Text::ALL.into_iter().zip(["request_id", "session", "prompt_hash", "extra"]) {
            let value = reader.text(text, row)?;
            if !value.is_empty() {
                write!(out, " {name}={}", value.escape_debug())?;
            }
        }
        writeln!(out)?;
    }
    for aspect in Aspect::ALL {
        for key in 0..snapshot.catalog().keys(aspect) {
            let rows = part.rows_with(aspect, &RoaringBitmap::from_iter([key]))?;
            if !rows.is_empty() {
                let rows: Vec<String> = rows.iter().map(|row| row.to_string()).collect();
                writeln!(out, "posting {} {key} = {}", aspect.name(), rows.join(" "))?;
            }
        }
    }
    Ok(())
}

fn dump_days(snapshot: &Snapshot, out: &mut dyn Write) -> Result<(), StoreError> {
    for run in snapshot.plan(Window::ALL).runs {
        writeln!(out, "day {} run {} until row {}", run.0.day, run.0.run, run.0.until_row)?;
        for aspect in super::days::ENTRY_ASPECTS {
            let keys: RoaringBitmap = (0..snapshot.catalog().keys(aspect)).collect();
            let mut lines = Vec::new();
            snapshot.entries(&run, aspect, &keys, &mut |key, entry| {
                lines.push(format!("  {} {key} {:?} {:?}", aspect.name(), entry.counters, entry.links));
            })?;
            for line in lines {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}
