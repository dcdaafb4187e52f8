"""Confirms of many messages, on pika itself and a broker in memory."""

import pika
import pytest
from pika import spec
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from intercom_sink import PublishStatus
from intercom_sink.adapters.rabbitmq.confirm_channel import ConfirmChannel
from tests.unit.adapters.rabbitmq.fake_broker import FakeBroker, blocking_connection


def publish(
    channel: ConfirmChannel, *bodies: bytes, queue: str = "queue", message_id: str | None = None
) -> list[PublishStatus]:
    statuses = [PublishStatus.UNKNOWN] * len(bodies)
    with channel.publishing(queue, statuses) as send:
        for place, body in enumerate(bodies):
            send(place, body, pika.BasicProperties(message_id=message_id))
    return statuses


def test_confirm_channel_sends_in_one_write_and_awaits_all_confirms() -> None:
    broker = FakeBroker()
    channel = ConfirmChannel(blocking_connection(broker))
    writes = broker.writes
    assert publish(channel, b"one", b"two", b"three", message_id="id") == ["confirmed"] * 3
    assert broker.published == [(b"one", "id"), (b"two", "id"), (b"three", "id")]
    assert broker.writes == writes + 1
    assert publish(channel, b"four") == ["confirmed"]
    assert channel.is_open


def test_confirm_channel_reads_confirms_in_any_order_and_of_several_messages() -> None:
    broker = FakeBroker()
    broker.confirms = False
    channel = ConfirmChannel(blocking_connection(broker))
    statuses = [PublishStatus.UNKNOWN] * 5
    with channel.publishing("queue", statuses) as send:
        for place in range(5):
            send(place, b"body", pika.BasicProperties())
        broker.send(spec.Basic.Ack(4))
        broker.send(spec.Basic.Nack(2, multiple=True))
        broker.send(spec.Basic.Ack(5, multiple=True))
    assert statuses == ["nacked", "nacked", "confirmed", "confirmed", "confirmed"]


def test_confirm_channel_finds_the_messages_that_were_returned() -> None:
    """A return has no delivery tag: it comes before the confirm, in the order of publishing."""
    broker = FakeBroker()
    channel = ConfirmChannel(blocking_connection(broker))
    assert publish(channel, b"one", b"one", b"two", queue="typo") == ["returned"] * 3
    assert publish(channel, b"one", queue="queue") == ["confirmed"]
    broker.confirms = False
    statuses = [PublishStatus.UNKNOWN] * 4
    with channel.publishing("queue", statuses) as send:
        for place, body in enumerate([b"same", b"other", b"same", b"last"]):
            send(place, body, pika.BasicProperties(message_id="id"))
        for body in (b"other", b"same"):
            broker.send_return(body, "id")
        broker.send(spec.Basic.Ack(8, multiple=True))
    assert statuses == ["confirmed", "returned", "returned", "confirmed"]


@pytest.mark.parametrize(
    ("closing", "error"),
    [
        (spec.Channel.Close(406, "PRECONDITION_FAILED", 60, 40), ChannelClosedByBroker),
        (spec.Connection.Close(320, "CONNECTION_FORCED", 0, 0), ConnectionClosedByBroker),
    ],
)
def test_confirm_channel_that_is_closed_raises_and_keeps_what_is_known(
    closing: spec.amqp_object.Method, error: type[Exception]
) -> None:
    broker = FakeBroker()
    broker.confirms = False
    channel = ConfirmChannel(blocking_connection(broker))
    statuses = [PublishStatus.UNKNOWN] * 2

    def publish_two() -> None:
        with channel.publishing("queue", statuses) as send:
            send(0, b"one", pika.BasicProperties())
            send(1, b"two", pika.BasicProperties())
            broker.send(spec.Basic.Ack(1))
            broker.send(closing)

    with pytest.raises(error):
        publish_two()
    assert statuses == ["confirmed", "unknown"]
    assert not channel.is_open
