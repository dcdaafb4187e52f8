"""Connections of one thread, top to bottom: for the command line and for dead letters."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError, ChannelClosedByBroker
from pika.frame import Method

from intercom_sink.adapters.rabbitmq.faults import NOT_FOUND, translate
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerLost

_ERRORS = (AMQPError, AMQPConnectorException, OSError)


@contextmanager
def broker_errors() -> Iterator[None]:
    """Within the block, every error of pika's and of the network's becomes BrokerLost."""
    try:
        yield
    except _ERRORS as error:
        fault = translate(error)
        raise BrokerLost(str(fault), heals=fault.heals) from error


@contextmanager
def session(urls: Sequence[BrokerUrl]) -> Iterator[pika.BlockingConnection]:
    """A connection to the first broker that takes us; every error of it, within the block too, becomes BrokerLost."""
    with broker_errors():
        connection = connect(urls)
        try:
            yield connection
        finally:
            if connection.is_open:
                connection.close()


def connect(urls: Sequence[BrokerUrl]) -> pika.BlockingConnection:
    """Connects to the first broker that takes us; raises what the last one raised."""
    for url in urls[:-1]:
        try:
            return pika.BlockingConnection(url.parameters)
        except _ERRORS:
            continue
    return pika.BlockingConnection(urls[-1].parameters)


def attempt(
    connection: pika.BlockingConnection, act: Callable[[BlockingChannel], Method]
) -> Method | ChannelClosedByBroker:
    """What the broker answers on a channel of its own, a refusal included, which costs the channel only."""
    channel = connection.channel()
    try:
        answer = act(channel)
    except ChannelClosedByBroker as refusal:
        return refusal
    channel.close()
    return answer


def declare(connection: pika.BlockingConnection, queue: str) -> None:
    """Makes sure that the queue exists: as it stands, whatever its arguments; durable where there was none."""
    answer = attempt(connection, lambda channel: channel.queue_declare(queue, passive=True))
    if isinstance(answer, ChannelClosedByBroker):
        if answer.reply_code != NOT_FOUND:
            raise answer
        connection.channel().queue_declare(queue, durable=True)
