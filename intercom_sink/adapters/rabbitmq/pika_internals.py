"""The uses of pika that are not public API: a function for each, with the reason.

`setup.cfg` bounds pika's version, and each function has a test that fails when pika changes.
"""

import re
from collections.abc import Mapping
from typing import Any

import pika
from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowFailed, AMQPConnectorException
from pika.channel import Channel
from pika.exceptions import AMQPConnectionError

CONNECTOR_ERROR: type[Exception] = AMQPConnectorException
"""`pika.BlockingConnection` raises its subclasses too when it can't connect; none is in `pika.exceptions`."""


def abort(connection: pika.SelectConnection) -> None:
    """Closes a connection without waiting for the broker; the public `close` waits for its reply without a timeout."""
    connection._adapter_disconnect_stream()


def close_without_cancelling(connection: pika.SelectConnection, channel: Channel | None) -> None:
    """Closes a connection without cancelling the consumers of its channel, where it has one.

    The public `close` cancels them, and only then closes the channel. In between the broker would deliver the next
    messages to a standby, before this channel's unacked ones are requeued. Without the cancellation the broker does
    both in one step, and keeps the order.
    """
    if channel is not None:
        channel._cancelled.update(channel._consumers)  # `close` skips consumers that are already being cancelled
    connection.close()


def server_properties(connection: pika.BlockingConnection) -> Mapping[str, Any]:
    """What the broker said about itself. `SelectConnection` makes it public, `BlockingConnection` does not."""
    return connection._impl.server_properties or {}


def login_refusal(error: AMQPConnectionError) -> tuple[int, str] | None:
    """The broker's reply code and text in a ProbableAuthenticationError or ProbableAccessDeniedError.

    pika raises these for every connection that ends during the login, and keeps only the `repr` of the cause.

    Returns:
        The code and the text; None if the broker did not refuse the login, but the connection was lost.
    """
    reply = re.search(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*)\2", str(error.args[0]))
    return (int(reply[1]), reply[3]) if reply else None


def innermost(error: BaseException) -> BaseException:
    """The cause of a failed connection: pika wraps it in up to three exceptions, and links none by `__cause__`."""
    match error:
        case AMQPConnectionWorkflowFailed(exceptions=(*_, BaseException() as inner)):
            return innermost(inner)
        case AMQPConnectorException(exception=BaseException() as inner):
            return innermost(inner)
        case AMQPConnectionError(args=(BaseException() as inner, *_)):
            return innermost(inner)
    return error
