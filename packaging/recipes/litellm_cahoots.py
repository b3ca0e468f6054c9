"""LiteLLM proxy: every call to cahoots, kept on disk until cahoots has it. Lies beside litellm.yaml.

LiteLLM's own generic callback loses what comes while it sends, and what is answered with 429. This one writes a call
down first, and sends files of calls until they are taken; what a LiteLLM that ended left over is sent by the next one,
or by another worker. Needs nothing but LiteLLM, on Linux or macOS.

    CAHOOTS_URL    where cahoots is, http://127.0.0.1:7070 if not set
    CAHOOTS_TOKEN  its token, where one is set
    CAHOOTS_SPOOL  the folder of waiting calls, /var/lib/litellm/cahoots if not set; made if missing
"""

import atexit
import fcntl
import json
import logging
import os
import random
import threading
import time
import urllib.error
import urllib.request

from litellm.integrations.custom_logger import CustomLogger

URL = os.environ.get("CAHOOTS_URL", "http://127.0.0.1:7070").rstrip("/") + "/v1/events?source=litellm"
TOKEN = os.environ.get("CAHOOTS_TOKEN", "")
FOLDER = os.environ.get("CAHOOTS_SPOOL", "/var/lib/litellm/cahoots")

# Bytes of a file past which the next one is begun: each is sent whole.
FILE_BYTES = 4 << 20
# Bytes of all files past which further calls are dropped, and counted in LiteLLM's log: 300,000 short calls.
SPOOL_BYTES = 1 << 30
# Seconds between two rounds of sending, and at most while cahoots does not take anything.
PAUSE, PAUSE_MAX = 1.0, 30.0

log = logging.getLogger("litellm.cahoots")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would make a GET without the calls of the request."""

    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirect)


class Spool:
    """Files of calls in a folder. Who writes or sends a file holds its lock, which ends with the process."""

    def __init__(self):
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)
        self.begin()
        os.register_at_fork(after_in_child=self.begin)
        atexit.register(self.round)

    def begin(self):
        """What each process has of its own: a file that is written, a thread that sends."""
        self.lock = threading.Lock()
        self.file, self.path, self.size, self.made = None, None, 0, 0
        self.full, self.dropped = False, 0
        threading.Thread(target=self.rounds, name="cahoots", daemon=True).start()

    def keep(self, line):
        with self.lock:
            if self.full:
                self.dropped += 1
                return
            if self.file is None:
                self.open()
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[self.file.write(rest) :]
            except OSError:
                # The disk is full, say: half a line would spoil the next one.
                self.file.truncate(self.size)
                self.file.seek(self.size)
                raise
            self.size += len(line)
            if self.size >= FILE_BYTES:
                self.close()

    def open(self):
        self.made += 1
        path = os.path.join(FOLDER, f"{time.time_ns():020}-{os.getpid()}-{self.made}")
        file = open(path + ".new", "xb", buffering=0)
        # No sender may see it before it is locked.
        fcntl.flock(file, fcntl.LOCK_EX)
        os.rename(path + ".new", path + ".ndjson")
        self.file, self.path, self.size = file, path + ".ndjson", 0

    def close(self):
        if self.file is not None:
            self.file.close()
            self.file, self.path = None, None

    def rounds(self):
        pause = PAUSE
        while True:
            time.sleep(pause * random.uniform(0.8, 1.2))
            after = self.round()
            pause = PAUSE if after is None else min(after or pause * 2, PAUSE_MAX)

    def round(self):
        """Sends file after file, the oldest first, until one is not taken. The seconds to wait then, 0 if unknown."""
        try:
            files = waiting()
            with self.lock:
                self.full = sum(size for _, size in files) >= SPOOL_BYTES
                dropped, self.dropped = self.dropped, 0
            if dropped:
                log.error("%d calls dropped: %s is full", dropped, FOLDER)
            for path, _ in files:
                with self.lock:
                    if path == self.path:
                        self.close()
                try:
                    with open(path, "rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        self.send(file, path)
                except (BlockingIOError, FileNotFoundError):
                    continue  # another worker writes it or sends it, or has sent it
            return None
        except Exception as error:  # Of the disk or the network: nothing may end the thread.
            log.warning("calls wait in %s: %s", FOLDER, error)
            after = error.headers.get("Retry-After", "") if isinstance(error, urllib.error.HTTPError) else ""
            return int(after) if after.isdecimal() else 0

    def send(self, file, path):
        if body := file.read():
            request = urllib.request.Request(URL, body, {"Content-Type": "application/x-ndjson"})
            if TOKEN:
                request.add_header("Authorization", "Bearer " + TOKEN)
            try:
                with opener.open(request, timeout=10) as answer:
                    # Another server that answers with success has not taken anything.
                    rejected = json.load(answer)["rejected"]
                if rejected:
                    log.error("%d calls rejected by cahoots", rejected)
            except urllib.error.HTTPError as error:
                if error.code not in (400, 413):
                    raise
                # It will never be taken, and the next ones must not wait behind it.
                log.error("set aside as %s.refused: %s", path, error.read(500))
                os.rename(path, path + ".refused")
                return
        os.remove(path)


def waiting():
    """Files and their sizes, the oldest first."""
    files = []
    for file in os.scandir(FOLDER):
        if file.name.endswith(".ndjson"):
            try:
                files.append((file.path, file.stat().st_size))
            except FileNotFoundError:
                pass  # another worker has just sent it
    return sorted(files)


class Cahoots(CustomLogger):
    """What LiteLLM calls after each call, successful or not."""

    def __init__(self):
        super().__init__()
        self.spool = Spool()

    def keep(self, kwargs):
        call = kwargs.get("standard_logging_object")
        if call is not None:
            # The model's answer and the price list are most of the bytes, and say nothing of who asked.
            left_out = ("response", "hidden_params", "model_map_information")
            call = {name: value for name, value in call.items() if name not in left_out}
            self.spool.keep(json.dumps(call, default=str).encode() + b"\n")

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.keep(kwargs)

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.keep(kwargs)


logger = Cahoots()
