"""A small HTTP server around chDB, so that the ClickHouse engine takes the log as its server would.

`POST /insert` takes lines, `POST /query` takes SQL and answers with JSON rows. It does nothing
else: no authentication, no limits. Prints the port it listens on, and stops when its input ends.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chdb.session import Session

INSERT = "INSERT INTO peers.events SETTINGS date_time_input_format = 'best_effort'"


def handler(session):
    """The class of handlers of one session."""
    # One session takes one statement at a time.
    gate = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body leave together: two small writes would wait for each other.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = 200, b"{}"
            try:
                if self.path == "/insert":
                    # Twice as fast as lines that stand in the statement itself.
                    with gate, session.send_insert(INSERT, "JSONEachRow") as insert:
                        insert.append(body)
                        insert.finish()
                else:
                    with gate:
                        answer = session.query(body.decode(), "JSONCompactEachRow").bytes() or b""
            except Exception as error:
                status, answer = 500, str(error).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.wfile.flush()

        def log_message(self, *_arguments):
            return

    return Handler


def main():
    """Serves the session in the folder that is the only argument."""
    session = Session(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(session))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    server.shutdown()
    session.close()


if __name__ == "__main__":
    main()
