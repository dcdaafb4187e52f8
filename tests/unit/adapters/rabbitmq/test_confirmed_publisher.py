"""The core of the publishers on pika, on a broker in memory; tests/contracts has what a real one must do."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionBlockedTimeout, StreamLostError
from pika.spec import BasicProperties

from intercom_sink import BrokerUnavailable, PublishResult, PublishStatus, Unroutable
from intercom_sink.adapters.rabbitmq import confirmed_publisher
from intercom_sink.adapters.rabbitmq.confirmed_publisher import MAX_UNREAD_SECONDS, ConfirmedPublisher, Outgoing
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import BROKERS

CONFIRMED, RETURNED, NACKED, UNKNOWN = PublishStatus


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    made = FakeTime()
    monkeypatch.setattr(confirmed_publisher, "time", made)
    return made


@pytest.fixture
def publisher(blocking_broker: FakeBlockingBroker, time: FakeTime) -> ConfirmedPublisher:
    return ConfirmedPublisher(BROKERS, "queue", declare=True)


def outgoing(*bodies: bytes) -> list[Outgoing]:
    return [Outgoing(body, lambda _: BasicProperties(), body.decode()) for body in bodies]


def bodies(broker: FakeBlockingBroker) -> list[bytes]:
    return [body for body, _ in broker.queues["queue"]]


def statuses(error: BrokerUnavailable | Unroutable) -> list[PublishStatus]:
    return [result.status for result in error.results]


def test_messages_are_published_in_order_over_one_connection(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    publisher.publish(outgoing(b"one", b"two"))
    publisher.publish(outgoing(b"three"))
    assert bodies(blocking_broker) == [b"one", b"two", b"three"]
    assert blocking_broker.declared == ["queue"]
    assert len(blocking_broker.connections) == 1


def test_queue_is_not_declared_unless_it_is_wanted(blocking_broker: FakeBlockingBroker) -> None:
    publisher = ConfirmedPublisher(BROKERS, "typo", declare=False)
    with pytest.raises(Unroutable, match=r"^there is no queue typo in virtual host / at rabbit:5672$") as caught:
        publisher.publish(outgoing(b"one"))
    assert caught.value.results == (PublishResult(0, "one", RETURNED),)
    assert blocking_broker.declared == []
    blocking_broker.queues["typo"] = []
    publisher.publish(outgoing(b"one"))
    assert len(blocking_broker.connections) == 1, "the connection did nothing wrong"


def test_declared_queue_that_was_deleted_is_declared_by_the_next_call(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    publisher.publish(outgoing(b"one"))
    del blocking_broker.queues["queue"]
    with pytest.raises(BrokerUnavailable, match="its queue does not exist any more") as caught:
        publisher.publish(outgoing(b"two"))
    assert caught.value.retryable
    publisher.publish(outgoing(b"two"))
    assert bodies(blocking_broker) == [b"two"]


def test_connection_that_the_broker_has_closed_meanwhile_is_replaced_before_anything_is_sent(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker, time: FakeTime
) -> None:
    publisher.publish(outgoing(b"one"))
    time.now += MAX_UNREAD_SECONDS + 0.001
    publisher.publish(outgoing(b"two"))
    assert len(blocking_broker.connections) == 1
    blocking_broker.connections[0].read_error = StreamLostError("reset")
    time.now += MAX_UNREAD_SECONDS + 0.001
    publisher.publish(outgoing(b"three"))
    assert [connection.is_open for connection in blocking_broker.connections] == [False, True]
    assert bodies(blocking_broker) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(("heartbeat", "connections"), [(60, 2), (0, 1)])
def test_connection_that_was_idle_for_longer_than_its_heartbeat_is_replaced(
    publisher: ConfirmedPublisher,
    blocking_broker: FakeBlockingBroker,
    time: FakeTime,
    heartbeat: int,
    connections: int,
) -> None:
    """Nothing has answered the broker's heartbeats in the meantime."""
    blocking_broker.heartbeat = heartbeat
    publisher.publish(outgoing(b"one"))
    time.now += 60.001
    publisher.publish(outgoing(b"two"))
    assert len(blocking_broker.connections) == connections


def test_lost_connection_is_replaced_once_and_what_is_not_confirmed_is_sent_again(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    publisher.publish(outgoing(b"one"))
    blocking_broker.publish_errors = [None, StreamLostError("reset")]
    publisher.publish(outgoing(b"two", b"three", b"four"))
    assert bodies(blocking_broker) == [b"one", b"two", b"three", b"four"]
    assert [connection.is_open for connection in blocking_broker.connections] == [False, True]


def test_connection_that_is_lost_again_is_an_error_that_says_what_is_confirmed(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    publisher.publish(outgoing(b"one"))
    blocking_broker.publish_errors = [None, StreamLostError("first"), None, StreamLostError("second")]
    with pytest.raises(BrokerUnavailable, match=r"second.*; not confirmed: 12") as caught:
        publisher.publish(outgoing(b"two", b"three", b"four"), first_index=10)
    assert caught.value.results == (
        PublishResult(10, "two", CONFIRMED),
        PublishResult(11, "three", CONFIRMED),
        PublishResult(12, "four", UNKNOWN),
    )
    assert [connection.is_open for connection in blocking_broker.connections] == [False, False]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionBlockedTimeout("Blocked connection timeout expired."),
        ChannelClosedByBroker(406, "PRECONDITION_FAILED - message size"),
    ],
)
def test_error_that_another_connection_would_meet_too_is_raised_at_once(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker, error: Exception
) -> None:
    publisher.publish(outgoing(b"one"))
    blocking_broker.publish_errors = [error]
    with pytest.raises(BrokerUnavailable) as caught:
        publisher.publish(outgoing(b"two"))
    assert statuses(caught.value) == [UNKNOWN]
    assert [connection.is_open for connection in blocking_broker.connections] == [False]


def test_new_connection_that_is_lost_is_not_replaced(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    blocking_broker.publish_errors = [StreamLostError("reset")]
    with pytest.raises(BrokerUnavailable, match="reset"):
        publisher.publish(outgoing(b"one"))
    assert len(blocking_broker.connections) == 1


def test_messages_that_the_broker_does_not_accept_are_named(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    blocking_broker.nacked = {b"two"}
    expected = r"^amqp://user@rabbit:5672/: the broker did not accept .*; not confirmed: 1 \(two, nacked\)$"
    with pytest.raises(BrokerUnavailable, match=expected) as caught:
        publisher.publish(outgoing(b"one", b"two", b"three"))
    assert statuses(caught.value) == [CONFIRMED, NACKED, CONFIRMED]
    assert bodies(blocking_broker) == [b"one", b"three"]


def test_broker_that_can_not_be_reached_raises_and_nothing_was_sent(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    blocking_broker.refused = {"rabbit"}
    with pytest.raises(BrokerUnavailable, match="refused") as caught:
        publisher.publish(outgoing(b"one"))
    assert caught.value.results == ()


def test_error_about_the_queue_names_the_broker(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    blocking_broker.refuse_declare = (405, "RESOURCE_LOCKED")
    with pytest.raises(BrokerUnavailable, match=r"^amqp://user@rabbit:5672/: RESOURCE_LOCKED"):
        publisher.publish(outgoing(b"one"))


def test_properties_are_made_to_fit_in_a_frame_of_the_connection(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    blocking_broker.frame_max = 4096
    sizes: list[int] = []

    def make_properties(size: int) -> BasicProperties:
        sizes.append(size)
        return BasicProperties()

    publisher.publish([Outgoing(b"one", make_properties)])
    assert sizes == [4096 - 7 - 1 - 12], "a frame's head and end, and the head of its content"
    assert bodies(blocking_broker) == [b"one"]


def test_each_message_is_sent_in_its_own_context(publisher: ConfirmedPublisher) -> None:
    seen: list[str] = []

    @contextmanager
    def sending() -> Iterator[None]:
        seen.append("begin")
        yield
        seen.append("end")

    def make_properties(_: int) -> BasicProperties:
        seen.append("send")
        return BasicProperties()

    publisher.publish([Outgoing(b"one", make_properties, sending=sending)] * 2)
    assert seen == ["begin", "send", "end"] * 2


def test_an_error_of_the_caller_s_own_leaves_no_half_used_connection(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    def make_properties(_: int) -> BasicProperties:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publisher.publish([Outgoing(b"one", make_properties)])
    assert [connection.is_open for connection in blocking_broker.connections] == [False]


def test_close_closes_the_connection_if_there_is_one(
    publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker
) -> None:
    publisher.close()
    publisher.publish(outgoing(b"one"))
    publisher.close()
    publisher.close()
    assert [connection.is_open for connection in blocking_broker.connections] == [False]


def test_an_error_while_closing_is_ignored(publisher: ConfirmedPublisher, blocking_broker: FakeBlockingBroker) -> None:
    """What was confirmed is in the queue anyway."""
    publisher.publish(outgoing(b"one"))
    blocking_broker.connections[0].close_error = StreamLostError("reset")
    publisher.close()
    assert bodies(blocking_broker) == [b"one"]
