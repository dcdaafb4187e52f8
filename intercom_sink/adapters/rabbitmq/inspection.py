"""What an operator wants to know about a broker and a queue before the sink is started."""

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.session import QueueState, find_queue, session
from intercom_sink.adapters.rabbitmq.streams import refuse_stream


def inspect_broker(brokers: Brokers) -> str:
    """The product and version of the first broker that accepts a connection. Raises BrokerUnavailable if none does."""
    with session(brokers) as connection:
        properties = pika_internals.server_properties(connection)
    return " ".join(
        value.decode() if isinstance(value, bytes) else str(value)
        for value in (properties.get("product", "unknown broker"), properties.get("version", ""))
    )


def inspect_queue(brokers: Brokers, queue: str) -> QueueState | None:
    """The state of a queue; None: it does not exist.

    Raises:
        BrokerUnavailable: it can't be inspected, or is a RabbitMQ stream.
    """
    with session(brokers) as connection:
        state = find_queue(connection, queue)
        if state is not None:
            refuse_stream(connection, queue, state)
        return state
