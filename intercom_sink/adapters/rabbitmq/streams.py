"""Refuses RabbitMQ streams: they can't be consumed as a queue is, and nothing published to one can be removed.

AMQP does not report a queue's type, but consumer arguments reveal it: only streams refuse `x-priority` and accept
`x-stream-offset`. That is so in RabbitMQ's sources of every version that has streams.

The sink's own consumer states a priority (see `consumer`). Other queues are inspected without receiving a message,
since a delivery counts towards a quorum queue's limit: by a consumer with a priority where the queue is empty, and by
one with an offset where it is not. The broker logs each refusal.
"""

import pika
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.errors import INTERNAL_ERROR, PRECONDITION_FAILED, translated_errors
from intercom_sink.adapters.rabbitmq.session import QueueState, find_queue
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

ACCEPTED = 0
"""Stands for "not refused" among the broker's reply codes."""


def stream_error(queue: str) -> BrokerUnavailable:
    """The error for a queue that is a RabbitMQ stream."""
    return BrokerUnavailable(f"{queue} is a RabbitMQ stream: name a classic or a quorum queue", retryable=False)


def refuse_stream_at(url: BrokerUrl, queue: str) -> None:
    """Raises BrokerUnavailable if the queue exists and is a RabbitMQ stream, over a connection of its own.

    That error is not retryable. Raises BrokerUnavailable too if the broker can't be asked.
    """
    with translated_errors(), pika_internals.blocking_connection(url.parameters) as connection:
        find_usable_queue(connection, queue)


def find_usable_queue(connection: pika.BlockingConnection, queue: str) -> QueueState | None:
    """The state of a queue; None: it does not exist.

    Raises pika's errors, and BrokerUnavailable, which is not retryable, if the queue is a RabbitMQ stream.
    """
    state = find_queue(connection, queue)
    if state is None:
        return None
    if state.messages:
        # A broker without streams ignores offsets, so it accepts an invalid one too.
        is_stream = (
            _refusal_code(connection, queue, {"x-stream-offset": "next"}) == ACCEPTED
            and _refusal_code(connection, queue, {"x-stream-offset": "no offset"}) != ACCEPTED
        )
    else:
        # -1: should a message arrive meanwhile, the broker delivers it to any other consumer first.
        is_stream = _refusal_code(connection, queue, {"x-priority": -1}) == PRECONDITION_FAILED
    if is_stream:
        raise stream_error(queue)
    return state


def _refusal_code(connection: pika.BlockingConnection, queue: str, arguments: dict[str, object]) -> int:
    """The code with which the broker refuses such a consumer; ACCEPTED: it does not."""
    channel = connection.channel()  # of its own, since the broker closes it if it refuses
    channel.basic_qos(prefetch_count=1)
    try:
        channel.basic_consume(queue, _ignore, arguments=arguments)
    except ChannelClosedByBroker as error:
        return int(error.reply_code)
    except ConnectionClosedByBroker as error:
        if error.reply_code != INTERNAL_ERROR:  # RabbitMQ 3.10 does so for an invalid offset
            raise
        return INTERNAL_ERROR
    channel.close()
    return ACCEPTED


def _ignore(*delivery: object) -> None:
    """Ignores a delivery: closing the channel requeues it."""
