"""Which tracer is used, and how a trace context becomes OpenTelemetry's and back."""

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from intercom_sink.adapters.traces.tracer import SCHEMA_URL, find_tracer, to_context, to_trace_context
from intercom_sink.domain.envelope import TraceContext
from tests.support.spans import PRODUCER, SPAN_ID, TRACE_ID, Spans


def test_no_tracer_unless_a_provider_is_configured() -> None:
    assert find_tracer() is None


def test_no_tracer_with_a_provider_that_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", trace.NoOpTracerProvider)
    assert find_tracer() is None


def test_no_tracer_while_the_sdk_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    provider = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert find_tracer() is None


def test_tracer_names_the_program_and_the_conventions(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = Spans()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: spans.provider)
    tracer = find_tracer()
    assert tracer is not None
    tracer.start_span("a span").end()
    scope = spans.ended[0].instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version) == ("intercom_sink", "0.1.0")
    assert scope.schema_url == SCHEMA_URL


@pytest.mark.parametrize("context", [PRODUCER, TraceContext(PRODUCER.traceparent)])
def test_trace_context_survives_the_way_there_and_back(context: TraceContext) -> None:
    span = trace.get_current_span(to_context(context))
    assert (span.get_span_context().trace_id, span.get_span_context().span_id) == (TRACE_ID, SPAN_ID)
    assert to_trace_context(span) == context


def test_state_that_is_too_long_for_a_header_is_left_out() -> None:
    """A sampler may add to a state, or a framework read a longer one; a span must not end the sink."""
    carrier = {"traceparent": PRODUCER.traceparent, "tracestate": ",".join(f"vendor{n}={'x' * 200}" for n in range(3))}
    span = trace.get_current_span(TraceContextTextMapPropagator().extract(carrier, Context()))
    assert len(span.get_span_context().trace_state) == 3
    assert to_trace_context(span) == TraceContext(PRODUCER.traceparent)


def test_without_a_trace_context_there_is_an_empty_one() -> None:
    assert to_context(None) == Context()
    assert to_trace_context(trace.INVALID_SPAN) is None
