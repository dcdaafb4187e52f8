"""Blocking connections, for publishers and the command line."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pika
from pika.exceptions import ChannelClosedByBroker

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.errors import NOT_FOUND, translated_errors
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable


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
def session(brokers: Brokers) -> Generator[pika.BlockingConnection]:
    """A connection to the first broker that accepts one.

    Raises:
        BrokerUnavailable: none accepts one, or an error within the block; the text names the broker.
    """
    connection, url = connect(brokers)
    with translated_errors(url), connection:
        yield connection


def connect(brokers: Brokers) -> tuple[pika.BlockingConnection, BrokerUrl]:
    """Connects to the first broker that accepts a connection.

    Where one refuses this client, the URLs are read again, and new ones are tried too.

    Raises:
        BrokerUnavailable: none accepts one. It is retryable unless all of them refuse this client.
    """
    errors: list[BrokerUnavailable] = []
    urls = brokers.urls
    for url in urls:
        try:
            with translated_errors(url):
                return pika_internals.blocking_connection(url.parameters), url
        except BrokerUnavailable as error:
            errors.append(error)
    if any(not error.retryable for error in errors) and brokers.reload(urls):
        return connect(brokers)
    raise all_unavailable(errors) from errors[-1]


def all_unavailable(errors: Sequence[BrokerUnavailable]) -> BrokerUnavailable:
    """The error where no broker accepts a connection, given that of each: retryable unless all of them refuse."""
    return BrokerUnavailable("; ".join(map(str, errors)), retryable=any(error.retryable for error in errors))


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
