"""An HTTP client for the engines that speak HTTP: posts a log in bodies, asks with keep-alive.

It leaves the meaning of answers to the engines' own files.
"""

import http.client
import threading
import time
from itertools import islice

BODY_LINES = 8_192


def post_file(port, target, path, connections):
    """Posts a file in bodies of 8,192 lines; seconds until the last answer, and the lines sent."""
    lines, gate, failures, sent = open(path, "rb"), threading.Lock(), [], [0]

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        try:
            while not failures:
                with gate:
                    batch = list(islice(lines, BODY_LINES))
                    sent[0] += len(batch)
                if not batch:
                    break
                connection.request("POST", target, b"".join(batch))
                response = connection.getresponse()
                answer = response.read()
                if response.status != 200:
                    raise RuntimeError(f"{response.status}: {answer[:300]!r}")
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    started = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    lines.close()
    if failures:
        raise failures[0]
    return seconds, sent[0]


class Asker:
    """One keep-alive connection. The clock runs from the request to the last byte of the answer."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(self, method, target, body=None):
        """Seconds, status, body."""
        started = time.perf_counter()
        self.connection.request(method, target, body)
        response = self.connection.getresponse()
        answer = response.read()
        return time.perf_counter() - started, response.status, answer
