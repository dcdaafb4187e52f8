"""Translates aio-pika's errors: the one place that knows what they mean."""

from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelClosed,
    ChannelInvalidStateError,
    ConnectionNotAllowed,
    ProbableAuthenticationError,
)

from intercom_sink.adapters.rabbitmq.errors import describe
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

AIO_PIKA_ERRORS = (AMQPError, ChannelInvalidStateError, OSError)
"""What aio-pika raises when the broker or the network fails."""

_REFUSALS = (AuthenticationError, ProbableAuthenticationError, ConnectionNotAllowed, ChannelAccessRefused)


def translate(error: BaseException, broker: BrokerUrl) -> BrokerUnavailable:
    """What an error of aio-pika or of the network means."""
    return BrokerUnavailable(f"{broker}: {describe(error)}", retryable=not isinstance(error, _REFUSALS))


def is_connection_lost(error: BaseException) -> bool:
    """Whether an open connection was lost, so that another one may do better. A broker closes a channel to refuse."""
    return not isinstance(error, ChannelClosed)
