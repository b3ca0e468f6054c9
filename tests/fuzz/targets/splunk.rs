//! Fuzzes one decoder: `splunk`.

#![no_main]

#[path = "../check.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    check::check(Some(cahoots::ingest::Protocol::Splunk), body);
});
