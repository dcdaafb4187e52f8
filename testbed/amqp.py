"""The few things that the tests and the demo do with a broker themselves."""

import pika
from pika.exceptions import AMQPError


def connect(url: str) -> pika.BlockingConnection:
    """Opens a connection; gives up soon, where nothing answers."""
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = 5
    return pika.BlockingConnection(parameters)


def answers(url: str) -> bool:
    """Whether a client can open a connection."""
    try:
        connect(url).close()
    except (AMQPError, OSError):
        return False
    return True
