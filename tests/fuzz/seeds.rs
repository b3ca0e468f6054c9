//! Bodies that real shippers sent, by the decoder that takes them: what fuzzing and damage begin with.

use cahoots::ingest::Protocol;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Every decoder by the name of its target; `None` for bodies of records.
pub(crate) const TARGETS: [(&str, Option<Protocol>); 6] = [
    ("records", None),
    ("otlp_logs", Some(Protocol::OtlpLogs)),
    ("otlp_traces", Some(Protocol::OtlpTraces)),
    ("bulk", Some(Protocol::Bulk)),
    ("loki", Some(Protocol::Loki)),
    ("splunk", Some(Protocol::Splunk)),
];

/// Bodies for a target, decompressed, each with the name of its file.
pub(crate) fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let fixtures =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("tests/fixtures"));
    let fixtures = fixtures.into_iter().find(|folder| folder.is_dir()).expect("fixtures");
    let mut files = Vec::new();
    files_below(&fixtures.join("captures"), &mut files);
    let captures = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "body"));
    let mut seeds: Vec<(String, Vec<u8>)> = captures
        .filter_map(|file| {
            let request = std::fs::read(file.with_extension("request.json")).expect("a request");
            let request: Value = serde_json::from_slice(&request).expect("JSON");
            let path = request["path"].as_str().expect("a path");
            let encoding = request["headers"]["Content-Encoding"].as_str();
            let body = plain(&std::fs::read(file).expect("a body"), encoding);
            (target_of(path) == target).then(|| (name(file), body))
        })
        .collect();
    if target == "records" {
        let mut files = Vec::new();
        files_below(&fixtures.join("sources"), &mut files);
        files.retain(|file| !file.to_string_lossy().ends_with(".expected.json"));
        seeds.extend(files.iter().map(|file| (name(file), std::fs::read(file).expect("a log"))));
    }
    seeds
}

fn target_of(path: &str) -> &'static str {
    match path {
        "/v1/logs" => "otlp_logs",
        "/v1/traces" | "/api/public/otel/v1/traces" => "otlp_traces",
        "/loki/api/v1/push" => "loki",
        path if path.ends_with("/_bulk") => "bulk",
        path if path.starts_with("/services/collector") => "splunk",
        "/v1/metrics" => "",
        _ => "records",
    }
}

fn plain(body: &[u8], encoding: Option<&str>) -> Vec<u8> {
    let mut plain = Vec::new();
    match encoding {
        Some("gzip") => {
            flate2::read::MultiGzDecoder::new(body).read_to_end(&mut plain).expect("gzip");
        }
        Some("zstd") => plain = zstd::decode_all(body).expect("zstd"),
        _ => plain.extend_from_slice(body),
    }
    plain
}

fn name(file: &Path) -> String {
    let parts: Vec<_> =
        file.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("-")
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut entries: Vec<PathBuf> = entries.collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() { files_below(&entry, files) } else { files.push(entry) }
    }
}
