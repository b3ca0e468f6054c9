"""Elasticsearch client for Python: documents to PUT /_bulk.

Every document has an id, so that sending again never counts twice; the program keeps a batch until it was taken. Here every line
of standard input is one document.
"""

import os
import sys
import time

from elasticsearch import Elasticsearch, helpers

client = Elasticsearch(
    os.environ.get("CAHOOTS_URL", "http://127.0.0.1:7070"),
    api_key=os.environ.get("CAHOOTS_TOKEN", "none"),
    retry_on_timeout=True,
)


def document(line):
    number = int(line)
    return {
        "_op_type": "create",
        "_index": "llm-requests",
        "_id": f"request-{number}",
        "@timestamp": time.time(),
        "user": {"id": f"account-{number % 5}"},
        "client": {"ip": f"198.51.100.{number % 200}"},
        "user_agent": {"original": "OpenAI/Python 1.99.1"},
        "gen_ai": {"request": {"model": "gpt-4o-mini"}},
    }


def send(documents):
    while True:
        try:
            helpers.bulk(client, documents)
            return
        except Exception as error:  # a refusal, or a connection that broke
            print(error, file=sys.stderr)
            time.sleep(1)


for line in sys.stdin:
    send([document(line)])
