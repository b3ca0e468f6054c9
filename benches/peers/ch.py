"""chDB, the ClickHouse engine, in a process of its own behind a small HTTP shim: one table."""

import json
import os
import subprocess
import sys
from importlib.metadata import version

from client import Asker, post_file
from machine import disk_bytes, peak_rss_bytes
from questions import DAY_MS, EVENTS_LAST, HUB_ACCOUNTS_MAX, SHARED_IPS_MIN

DURABLE = "no sync"
CONNECTIONS = 2
TABLE = """
CREATE TABLE peers.events (
  ts DateTime64(3, 'UTC'), request_id UUID, account String, api_key String, ip IPv6, fingerprint String,
  user_agent LowCardinality(String), asn UInt32, country LowCardinality(String), model LowCardinality(String),
  endpoint LowCardinality(String), status UInt16, input_tokens UInt32, output_tokens UInt32, latency_ms UInt32,
  payment String, email_domain LowCardinality(String), plan LowCardinality(String)
) ENGINE = MergeTree ORDER BY (account, ts)"""


def _text(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _list(values):
    return "(" + ", ".join(map(_text, values)) + ")"


def _window(params):
    return (
        f"ts >= fromUnixTimestamp64Milli({params['since']}, 'UTC')"
        f" AND ts < fromUnixTimestamp64Milli({params['until']}, 'UTC')"
    )


def _step(window, start):
    """Accounts one step from the accounts that `start` selects."""
    sides = []
    for name in ("ip", "fingerprint"):
        own = f"SELECT {name} FROM peers.events WHERE {window} AND account IN {start}"
        kept = (
            f"SELECT {name} FROM peers.events WHERE {window} AND {name} IN ({own})"
            f" GROUP BY {name} HAVING uniqExact(account) <= {HUB_ACCOUNTS_MAX}"
        )
        sides.append(f"{name} IN ({kept})")
    return f"SELECT DISTINCT account FROM peers.events WHERE {window} AND ({' OR '.join(sides)})"


def _pairs(window):
    seen = (
        f"SELECT arraySort(groupUniqArray(account)) AS seen FROM peers.events WHERE {window}"
        f" GROUP BY ip HAVING length(seen) BETWEEN 2 AND {HUB_ACCOUNTS_MAX}"
    )
    each = (
        "arrayJoin(arrayFlatten(arrayMap(i -> arrayMap(j -> (seen[i], seen[j]),"
        " range(i + 1, length(seen) + 1)), range(1, length(seen))))) AS pair"
    )
    return (
        f"SELECT pair.1, pair.2, toUInt32(count()) FROM (SELECT {each} FROM ({seen}))"
        f" GROUP BY pair HAVING count() >= {SHARED_IPS_MIN}"
    )


def _sql(question, params):
    table = "FROM peers.events WHERE"
    window = _window(params) if "since" in params else ""
    if question == "shared_ip":
        account = _text(params["account"])
        own = f"SELECT ip {table} account = {account} AND {window}"
        return (
            f"SELECT account, toUInt32(uniqExact(ip)) {table} {window} AND ip IN ({own})"
            f" AND account <> {account} GROUP BY account"
        )
    if question == "ip_profile":
        return (
            "SELECT toUInt32(count()), toUInt32(uniqExact(account)), toUInt32(uniqExact(fingerprint)),"
            " toFloat64(toUnixTimestamp64Milli(min(ts))), toFloat64(toUnixTimestamp64Milli(max(ts))),"
            f" toFloat64(sum(input_tokens) + sum(output_tokens)) {table} ip = toIPv6({_text(params['ip'])}) AND {window}"
        )
    if question == "boolean":
        first, last = (f"toIPv6('::ffff:{params['net']}.{end}')" for end in ("0.0", "255.255"))
        return (
            f"SELECT account, toUInt32(count()) {table} ip >= {first} AND ip <= {last}"
            f" AND fingerprint = {_text(params['fingerprint'])} AND model <> {_text(params['model'])}"
            f" AND {window} GROUP BY account"
        )
    if question == "pairs":
        return _pairs(window)
    if question == "timeline":
        return (
            f"SELECT toUInt32(intDiv(toUnixTimestamp64Milli(ts), {DAY_MS})) AS day, toUInt32(count())"
            f" {table} account IN {_list(params['accounts'])} GROUP BY day"
        )
    return (
        f"SELECT toFloat64(toUnixTimestamp64Milli(ts)), toString(request_id) {table}"
        f" account = {_text(params['account'])} ORDER BY ts DESC, request_id DESC LIMIT {EVENTS_LAST}"
    )


class Engine:
    """chDB in a child process."""

    name = "chDB"
    version = version("chdb-core")
    how = "HTTP shim, bodies of 8,192 lines; one table"

    def __init__(self, folder, _options):
        self.folder = folder
        shim = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim.py")
        self.server = subprocess.Popen(
            [sys.executable, shim, os.path.join(folder, "ch")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.port = int(self.server.stdout.readline())
        self.asker = Asker(self.port)
        self._rows("CREATE DATABASE peers")
        self._rows(TABLE)

    def _rows(self, sql):
        seconds, status, answer = self.asker.ask("POST", "/query", sql.encode())
        if status != 200:
            raise RuntimeError(answer.decode(errors="replace")[:500])
        return seconds, [json.loads(line) for line in answer.splitlines() if line.strip() not in (b"", b"{}")]

    def load(self, path):
        """Seconds and rows."""
        seconds, _ = post_file(self.port, "/insert", path, CONNECTIONS)
        return seconds, int(self._rows("SELECT toUInt32(count()) FROM peers.events")[1][0][0])

    def ask(self, question, params):
        """Seconds and rows."""
        if question == "two_hops":
            return self._two_hops(params)
        seconds, rows = self._rows(_sql(question, params))
        if question == "ip_profile":
            rows = [[int(cell) for cell in row] for row in rows]
        elif question == "last_events":
            rows = [[int(at), request] for at, request in rows]
        return seconds, rows

    def _two_hops(self, params):
        """Two statements: a subquery that is used three times would be run three times."""
        window, account = _window(params), params["account"]
        first, near = self._rows(_step(window, _list([account])))
        near = {row[0] for row in near} | {account}
        second, far = self._rows(_step(window, _list(sorted(near))))
        far = {row[0] for row in far} - near
        rows = [[name, 1] for name in near - {account}] + [[name, 2] for name in far]
        return first + second, rows

    def disk_bytes(self):
        """Bytes on disk now."""
        return disk_bytes(self.folder)

    def peak_rss_bytes(self):
        """Peak of the shim's process so far."""
        return peak_rss_bytes(self.server.pid)

    def close(self):
        """Stops the shim."""
        self.server.stdin.close()
        self.server.wait(timeout=60)
