"""The producer span of a message."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from intercom_sink import BrokerUnavailable
from intercom_sink.adapters.traces.publishing import producer_span
from intercom_sink.domain.envelope import TraceContext
from tests.support.spans import Spans, attributes_of, is_child, texts, traceparent


def test_span_has_the_attributes_of_the_conventions() -> None:
    spans = Spans()
    with spans.tracer.start_as_current_span("of the application"), producer_span(spans.tracer, "intercom") as context:
        pass
    outer, span = spans.ended
    assert (span.name, span.kind) == ("publish intercom", SpanKind.PRODUCER)
    assert context == TraceContext(traceparent(span))
    assert is_child(span, outer)
    assert attributes_of(span) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "intercom",
    }


def test_failure_is_named_but_not_described() -> None:
    spans = Spans()
    with pytest.raises(BrokerUnavailable), producer_span(spans.tracer, "intercom"):
        raise BrokerUnavailable("secret")
    (span,) = spans.ended
    assert attributes_of(span)["error.type"] == "BrokerUnavailable"
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in texts([span])
