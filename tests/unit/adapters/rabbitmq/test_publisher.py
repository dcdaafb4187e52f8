import pytest
from pika.exceptions import NackError, StreamLostError
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq import publisher as publisher_module
from intercom_sink.adapters.rabbitmq.publisher import MAX_IDLE_SECONDS, Publisher, message_properties
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS

PROPERTIES = BasicProperties()


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    made = FakeTime()
    monkeypatch.setattr(publisher_module, "time", made)
    return made


@pytest.fixture
def publisher(blocking_broker: FakeBlockingBroker, time: FakeTime) -> Publisher:
    return Publisher(BROKERS, "queue")


def bodies(broker: FakeBlockingBroker) -> list[bytes]:
    return [body for body, _ in broker.queues["queue"]]


def test_messages_are_published_in_order_over_one_connection(
    publisher: Publisher, blocking_broker: FakeBlockingBroker
) -> None:
    publisher.publish(b"one", PROPERTIES)
    publisher.publish(b"two", PROPERTIES)
    assert bodies(blocking_broker) == [b"one", b"two"]
    assert blocking_broker.declared == ["queue"]
    assert len(blocking_broker.connections) == 1


def test_an_idle_connection_is_not_used_again(
    publisher: Publisher, blocking_broker: FakeBlockingBroker, time: FakeTime
) -> None:
    publisher.publish(b"one", PROPERTIES)
    time.now += MAX_IDLE_SECONDS
    publisher.publish(b"two", PROPERTIES)
    assert len(blocking_broker.connections) == 1
    time.now += MAX_IDLE_SECONDS + 0.001
    publisher.publish(b"three", PROPERTIES)
    assert [connection.is_open for connection in blocking_broker.connections] == [False, True]
    assert bodies(blocking_broker) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(("error", "words"), [(StreamLostError("reset"), "reset"), (NackError([]), "did not accept")])
def test_what_is_not_confirmed_raises_and_the_next_publish_reconnects(
    publisher: Publisher, blocking_broker: FakeBlockingBroker, error: Exception, words: str
) -> None:
    blocking_broker.publish_error = error
    with pytest.raises(BrokerUnavailable, match=words):
        publisher.publish(b"one", PROPERTIES)
    blocking_broker.publish_error = None
    publisher.publish(b"one", PROPERTIES)
    assert [connection.is_open for connection in blocking_broker.connections] == [False, True]


def test_a_broker_that_can_not_be_reached_raises(publisher: Publisher, blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.refused = {"rabbit"}
    with pytest.raises(BrokerUnavailable, match="refused"):
        publisher.publish(b"one", PROPERTIES)


def test_properties_are_made_to_fit_in_a_frame_of_the_connection(
    publisher: Publisher, blocking_broker: FakeBlockingBroker
) -> None:
    blocking_broker.frame_max = 4096
    sizes: list[int] = []

    def make_properties(size: int) -> BasicProperties:
        sizes.append(size)
        return PROPERTIES

    publisher.publish_with(b"one", make_properties)
    assert sizes == [4096 - 7 - 1 - 12], "a frame's head and end, and the head of its content"
    assert bodies(blocking_broker) == [b"one"]


def test_an_error_names_the_broker(publisher: Publisher, blocking_broker: FakeBlockingBroker) -> None:
    """Whether it is about the message or about its queue."""
    blocking_broker.refuse_declare = (405, "RESOURCE_LOCKED")
    with pytest.raises(BrokerUnavailable, match=r"^amqp://user@rabbit:5672/: RESOURCE_LOCKED"):
        publisher.publish(b"one", PROPERTIES)
    blocking_broker.refuse_declare, blocking_broker.publish_error = None, NackError([])
    with pytest.raises(BrokerUnavailable, match=r"^amqp://user@rabbit:5672/: the broker did not accept"):
        publisher.publish(b"one", PROPERTIES)


def test_close_closes_the_connection_if_there_is_one(publisher: Publisher, blocking_broker: FakeBlockingBroker) -> None:
    publisher.close()
    publisher.publish(b"one", PROPERTIES)
    publisher.close()
    publisher.close()
    assert [connection.is_open for connection in blocking_broker.connections] == [False]


def test_an_error_while_closing_is_ignored(publisher: Publisher, blocking_broker: FakeBlockingBroker) -> None:
    """What was confirmed is in the queue anyway."""
    publisher.publish(b"one", PROPERTIES)
    blocking_broker.connections[0].close_error = StreamLostError("reset")
    publisher.close()
    assert bodies(blocking_broker) == [b"one"]


def test_a_message_is_persistent_and_has_the_time_and_its_ordering_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.9)
    properties = message_properties("key")
    assert properties.timestamp == 1000
    assert (properties.delivery_mode, properties.content_type) == (2, "application/msgpack")
    assert properties.headers == {"x-ordering-key": "key"}
    assert message_properties().headers is None
    assert message_properties("").headers == {"x-ordering-key": ""}


def test_message_carries_its_trace_context() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert message_properties(trace=TraceContext(parent)).headers == {"traceparent": parent}
    headers = {"x-ordering-key": "key", "traceparent": parent, "tracestate": "vendor=1"}
    assert message_properties("key", TraceContext(parent, "vendor=1")).headers == headers
