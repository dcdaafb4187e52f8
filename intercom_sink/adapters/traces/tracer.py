"""The tracer, and what it shares with the rest of the sink: the W3C trace context."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, NoOpTracerProvider, ProxyTracerProvider, Span, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from intercom_sink.adapters.installation import sink_version
from intercom_sink.domain.envelope import TraceContext

SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
"""The version of the semantic conventions that names the attributes."""

OTHER = "_OTHER"
"""The conventions' value of `error.type` where there is no name for the error."""

_PROPAGATOR = TraceContextTextMapPropagator()
"""W3C Trace Context, whatever OTEL_PROPAGATORS says: others, such as baggage, could send data to Intercom."""


def find_tracer() -> Tracer | None:
    """The tracer of the configured provider; None if none is configured, or the SDK is disabled."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, ProxyTracerProvider | NoOpTracerProvider):
        return None
    tracer = provider.get_tracer("intercom_sink", sink_version(), schema_url=SCHEMA_URL)
    return None if isinstance(tracer, NoOpTracer) else tracer


def to_context(trace_context: TraceContext | None) -> Context:
    """A context whose current span is the remote one of a trace context; an empty one without it."""
    if trace_context is None:
        return Context()
    return _PROPAGATOR.extract(trace_context.headers(), Context())


def to_trace_context(span: Span) -> TraceContext | None:
    """The trace context that names a span as the parent; None if the span has no valid id.

    A state that is too long for a header is left out.
    """
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, Context()))
    return TraceContext.parse(carrier.get("traceparent"), carrier.get("tracestate", ""))
