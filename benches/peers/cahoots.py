"""cahoots over HTTP: the server in a process of its own, and what its answers mean here."""

import json
import os
import signal
import subprocess
import threading
from datetime import datetime, timezone
from urllib.parse import quote, urlencode

from client import Asker, post_file
from machine import disk_bytes, peak_rss_bytes
from questions import DAY_MS, EVENTS_LAST, HUB_ACCOUNTS_MAX, SHARED_IPS_MIN, epoch_ms

DURABLE = "synced before every answer"
CONNECTIONS = 2
LIMIT = 100_000
HUB_NONE = 1_000_000


def _time(at_ms):
    seconds, rest = divmod(at_ms, 1_000)
    at = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def _call(question, params):
    """Method, path, query string without paging, body."""
    window = {}
    if "since" in params:
        window = {"since": _time(params["since"]), "until": _time(params["until"])}
    account = quote(params.get("account", ""), safe="")
    if question == "shared_ip":
        return "GET", f"/v1/accounts/{account}/neighbors", {"via": "ip", "hub_max": HUB_NONE, "limit": LIMIT, **window}, None
    if question == "two_hops":
        more = {"via": "ip,fingerprint", "hops": 2, "hub_max": HUB_ACCOUNTS_MAX, "limit": LIMIT}
        return "GET", f"/v1/accounts/{account}/neighbors", {**more, **window}, None
    if question == "ip_profile":
        return "GET", f"/v1/ips/{quote(params['ip'], safe=':')}", window, None
    if question == "boolean":
        where = (
            f"ip in {params['net']}.0.0/16 and fingerprint = {json.dumps(params['fingerprint'])}"
            f" and not model = {json.dumps(params['model'])}"
        )
        return "GET", "/v1/search", {"where": where, "select": "accounts", "limit": LIMIT, **window}, None
    if question == "pairs":
        more = {"via": "ip", "min": SHARED_IPS_MIN, "hub_max": HUB_ACCOUNTS_MAX, "limit": LIMIT}
        return "GET", "/v1/pairs", {**more, **window}, None
    if question == "timeline":
        names = ",".join(json.dumps(name) for name in params["accounts"])
        return "POST", "/v1/search", {"select": "timeline", "limit": LIMIT}, f"account in ({names})".encode()
    return "GET", f"/v1/accounts/{account}/events", {"limit": EVENTS_LAST}, None


def _rows(question, answer):
    """The rows of one answer, as `questions.normal` wants them."""
    if question == "shared_ip":
        return [[n["account"], n.get("shared_count", len(n.get("shared", ())))] for n in answer["neighbors"]]
    if question == "two_hops":
        return [[n["account"], n["hops"]] for n in answer["neighbors"]]
    if question == "ip_profile":
        return [_profile(answer)]
    if question == "boolean":
        return [[a["account"], a["events"]] for a in answer["accounts"]]
    if question == "pairs":
        return [[p["a"], p["b"], p["shared"]] for p in answer["pairs"]]
    if question == "timeline":
        days = {}
        for bucket in answer["timeline"]:
            day = epoch_ms(bucket["start"]) // DAY_MS
            days[day] = days.get(day, 0) + bucket["events"]
        return [[day, events] for day, events in days.items() if events]
    return [[epoch_ms(e["ts"]), e["request_id"]] for e in answer["events"]]


def _profile(answer):
    def count(name):
        value = answer.get(f"{name}_count", answer.get(name))
        return len(value) if isinstance(value, list) else value

    if not answer["events"]:
        return [0]
    tokens = answer["input_tokens"] + answer["output_tokens"]
    first, last = epoch_ms(answer["first_seen"]), epoch_ms(answer["last_seen"])
    return [answer["events"], count("accounts"), count("fingerprints"), first, last, tokens]


class Engine:
    """The server, started from its binary."""

    name = "cahoots"
    how = "HTTP, bodies of 8,192 lines; every index"

    def __init__(self, folder, options):
        self.folder, binary = folder, options["cahoots"]
        shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
        self.version = shown.stdout.split()[-1]
        self.server = subprocess.Popen(
            [binary, "serve", "--data", os.path.join(folder, "data"), "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )
        self.port = self._port()
        threading.Thread(target=lambda: [None for _ in self.server.stderr], daemon=True).start()
        self.asker = Asker(self.port)

    def _port(self):
        said = []
        for line in self.server.stderr:
            if "listening on http://" in line:
                address = line.split("listening on http://", 1)[1].split()[0]
                return int(address.rsplit(":", 1)[1].strip("/"))
            said.append(line)
        raise RuntimeError("the server ended before it listened: " + "".join(said))

    def load(self, path):
        """Seconds and rows."""
        return post_file(self.port, "/v1/events", path, CONNECTIONS)

    def ask(self, question, params):
        """Seconds and rows; further pages count."""
        method, path, query, body = _call(question, params)
        total, rows = 0.0, []
        while True:
            target = f"{path}?{urlencode(query)}" if query else path
            seconds, status, text = self.asker.ask(method, target, body)
            total += seconds
            if status == 404:
                # A name that the log has and the window has not.
                return total, rows
            if status != 200:
                raise RuntimeError(f"{method} {target[:300]}: {status} {text[:300]!r}")
            answer = json.loads(text)
            rows += _rows(question, answer)
            if question in ("last_events", "ip_profile") or not answer.get("next"):
                return total, rows
            query = {**query, "cursor": answer["next"]}

    def disk_bytes(self):
        """Bytes on disk now."""
        return disk_bytes(self.folder)

    def peak_rss_bytes(self):
        """Peak of the server so far."""
        return peak_rss_bytes(self.server.pid)

    def close(self):
        """Stops the server in order."""
        self.server.send_signal(signal.SIGTERM)
        self.server.wait(timeout=60)
