"""Puts messages into a queue, each one safe on the broker's disk before the next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import PERSISTENT_DELIVERY_MODE

from intercom_sink.adapters.rabbitmq.session import declare, session
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl

_PERSISTENT = pika.BasicProperties(delivery_mode=PERSISTENT_DELIVERY_MODE, content_type="application/msgpack")


class Publisher:
    """Publishes to one queue; made by `open_publisher`."""

    def __init__(self, channel: BlockingChannel, queue: str) -> None:
        self._channel = channel
        self._queue = queue

    def publish(self, body: bytes) -> None:
        """Publishes one message, persistent and mandatory, and returns once the broker has confirmed it."""
        self._channel.basic_publish("", self._queue, body, _PERSISTENT, mandatory=True)


@contextmanager
def open_publisher(urls: Sequence[BrokerUrl], queue: str) -> Iterator[Publisher]:
    """Connects to the first broker that takes us, and declares the queue durable where there is none.

    Raises:
        BrokerLost: within the block too; what `publish` returned for is safe, the message it raised for may be there.
    """
    with session(urls) as connection:
        declare(connection, queue)
        channel = connection.channel()
        channel.confirm_delivery()
        yield Publisher(channel, queue)
