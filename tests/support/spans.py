"""Spans of the real OpenTelemetry SDK, kept in memory."""

from collections.abc import Iterable, Mapping

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from intercom_sink.domain.envelope import TraceContext

PRODUCER = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1")
"""The trace context of a message."""

TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
SPAN_ID = 0xB7AD6B7169203331


class Spans:
    """A tracer provider, and the spans that were made with it.

    Args:
        sampler: decides which are recorded.
    """

    def __init__(self, sampler: Sampler = DEFAULT_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")

    @property
    def ended(self) -> list[ReadableSpan]:
        """Those that have ended, in the order of their beginning."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.ended]

    def of_kind(self, kind: trace.SpanKind) -> list[ReadableSpan]:
        """Those of one kind."""
        return [span for span in self.ended if span.kind is kind]


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    """The attributes of a span, which compare with a dict."""
    return dict(span.attributes or {})


def context_of(span: ReadableSpan) -> trace.SpanContext:
    """The ids of a span."""
    context = span.get_span_context()
    assert context is not None
    return context


def is_child(child: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether one span is the child of the other."""
    of = child.parent
    return of is not None and (of.trace_id, of.span_id) == (context_of(parent).trace_id, context_of(parent).span_id)


def traceparent(span: ReadableSpan) -> str:
    """The header that names a span as the parent."""
    context = context_of(span)
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def texts(spans: Iterable[ReadableSpan]) -> str:
    """Everything that the spans show, as one text."""
    return "".join(span.to_json() for span in spans)
