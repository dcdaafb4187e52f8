"""RabbitMQSource on pika's own SelectConnection, with brokers in memory. tests/contracts/ holds the port's promises."""

import threading
from collections.abc import Callable
from typing import Any

import pika
import pytest
from pika import spec

from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.source import PREFETCH, RabbitMQSource
from intercom_sink.adapters.rabbitmq.urls import parse_urls
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.events import ConnectionLost, Consuming, DeadLettered, Reconnecting
from intercom_sink.testing import RecordingMonitor
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import FakeBroker

ONE, TWO = "amqp://user@one:5672/", "amqp://user@two:5672/"
URLS = parse_urls("amqp://user:secret@one,amqp://user:secret@two")
REFUSED = spec.Connection.Close(403, "ACCESS_REFUSED - Login was refused", 0, 0)
FORCED = spec.Connection.Close(320, "CONNECTION_FORCED - shutdown", 0, 0)


class Rig:
    """A source, and the broker of each of its connections, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, brokers: list[FakeBroker], **options: Any) -> None:
        self.monitor = RecordingMonitor()
        self.hosts: list[str] = []
        self.losses = 0
        self.lost = threading.Event()
        self.source = RabbitMQSource(URLS, "queue", self.monitor, **options)
        self.source.on_lost(self._count_loss)
        remaining = list(brokers)

        def connect(parameters: pika.connection.Parameters, **callbacks: Any) -> pika.SelectConnection:
            self.hosts.append(parameters.host)
            return remaining.pop(0).connect(parameters, **callbacks)

        monkeypatch.setattr(pika, "SelectConnection", connect)

    def _count_loss(self) -> None:
        self.losses += 1
        self.lost.set()

    def receive(self) -> RabbitMQDelivery:
        delivery = self.source.receive()
        assert delivery is not None
        return delivery


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> MakeRig:
    return lambda *brokers, **options: Rig(monkeypatch, list(brokers), **options)


def test_messages_are_received_in_order_until_the_queue_is_drained(make_rig: MakeRig) -> None:
    broker = FakeBroker({"queue": [b"one", b"two", b"three"]})
    rig = make_rig(broker, drain=True)
    received = []
    while (delivery := rig.source.receive()) is not None:
        received.append(delivery.body)
        delivery.ack()
    assert received == [b"one", b"two", b"three"]
    assert rig.source.receive() is None
    rig.source.close()
    assert broker.acked == [1, 2, 3]
    assert rig.monitor.events == [Consuming(ONE, "queue")]
    assert rig.losses == 1


def test_the_prefetch_grows_with_the_concurrency(make_rig: MakeRig) -> None:
    broker = FakeBroker({"queue": [b"one"]})
    rig = make_rig(broker, concurrency=4)
    rig.receive()
    rig.source.close()
    assert broker.prefetch == 4 * PREFETCH


def test_after_a_failure_the_next_broker_is_tried(make_rig: MakeRig) -> None:
    down, up = FakeBroker(), FakeBroker({"queue": [b"one"]})
    down.replies[spec.Connection.Open] = FORCED
    rig = make_rig(down, up)
    assert rig.receive().body == b"one"
    rig.source.close()
    assert rig.hosts == ["one", "two"]
    assert rig.monitor.events == [
        ConnectionLost(ONE, "CONNECTION_FORCED - shutdown (320)"),
        Reconnecting(0.0),
        Consuming(TWO, "queue"),
    ]


def test_a_lost_connection_is_replaced_and_its_deliveries_are_lost(make_rig: MakeRig) -> None:
    first, second = FakeBroker({"queue": [b"one", b"two"]}), FakeBroker({"queue": [b"one", b"two"]})
    rig = make_rig(first, second)
    lost = rig.receive()
    first.send(FORCED)
    assert rig.lost.wait(10)
    again = rig.receive()
    assert again.body == b"one", "the second delivery of the first connection is lost too"
    assert lost.is_lost()
    assert not again.is_lost()
    lost.ack()
    again.ack()
    rig.source.close()
    assert (first.acked, second.acked) == ([], [1])
    assert rig.losses == 2
    assert [type(event) for event in rig.monitor.events] == [Consuming, ConnectionLost, Reconnecting, Consuming]


def test_a_refusal_is_raised_at_once_and_names_the_broker(make_rig: MakeRig) -> None:
    broker = FakeBroker()
    broker.replies[spec.Connection.StartOk] = REFUSED
    rig = make_rig(broker)
    with pytest.raises(BrokerUnavailable, match=f"{ONE}: ACCESS_REFUSED - Login was refused") as caught:
        rig.source.receive()
    rig.source.close()
    assert not caught.value.retryable
    assert rig.monitor.events == [ConnectionLost(ONE, "ACCESS_REFUSED - Login was refused (403)")]


def test_a_reconnect_timeout_of_0_raises_the_first_failure(make_rig: MakeRig) -> None:
    broker = FakeBroker()
    broker.replies[spec.Connection.Open] = FORCED
    rig = make_rig(broker, reconnect_timeout=0)
    with pytest.raises(BrokerUnavailable, match=f"{ONE}: CONNECTION_FORCED"):
        rig.source.receive()
    rig.source.close()
    assert [type(event) for event in rig.monitor.events] == [ConnectionLost]


def test_stop_ends_a_blocked_receive_and_acks_still_reach_the_broker(make_rig: MakeRig) -> None:
    broker = FakeBroker({"queue": [b"one"]})
    rig = make_rig(broker)
    delivery = rig.receive()
    stopper = threading.Thread(target=rig.source.stop)
    stopper.start()
    assert rig.source.receive() is None
    stopper.join()
    delivery.ack()
    rig.source.close()
    assert broker.acked == [1]


def test_stop_discards_messages_that_were_not_received(make_rig: MakeRig) -> None:
    broker = FakeBroker({"queue": [b"one", b"two"]})
    rig = make_rig(broker)
    rig.receive()
    rig.source.stop()
    rig.source.stop()
    assert rig.source.receive() is None
    rig.source.close()
    assert broker.acked == []


def test_a_connection_that_fails_while_stopping_is_no_failure(make_rig: MakeRig) -> None:
    broker = FakeBroker({"queue": [b"one"]})
    broker.replies[spec.Channel.Close] = FORCED
    rig = make_rig(broker)
    rig.receive()
    rig.source.close()
    assert rig.monitor.events == [Consuming(ONE, "queue")]


def test_close_before_any_receive_connects_to_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.source.close()
    assert rig.source.receive() is None
    assert rig.hosts == []


def test_no_connection_is_made_after_a_stop(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.source.stop()
    assert rig.source.receive() is None
    rig.source.close()
    assert rig.hosts == []


def test_a_bug_on_the_io_thread_is_raised_by_receive(make_rig: MakeRig) -> None:
    with pytest.raises(IndexError):  # no broker is left for the connection
        make_rig().source.receive()


def test_a_given_up_message_is_dead_lettered_and_acked(make_rig: MakeRig, blocking_broker: FakeBlockingBroker) -> None:
    broker = FakeBroker({"queue": [b"one"]})
    rig = make_rig(broker, dead_letter_queue="dead")
    assert rig.receive().give_up(DeadLetter(Reason.MALFORMED))
    rig.source.close()
    ((body, properties),) = blocking_broker.queues["dead"]
    assert (body, properties.headers["x-intercom-sink-source-queue"]) == (b"one", "queue")
    assert broker.acked == [1]
    assert rig.monitor.events == [Consuming(ONE, "queue"), DeadLettered("dead", "malformed")]
    assert [connection.is_open for connection in blocking_broker.connections] == [False]
