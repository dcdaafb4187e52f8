"""A producer span for each message that is published."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, use_span

from intercom_sink.adapters.traces.guard import GuardedTracer
from intercom_sink.adapters.traces.tracer import to_trace_context
from intercom_sink.domain.confirms import PublishStatus
from intercom_sink.domain.envelope import TraceContext


class ProducerSpan:
    """The span of one message, from now on until `end`. Its parent is the current span.

    Args:
        tracer: makes it.
        queue: where the message is published.

    Attributes:
        trace: the trace context to publish the message with; None: the span has no valid id.
    """

    def __init__(self, tracer: Tracer, queue: str) -> None:
        self._tracer = GuardedTracer(tracer)
        attributes = {
            "messaging.system": "rabbitmq",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": queue,
        }
        self._span = self._tracer.start_span(f"publish {queue}", SpanKind.PRODUCER, attributes)
        self.trace: TraceContext | None = to_trace_context(self._span)

    def current(self) -> AbstractContextManager[Span]:
        """Within the block it is the current span, so that spans of other instrumentation are its children."""
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def end(self, error: BaseException | None) -> None:
        """Ends it, as failed if there is an error; the error's text may hold data and is left out."""
        if error is not None:
            self._span.set_attribute("error.type", type(error).__qualname__)
            self._span.set_status(StatusCode.ERROR)
        self._tracer.end(self._span)


@contextmanager
def end_spans(spans: Sequence[ProducerSpan | None]) -> Generator[None]:
    """Ends the spans of messages that are published within the block, with the block."""
    failure: BaseException | None = None
    confirmed: set[int] = set()
    try:
        yield
    except BaseException as error:
        failure = error
        results = getattr(error, "results", ())
        confirmed = {place for place, result in enumerate(results) if result.status is PublishStatus.CONFIRMED}
        raise
    finally:
        for place, span in enumerate(spans):
            if span is not None:
                span.end(None if place in confirmed else failure)
