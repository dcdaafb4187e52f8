"""Consumer on pika's own SelectConnection, with a broker in memory and virtual time."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from pika import spec

from intercom_sink.adapters.rabbitmq import CLOSE_TIMEOUT
from intercom_sink.adapters.rabbitmq.ack_batch import ACK_BATCH_INTERVAL
from intercom_sink.adapters.rabbitmq.consumer import Consumer
from intercom_sink.adapters.rabbitmq.delivery import RabbitMQDelivery
from intercom_sink.adapters.rabbitmq.drain import DRAIN_CHECK_INTERVAL
from intercom_sink.domain.errors import BrokerUnavailable
from tests.unit.adapters.rabbitmq.fake_broker import URL, FakeBroker

PREFETCH = 40


class Rig:
    def __init__(self, broker: FakeBroker, drain: bool = False) -> None:
        self.broker = broker
        self.calls: list[str] = []
        self.deliveries: list[RabbitMQDelivery] = []
        self.refusal: BrokerUnavailable | None = None
        self.others: int | None = None
        self.consumer = Consumer(
            URL,
            "queue",
            PREFETCH,
            None,
            on_connected=self.on_connected,
            on_consuming=self.on_consuming,
            on_delivery=self.deliveries.append,
            on_lost=lambda: self.calls.append("lost"),
            on_drained=(lambda: self.calls.append("drained")) if drain else None,
        )

    def on_connected(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def on_consuming(self, others: int) -> None:
        self.calls.append("consuming")
        self.others = others

    def run(self, *steps: Callable[[], Any]) -> None:
        """Runs the consumer; takes the next step whenever it has nothing to do."""
        self.broker.loop.script = list(steps)
        self.consumer.run()

    def ack_all(self) -> None:
        for delivery in self.deliveries:
            delivery.ack()


@pytest.fixture
def rig(broker: FakeBroker) -> Rig:
    return Rig(broker)


def test_consuming_begins_with_a_passive_declare_and_a_prefetch(rig: Rig, broker: FakeBroker) -> None:
    rig.run(rig.consumer.close)
    assert broker.declared == [("queue", True, False)]
    steps = ["Channel.Open", "Queue.Declare", "Basic.Qos", "Basic.Consume", "Channel.Close", "Connection.Close"]
    assert broker.received[-len(steps) :] == steps
    assert broker.prefetch == PREFETCH
    assert rig.calls == ["consuming", "lost"]


def test_a_queue_that_does_not_exist_is_declared_durable(rig: Rig, broker: FakeBroker) -> None:
    broker.queues.clear()
    rig.run(rig.consumer.close)
    assert broker.declared == [("queue", True, False), ("queue", False, True)]
    assert rig.calls == ["consuming", "lost"]


def test_deliveries_carry_body_headers_and_redelivery(rig: Rig, broker: FakeBroker) -> None:
    rig.run(
        lambda: broker.deliver(b"one", {"x-ordering-key": "a"}),
        lambda: broker.deliver(b"two", redelivered=True),
        rig.consumer.close,
    )
    first, second = rig.deliveries
    assert (first.body, first.envelope.ordering_key, first.redelivered) == (b"one", "a", False)
    assert (second.body, second.envelope.ordering_key, second.redelivered) == (b"two", None, True)


def test_close_sends_pending_acks_and_leaves_the_consumer_to_the_broker(rig: Rig, broker: FakeBroker) -> None:
    """If the consumer were cancelled first, a standby would be sent later messages before the unacked ones."""
    broker.queues["queue"] += [b"one", b"two", b"three"]
    rig.run(
        lambda: rig.deliveries[0].ack(),
        lambda: rig.deliveries[1].ack(),
        rig.consumer.close,
    )
    assert broker.acked == [1, 2]
    assert "Basic.Cancel" not in broker.received
    assert broker.received[-2:] == ["Channel.Close", "Connection.Close"]


def test_acks_that_follow_closely_are_sent_together(rig: Rig, broker: FakeBroker) -> None:
    broker.queues["queue"] += [b"one", b"two", b"three"]
    acked: list[list[int]] = []
    rig.run(
        lambda: rig.deliveries[0].ack(),
        lambda: rig.deliveries[1].ack(),
        lambda: rig.deliveries[2].ack(),
        lambda: acked.append(broker.acked[:]),
        lambda: broker.loop.advance(ACK_BATCH_INTERVAL),
        lambda: acked.append(broker.acked[:]),
        rig.consumer.close,
    )
    assert acked == [[1], [1, 2, 3]]


def test_half_of_the_prefetch_is_acked_without_waiting(rig: Rig, broker: FakeBroker) -> None:
    """So the broker sends more while the other half is handled."""
    broker.queues["queue"] += [b"message"] * PREFETCH
    acked: list[int] = []

    def ack_half() -> None:
        for delivery in rig.deliveries[1 : 1 + PREFETCH // 2]:
            delivery.ack()

    rig.run(
        lambda: rig.deliveries[0].ack(),
        ack_half,
        lambda: acked.append(len(broker.acked)),
        rig.consumer.close,
    )
    assert acked == [1 + PREFETCH // 2]
    assert broker.loop.now < ACK_BATCH_INTERVAL


def test_acks_of_one_flush_are_as_few_as_possible_and_one_write(rig: Rig, broker: FakeBroker) -> None:
    broker.queues["queue"] += [b"message"] * 8
    seen: list[tuple[list[int], int]] = []

    def settle(*tags: int) -> None:
        for tag in tags:
            rig.deliveries[tag - 1].ack()

    def look() -> None:
        seen.append((broker.acked[:], broker.writes))

    flush = partial(broker.loop.advance, ACK_BATCH_INTERVAL)
    first_steps: list[Callable[[], Any]] = [lambda: settle(2), look, lambda: settle(8, 3, 1, 5), flush, look]
    rig.run(*first_steps, lambda: settle(6, 4), flush, look, rig.consumer.close)
    acked, writes = zip(*seen, strict=True)
    assert acked == ([2], [2, 8, 5, 1, 3], [2, 8, 5, 1, 3, 4, 6])
    assert [after - before for before, after in pairwise(writes)] == [1, 1]
    assert broker.received.count("Basic.Ack") == 1 + 3 + 1
    assert rig.consumer.lost, "and no ack was refused"


def test_a_lost_connection_loses_its_deliveries_and_says_why(rig: Rig, broker: FakeBroker) -> None:
    broker.queues["queue"].append(b"one")
    with pytest.raises(BrokerUnavailable, match="reset") as caught:
        rig.run(lambda: broker.lose(ConnectionResetError("reset")))
    assert caught.value.retryable
    assert caught.value.__cause__ is not None
    (delivery,) = rig.deliveries
    assert delivery.is_lost()
    rig.ack_all()
    assert broker.acked == []
    assert rig.calls == ["consuming", "lost"]


def test_a_connection_closed_by_the_broker_says_why(rig: Rig, broker: FakeBroker) -> None:
    with pytest.raises(BrokerUnavailable, match="CONNECTION_FORCED - by the operator \\(320\\)"):
        rig.run(lambda: broker.send(spec.Connection.Close(320, "CONNECTION_FORCED - by the operator", 0, 0)))
    assert rig.calls == ["consuming", "lost"]


def test_a_channel_closed_by_the_broker_ends_the_connection(rig: Rig, broker: FakeBroker) -> None:
    """An ack after the acknowledgement timeout, say."""
    with pytest.raises(BrokerUnavailable, match="PRECONDITION_FAILED"):
        rig.run(lambda: broker.send(spec.Channel.Close(406, "PRECONDITION_FAILED - timed out", 0, 0)))
    assert broker.received[-1] == "Connection.Close"


def test_a_queue_missing_while_consuming_is_a_failure(rig: Rig, broker: FakeBroker) -> None:
    with pytest.raises(BrokerUnavailable, match="NOT_FOUND"):
        rig.run(lambda: broker.send(spec.Channel.Close(404, "NOT_FOUND - no queue", 0, 0)))
    assert broker.declared == [("queue", True, False)]


def test_a_declare_that_is_refused_is_a_failure(rig: Rig, broker: FakeBroker) -> None:
    broker.replies[spec.Queue.Declare] = spec.Channel.Close(403, "ACCESS_REFUSED - to queue", 0, 0)
    with pytest.raises(BrokerUnavailable, match="ACCESS_REFUSED") as caught:
        rig.run()
    assert not caught.value.retryable
    assert rig.calls == ["lost"]


def test_a_login_that_is_refused_is_a_failure(rig: Rig, broker: FakeBroker) -> None:
    broker.replies[spec.Connection.StartOk] = spec.Connection.Close(403, "ACCESS_REFUSED - Login was refused", 0, 0)
    with pytest.raises(BrokerUnavailable, match="Login was refused") as caught:
        rig.run()
    assert not caught.value.retryable


def test_a_consumer_cancelled_by_the_broker_is_a_failure(rig: Rig, broker: FakeBroker) -> None:
    """The queue was deleted: nothing would be delivered any more, on a connection that stays open."""
    broker.queues["queue"].append(b"one")
    with pytest.raises(BrokerUnavailable, match="cancelled the consumer"):
        rig.run(lambda: broker.send(spec.Basic.Cancel(broker.consumer_tag, True)))
    assert rig.deliveries[0].is_lost()
    assert broker.received[-1] == "Connection.Close"


def test_acks_after_the_channel_is_closed_are_not_sent(rig: Rig, broker: FakeBroker) -> None:
    broker.queues["queue"].append(b"one")
    broker.replies[spec.Channel.Close] = None
    rig.run(rig.consumer.close, rig.ack_all)
    assert broker.acked == []


def test_close_does_not_wait_for_ever_for_a_silent_broker(rig: Rig, broker: FakeBroker) -> None:
    broker.replies[spec.Channel.Close] = None
    rig.run(rig.consumer.close)
    assert broker.loop.now == CLOSE_TIMEOUT
    assert rig.calls == ["consuming", "lost"]


@pytest.mark.parametrize("pending", [spec.Queue.Declare, spec.Basic.Qos, spec.Basic.Consume])
def test_close_while_a_reply_is_pending(rig: Rig, broker: FakeBroker, pending: type) -> None:
    broker.replies[pending] = None
    rig.run(rig.consumer.close)
    assert rig.calls == ["lost"]


@pytest.mark.parametrize(
    ("method", "reply", "next_step"),
    [
        (spec.Queue.Declare, spec.Queue.DeclareOk("queue", 0, 0), "Basic.Qos"),
        (spec.Basic.Qos, spec.Basic.QosOk(), "Basic.Consume"),
    ],
)
def test_no_further_step_follows_a_reply_after_close(
    rig: Rig, broker: FakeBroker, method: type, reply: Any, next_step: str
) -> None:
    broker.replies[method] = None
    rig.run(rig.consumer.close, lambda: broker.send(reply))
    assert next_step not in broker.received
    assert rig.calls == ["lost"]


def test_close_while_connecting(rig: Rig, broker: FakeBroker) -> None:
    broker.replies[spec.Connection.Open] = None
    with pytest.raises(BrokerUnavailable):  # the source ignores it after a stop
        rig.run(rig.consumer.close)
    assert rig.calls == ["lost"]


def test_closing_twice_is_closing_once(rig: Rig, broker: FakeBroker) -> None:
    rig.consumer.close()
    rig.consumer.close()
    with pytest.raises(BrokerUnavailable):
        rig.run()
    assert rig.calls == ["lost"]


def test_an_empty_queue_is_drained(broker: FakeBroker) -> None:
    rig = Rig(broker, drain=True)
    rig.run(rig.consumer.close)
    assert rig.calls == ["consuming", "drained", "lost"]
    assert len(broker.declared) == 3, "two empty depths in a row"


def test_a_queue_is_drained_once_its_messages_are_acked(broker: FakeBroker) -> None:
    broker.queues["queue"] += [b"one", b"two"]
    rig = Rig(broker, drain=True)
    seen: list[list[str]] = []
    rig.run(
        lambda: rig.deliveries[0].ack(),
        lambda: seen.append(rig.calls[:]),
        lambda: rig.deliveries[1].ack(),
        lambda: broker.loop.advance(ACK_BATCH_INTERVAL),
        lambda: seen.append(rig.calls[:]),
        rig.consumer.close,
    )
    assert seen == [["consuming"], ["consuming", "drained"]]


def test_a_queue_whose_messages_others_hold_is_checked_until_it_is_drained(broker: FakeBroker) -> None:
    broker.queues["queue"].append(b"one")
    broker.withholds = True
    rig = Rig(broker, drain=True)
    seen: list[list[str]] = []
    rig.run(
        lambda: broker.loop.advance(DRAIN_CHECK_INTERVAL),
        broker.queues["queue"].clear,
        lambda: seen.append(rig.calls[:]),
        lambda: broker.loop.advance(DRAIN_CHECK_INTERVAL),
        lambda: seen.append(rig.calls[:]),
        rig.consumer.close,
    )
    assert seen == [["consuming"], ["consuming", "drained"]]


def test_a_queue_is_not_checked_after_close(broker: FakeBroker) -> None:
    broker.queues["queue"].append(b"one")
    broker.withholds = True
    broker.replies[spec.Channel.Close] = None
    rig = Rig(broker, drain=True)
    rig.run(rig.consumer.close)
    assert len(broker.declared) == 2, "at the start, and for the first check"


def test_the_number_of_other_consumers_is_told(rig: Rig, broker: FakeBroker) -> None:
    broker.consumers = 3
    rig.run(rig.consumer.close)
    assert rig.others == 3


def test_a_stream_is_refused(rig: Rig, broker: FakeBroker) -> None:
    """By the code alone with which it refuses a consumer that has a priority."""
    broker.replies[spec.Basic.Consume] = spec.Channel.Close(406, "whatever", 60, 20)
    with pytest.raises(BrokerUnavailable, match="queue is a RabbitMQ stream") as caught:
        rig.run()
    assert not caught.value.retryable
    assert broker.consumer_arguments == {}
    assert rig.calls == ["lost"]


def test_the_consumer_has_the_priority_of_any_other(rig: Rig, broker: FakeBroker) -> None:
    rig.run(rig.consumer.close)
    assert broker.consumer_arguments == {"x-priority": 0}


def test_a_refusal_once_connected_ends_the_connection(rig: Rig, broker: FakeBroker) -> None:
    rig.refusal = BrokerUnavailable("queue is a RabbitMQ stream", retryable=False)
    with pytest.raises(BrokerUnavailable, match="queue is a RabbitMQ stream") as caught:
        rig.run()
    assert caught.value is rig.refusal
    assert broker.received[-1] == "Connection.Close"
    assert rig.calls == ["lost"]


@pytest.mark.parametrize("encoded", [b"T\x00\x00\x01\x9c\x8f\x85\x9c\x00", b"T" + b"\xff" * 8, b"?"])
def test_a_header_that_has_no_meaning_harms_no_message(rig: Rig, broker: FakeBroker, encoded: bytes) -> None:
    """A time in milliseconds, a negative one, and a type that nobody knows."""
    table = b"\x0ex-ordering-keyS\x00\x00\x00\x01a" + b"\x01h" + encoded
    rig.run(
        lambda: broker.deliver(b"one", properties=b"\x20\x00" + len(table).to_bytes(4, "big") + table),
        lambda: broker.deliver(b"two"),
        rig.consumer.close,
    )
    assert [delivery.body for delivery in rig.deliveries] == [b"one", b"two"]
    assert [delivery.envelope.ordering_key for delivery in rig.deliveries] == ["a", None]
    assert [delivery.properties.decode_error for delivery in rig.deliveries] == [None, None]
