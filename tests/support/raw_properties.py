"""AMQP properties as bytes, for what no client library would write."""

import struct

import pika

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.properties import Properties, read_properties
from testbed import amqp
from tests.support.queues import Queue


class RawProperties(pika.BasicProperties):  # type: ignore[misc]
    """Properties that are written as these bytes."""

    def __init__(self, encoded: bytes) -> None:
        super().__init__()
        self._encoded = encoded

    def encode(self) -> list[bytes]:
        return [self._encoded]


def with_headers(table: bytes, delivery_mode: int = 2) -> RawProperties:
    """Properties with headers, given as a table without its length, and with a delivery mode."""
    return RawProperties(struct.pack(">HI", 0x3000, len(table)) + table + bytes([delivery_mode]))


def header(name: bytes, value: bytes) -> bytes:
    """One field of a table."""
    return bytes([len(name)]) + name + value


def encoded(properties: pika.BasicProperties) -> bytes:
    """Properties on the wire."""
    return b"".join(properties.encode())


def carried(properties: pika.BasicProperties) -> tuple[bytes, bytes]:
    """What RabbitMQ may make of properties, on the wire.

    RabbitMQ 3 leaves the headers as they are; RabbitMQ 4 sorts them by name, and keeps the first of each name.
    """
    read = read_properties(encoded(properties))
    first = {field.raw_name: field for field in reversed(read.fields)}
    read.fields = tuple(first[name] for name in sorted(first))
    return encoded(properties), encoded(read)


def publish_raw(queue: Queue, *messages: tuple[bytes, pika.BasicProperties]) -> None:
    """Publishes messages with their properties; returns once the broker has confirmed them."""
    with amqp.connect(queue.url) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for body, properties in messages:
            channel.basic_publish("", queue.name, body, properties, mandatory=True)


def take_with_properties(queue: Queue) -> list[tuple[bytes, Properties]]:
    """Removes every message that is ready; returns their bodies and their properties, as the sink reads them."""
    connection = pika_internals.blocking_connection(pika.URLParameters(queue.url))
    with connection:
        channel = connection.channel()
        taken = list(iter(lambda: channel.basic_get(queue.name, auto_ack=True), (None, None, None)))
    return [(body, properties) for _, properties, body in taken]
