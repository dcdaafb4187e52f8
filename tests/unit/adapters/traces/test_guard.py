"""A span processor that raises errors costs spans, and nothing else."""

import logging

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span

from intercom_sink import IntercomRequest, Response
from intercom_sink.adapters.traces.gateway import TracedGateway
from intercom_sink.adapters.traces.guard import GuardedTracer
from intercom_sink.adapters.traces.monitor import CurrentMessage, TracedMonitor
from intercom_sink.adapters.traces.publishing import ProducerSpan
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import MessageDelivered, MessageReceived
from intercom_sink.testing import InMemoryGateway, RecordingMonitor
from tests.support.events import DELIVERED
from tests.support.spans import PRODUCER, Spans


class BrokenProcessor(SpanProcessor):
    def __init__(self, broken: str) -> None:
        self._broken = broken

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._fail("on_start")

    def on_end(self, span: ReadableSpan) -> None:
        self._fail("on_end")

    def _fail(self, method: str) -> None:
        if method == self._broken:
            raise LookupError("secret")


@pytest.fixture(params=["on_start", "on_end"])
def spans(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Spans:
    monkeypatch.setattr(GuardedTracer, "_failed", False)
    made = Spans()
    made.provider.add_span_processor(BrokenProcessor(request.param))
    return made


def reasons(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, object]]:
    return [(record.message, record.levelname, vars(record)["reason"]) for record in caplog.records]


ONCE = [("span failed", logging.getLevelName(logging.WARNING), "LookupError")]


def test_events_are_passed_on(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    inner = RecordingMonitor()
    monitor = TracedMonitor(inner, spans.tracer, CurrentMessage(), "intercom")
    events = [MessageReceived(Envelope(trace=PRODUCER), 0.0), MessageDelivered(DELIVERED)] * 2
    for event in events:
        monitor.record(event)
    assert inner.events == events
    assert not get_current_span().get_span_context().is_valid
    assert reasons(caplog) == ONCE


def test_requests_are_sent(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    gateway = TracedGateway(InMemoryGateway(), spans.tracer, CurrentMessage(), "https://api.example")
    for _ in range(2):
        assert gateway.send(IntercomRequest("POST", "/contacts", {}), PRODUCER) == Response(200)
    assert reasons(caplog) == ONCE


def test_messages_are_published(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        ProducerSpan(spans.tracer, "intercom").end(None)
    assert reasons(caplog) == ONCE
