"""Translates pika's errors: the one place that knows what they mean."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from pika.exceptions import (
    AMQPConnectionError,
    AMQPError,
    AuthenticationError,
    ChannelClosed,
    ConnectionBlockedTimeout,
    ConnectionClosed,
    ConsumerCancelled,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from intercom_sink.adapters.rabbitmq.pika_internals import CONNECTOR_ERROR, NoReply, innermost, login_refusal
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

ACCESS_REFUSED = 403
NOT_FOUND = 404
PRECONDITION_FAILED = 406
NOT_ALLOWED = 530
INTERNAL_ERROR = 541

PIKA_ERRORS = (AMQPError, CONNECTOR_ERROR, OSError)
"""What pika's blocking calls raise when the broker or the network fails."""


@contextmanager
def translated_errors(broker: BrokerUrl | None = None) -> Generator[None]:
    """Raises BrokerUnavailable in place of each of PIKA_ERRORS that the block raises; it names the broker, if given."""
    try:
        yield
    except PIKA_ERRORS as error:
        translated = translate(error)
        if broker is not None:
            translated = BrokerUnavailable(f"{broker}: {translated}", retryable=translated.retryable)
        raise translated from error


def translate(error: BaseException) -> BrokerUnavailable:
    """What an error of pika or of the network means."""
    cause = innermost(error)
    match cause:
        case ConnectionClosed() | ChannelClosed():
            return _closed_by_broker(cause.reply_code, cause.reply_text)
        case ProbableAccessDeniedError() | ProbableAuthenticationError():
            refusal = login_refusal(cause)
            if refusal is None:
                return BrokerUnavailable(f"connection lost during login: {cause.args[0]}")
            return _closed_by_broker(*refusal)
        case AuthenticationError():
            return BrokerUnavailable(f"no common login mechanism: {cause}", retryable=False)
        case ConsumerCancelled():
            return BrokerUnavailable("the broker cancelled the consumer: the queue was deleted, or its node went down")
        case _:
            return BrokerUnavailable(describe(cause))


def describe(error: BaseException) -> str:
    """The type and the text of an error, for want of a better description."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def is_connection_lost(error: BrokerUnavailable) -> bool:
    """Whether a translated error means that an open connection was lost, so that another one may do better.

    A broker that blocks publishers, or does not confirm, would do the same on the other one.
    """
    cause = error.__cause__
    is_lost = isinstance(cause, AMQPConnectionError | OSError)
    return is_lost and not isinstance(cause, ConnectionBlockedTimeout | NoReply)


def _closed_by_broker(code: int, text: str) -> BrokerUnavailable:
    """Translates the broker's reply code and text (https://www.rabbitmq.com/amqp-0-9-1-reference#constants)."""
    temporary = re.search(r"limit .* is reached|is down|in exclusive use", text) is not None
    refused = code in (ACCESS_REFUSED, NOT_ALLOWED) and not temporary
    return BrokerUnavailable(f"{text} ({code})", retryable=not refused)
