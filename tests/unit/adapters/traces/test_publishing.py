"""The producer spans of messages."""

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from intercom_sink import BrokerUnavailable, PublishResult, PublishStatus
from intercom_sink.adapters.traces.publishing import ProducerSpan, end_spans
from intercom_sink.domain.envelope import TraceContext
from tests.support.spans import Spans, attributes_of, context_of, is_child, texts, traceparent


def test_span_has_the_attributes_of_the_conventions() -> None:
    spans = Spans()
    with spans.tracer.start_as_current_span("of the application"):
        span = ProducerSpan(spans.tracer, "intercom")
    span.end(None)
    outer, ended = spans.ended
    assert (ended.name, ended.kind) == ("publish intercom", SpanKind.PRODUCER)
    assert span.trace == TraceContext(traceparent(ended))
    assert is_child(ended, outer)
    assert attributes_of(ended) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.destination.name": "intercom",
    }


def test_span_is_current_while_its_message_is_sent() -> None:
    spans = Spans()
    first, second = (ProducerSpan(spans.tracer, "intercom") for _ in range(2))
    with end_spans([first, second]):
        for span in (first, second):
            with span.current() as current:
                assert trace.get_current_span() is current
    assert context_of(spans.ended[0]).trace_id != context_of(spans.ended[1]).trace_id


def test_failure_is_named_but_not_described_and_is_not_that_of_confirmed_messages() -> None:
    spans = Spans()
    error = BrokerUnavailable("secret")
    error.results = (PublishResult(7, "a", PublishStatus.CONFIRMED), PublishResult(8, "b", PublishStatus.UNKNOWN))
    with (
        pytest.raises(BrokerUnavailable),
        end_spans([ProducerSpan(spans.tracer, "q"), ProducerSpan(spans.tracer, "q")]),
    ):
        raise error
    confirmed, failed = spans.ended
    assert "error.type" not in attributes_of(confirmed)
    assert attributes_of(failed)["error.type"] == "BrokerUnavailable"
    assert (confirmed.status.status_code, failed.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert "secret" not in texts([failed])


def test_message_without_a_span_is_left_out() -> None:
    spans = Spans()
    with end_spans([None, ProducerSpan(spans.tracer, "q"), None]):
        pass
    assert len(spans.ended) == 1
