"""Spans of the whole sink, with the real SDK, between a queue and an Intercom in memory."""

import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from intercom_sink import (
    AttemptResult,
    Delivery,
    IntercomRequest,
    LogMonitor,
    NoResponse,
    Response,
    Settings,
    SinkSettings,
    SystemClock,
    build_sink,
    encode,
)
from intercom_sink.adapters.traces.gateway import TracedGateway
from intercom_sink.adapters.traces.monitor import TracedMonitor
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.entrypoints.tracing import traced
from intercom_sink.testing import InMemoryGateway, InMemorySource, RecordingMonitor, VirtualClock
from tests.support.spans import PRODUCER, Spans, attributes_of, context_of, is_child, texts, traceparent

SETTINGS = {
    "CJW_RABBITMQ_HOST": "amqp://user:pass@rabbit/vhost",
    "CJW_INTERCOM_API_TOKEN": "dG9rOmFiYw==",
    "CJW_INTERCOM_QUEUE_NAME": "intercom",
}


class Source(InMemorySource):
    """Messages with properties: each has an id, an ordering key and the producer's trace context."""

    def receive(self) -> Delivery | None:
        delivery = super().receive()
        if delivery is not None:
            number = str(len(self.acked) + len(self.dead_letters))
            object.__setattr__(delivery, "envelope", Envelope(number, f"m{number}", 990.0, PRODUCER))
        return delivery


class Gateway(InMemoryGateway):
    """Notes the trace context of each request."""

    def __init__(self, *script: AttemptResult) -> None:
        super().__init__(script)
        self.traces: list[TraceContext | None] = []

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        self.traces.append(trace)
        return super().send(request, trace)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    """The spans of a provider that is configured for the test; the API lets no program configure a second one."""
    made = Spans()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: made.provider)
    return made


def body(path: str) -> bytes:
    return encode(IntercomRequest("POST", path, {"email": "ada@example.com"}))


def run(gateway: Gateway, *bodies: bytes, **variables: str) -> None:
    settings = Settings.from_environment(SETTINGS | variables)
    clock = VirtualClock() if settings.concurrency == 1 else SystemClock()
    build_sink(settings, source=Source(bodies), gateway=gateway, clock=clock, monitor=RecordingMonitor()).run()


def test_message_has_a_span_and_each_attempt_a_child(spans: Spans) -> None:
    gateway = Gateway(Response(500), NoResponse("ConnectionResetError: reset"), Response(200))
    run(gateway, body("/contacts"))
    consumer, *attempts = spans.ended
    assert spans.names == ["process", "POST", "POST", "POST"]
    assert consumer.parent is not None
    assert attributes_of(consumer)["messaging.message.id"] == "m0"
    assert all(is_child(attempt, consumer) for attempt in attempts)
    assert [attributes_of(attempt).get("http.request.resend_count") for attempt in attempts] == [None, 1, 2]
    assert [attributes_of(attempt).get("error.type") for attempt in attempts] == ["500", "ConnectionResetError", None]
    assert gateway.traces == [TraceContext(traceparent(attempt), "vendor=1") for attempt in attempts]


def test_every_message_has_a_span_of_its_own(spans: Spans) -> None:
    run(Gateway(Response(200), Response(422), Response(404)), body("/1"), body("/2"), b"malformed", body("/3"))
    consumers = spans.of_kind(SpanKind.CONSUMER)
    dispositions = [attributes_of(span)["intercom_sink.disposition"] for span in consumers]
    assert dispositions == ["delivered", "rejected", "malformed", "not found"]
    parents = [[is_child(attempt, consumer) for consumer in consumers] for attempt in spans.of_kind(SpanKind.CLIENT)]
    assert parents == [[True, False, False, False], [False, True, False, False], [False, False, False, True]]


def test_attempts_of_concurrent_messages_have_their_own_parents(spans: Spans) -> None:
    run(Gateway(), *(body(f"/{number}") for number in range(50)), CJW_INTERCOM_CONCURRENCY="8")
    consumers, attempts = spans.of_kind(SpanKind.CONSUMER), spans.of_kind(SpanKind.CLIENT)
    assert len(consumers) == len(attempts) == 50
    parents = [attempt.parent.span_id for attempt in attempts if attempt.parent is not None]
    assert sorted(parents) == sorted(context_of(consumer).span_id for consumer in consumers)


def test_question_whose_fault_it_is_belongs_to_its_message(spans: Spans) -> None:
    """`GET /me` is no attempt at the message: it has no resend count."""
    run(Gateway(Response(500), Response(500), Response(200)), body("/contacts"), CJW_INTERCOM_HOLD="on")
    consumer, *requests = spans.ended
    assert [request.name for request in requests] == ["POST", "POST", "GET"]
    assert [attributes_of(request).get("http.request.resend_count") for request in requests] == [None, 1, None]
    assert all(is_child(request, consumer) for request in requests)
    assert attributes_of(consumer)["error.type"] == "repeated server error"


def test_spans_show_no_data_no_token_and_no_query(spans: Spans) -> None:
    gateway = Gateway(Response(422, error_messages=("lovelace@example.com is taken",)))
    run(gateway, body("/contacts/lovelace@example.com?email=lovelace@example.com"), b"\xa8lovelace")
    shown = texts(spans.ended)
    assert len(spans.ended) == 3
    assert [secret for secret in ("lovelace", "dG9rOmFiYw", "pass@") if secret in shown] == []


def test_mock_sends_nothing_and_has_consumer_spans_only(spans: Spans) -> None:
    settings = Settings.from_environment(SETTINGS | {"CJW_INTERCOM_API_TOKEN": "mock"})
    build_sink(settings, source=Source([body("/contacts")]), clock=VirtualClock(), monitor=RecordingMonitor()).run()
    assert spans.names == ["process"]


def test_gateway_in_place_of_the_mock_has_client_spans(spans: Spans) -> None:
    """It may send, whatever the token is."""
    run(Gateway(Response(201)), body("/contacts"), CJW_INTERCOM_API_TOKEN="mock")
    assert spans.names == ["process", "POST"]


@pytest.mark.parametrize("settings", [SinkSettings.from_environment({}), Settings.from_environment(SETTINGS)])
def test_spans_of_other_ports_name_no_queue_and_no_server(settings: SinkSettings, spans: Spans) -> None:
    """A service has a source and a gateway of its own: nobody knows what they are, whatever the settings say."""
    build_sink(settings, source=Source([body("/c")]), gateway=Gateway(), monitor=RecordingMonitor()).run()
    assert spans.names == ["process", "POST"]
    consumer, attempt = map(attributes_of, spans.ended)
    assert not [name for name in consumer if name in ("messaging.system", "messaging.destination.name")]
    assert not [name for name in attempt if name.startswith(("server.", "url."))]


def test_nothing_is_wrapped_unless_a_provider_is_configured() -> None:
    monitor, gateway = LogMonitor(), InMemoryGateway()
    assert traced(monitor, gateway, queue="intercom", base_url=None) == (monitor, gateway)


def test_monitor_and_gateway_are_wrapped_where_one_is(spans: Spans) -> None:
    monitor, gateway = traced(LogMonitor(), InMemoryGateway(), queue="intercom", base_url=None)
    assert isinstance(monitor, TracedMonitor)
    assert isinstance(gateway, TracedGateway)


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.trace"])
def test_everything_works_without_the_package(missing: str) -> None:
    """Also where other packages of OpenTelemetry are installed, and the API alone is not."""
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from intercom_sink import Settings, build_sink\n"
        "from intercom_sink.adapters.traces.installed import producer_spans\n"
        f"build_sink(Settings.from_environment({SETTINGS!r}))\n"
        "with producer_spans('q', [True]) as spans: assert spans == [None]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
