"""RabbitMQSource on pika's own SelectConnection, with brokers in memory. tests/contracts/ holds the port's promises."""

import threading
from collections.abc import Callable
from typing import Any

import pika
import pytest
from pika import spec

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.dead_letter_headers import metadata_of
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.source import RabbitMQSource
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.errors import BrokerUnavailable
from intercom_sink.domain.events import (
    ConnectionFailed,
    Consuming,
    DeadLettered,
    MessageMalformed,
    MessageReceived,
    OtherConsumers,
    Reconnecting,
)
from intercom_sink.testing import RecordingMonitor
from tests.support.brokers import fixed_brokers
from tests.unit.adapters.rabbitmq.fake_blocking import FakeBlockingBroker
from tests.unit.adapters.rabbitmq.fake_broker import FakeBroker

ONE, TWO = "amqp://user@one:5672/", "amqp://user@two:5672/"
BROKERS = fixed_brokers("amqp://user:secret@one,amqp://user:secret@two")
REFUSED = spec.Connection.Close(403, "ACCESS_REFUSED - Login was refused", 0, 0)
FORCED = spec.Connection.Close(320, "CONNECTION_FORCED - shutdown", 0, 0)


class Rig:
    """A source, and the broker of each of its connections, one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, brokers: list[FakeBroker], **options: Any) -> None:
        self.monitor = RecordingMonitor()
        self.hosts: list[str] = []
        self.losses = 0
        self.lost = threading.Event()
        self.passwords: list[str] = []
        self.source = RabbitMQSource(options.pop("cluster", BROKERS), "queue", self.monitor, **options)
        self.source.on_lost(self._count_loss)
        remaining = list(brokers)

        def connect(parameters: pika.connection.Parameters, **callbacks: Any) -> pika.SelectConnection:
            self.hosts.append(parameters.host)
            self.passwords.append(parameters.credentials.password)
            return remaining.pop(0).connect(parameters, **callbacks)

        monkeypatch.setattr(pika_internals, "SelectConnection", connect)

    def _count_loss(self) -> None:
        self.losses += 1
        self.lost.set()

    def receive(self) -> RabbitMQDelivery:
        delivery = self.source.receive()
        assert delivery is not None
        return delivery


MakeRig = Callable[..., Rig]


class FakeSecret:
    """The URLs of ONE and TWO, until it is reloaded."""

    def __init__(self) -> None:
        self.value = "amqp://user:secret@one,amqp://user:secret@two"
        self.next_value = self.value

    def reload(self) -> bool:
        changed, self.value = self.next_value != self.value, self.next_value
        return changed


@pytest.fixture
def secret() -> FakeSecret:
    return FakeSecret()


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch, blocking_broker: FakeBlockingBroker) -> MakeRig:
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


@pytest.mark.parametrize(("concurrency", "prefetch"), [(1, 32), (3, 32), (4, 40), (64, 640)])
def test_prefetch_grows_with_the_concurrency(make_rig: MakeRig, concurrency: int, prefetch: int) -> None:
    broker = FakeBroker({"queue": [b"one"]})
    rig = make_rig(broker, concurrency=concurrency)
    rig.receive()
    rig.source.close()
    assert broker.prefetch == prefetch


def test_after_a_failure_the_next_broker_is_tried(make_rig: MakeRig) -> None:
    down, up = FakeBroker(), FakeBroker({"queue": [b"one"]})
    down.replies[spec.Connection.Open] = FORCED
    rig = make_rig(down, up)
    assert rig.receive().body == b"one"
    rig.source.close()
    assert rig.hosts == ["one", "two"]
    assert rig.monitor.events == [
        ConnectionFailed(ONE, "CONNECTION_FORCED - shutdown (320)"),
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
    assert [type(event) for event in rig.monitor.events] == [Consuming, ConnectionFailed, Reconnecting, Consuming]


def refusing() -> FakeBroker:
    broker = FakeBroker()
    broker.replies[spec.Connection.StartOk] = REFUSED
    return broker


def test_a_refusal_by_every_broker_is_raised_at_once(make_rig: MakeRig) -> None:
    rig = make_rig(refusing(), refusing())
    with pytest.raises(BrokerUnavailable, match=f"{TWO}: ACCESS_REFUSED - Login was refused") as caught:
        rig.source.receive()
    rig.source.close()
    assert not caught.value.retryable
    assert rig.monitor.events == [
        ConnectionFailed(ONE, "ACCESS_REFUSED - Login was refused (403)"),
        Reconnecting(0.0),
        ConnectionFailed(TWO, "ACCESS_REFUSED - Login was refused (403)"),
    ]


def test_it_is_alive_unless_its_thread_has_ended_and_is_needed(make_rig: MakeRig) -> None:
    rig = make_rig(FakeBroker({"queue": [b"one"]}))
    assert rig.source.is_alive(), "it has not started"
    rig.receive()
    assert rig.source.is_alive()
    rig.source.requeue()
    assert rig.source.is_alive(), "a hold needs no connection"


def test_it_is_not_alive_once_its_thread_has_ended_without_an_error(make_rig: MakeRig) -> None:
    rig = make_rig(FakeBroker({"queue": [b"one"]}))
    rig.receive()
    end_thread(rig.source)
    assert not rig.source.is_alive()
    rig.source.stop()
    assert rig.source.is_alive(), "it ends anyway"
    rig.source.close()


def test_thread_that_ends_with_an_error_ends_the_sink_and_is_no_death(make_rig: MakeRig) -> None:
    """A restart is no help to a sink that is about to end with that error."""
    rig = make_rig(refusing(), refusing())
    with pytest.raises(BrokerUnavailable):
        rig.source.receive()
    end_thread(rig.source)
    assert rig.source.is_alive()
    rig.source.close()


def end_thread(source: RabbitMQSource) -> None:
    thread = source._thread
    assert thread is not None
    thread.close()  # waits until it has ended


def test_a_refusal_by_one_broker_leaves_the_others_to_try(make_rig: MakeRig) -> None:
    rig = make_rig(refusing(), FakeBroker({"queue": [b"one"]}))
    assert rig.receive().body == b"one"
    rig.source.close()
    assert rig.hosts == ["one", "two"]


def test_a_refusal_is_followed_by_an_attempt_with_urls_that_have_changed(make_rig: MakeRig, secret: FakeSecret) -> None:
    """At once, and even if it is the last attempt: the password was rotated."""
    secret.next_value = "amqp://user:rotated@three"
    rig = make_rig(refusing(), FakeBroker({"queue": [b"one"]}), cluster=Brokers(secret), reconnect_timeout=0)
    assert rig.receive().body == b"one"
    rig.source.close()
    assert rig.hosts == ["one", "three"]
    assert rig.passwords == ["secret", "rotated"]
    assert rig.monitor.events == [
        ConnectionFailed(ONE, "ACCESS_REFUSED - Login was refused (403)"),
        Reconnecting(0.0),
        Consuming("amqp://user@three:5672/", "queue"),
    ]


def test_new_urls_that_are_refused_too_are_not_tried_for_ever(make_rig: MakeRig, secret: FakeSecret) -> None:
    secret.next_value = "amqp://user:rotated@three"
    rig = make_rig(refusing(), refusing(), cluster=Brokers(secret))
    with pytest.raises(BrokerUnavailable, match="three:5672/: ACCESS_REFUSED"):
        rig.source.receive()
    rig.source.close()


def test_a_reconnect_timeout_of_0_raises_the_first_failure(make_rig: MakeRig) -> None:
    broker = FakeBroker()
    broker.replies[spec.Connection.Open] = FORCED
    rig = make_rig(broker, reconnect_timeout=0)
    with pytest.raises(BrokerUnavailable, match=f"{ONE}: CONNECTION_FORCED"):
        rig.source.receive()
    rig.source.close()
    assert [type(event) for event in rig.monitor.events] == [ConnectionFailed]


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
    assert rig.monitor.events == [Consuming(ONE, "queue"), DeadLettered("dead", Reason.MALFORMED)]
    assert [connection.is_open for connection in blocking_broker.connections] == [False, False]


def test_an_interrupt_ends_one_receive_before_the_next_message(make_rig: MakeRig) -> None:
    rig = make_rig(FakeBroker({"queue": [b"one", b"two"]}))
    assert rig.receive().body == b"one"
    rig.source.interrupt()
    rig.source.interrupt()
    assert rig.source.receive() is None
    assert rig.receive().body == b"two", "several interrupts are one"
    rig.source.close()


def test_an_interrupt_ends_a_blocked_receive(make_rig: MakeRig) -> None:
    rig = make_rig(FakeBroker())
    threading.Timer(0.05, rig.source.interrupt).start()
    assert rig.source.receive() is None
    rig.source.close()


def test_requeue_sends_pending_acks_and_the_next_receive_connects_again(make_rig: MakeRig) -> None:
    first, second = FakeBroker({"queue": [b"one", b"two", b"three"]}), FakeBroker({"queue": [b"two", b"three"]})
    rig = make_rig(first, second)
    acked, lost = rig.receive(), rig.receive()
    acked.ack()
    rig.source.interrupt()
    assert rig.source.receive() is None
    rig.source.interrupt()
    rig.source.requeue()
    assert first.acked == [1]
    assert lost.is_lost()
    assert rig.losses == 1
    assert "rabbitmq" not in [thread.name for thread in threading.enumerate()]
    assert rig.receive().body == b"two", "and not what the first connection had delivered, nor an interrupt"
    rig.source.close()
    assert rig.monitor.events == [Consuming(ONE, "queue"), Consuming(ONE, "queue")], "no failure"


def test_requeue_can_be_followed_by_another(make_rig: MakeRig) -> None:
    brokers = [FakeBroker({"queue": [b"one"]}) for _ in range(4)]
    rig = make_rig(*brokers)
    for _ in brokers:
        assert rig.receive().body == b"one"
        rig.source.interrupt()
        assert rig.source.receive() is None
        rig.source.requeue()
    rig.source.close()
    assert rig.losses == 4


def test_requeue_ends_the_wait_for_a_broker_that_is_down(make_rig: MakeRig) -> None:
    down, also_down, up = FakeBroker(), FakeBroker(), FakeBroker({"queue": [b"one"]})
    down.replies[spec.Connection.Open] = also_down.replies[spec.Connection.Open] = FORCED
    rig = make_rig(down, also_down, up)
    threading.Timer(0.1, rig.source.interrupt).start()
    assert rig.source.receive() is None
    rig.source.requeue()
    assert rig.receive().body == b"one"
    rig.source.close()


def test_requeue_begins_a_new_outage(make_rig: MakeRig) -> None:
    """What was lost before a hold of an hour must not count, or the first failure after it would be the last."""
    brokers = [FakeBroker() for _ in range(3)]
    for broker in brokers[:2]:
        broker.replies[spec.Connection.Open] = FORCED
    rig = make_rig(brokers[0], brokers[1], FakeBroker({"queue": [b"one"]}), reconnect_timeout=0.2)
    threading.Timer(0.02, rig.source.interrupt).start()
    assert rig.source.receive() is None
    rig.source.requeue()
    threading.Event().wait(0.3)
    assert rig.receive().body == b"one"
    rig.source.close()


def test_requeue_before_any_receive_connects_to_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.source.interrupt()
    rig.source.requeue()
    rig.source.close()
    assert rig.hosts == []


def test_a_stop_while_requeued_is_final(make_rig: MakeRig) -> None:
    rig = make_rig(FakeBroker({"queue": [b"one"]}))
    rig.receive()
    rig.source.requeue()
    rig.source.stop()
    assert rig.source.receive() is None
    rig.source.close()
    assert rig.hosts == ["one"]


def test_a_requeued_queue_is_drained_all_the_same(make_rig: MakeRig) -> None:
    rig = make_rig(FakeBroker({"queue": [b"one"]}), FakeBroker({"queue": [b"one"]}), drain=True)
    rig.receive()
    rig.source.requeue()
    rig.receive().ack()
    assert rig.source.receive() is None
    rig.source.close()


def test_a_message_whose_properties_can_not_be_read_is_malformed(
    make_rig: MakeRig, blocking_broker: FakeBlockingBroker
) -> None:
    broker = FakeBroker()
    rig = make_rig(broker, dead_letter_queue="dead")
    broker.loop.script = [
        lambda: broker.deliver(b"poison", properties=b"\x80\x00\xff"),
        lambda: broker.deliver(b"one"),
    ]
    assert rig.receive().body == b"one"
    rig.source.close()
    ((body, properties),) = blocking_broker.queues["dead"]
    metadata = metadata_of(properties)
    assert (body, metadata["reason"]) == (b"poison", "malformed")
    assert metadata["detail"] == "its AMQP properties can't be read: they are cut off"
    assert broker.acked == [1]
    received = rig.monitor.events[1]
    assert isinstance(received, MessageReceived)
    assert received == MessageReceived(Envelope(), received.delivered_at, is_malformed=True)
    assert rig.monitor.events == [
        Consuming(ONE, "queue"),
        received,
        DeadLettered("dead", Reason.MALFORMED),
        MessageMalformed(Envelope(), "its AMQP properties can't be read: they are cut off", b"poison"),
    ]


def test_a_stream_as_the_dead_letter_queue_is_refused(make_rig: MakeRig, blocking_broker: FakeBlockingBroker) -> None:
    blocking_broker.queues["dead"] = []
    blocking_broker.streams = {"dead"}
    brokers = [FakeBroker(), FakeBroker()]
    rig = make_rig(*brokers, dead_letter_queue="dead")
    with pytest.raises(BrokerUnavailable, match="dead is a RabbitMQ stream") as caught:
        rig.source.receive()
    rig.source.close()
    assert not caught.value.retryable
    assert not any("Basic.Consume" in broker.received for broker in brokers)


def test_the_dead_letter_queue_is_checked_once(make_rig: MakeRig, blocking_broker: FakeBlockingBroker) -> None:
    rig = make_rig(FakeBroker({"queue": [b"one"]}), FakeBroker({"queue": [b"one"]}), dead_letter_queue="dead")
    rig.receive()
    rig.source.requeue()
    rig.receive()
    rig.source.close()
    assert len(blocking_broker.connections) == 1


def test_other_consumers_are_reported_at_the_start(make_rig: MakeRig) -> None:
    """And not later, when they may be this sink's own lost connection, which the broker has not noticed."""
    first, second = FakeBroker({"queue": [b"one"]}), FakeBroker({"queue": [b"one"]})
    first.consumers, second.consumers = 2, 1
    rig = make_rig(first, second)
    rig.receive()
    rig.source.requeue()
    rig.receive()
    rig.source.close()
    assert rig.monitor.events == [Consuming(ONE, "queue"), OtherConsumers("queue", 2), Consuming(ONE, "queue")]
