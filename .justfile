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

# A small provider's day, with three questions answered.
demo:
    cargo run --release -- demo

# The server, with its data in ./target/data.
serve:
    cargo run --release -- serve --data target/data
