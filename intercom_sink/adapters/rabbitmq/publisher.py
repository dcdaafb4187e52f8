"""Publishes messages to a queue, each confirmed by the broker before the next."""

import time
from collections.abc import Callable
from contextlib import suppress

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import PERSISTENT_DELIVERY_MODE, BasicProperties

from intercom_sink.adapters.rabbitmq import ORDERING_KEY_HEADER, pika_internals
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.errors import PIKA_ERRORS, translated_errors
from intercom_sink.adapters.rabbitmq.session import connect, ensure_queue
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.envelope import TraceContext
from intercom_sink.domain.errors import BrokerUnavailable

MAX_IDLE_SECONDS = 1.0
"""Seconds after which an idle connection is not used again: nothing has answered its heartbeats in the meantime."""


def message_properties(ordering_key: str | None = None, trace: TraceContext | None = None) -> BasicProperties:
    """Properties of a message for the sink.

    Persistent, with the time, and with an ordering key and a trace where they are given.
    """
    headers = {} if ordering_key is None else {ORDERING_KEY_HEADER: ordering_key}
    if trace is not None:
        headers |= trace.headers()
    return BasicProperties(
        delivery_mode=PERSISTENT_DELIVERY_MODE,
        content_type="application/msgpack",
        timestamp=int(time.time()),
        headers=headers or None,
    )


class Publisher:
    """Publishes to one queue, over a connection that it opens when it needs one. For one thread.

    Args:
        brokers: the first that accepts a connection is used.
        queue: the queue's name; used as it is if it exists, otherwise declared durable.
    """

    def __init__(self, brokers: Brokers, queue: str) -> None:
        self._brokers = brokers
        self._queue = queue
        self._connection: pika.BlockingConnection | None = None
        self._channel: BlockingChannel | None = None
        self._url: BrokerUrl | None = None
        self._last_used = 0.0

    def publish(self, body: bytes, properties: BasicProperties) -> None:
        """Publishes one message as mandatory, and returns once the broker has confirmed it.

        Raises:
            BrokerUnavailable: it was not confirmed, but may be in the queue nevertheless. The next call reconnects.
        """
        self.publish_with(body, lambda _: properties)

    def publish_with(self, body: bytes, make_properties: Callable[[int], BasicProperties]) -> None:
        """Publishes one message whose properties are made to fit the connection's frame size.

        Args:
            body: the message.
            make_properties: makes its properties, given how many bytes they may have on this connection, at most.
        """
        if time.monotonic() - self._last_used > MAX_IDLE_SECONDS:
            self.close()
        try:
            channel = self._channel or self._open()
            with translated_errors(self._url):
                properties = make_properties(pika_internals.max_properties_size(self._connection))
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
        self._connection, self._url = connect(self._brokers)
        with translated_errors(self._url):
            ensure_queue(self._connection, self._queue)
            channel = self._connection.channel()
            channel.confirm_delivery()
        self._channel = channel
        return channel
