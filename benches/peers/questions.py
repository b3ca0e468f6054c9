"""The seven questions and their parameter sets.

Parameters are drawn from lines of the log itself, at seeded byte offsets, so that every engine
gets the same ones and none has to be asked for them. Lines are drawn evenly, so busy accounts and
addresses are asked about as often as they occur. What an answer looks like is said here, how an
engine gets to it is not.

Times are epoch milliseconds, days are epoch days, windows are [since, until).
"""

import json
import os
import random
from datetime import datetime

DAY_MS = 86_400_000
WINDOW_DAYS = 7
HUB_ACCOUNTS_MAX = 64
SHARED_IPS_MIN = 3
TIMELINE_ACCOUNTS = 2_000
EVENTS_LAST = 100
# All pairs of a window is one answer for all accounts: few windows differ.
PAIR_SAMPLES_MAX = 5
POOL_LINES = 20_000

QUESTIONS = {
    "shared_ip": "accounts that share an ip with A, 7 days",
    "two_hops": "two hops by ip or fingerprint, hubs cut at 64, 7 days",
    "ip_profile": "profile of an ip, 7 days",
    "boolean": "ip in /16 and fingerprint and not model, 7 days",
    "pairs": "all pairs that share 3 or more ips, hubs cut at 64, 7 days",
    "timeline": "events a day of 2,000 accounts, all time",
    "last_events": "last 100 events of an account",
}


def epoch_ms(text):
    """RFC 3339 to epoch milliseconds, exactly."""
    at = datetime.fromisoformat(text)
    return int(at.replace(microsecond=0).timestamp()) * 1_000 + at.microsecond // 1_000


def draw(path, samples, seed):
    """Parameter sets of every question: {question: [{name: value}]}."""
    rng = random.Random(seed)
    pool, last_ms = _pool(path, rng)
    models = sorted({line["model"] for line in pool})
    v4 = [line for line in pool if ":" not in line["ip"]]
    midnight_last = (last_ms // DAY_MS + 1) * DAY_MS
    names = list(dict.fromkeys(line["account"] for line in pool))
    sets = {question: [] for question in QUESTIONS}
    for number in range(samples):
        line = rng.choice(pool)
        days = _days_around(line, midnight_last, rng)
        sets["shared_ip"].append({"account": line["account"], **days})
        sets["two_hops"].append({"account": line["account"], **days})
        if number < PAIR_SAMPLES_MAX:
            until = midnight_last - number * DAY_MS
            sets["pairs"].append({"since": until - WINDOW_DAYS * DAY_MS, "until": until})
        line = rng.choice(pool)
        sets["ip_profile"].append({"ip": line["ip"], **_around(line, rng)})
        line = rng.choice(v4)
        sets["boolean"].append(
            {
                "net": ".".join(line["ip"].split(".")[:2]),
                "fingerprint": line["fingerprint"],
                "model": rng.choice(models),
                **_around(line, rng),
            }
        )
        accounts = rng.sample(names, min(TIMELINE_ACCOUNTS, len(names)))
        sets["timeline"].append({"accounts": sorted(accounts)})
        sets["last_events"].append({"account": rng.choice(pool)["account"]})
    return sets


def _days_around(line, midnight_last, rng):
    """Seven whole days that end at a midnight after the line: what tables by day can answer too."""
    after = (epoch_ms(line["ts"]) // DAY_MS + 1) * DAY_MS
    until = min(after + rng.randrange(WINDOW_DAYS) * DAY_MS, midnight_last)
    return {"since": until - WINDOW_DAYS * DAY_MS, "until": until}


def _around(line, rng):
    """Seven days that end at any millisecond and hold the line."""
    until = epoch_ms(line["ts"]) + rng.randrange(1, WINDOW_DAYS * DAY_MS)
    return {"since": until - WINDOW_DAYS * DAY_MS, "until": until}


def _pool(path, rng):
    size = os.path.getsize(path)
    pool, last_ms = [], 0
    with open(path, "rb") as file:
        for _ in range(POOL_LINES):
            file.seek(rng.randrange(size))
            file.readline()
            text = file.readline()
            if text:
                pool.append(json.loads(text))
        file.seek(max(0, size - (1 << 20)))
        file.readline()
        for text in file:
            last_ms = max(last_ms, epoch_ms(json.loads(text)["ts"]))
    return pool, last_ms


def normal(question, rows):
    """An answer in the form in which answers are compared.

    shared_ip: account, shared ips. two_hops: account, steps. ip_profile: one row of events,
    accounts, fingerprints, first and last time, tokens. boolean: account, events. pairs: account,
    account, shared ips. timeline: day, events. last_events: time, request id.
    """
    rows = [list(row) for row in rows]
    if question == "pairs":
        rows = [sorted(row[:2]) + row[2:] for row in rows]
    if question == "ip_profile" and (not rows or not rows[0][0]):
        return [[0, 0, 0, None, None, 0]]
    if question == "last_events" and len(rows) >= EVENTS_LAST:
        # Which of several events of one instant are the last hundred is nobody's to say.
        tie = min(row[0] for row in rows)
        rows = [[at, request if at > tie else None] for at, request in rows]
    return sorted(rows, key=lambda row: [str(cell) for cell in row])
