"""Finds out whether this user may publish to a queue, without publishing anything to one."""

import uuid
from contextlib import suppress

from pika.exceptions import UnroutableError
from pika.spec import BasicProperties

from intercom_sink.adapters.rabbitmq.brokers import Brokers
from intercom_sink.adapters.rabbitmq.session import session


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
