#!/bin/sh
# Compares cahoots with DuckDB, chDB and SQLite on one log. Makes its own Python environment.
#
#   benches/peers/run.sh --file FILE [--engines duckdb,chdb,sqlite,cahoots] [--samples N]
#
# A log comes from `cargo bench --bench generate -- --events 1000000 --out FILE`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv="$root/target/peers-venv"
if [ ! -e "$venv/ready" ]; then
    python3.11 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'duckdb==2.0.0' 'chdb==4.4.0' 'chdb-core==26.9.0'
    touch "$venv/ready"
fi
# Relative paths on the command line are the caller's; only the defaults are below the root.
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/peers.py" \
    --data-dir "$root/target/bench-data/peers" --cahoots "$root/target/release/cahoots" "$@"
