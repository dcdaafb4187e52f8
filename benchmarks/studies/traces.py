"""What do spans cost a message? Serves the table of the page about traces.

The sink runs over a source and a gateway in memory, so that nothing else takes time. The best of the rounds counts:

    .venv/bin/python -m benchmarks.studies.traces
"""

import logging
import time
from collections.abc import Sequence
from unittest import mock

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from benchmarks.messages import DATA, PATH
from intercom_sink import IntercomRequest, Settings, build_sink, encode
from intercom_sink.testing import InMemoryGateway, InMemorySource

MESSAGES = 20_000
ROUNDS = 3
BODIES = [encode(IntercomRequest("POST", PATH, DATA))] * MESSAGES
VARIABLES = {"CJW_RABBITMQ_HOST": "localhost", "CJW_INTERCOM_API_TOKEN": "token", "CJW_INTERCOM_QUEUE_NAME": "queue"}


class Discard(SpanExporter):
    """Exports nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Forgets the spans."""
        return SpanExportResult.SUCCESS


def microseconds() -> float:
    """Streams the messages once; the time that each took."""
    sink = build_sink(Settings.from_environment(VARIABLES), source=InMemorySource(BODIES), gateway=InMemoryGateway())
    began = time.perf_counter()
    assert sink.run() == {"delivered": MESSAGES}
    return (time.perf_counter() - began) / MESSAGES * 1e6


def main() -> None:
    """Prints the table."""
    logging.disable()
    unsampled, sampled = TracerProvider(sampler=ALWAYS_OFF), TracerProvider(sampler=ALWAYS_ON)
    sampled.add_span_processor(BatchSpanProcessor(Discard()))
    variants = {
        "no provider": trace.get_tracer_provider(),
        "a provider that samples nothing": unsampled,
        "every message sampled, batched, exporter that discards": sampled,
    }
    print("| | microseconds for each message, all else in memory |\n|---|---|")
    for name, provider in variants.items():
        with mock.patch.object(trace, "get_tracer_provider", return_value=provider):
            print(f"| {name} | {min(microseconds() for _ in range(ROUNDS)):.0f} |")


if __name__ == "__main__":
    main()
