"""The consumer span of a message."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from intercom_sink import Event, Monitors
from intercom_sink.adapters.rabbitmq.urls import parse_urls
from intercom_sink.adapters.traces.monitor import CurrentMessage, TracedMonitor
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import (
    AttemptStarted,
    Consuming,
    Failed,
    MessageDelivered,
    MessageGivenUp,
    MessageMalformed,
    MessageNotSent,
    MessageReceived,
    MessageRequeued,
)
from tests.contracts.monitor import MonitorContract
from tests.support.events import DELIVERED, LAST_OF_MESSAGE, REJECTED, example_of
from tests.support.spans import PRODUCER, SPAN_ID, TRACE_ID, Spans, attributes_of, context_of, texts

ENVELOPE = Envelope("a key", "m1", 990.0, PRODUCER, "c1")
RECEIVED = MessageReceived(ENVELOPE, 0.0)


class SpanRecorder:
    """A monitor that notes which span is current when an event arrives."""

    def __init__(self) -> None:
        self.seen: list[tuple[type[Event], int]] = []

    def record(self, event: Event) -> None:
        self.seen.append((type(event), trace.get_current_span().get_span_context().span_id))


class Rig:
    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        self.inner = SpanRecorder()
        self.message = CurrentMessage()
        self.monitor = TracedMonitor(self.inner, spans.tracer, self.message, "intercom")

    def record(self, *events: Event) -> None:
        for event in events:
            self.monitor.record(event)


@pytest.fixture
def rig() -> Rig:
    return Rig(Spans())


@pytest.fixture(autouse=True)
def _no_context_is_left_attached() -> Iterator[None]:
    before = context.get_current()
    yield
    assert context.get_current() == before


class TestContract(MonitorContract):
    @pytest.fixture
    def monitor(self) -> Iterator[TracedMonitor]:
        monitor = TracedMonitor(Monitors(), Spans().tracer, CurrentMessage(), "intercom")
        yield monitor
        monitor.record(Failed("the end of the test"))


@pytest.mark.parametrize("user", ["team%2Fa", "team%3Aa%2Fb", "team%5Ba"])
def test_user_of_any_name_leaves_the_broker_readable(rig: Rig, user: str) -> None:
    (broker,) = parse_urls(f"amqp://{user}:password@rabbit:5673/")
    rig.record(Consuming(str(broker), "intercom"), RECEIVED, MessageDelivered(DELIVERED))
    (span,) = rig.spans.ended
    assert attributes_of(span).items() >= {"server.address": "rabbit", "server.port": 5673}.items()


def test_span_has_the_attributes_of_the_conventions(rig: Rig) -> None:
    rig.record(Consuming("amqps://user@rabbit:5671/vhost", "intercom"), RECEIVED, MessageDelivered(DELIVERED))
    (span,) = rig.spans.ended
    assert (span.name, span.kind, span.status.status_code) == (
        "process intercom",
        SpanKind.CONSUMER,
        StatusCode.UNSET,
    )
    assert attributes_of(span) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "intercom",
        "messaging.message.id": "m1",
        "messaging.message.conversation_id": "c1",
        "server.address": "rabbit",
        "server.port": 5671,
        "intercom_sink.disposition": "delivered",
    }


def test_attributes_that_are_not_known_are_left_out(rig: Rig) -> None:
    rig.record(MessageReceived(Envelope(), 0.0), MessageDelivered(DELIVERED))
    left_out = {"messaging.message.id", "messaging.message.conversation_id", "server.address", "server.port"}
    assert not left_out & attributes_of(rig.spans.ended[0]).keys()


def test_producer_is_both_parent_and_link(rig: Rig) -> None:
    rig.record(RECEIVED, MessageDelivered(DELIVERED))
    (span,) = rig.spans.ended
    (link,) = span.links
    assert span.parent is not None
    for producer in (span.parent, link.context):
        assert (producer.trace_id, producer.span_id) == (TRACE_ID, SPAN_ID)
    assert context_of(span).trace_state == {"vendor": "1"}


def test_message_without_a_trace_context_begins_a_trace(rig: Rig) -> None:
    """Whatever span is current where `Sink.run` was called: that one would never end."""
    with rig.spans.tracer.start_as_current_span("of the application"):
        rig.record(MessageReceived(Envelope(), 0.0), MessageDelivered(DELIVERED))
    (span,) = rig.spans.of_kind(SpanKind.CONSUMER)
    assert span.parent is None
    assert not span.links


@pytest.mark.parametrize("kind", LAST_OF_MESSAGE)
def test_span_is_current_from_the_first_event_to_the_last(rig: Rig, kind: type[Event]) -> None:
    rig.record(RECEIVED, example_of(AttemptStarted), example_of(kind))
    (span,) = rig.spans.ended
    assert rig.inner.seen == [(event, context_of(span).span_id) for event in (MessageReceived, AttemptStarted, kind)]
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize(
    ("event", "disposition", "error"),
    [
        (MessageGivenUp(REJECTED), "rejected", "rejected"),
        (MessageMalformed(ENVELOPE, "not a map", b"secret"), "malformed", "malformed"),
        (MessageRequeued(ENVELOPE, "POST", "/contacts", 2), "requeued", None),
        (MessageNotSent(ENVELOPE), "not sent", None),
    ],
)
def test_only_a_message_that_is_given_up_is_an_error(
    rig: Rig, event: Event, disposition: str, error: str | None
) -> None:
    rig.record(RECEIVED, event)
    (span,) = rig.spans.ended
    attributes = attributes_of(span)
    assert (attributes["intercom_sink.disposition"], attributes.get("error.type")) == (disposition, error)
    assert span.status.status_code is (StatusCode.UNSET if error is None else StatusCode.ERROR)
    assert span.status.description is None


def test_message_whose_properties_can_not_be_read_has_a_span(rig: Rig) -> None:
    envelope = Envelope()
    malformed = MessageMalformed(envelope, "its AMQP properties can't be read", b"secret")
    rig.record(MessageReceived(envelope, 0.0, is_malformed=True), malformed)
    assert attributes_of(rig.spans.ended[0])["error.type"] == "malformed"
    assert "secret" not in texts(rig.spans.ended)


def test_span_of_a_message_that_a_bug_left_is_ended(rig: Rig) -> None:
    """By the next message on the thread, or by the end of the sink."""
    rig.record(RECEIVED, RECEIVED, Failed("KeyError"), Failed("KeyError"))
    assert [attributes_of(span)["error.type"] for span in rig.spans.ended] == ["_OTHER"] * 2


def test_attempt_is_counted_for_one_request_only(rig: Rig) -> None:
    """The next request may be `GET /me`, which finds out what is at fault."""
    rig.record(RECEIVED, AttemptStarted(ENVELOPE, "POST", "/contacts", 3))
    assert [rig.message.take_attempt(), rig.message.take_attempt()] == [3, 0]
    rig.record(AttemptStarted(ENVELOPE, "POST", "/contacts", 4), MessageRequeued(ENVELOPE, "POST", "/contacts", 4))
    assert rig.message.take_attempt() == 0


def test_each_thread_has_a_message_of_its_own(rig: Rig) -> None:
    rig.record(RECEIVED)
    with ThreadPoolExecutor(1) as executor:
        executor.submit(rig.record, RECEIVED, MessageDelivered(DELIVERED)).result()
        assert len(rig.spans.ended) == 1
    rig.record(MessageDelivered(DELIVERED))
    assert len(rig.spans.ended) == 2


def test_what_is_not_sampled_is_not_exported() -> None:
    rig = Rig(Spans(ALWAYS_OFF))
    rig.record(RECEIVED, MessageDelivered(DELIVERED))
    assert rig.spans.ended == []
