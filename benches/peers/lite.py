"""SQLite in process: one table with indexes, and relations by day without row ids."""

import ipaddress
import json
import os
import socket
import sqlite3
import time
from itertools import islice

import graph
from machine import disk_bytes, peak_rss_bytes
from questions import DAY_MS, EVENTS_LAST, epoch_ms

DURABLE = "WAL, synced at checkpoints"
BATCH_ROWS = 8_192
TEXT = ("request_id", "account", "api_key", "ip", "fingerprint", "user_agent", "country", "model", "endpoint")
NUMBERS = ("asn", "status", "input_tokens", "output_tokens", "latency_ms")
TAIL = ("payment", "email_domain", "plan")
FIELDS = TEXT + NUMBERS + TAIL
IN_WINDOW = "ts >= $since AND ts < $until"
SQL = {
    "shared_ip": graph.SHARED_IP,
    "two_hops": graph.TWO_HOPS,
    "pairs": graph.PAIRS,
    "ip_profile": f"""
SELECT count(*), count(DISTINCT account), count(DISTINCT fingerprint), min(ts), max(ts),
  coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0)
FROM events WHERE ip = $ip AND {IN_WINDOW}""",
    "boolean": f"""
SELECT account, count(*) FROM events
WHERE fingerprint = $fingerprint AND ip4 >= $first AND ip4 <= $last AND model <> $model AND {IN_WINDOW}
GROUP BY account""",
    "timeline": f"""
SELECT ts / {DAY_MS}, count(*) FROM events
WHERE account IN (SELECT value FROM json_each($accounts)) GROUP BY 1""",
    "last_events": f"""
SELECT ts, request_id FROM events WHERE account = $account
ORDER BY ts DESC, request_id DESC LIMIT {EVENTS_LAST}""",
}


def _row(text):
    event = json.loads(text)
    ip = event.get("ip")
    # Only addresses of four bytes have a number here: SQLite's integers end at eight.
    ip4 = int.from_bytes(socket.inet_aton(ip), "big") if ip and ":" not in ip else None
    return (epoch_ms(event["ts"]), ip4, *(event.get(field) for field in FIELDS))


class Engine:
    """SQLite on one file."""

    name = "SQLite"
    version = sqlite3.sqlite_version
    how = "in process, rows of Python; indexes and relations by day"

    def __init__(self, folder, _options):
        self.folder = folder
        self.db = sqlite3.connect(os.path.join(folder, "events.sqlite"), isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA cache_size = -262144")
        self.db.execute("PRAGMA temp_store = MEMORY")

    def load(self, path):
        """Seconds and rows."""
        started = time.perf_counter()
        kinds = [f"{name} TEXT" if name not in NUMBERS else f"{name} INTEGER" for name in FIELDS]
        self.db.execute(f"CREATE TABLE events (ts INTEGER, ip4 INTEGER, {', '.join(kinds)})")
        insert = f"INSERT INTO events VALUES ({', '.join('?' * (len(FIELDS) + 2))})"
        with open(path, "rb") as lines:
            while batch := list(islice(lines, BATCH_ROWS)):
                self.db.execute("BEGIN")
                self.db.executemany(insert, map(_row, batch))
                self.db.execute("COMMIT")
        for name in ("account", "ip", "fingerprint"):
            self.db.execute(f"CREATE INDEX events_{name} ON events ({name}, ts)")
        for name in ("ip", "fingerprint"):
            self.db.execute(
                f"CREATE TABLE {name}_day ({name} TEXT, account TEXT, day INTEGER,"
                f" PRIMARY KEY ({name}, account, day)) WITHOUT ROWID"
            )
            self.db.execute(
                f"INSERT INTO {name}_day SELECT DISTINCT {name}, account, ts / {DAY_MS} FROM events"
                f" WHERE {name} IS NOT NULL ORDER BY 1, 2, 3"
            )
            self.db.execute(f"CREATE INDEX {name}_day_account ON {name}_day (account, day, {name})")
        self.db.execute("ANALYZE")
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seconds = time.perf_counter() - started
        return seconds, self.db.execute("SELECT count(*) FROM events").fetchone()[0]

    def ask(self, question, params):
        """Seconds and rows."""
        if question in ("shared_ip", "two_hops", "pairs"):
            params = graph.days(params)
        elif question == "boolean":
            net = ipaddress.IPv4Network(params["net"] + ".0.0/16")
            params = {**params, "first": int(net[0]), "last": int(net[-1])}
        elif question == "timeline":
            params = {"accounts": json.dumps(params["accounts"])}
        started = time.perf_counter()
        rows = self.db.execute(SQL[question], params).fetchall()
        return time.perf_counter() - started, rows

    def disk_bytes(self):
        """Bytes on disk now."""
        return disk_bytes(self.folder)

    def peak_rss_bytes(self):
        """Peak so far."""
        return peak_rss_bytes()

    def close(self):
        """Lets go of the file."""
        self.db.close()
