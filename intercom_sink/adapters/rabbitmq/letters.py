"""The dead letters of a queue, looked through one by one: for an operator who lists, replays or drops them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.letter_headers import facts_of
from intercom_sink.adapters.rabbitmq.session import attempt, session
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, held until the pass is over.

    Args:
        body: the message that was given up.
        properties: its properties, with the headers that say why.
        tag: by which to take it.
    """

    body: bytes
    properties: BasicProperties
    tag: int

    @property
    def facts(self) -> dict[str, Any]:
        """What its headers say, by their names without the prefix."""
        return facts_of(self.properties)


class Pass:
    """One pass over a queue, oldest letter first; made by `open_pass`."""

    def __init__(self, channel: BlockingChannel, queue: str, count: int) -> None:
        self.count = count
        self._channel = channel
        self._queue = queue

    def letters(self) -> Iterator[Letter]:
        """The letters that were there when the pass began; those that have come since are left alone."""
        for _ in range(self.count):
            method, properties, body = self._channel.basic_get(self._queue)
            if method is None:  # somebody else took the rest
                return
            yield Letter(body, properties, method.delivery_tag)

    def take(self, letter: Letter) -> None:
        """Takes a letter off the queue, for good."""
        self._channel.basic_ack(letter.tag)


@contextmanager
def open_pass(urls: Sequence[BrokerUrl], queue: str) -> Iterator[Pass]:
    """A pass over `queue`. Every letter that is not taken goes back to its old place when it ends, however it ends.

    Raises:
        BrokerLost: within the block too; or there is no such queue.
    """
    with session(urls) as connection:
        answer = attempt(connection, lambda channel: channel.queue_declare(queue, passive=True))
        if isinstance(answer, ChannelClosedByBroker):
            raise answer
        yield Pass(connection.channel(), queue, answer.method.message_count)
