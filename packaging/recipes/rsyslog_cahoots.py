#!/usr/bin/env python3
"""Sends to cahoots what rsyslog hands it, and tells rsyslog when cahoots has it. Started by rsyslog.conf.

Any rsyslog has omprog, which begins a batch, hands over its lines, and asks whether they were taken; what was not is
handed over again. Needs nothing but Python 3. What goes wrong is said in the file that rsyslog.conf names as output.

    rsyslog_cahoots.py URL [TOKEN]
"""

import json
import sys
import time
import urllib.error
import urllib.request


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would make a GET without the lines of the request."""

    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirect)


def say(*text):
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), *text, file=sys.stderr, flush=True)


def send(lines):
    """Whether the lines are done with."""
    request = urllib.request.Request(sys.argv[1].rstrip("/") + "/v1/events", b"".join(lines))
    request.add_header("Content-Type", "application/x-ndjson")
    if len(sys.argv) > 2:
        request.add_header("Authorization", "Bearer " + sys.argv[2])
    try:
        with opener.open(request, timeout=30) as answer:
            # Another server that answers with success has not taken anything.
            told = json.load(answer)
        if told["rejected"]:
            say("lines rejected:", told["rejected"], told["errors"])
        return True
    except urllib.error.HTTPError as error:
        say("answered", error.code, error.read(2000).decode(errors="replace"))
        # Lines that will never be taken must not hold up the next ones.
        return error.code in (400, 413)
    except Exception as error:  # Of the network, whatever it is: rsyslog tries again.
        say("not sent:", error)
        return False


def answer(text):
    print(text, flush=True)


# Seconds before a batch that was not taken is asked for again: rsyslog would do so at once.
pause = 1
lines = []
answer("OK")
for line in sys.stdin.buffer:
    if line == b"BEGIN TRANSACTION\n":
        lines = []
        answer("OK")
    elif line == b"COMMIT TRANSACTION\n":
        if not lines or send(lines):
            pause = 1
            answer("OK")
        else:
            time.sleep(pause)
            pause = min(pause * 2, 30)
            answer("ERROR")
    else:
        lines.append(line)
        answer("DEFER_COMMIT")
