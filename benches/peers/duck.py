"""DuckDB in process: one table, its indexes, and relations by day."""

import os
import time

import duckdb

import graph
from machine import disk_bytes, peak_rss_bytes
from questions import DAY_MS, EVENTS_LAST

DURABLE = "commit and checkpoint at the end of the load"
COLUMNS = {
    "ts": "TIMESTAMP_MS",
    "request_id": "UUID",
    **dict.fromkeys(("account", "api_key", "ip", "fingerprint", "user_agent"), "VARCHAR"),
    "asn": "UINTEGER",
    **dict.fromkeys(("country", "model", "endpoint"), "VARCHAR"),
    "status": "USMALLINT",
    **dict.fromkeys(("input_tokens", "output_tokens", "latency_ms"), "UINTEGER"),
    **dict.fromkeys(("payment", "email_domain", "plan"), "VARCHAR"),
}
IN_WINDOW = "ts >= make_timestamp_ms($since)::TIMESTAMP_MS AND ts < make_timestamp_ms($until)::TIMESTAMP_MS"
SQL = {
    "shared_ip": graph.SHARED_IP,
    "two_hops": graph.TWO_HOPS,
    "pairs": graph.PAIRS,
    "ip_profile": f"""
SELECT count(*), count(DISTINCT account), count(DISTINCT fingerprint), epoch_ms(min(ts)), epoch_ms(max(ts)),
  coalesce(sum(input_tokens), 0)::BIGINT + coalesce(sum(output_tokens), 0)::BIGINT
FROM events WHERE ip = $ip AND {IN_WINDOW}""",
    # For a /16 the text of an IPv4 address is exact.
    "boolean": f"""
SELECT account, count(*) FROM events
WHERE fingerprint = $fingerprint AND starts_with(ip, $net || '.') AND model <> $model AND {IN_WINDOW}
GROUP BY account""",
    "timeline": f"""
SELECT epoch_ms(ts) // {DAY_MS} AS day, count(*) FROM events
WHERE account IN (SELECT unnest($accounts)) GROUP BY day""",
    "last_events": f"""
SELECT epoch_ms(ts), request_id::VARCHAR FROM events WHERE account = $account
ORDER BY ts DESC, request_id DESC LIMIT {EVENTS_LAST}""",
}


class Engine:
    """DuckDB on one file."""

    name = "DuckDB"
    version = duckdb.__version__
    how = "in process, from the file; indexes and relations by day"

    def __init__(self, folder, _options):
        self.path = os.path.join(folder, "events.duckdb")
        self.db = duckdb.connect(self.path)

    def load(self, path):
        """Seconds and rows."""
        fields = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        started = time.perf_counter()
        self.db.execute(
            f"CREATE TABLE events AS SELECT * FROM read_ndjson($path, columns = {{{fields}}})", {"path": path}
        )
        for name in ("account", "ip", "fingerprint"):
            self.db.execute(f"CREATE INDEX events_{name} ON events ({name})")
        for name in ("ip", "fingerprint"):
            self.db.execute(
                f"CREATE TABLE {name}_day AS SELECT DISTINCT {name}, account,"
                f" (epoch_ms(ts) // {DAY_MS})::INTEGER AS day FROM events ORDER BY 1, 2, 3"
            )
        self.db.execute("CHECKPOINT")
        seconds = time.perf_counter() - started
        return seconds, self.db.execute("SELECT count(*) FROM events").fetchone()[0]

    def ask(self, question, params):
        """Seconds and rows."""
        if question in ("shared_ip", "two_hops", "pairs"):
            params = graph.days(params)
        started = time.perf_counter()
        rows = self.db.execute(SQL[question], params).fetchall()
        return time.perf_counter() - started, rows

    def disk_bytes(self):
        """Bytes on disk now."""
        return disk_bytes(os.path.dirname(self.path))

    def peak_rss_bytes(self):
        """Peak so far."""
        return peak_rss_bytes()

    def close(self):
        """Lets go of the file."""
        self.db.close()
