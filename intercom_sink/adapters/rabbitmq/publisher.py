"""Publishes messages to a queue, each confirmed by the broker before the next."""

import time
from collections.abc import Sequence
from contextlib import suppress

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import PERSISTENT_DELIVERY_MODE, BasicProperties

from intercom_sink.adapters.rabbitmq import ORDERING_KEY
from intercom_sink.adapters.rabbitmq.errors import PIKA_ERRORS, translated_errors
from intercom_sink.adapters.rabbitmq.session import connect, ensure_queue
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

MAX_IDLE = 1.0
"""Seconds after which an idle connection is not used again: nothing has answered its heartbeats in the meantime."""


def message_properties(ordering_key: str | None = None) -> BasicProperties:
    """The properties of a message for the sink: persistent, and with its ordering key, where it has one."""
    headers = None if ordering_key is None else {ORDERING_KEY: ordering_key}
    return BasicProperties(delivery_mode=PERSISTENT_DELIVERY_MODE, content_type="application/msgpack", headers=headers)


class Publisher:
    """Publishes to one queue, over a connection that it opens when it needs one. For one thread.

    Args:
        urls: the brokers; the first that accepts a connection is used.
        queue: the queue's name; used as it is if it exists, otherwise declared durable.
    """

    def __init__(self, urls: Sequence[BrokerUrl], queue: str) -> None:
        self._urls = urls
        self._queue = queue
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._last_used = 0.0

    def publish(self, body: bytes, properties: BasicProperties) -> None:
        """Publishes one message as mandatory, and returns once the broker has confirmed it.

        Raises:
            BrokerUnavailable: it was not confirmed, but may be in the queue nevertheless. The next call reconnects.
        """
        try:
            with translated_errors():
                if time.monotonic() - self._last_used > MAX_IDLE:
                    self.close()
                channel = self._channel or self._open()
                channel.basic_publish("", self._queue, body, properties, mandatory=True)
        except BrokerUnavailable:
            self.close()
            raise
        self._last_used = time.monotonic()

    def close(self) -> None:
        """Closes the connection, if there is one. Raises nothing: what was confirmed is in the queue anyway."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and connection.is_open:
            with suppress(*PIKA_ERRORS):
                connection.close()

    def _open(self) -> BlockingChannel:
        self._connection = connect(self._urls)
        ensure_queue(self._connection, self._queue)
        channel = self._connection.channel()
        channel.confirm_delivery()
        self._channel = channel
        return channel
