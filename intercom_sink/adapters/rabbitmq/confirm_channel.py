"""A channel that awaits the confirms of many messages at once: pika's BlockingChannel awaits one after each message."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import takewhile
from typing import TypeAlias

import pika
from pika import spec
from pika.channel import Channel
from pika.frame import Method

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.domain.confirms import CONFIRM_TIMEOUT, PublishStatus

Send: TypeAlias = Callable[[int, bytes, spec.BasicProperties], None]
"""Sends a message, given its place among the statuses, its body and its properties."""


class ConfirmChannel:
    """A channel in confirm mode, which awaits the confirms of many messages at once.

    Args:
        connection: one of `pika_internals.blocking_connection`.
    """

    def __init__(self, connection: pika.BlockingConnection) -> None:
        self._connection = connection
        self._blocking = connection.channel()
        self._channel = pika_internals.channel_below(self._blocking)
        self._published = 0
        self._pending: dict[int, tuple[int, str | None, bytes]] = {}
        self._returned: set[int] = set()
        self._statuses: list[PublishStatus] = []
        selected: list[object] = []
        self._channel.confirm_delivery(self._on_confirm, callback=selected.append)
        self._channel.add_on_return_callback(self._on_return)
        self._wait_until(lambda: bool(selected))

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return bool(self._blocking.is_open)

    @contextmanager
    def publishing(self, queue: str, statuses: list[PublishStatus]) -> Generator[Send]:
        """Yields what sends a message; then waits until the broker has confirmed, nacked or returned each of them.

        What is sent within the block leaves in one write, at its end. Raises pika's errors; NoReply after
        CONFIRM_TIMEOUT.

        Args:
            queue: where to.
            statuses: receives the status of each message at its place, also if an error comes in between.
        """
        self._statuses = statuses

        def send(place: int, body: bytes, properties: spec.BasicProperties) -> None:
            self._published += 1
            self._pending[self._published] = (place, properties.message_id, body)
            self._channel.basic_publish("", queue, body, properties, mandatory=True)

        with pika_internals.one_write(self._connection):
            yield send
        self._wait_until(lambda: not self._pending)

    def _wait_until(self, is_done: Callable[[], bool]) -> None:
        pika_internals.wait_for(self._connection, self._blocking, is_done, CONFIRM_TIMEOUT)

    def _on_confirm(self, frame: Method[spec.Basic.Ack | spec.Basic.Nack]) -> None:
        confirm = frame.method
        if confirm.multiple:
            tags = list(takewhile(lambda tag: tag <= confirm.delivery_tag, self._pending))
        else:
            tags = [confirm.delivery_tag]
        status = PublishStatus.NACKED if isinstance(confirm, spec.Basic.Nack) else PublishStatus.CONFIRMED
        for tag in tags:
            place, _, _ = self._pending.pop(tag)
            self._statuses[place] = PublishStatus.RETURNED if tag in self._returned else status
        self._returned.difference_update(tags)

    def _on_return(
        self, _channel: Channel, _return: spec.Basic.Return, properties: spec.BasicProperties, body: bytes
    ) -> None:
        """A return does not say which message it is, but comes before its confirm, in the order of publishing."""
        last = max(self._returned, default=0)
        for tag, (_, message_id, sent) in self._pending.items():
            if tag > last and message_id == properties.message_id and sent == body:
                self._returned.add(tag)
                return
