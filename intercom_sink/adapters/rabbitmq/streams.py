"""Refuses streams: they can't be consumed as a queue is, and nothing that is published to one is ever removed.

AMQP does not tell a queue's type. What tells it are arguments of a consumer: a stream refuses `x-priority`, and accepts
`x-stream-offset`; queues of every other type do the opposite. RabbitMQ's sources have it so since there are streams.

The sink's own consumer has a priority (`consumer`). Another queue is only looked at, and no message of it may be
delivered: on a quorum queue that would count towards its delivery limit. So a priority is tried where the queue is
empty, and an offset where it is not; the broker then logs that it has refused that.
"""

import pika
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.errors import INTERNAL_ERROR, PRECONDITION_FAILED, translated_errors
from intercom_sink.adapters.rabbitmq.session import QueueState, closing, find_queue
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

ACCEPTED = 0
"""In place of the code of a reply that refuses."""


def stream_refused(queue: str) -> BrokerUnavailable:
    """The error for a queue that is a stream."""
    return BrokerUnavailable(f"{queue} is a stream: name a classic or a quorum queue", retryable=False)


def refuse_stream_at(url: BrokerUrl, queue: str) -> None:
    """Looks at a queue, if it exists, over a connection of its own.

    Raises:
        BrokerUnavailable: it is a stream, which is not retryable; or the broker can't be asked.
    """
    with translated_errors():
        connection = pika_internals.blocking_connection(url.parameters)
        with closing(connection):
            state = find_queue(connection, queue)
            if state is not None:
                refuse_stream(connection, queue, state)


def refuse_stream(connection: pika.BlockingConnection, queue: str, state: QueueState) -> None:
    """Raises BrokerUnavailable, which is not retryable, if this queue is a stream. Raises pika's errors."""
    if state.messages:
        # A broker that ignores offsets accepts an invalid one too.
        is_stream = (
            _reply_to(connection, queue, {"x-stream-offset": "next"}) == ACCEPTED
            and _reply_to(connection, queue, {"x-stream-offset": "no offset"}) != ACCEPTED
        )
    else:
        is_stream = _reply_to(connection, queue, {"x-priority": -1}) == PRECONDITION_FAILED
    if is_stream:
        raise stream_refused(queue)


def _reply_to(connection: pika.BlockingConnection, queue: str, arguments: dict[str, object]) -> int:
    """The code with which the broker refuses such a consumer; ACCEPTED: it does not."""
    channel = connection.channel()  # of its own, since the broker closes it if it refuses
    channel.basic_qos(prefetch_count=1)
    try:
        channel.basic_consume(queue, lambda *_: None, arguments=arguments)
    except ChannelClosedByBroker as error:
        return int(error.reply_code)
    except ConnectionClosedByBroker as error:
        if error.reply_code != INTERNAL_ERROR:  # RabbitMQ 3.10 closes with it for an offset that is none
            raise
        return INTERNAL_ERROR
    channel.close()
    return ACCEPTED
