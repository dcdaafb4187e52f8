"""Reads the dead letters of a queue, for an operator who lists, replays or deletes them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.dead_letter_headers import metadata_of
from intercom_sink.adapters.rabbitmq.properties import Properties
from intercom_sink.adapters.rabbitmq.session import find_queue, session
from intercom_sink.domain.errors import OperatorError


class NoSuchQueue(OperatorError):
    """The dead-letter queue does not exist: there was no dead letter yet, or its name is mistyped."""


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter in its queue. The browser holds it unacked until it is removed, or the browser closed.

    Args:
        body: the message that was given up.
        properties: its properties, with the headers that say why.
        tag: its delivery tag.
        number: its place in the queue, from 1, the oldest.
    """

    body: bytes
    properties: Properties
    tag: int
    number: int

    @property
    def metadata(self) -> dict[str, Any]:
        """Its metadata from the headers, by names without the prefix."""
        return metadata_of(self.properties)


class DeadLetterBrowser:
    """Goes through a queue once, from its oldest dead letter; made by `open_browser`.

    Attributes:
        count: how many dead letters the queue held when the browser was opened.
    """

    def __init__(self, channel: BlockingChannel, queue: str, count: int) -> None:
        self.count = count
        self._channel = channel
        self._queue = queue

    def browse(self) -> Iterator[StoredDeadLetter]:
        """As many dead letters as the queue held when the browser was opened, from the oldest.

        All of them were in the queue then, unless another client has removed some since.
        """
        for number in range(1, self.count + 1):
            method, properties, body = self._channel.basic_get(self._queue)
            if method is None or body is None:  # another client has removed some
                return
            assert isinstance(properties, Properties)  # that is what `session` reads
            yield StoredDeadLetter(body, properties, method.delivery_tag, number)

    def remove(self, stored: StoredDeadLetter) -> None:
        """Removes a dead letter from the queue for good."""
        self._channel.basic_ack(stored.tag)


@contextmanager
def open_browser(brokers: Brokers, queue: str) -> Generator[DeadLetterBrowser]:
    """A browser of `queue`. However the block ends, the dead letters that were not removed return to their places.

    Raises:
        NoSuchQueue: there is none of this name.
        BrokerUnavailable: also for errors within the block.
    """
    with session(brokers) as connection:
        state = find_queue(connection, queue)
        if state is None:
            raise NoSuchQueue(f"there is no queue {queue}")
        yield DeadLetterBrowser(connection.channel(), queue, state.messages)
