"""What an operator wants to know of a broker and a queue before the sink is started."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pika
from pika.exceptions import ChannelClosedByBroker

from intercom_sink.adapters.rabbitmq.faults import NOT_FOUND
from intercom_sink.adapters.rabbitmq.session import attempt, session
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as it stands: messages ready, consumers, and its type (classic, quorum, stream, or unknown)."""

    messages: int
    consumers: int
    type: str


def inspect_broker(urls: Sequence[BrokerUrl]) -> str:
    """The product and version of the first broker that takes us; raises BrokerLost if none does."""
    with session(urls) as connection:
        properties = connection._impl.server_properties or {}
    return " ".join(
        value.decode() if isinstance(value, bytes) else str(value)
        for value in (properties.get("product", "unknown broker"), properties.get("version", ""))
    )


def inspect_queue(urls: Sequence[BrokerUrl], queue: str) -> QueueState | None:
    """The state of a queue, or None where there is none; raises BrokerLost if it can't be looked at."""
    with session(urls) as connection:
        answer = attempt(connection, lambda channel: channel.queue_declare(queue, passive=True))
        if not isinstance(answer, ChannelClosedByBroker):
            state = answer.method
            return QueueState(state.message_count, state.consumer_count, _type_of(connection, queue))
        if answer.reply_code == NOT_FOUND:
            return None
        raise answer


def _type_of(connection: pika.BlockingConnection, queue: str) -> str:
    """The queue's type, which AMQP does not tell.

    But RabbitMQ, asked to declare the queue anew with a type that does not exist, names the real one. Such
    a declaration can't succeed, so that nothing is ever made or changed by it.
    """
    probe = {"x-queue-type": "not-a-type"}
    answer = attempt(connection, lambda channel: channel.queue_declare(queue, durable=True, arguments=probe))
    if not isinstance(answer, ChannelClosedByBroker) or "'x-queue-type'" not in answer.reply_text:
        return "unknown"
    named = re.search(r"but current is '(\w+)'", answer.reply_text)
    return named[1] if named else "classic"
