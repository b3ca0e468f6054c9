"""OpenTelemetry SDK for Python: one span a model call, to POST /v1/traces.

Account, address and user agent have to be set by the program: the GenAI conventions have none. The exporter tries again on 429
and 503 for some seconds, as long as Retry-After says; then a batch is lost. Here every line of standard input is one call.
"""

import os
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

ENDPOINT = os.environ.get("CAHOOTS_URL", "http://127.0.0.1:7070") + "/v1/traces"
TOKEN = os.environ.get("CAHOOTS_TOKEN", "")

provider = TracerProvider()
headers = {"authorization": f"Bearer {TOKEN}"} if TOKEN else None
exporter = OTLPSpanExporter(endpoint=ENDPOINT, headers=headers, timeout=60)
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("gateway")

for line in sys.stdin:
    number = int(line)
    with tracer.start_as_current_span("chat gpt-4o-mini") as span:
        span.set_attribute("user.id", f"account-{number % 5}")
        span.set_attribute("client.address", f"198.51.100.{number % 200}")
        span.set_attribute("user_agent.original", "OpenAI/Python 1.99.1")
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        span.set_attribute("gen_ai.usage.input_tokens", 5)
        span.set_attribute("gen_ai.usage.output_tokens", 2)

provider.shutdown()
