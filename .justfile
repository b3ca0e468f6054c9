# Recipes for daily work; .ci/run is what must pass.

# What must pass before a merge.
ci:
    .ci/run

# Format, lints, licences.
check:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    cargo deny --config .deny.toml check licenses bans sources advisories

# All tests.
test:
    cargo test --locked

# Look at changed snapshots one by one (needs cargo-insta).
snap:
    cargo insta review

# Fuzz one decoder for ten minutes (needs a nightly toolchain and cargo-fuzz): records, otlp_logs, otlp_traces, bulk, loki, splunk.
fuzz target:
    cargo run --manifest-path tests/fuzz/Cargo.toml --bin seeds
    cargo +nightly fuzz run --fuzz-dir tests/fuzz {{target}} -- -max_total_time=600 -max_len=65536

# A small provider's day, with three questions answered.
demo:
    cargo run --release -- demo

# The server, with its data in ./target/data.
serve:
    cargo run --release -- serve --data target/data
