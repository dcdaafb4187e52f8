"""Publisher on a broker in memory; what it promises: tests/contracts/message_publisher.py."""

import threading
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from pika.exceptions import StreamLostError

from intercom_sink import BrokerUnavailable, IntercomRequest, Message, Publisher, PublishResult, PublishStatus
from intercom_sink.adapters.rabbitmq import encoded_messages
from intercom_sink.domain.envelope import TraceContext
from tests.support.spans import Spans, attributes_of, is_child, traceparent
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker

REQUEST = IntercomRequest("POST", "/contacts", {"email": "ada@example.com"})
URL = "amqp://user:secret@rabbit/"
TRACE = TraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "vendor=1")


@pytest.fixture
def queued(blocking_broker: FakeBlockingBroker) -> list[object]:
    return blocking_broker.queues.setdefault("queue", [])  # type: ignore[return-value]


def headers(blocking_broker: FakeBlockingBroker) -> list[dict[str, object] | None]:
    return [properties.headers for _, properties in blocking_broker.queues["queue"]]


@pytest.mark.usefixtures("queued")
def test_nothing_connects_before_the_first_call(blocking_broker: FakeBlockingBroker) -> None:
    with Publisher(URL, "queue") as publisher:
        assert blocking_broker.connections == []
        publisher.publish(REQUEST)
        assert len(blocking_broker.connections) == 1
    assert not blocking_broker.connections[0].is_open


@pytest.mark.usefixtures("queued")
def test_message_is_persistent_and_has_no_header_without_a_key(blocking_broker: FakeBlockingBroker) -> None:
    with Publisher(URL, "queue") as publisher:
        publisher.publish(REQUEST)
    ((_, properties),) = blocking_broker.queues["queue"]
    assert (properties.delivery_mode, properties.content_type) == (2, "application/msgpack")
    assert properties.headers is None


@pytest.mark.usefixtures("queued")
def test_results_number_the_messages_of_the_whole_batch(
    blocking_broker: FakeBlockingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoded_messages, "WINDOW_MESSAGES", 2)
    blocking_broker.publish_errors = [None, None, None, StreamLostError("one"), StreamLostError("two")]
    messages = [Message(REQUEST, message_id=name) for name in "abcdef"]
    with Publisher(URL, "queue") as publisher, pytest.raises(BrokerUnavailable, match="not confirmed: 3") as caught:
        publisher.publish_batch(messages)
    confirmed, unknown = PublishStatus.CONFIRMED, PublishStatus.UNKNOWN
    assert caught.value.results == (
        PublishResult(0, "a", confirmed),
        PublishResult(1, "b", confirmed),
        PublishResult(2, "c", confirmed),
        PublishResult(3, "d", unknown),
    )


@pytest.mark.usefixtures("queued")
def test_close_waits_for_the_batch_that_is_under_way(
    blocking_broker: FakeBlockingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would open another connection for the next window, which nobody closes."""
    monkeypatch.setattr(encoded_messages, "WINDOW_MESSAGES", 1)
    publisher = Publisher(URL, "queue")
    closing = threading.Thread(target=publisher.close)

    def requests() -> Iterator[IntercomRequest]:
        yield REQUEST
        assert len(blocking_broker.queues["queue"]) == 1, "after the first window"
        yield REQUEST
        closing.start()
        closing.join(0.05)
        publisher.publish(REQUEST)
        assert closing.is_alive()

    publisher.publish_batch(requests())
    closing.join()
    assert [connection.is_open for connection in blocking_broker.connections] == [False]
    assert len(blocking_broker.queues["queue"]) == 3


@pytest.mark.usefixtures("queued")
def test_each_message_has_a_span_unless_it_names_its_trace(
    blocking_broker: FakeBlockingBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = Spans()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: spans.provider)
    with Publisher(URL, "queue") as publisher, spans.tracer.start_as_current_span("of the application"):
        publisher.publish_batch([REQUEST, Message(REQUEST, trace=TRACE), REQUEST])
    outer, first, second = spans.ended
    assert [span.name for span in (first, second)] == ["publish queue"] * 2
    assert is_child(first, outer)
    assert is_child(second, outer)
    assert "error.type" not in attributes_of(first)
    assert headers(blocking_broker) == [
        {"traceparent": traceparent(first)},
        {"traceparent": TRACE.traceparent, "tracestate": "vendor=1"},
        {"traceparent": traceparent(second)},
    ]


@pytest.mark.parametrize("name", ["", "q" * 256, "é" * 128])
def test_name_that_no_queue_can_have_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        Publisher(URL, name)


def test_invalid_url_is_an_error_that_shows_no_password() -> None:
    with pytest.raises(ValueError, match="begins neither") as caught:
        Publisher("http://user:secret@rabbit/", "queue")
    assert "secret" not in str(caught.value)
