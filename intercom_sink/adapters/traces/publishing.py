"""A producer span for each message that is published."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.trace import SpanKind, StatusCode, Tracer, use_span

from intercom_sink.adapters.traces.guard import GuardedTracer
from intercom_sink.adapters.traces.tracer import to_trace_context
from intercom_sink.domain.envelope import TraceContext


@contextmanager
def producer_span(tracer: Tracer, queue: str) -> Iterator[TraceContext | None]:
    """Yields the trace context to publish one message with."""
    attributes = {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": queue,
    }
    guarded = GuardedTracer(tracer)
    span = guarded.start_span(f"publish {queue}", SpanKind.PRODUCER, attributes)
    with use_span(span, record_exception=False, set_status_on_exception=False):
        try:
            yield to_trace_context(span)
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            guarded.end(span)
