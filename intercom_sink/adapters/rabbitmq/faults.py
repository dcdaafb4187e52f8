"""What pika's errors mean to us: one line to read, and whether waiting can heal it. The one place that knows."""

import re
from dataclasses import dataclass

from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorException,
)
from pika.exceptions import (
    AMQPConnectionError,
    AuthenticationError,
    ChannelClosed,
    ConnectionClosed,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

ACCESS_REFUSED = 403
NOT_FOUND = 404
NOT_ALLOWED = 530


@dataclass(frozen=True, slots=True)
class Fault:
    """Why RabbitMQ can't be used now.

    Args:
        reason: one line, safe to log.
        heals: whether it may be over after a while.
    """

    reason: str
    heals: bool = True

    def __str__(self) -> str:
        """The reason."""
        return self.reason


def translate(error: BaseException) -> Fault:
    """What an error of pika's, or of the network, means."""
    cause = _innermost(error)
    match cause:
        case ConnectionClosed() | ChannelClosed():
            return _closed_by_broker(cause.reply_code, cause.reply_text)
        case ProbableAccessDeniedError() | ProbableAuthenticationError():
            # "Probable": any connection that ends while logging in. Only the broker's own word says that we were
            # refused.
            word = re.search(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*)\2", str(cause.args[0]))
            return (
                _closed_by_broker(int(word[1]), word[3])
                if word
                else Fault(f"connection lost while logging in: {cause.args[0]}")
            )
        case AuthenticationError():
            return Fault(f"no common way to log in: {cause}", heals=False)
    return Fault(f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__)


def _closed_by_broker(code: int, text: str) -> Fault:
    """RabbitMQ's reply codes: https://www.rabbitmq.com/amqp-0-9-1-reference#constants."""
    passing = re.search(r"limit .* is reached|is down|in exclusive use", text) is not None
    refused = code in (ACCESS_REFUSED, NOT_ALLOWED) and not passing
    return Fault(f"{text} ({code})", heals=not refused)


def _innermost(error: BaseException) -> BaseException:
    """Out of the wrappings in which pika hands over why it could not connect."""
    match error:
        case AMQPConnectionWorkflowFailed() if error.exceptions:
            return _innermost(error.exceptions[-1])
        case AMQPConnectorException(exception=BaseException() as inner):
            return _innermost(inner)
        case AMQPConnectionError(args=(BaseException() as inner, *_)):
            return _innermost(inner)
    return error
