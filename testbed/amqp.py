"""What the tests, the demo and the benchmarks do with a broker themselves, over short connections of their own."""

import logging
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import pika
from pika.exceptions import AMQPError
from pika.spec import Basic

from intercom_sink.adapters.rabbitmq.pika_internals import lost_at_once

ORDERING_KEY_HEADER = "x-ordering-key"

DEFAULT_EXCHANGE = ""

logging.getLogger("pika").setLevel(logging.CRITICAL)  # a broker that has not started yet is no error here


def connect(url: str) -> pika.BlockingConnection:
    """Opens a connection; gives up after a few seconds if nothing responds."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = 5
    with lost_at_once():
        return pika.BlockingConnection(parameters)


def answers(url: str) -> bool:
    """Whether the broker accepts connections."""
    try:
        connect(url).close()
    except (AMQPError, OSError):
        return False
    return True


def publish(
    url: str, queue: str, bodies: Iterable[bytes], keys: Iterable[object] = (), exchange: str = DEFAULT_EXCHANGE
) -> None:
    """Publishes the bodies, persistent, each with its ordering key; returns once the broker has confirmed them.

    The name of the queue is the routing key, which another exchange than the default one may ignore.
    """
    with connect(url) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for body, key in zip_longest(bodies, keys):
            headers = None if key is None else {ORDERING_KEY_HEADER: key}
            properties = pika.BasicProperties(delivery_mode=2, headers=headers)
            channel.basic_publish(exchange, queue, body, properties, mandatory=True)


def declare(url: str, queue: str, **options: Any) -> None:
    """Declares a queue; durable unless `options` say otherwise."""
    with connect(url) as connection:
        connection.channel().queue_declare(queue, **{"durable": True} | options)


def delete(url: str, queue: str) -> None:
    """Deletes a queue, if it exists."""
    with connect(url) as connection:
        connection.channel().queue_delete(queue)


def depth(url: str, queue: str) -> int:
    """How many messages are ready; those that a consumer holds unacked do not count."""
    with connect(url) as connection:
        return int(connection.channel().queue_declare(queue, passive=True).method.message_count)


def consumers(url: str, queue: str) -> int:
    """How many consumers the queue has."""
    with connect(url) as connection:
        return int(connection.channel().queue_declare(queue, passive=True).method.consumer_count)


def take_all_with_keys(url: str, queue: str) -> list[tuple[bytes, object]]:
    """Removes every message that is ready; returns each body with its ordering key."""
    return [(body, (properties.headers or {}).get(ORDERING_KEY_HEADER)) for _, properties, body in get_all(url, queue)]


def take_all(url: str, queue: str) -> list[tuple[bytes, bool]]:
    """Removes every message that is ready; returns each body, and whether it had been delivered before."""
    return [(body, method.redelivered) for method, _, body in get_all(url, queue)]


def get_all(url: str, queue: str) -> list[tuple[Basic.GetOk, pika.BasicProperties, bytes]]:
    """Removes every message that is ready; returns its delivery, properties and body."""
    with connect(url) as connection:
        channel = connection.channel()
        return list(iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None)))
