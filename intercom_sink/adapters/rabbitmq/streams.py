"""Refuses streams: they can't be consumed as a queue is, and nothing that is published to one is ever removed.

AMQP does not tell a queue's type. What tells it is the consumer argument `x-stream-offset`: a stream accepts a valid
offset and refuses any other, and a queue of another type refuses both. No message is delivered meanwhile, since a
stream has none after its end. A few brokers ignore the argument for other types, and so accept both.
"""

import pika
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.errors import INTERNAL_ERROR, translated_errors
from intercom_sink.adapters.rabbitmq.session import closing
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable


def refuse_streams(url: BrokerUrl, *queues: str) -> None:
    """Looks at these queues over a connection of its own.

    Raises:
        BrokerUnavailable: one is a stream, which is not retryable; or the broker can't be asked.
    """
    with translated_errors():
        connection = pika_internals.blocking_connection(url.parameters)
        with closing(connection):
            for queue in queues:
                refuse_stream(connection, queue)


def refuse_stream(connection: pika.BlockingConnection, queue: str) -> None:
    """Raises BrokerUnavailable, which is not retryable, if this queue is a stream. Raises pika's errors."""
    if _accepts(connection, queue, "next") and not _accepts(connection, queue, "no offset"):
        raise BrokerUnavailable(f"{queue} is a stream: name a classic or a quorum queue", retryable=False)


def _accepts(connection: pika.BlockingConnection, queue: str, offset: str) -> bool:
    channel = connection.channel()  # of its own, since the broker closes it if it refuses
    channel.basic_qos(prefetch_count=1)
    try:
        channel.basic_consume(queue, lambda *_: None, arguments={"x-stream-offset": offset})
    except ChannelClosedByBroker:
        return False
    except ConnectionClosedByBroker as error:
        if error.reply_code == INTERNAL_ERROR:  # RabbitMQ 3.10, of an offset that is none
            return False
        raise
    channel.close()
    return True
