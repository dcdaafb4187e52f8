"""Puts messages into a queue, each one safe with the broker before the next."""

import time
from collections.abc import Sequence

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import PERSISTENT_DELIVERY_MODE, BasicProperties

from intercom_sink.adapters.rabbitmq import ORDERING_KEY
from intercom_sink.adapters.rabbitmq.session import broker_errors, connect, declare
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerLost

MOST_IDLE = 1.0
"""Seconds after which a connection is not used again: nobody answered its heartbeats in the meantime."""


def message_properties(ordering_key: str | None = None) -> BasicProperties:
    """The properties of a message for the sink: persistent, and with its ordering key, where it has one."""
    headers = None if ordering_key is None else {ORDERING_KEY: ordering_key}
    return BasicProperties(delivery_mode=PERSISTENT_DELIVERY_MODE, content_type="application/msgpack", headers=headers)


class Publisher:
    """Publishes to one queue, over a connection that it opens when it needs one. For one thread.

    Args:
        urls: the brokers; the first that takes us is used.
        queue: the queue's name; used as it stands, and declared durable where there is none.
    """

    def __init__(self, urls: Sequence[BrokerUrl], queue: str) -> None:
        self._urls = urls
        self._queue = queue
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._used = 0.0

    def publish(self, body: bytes, properties: BasicProperties) -> None:
        """Publishes one message, mandatory, and returns once the broker has confirmed it.

        Raises:
            BrokerLost: it was not confirmed; it may be in the queue all the same. The next call connects anew.
        """
        try:
            with broker_errors():
                if time.monotonic() - self._used > MOST_IDLE:
                    self.close()
                channel = self._channel or self._open()
                channel.basic_publish("", self._queue, body, properties, mandatory=True)
        except BrokerLost:
            self.close()
            raise
        self._used = time.monotonic()

    def close(self) -> None:
        """Closes the connection, where there is one. What is confirmed is safe, so that nothing depends on it."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None or not connection.is_open:
            return
        try:
            with broker_errors():
                connection.close()
        except BrokerLost:
            return

    def _open(self) -> BlockingChannel:
        self._connection = connect(self._urls)
        declare(self._connection, self._queue)
        channel = self._connection.channel()
        channel.confirm_delivery()
        self._channel = channel
        return channel
