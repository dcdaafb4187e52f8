"""What an operator wants to know about a broker and a queue before the sink is started."""

import uuid
from contextlib import suppress

from pika.exceptions import UnroutableError
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq import pika_internals
from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.session import QueueState, session
from intercom_sink.adapters.rabbitmq.streams import find_usable_queue


def inspect_broker(brokers: Brokers) -> str:
    """The product and version of the first broker that accepts a connection. Raises BrokerUnavailable if none does."""
    with session(brokers) as connection:
        properties = pika_internals.server_properties(connection)
    return f"{properties.get('product', 'unknown broker')} {properties.get('version', '')}"


def inspect_queue(brokers: Brokers, queue: str) -> QueueState | None:
    """The state of a queue; None: it does not exist.

    Raises:
        BrokerUnavailable: it can't be inspected, or is a RabbitMQ stream.
    """
    with session(brokers) as connection:
        return find_usable_queue(connection, queue)


def check_may_publish(brokers: Brokers) -> None:
    """Checks that this user may publish through the default exchange.

    The broker checks permissions before it looks for the queue, and returns a mandatory message whose queue does not
    exist. Permissions are those of the default exchange, so they are the same for every queue.

    Raises:
        BrokerUnavailable: the user may not, or the broker can't be asked.
    """
    with session(brokers) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        with suppress(UnroutableError):
            channel.basic_publish("", f"intercom-sink-check-{uuid.uuid4()}", b"", BasicProperties(), mandatory=True)
