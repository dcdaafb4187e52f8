"""What an operator wants to know about a broker and a queue before the sink is started."""

from collections.abc import Sequence

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.session import QueueState, find_queue, session
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl


def inspect_broker(urls: Sequence[BrokerUrl]) -> str:
    """The product and version of the first broker that accepts a connection. Raises BrokerUnavailable if none does."""
    with session(urls) as connection:
        properties = pika_internals.server_properties(connection)
    return " ".join(
        value.decode() if isinstance(value, bytes) else str(value)
        for value in (properties.get("product", "unknown broker"), properties.get("version", ""))
    )


def inspect_queue(urls: Sequence[BrokerUrl], queue: str) -> QueueState | None:
    """The state of a queue; None: it does not exist. Raises BrokerUnavailable if it can't be inspected."""
    with session(urls) as connection:
        return find_queue(connection, queue)
