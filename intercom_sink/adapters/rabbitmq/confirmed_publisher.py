"""Publishes over a connection of its own: the core of every publisher on pika.

Many messages are sent in one write, and then all their confirms are awaited: one round trip, and not one for each. The
connection is opened by the first call, and kept. Before it is used again after a while, what the broker has sent in the
meantime is read: a connection that has been closed is replaced before anything is sent.

If the connection turns out to be dead while it is used, and it was open before the call, another one is opened and the
messages without a confirm are sent again, once. The broker may have stored some of them the first time, so they may be
in the queue twice.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass

import pika
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq import CLOSE_TIMEOUT, pika_internals
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.confirm_channel import ConfirmChannel
from intercom_sink.adapters.rabbitmq.errors import PIKA_ERRORS, is_connection_lost, translated_errors
from intercom_sink.adapters.rabbitmq.publish_failures import add_results, find_failure
from intercom_sink.adapters.rabbitmq.session import connect, ensure_queue
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.confirms import PublishStatus
from intercom_sink.domain.errors import BrokerUnavailable, Unroutable

MAX_UNREAD_SECONDS = 1.0
"""Seconds after which an idle connection is looked at before it is used again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish.

    Args:
        body: the message.
        make_properties: makes its properties, given how many bytes they may have on the connection, at most.
        message_id: names it in errors.
        sending: makes the context manager within which it is sent, such as its trace span.
    """

    body: bytes
    make_properties: Callable[[int], BasicProperties]
    message_id: str | None = None
    sending: Callable[[], AbstractContextManager[object]] = nullcontext


class ConfirmedPublisher:
    """Publishes persistent, mandatory, confirmed messages to one queue. For one thread.

    Args:
        brokers: the first that accepts a connection is used.
        queue: the queue's name.
        declare: whether the queue is declared durable if it does not exist. Without it publishing raises Unroutable.
    """

    def __init__(self, brokers: Brokers, queue: str, *, declare: bool) -> None:
        self._brokers = brokers
        self._queue = queue
        self._declare = declare
        self._connection: pika.BlockingConnection | None = None
        self._channel: ConfirmChannel | None = None
        self._url: BrokerUrl | None = None
        self._last_used = 0.0

    def publish(self, messages: Sequence[Outgoing], first_index: int = 0) -> None:
        """Publishes the messages in order, and returns once the broker has confirmed all of them.

        Args:
            messages: few enough for memory to hold them twice: as messages, and as the bytes of one write.
            first_index: the place of the first one in the whole batch, for errors.

        Raises:
            Unroutable: the queue does not exist.
            BrokerUnavailable: they were not all confirmed, but may be in the queue nevertheless. Both errors have the
                `results` of these messages, if any was sent.
        """
        statuses = [PublishStatus.UNKNOWN] * len(messages)
        is_sent = False
        try:
            is_fresh = self._ensure_open()
            is_sent = True
            self._send_all(messages, statuses, may_reconnect=not is_fresh)
            assert self._url is not None
            if failure := find_failure(statuses, self._queue, self._url, declare=self._declare):
                raise failure
        except (BrokerUnavailable, Unroutable) as error:
            if isinstance(error, BrokerUnavailable):
                self.close()
            if is_sent:
                add_results(error, [message.message_id for message in messages], statuses, first_index)
            raise
        except BaseException:  # such as KeyboardInterrupt: what has been sent is not known
            self.close()
            raise
        finally:
            self._last_used = time.monotonic()

    def close(self) -> None:
        """Closes the connection, if there is one. Raises nothing: what was confirmed is in the queue anyway."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and connection.is_open:
            with suppress(*PIKA_ERRORS):
                pika_internals.close_within(connection, CLOSE_TIMEOUT)

    def _ensure_open(self) -> bool:
        """Returns whether the connection is a new one."""
        if self._channel is not None and self._is_alive():
            return False
        self.close()
        self._connection, self._url = connect(self._brokers)
        with translated_errors(self._url):
            if self._declare:
                ensure_queue(self._connection, self._queue)
            self._channel = ConfirmChannel(self._connection)
        return True

    def _is_alive(self) -> bool:
        """Whether the open connection may be used again: the broker has not closed it, and did not have a reason to."""
        assert self._connection is not None
        idle = time.monotonic() - self._last_used
        if idle <= MAX_UNREAD_SECONDS:
            return True
        if idle > (pika_internals.heartbeat(self._connection) or math.inf):
            return False
        try:
            self._connection.process_data_events()
        except PIKA_ERRORS:
            return False
        return bool(self._channel is not None and self._channel.is_open)

    def _send_all(self, messages: Sequence[Outgoing], statuses: list[PublishStatus], *, may_reconnect: bool) -> None:
        try:
            self._send(messages, statuses)
        except BrokerUnavailable as error:
            if not (may_reconnect and is_connection_lost(error)):
                raise
            self.close()
            self._ensure_open()
            self._send(messages, statuses)

    def _send(self, messages: Sequence[Outgoing], statuses: list[PublishStatus]) -> None:
        """Sends those whose status is not known, and waits until it is known for all."""
        assert self._connection is not None
        assert self._channel is not None
        with translated_errors(self._url):
            max_size = pika_internals.max_properties_size(self._connection)
            with self._channel.publishing(self._queue, statuses) as send:
                for place, message in enumerate(messages):
                    if statuses[place] is PublishStatus.UNKNOWN:
                        with message.sending():
                            send(place, message.body, message.make_properties(max_size))
