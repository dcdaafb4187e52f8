"""Blocking connections, for the command line and for dead letters."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pika
from pika.exceptions import ChannelClosedByBroker

from intercom_sink.adapters.rabbitmq.errors import NOT_FOUND, PIKA_ERRORS, translated_errors
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at one moment.

    Args:
        messages: how many messages are ready; those that a consumer holds unacked do not count.
        consumers: how many consumers it has.
    """

    messages: int
    consumers: int


@contextmanager
def session(urls: Sequence[BrokerUrl]) -> Iterator[pika.BlockingConnection]:
    """A connection to the first broker that accepts one. Raises BrokerUnavailable, also for errors within the block."""
    with translated_errors():
        connection = connect(urls)
        try:
            yield connection
        finally:
            if connection.is_open:
                connection.close()


def connect(urls: Sequence[BrokerUrl]) -> pika.BlockingConnection:
    """Connects to the first broker that accepts a connection; raises pika's error about the last one."""
    for url in urls[:-1]:
        try:
            return pika.BlockingConnection(url.parameters)
        except PIKA_ERRORS:
            continue
    return pika.BlockingConnection(urls[-1].parameters)


def find_queue(connection: pika.BlockingConnection, queue: str) -> QueueState | None:
    """The state of a queue; None: it does not exist. Raises pika's errors."""
    channel = connection.channel()  # of its own, since the broker closes it if the queue does not exist
    try:
        state = channel.queue_declare(queue, passive=True).method
    except ChannelClosedByBroker as error:
        if error.reply_code == NOT_FOUND:
            return None
        raise
    channel.close()
    return QueueState(state.message_count, state.consumer_count)


def ensure_queue(connection: pika.BlockingConnection, queue: str) -> None:
    """Declares a queue durable if it does not exist; one that exists is used as it is, whatever its arguments."""
    if find_queue(connection, queue) is None:
        connection.channel().queue_declare(queue, durable=True)
