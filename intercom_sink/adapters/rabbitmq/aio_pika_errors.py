"""Translates aio-pika's errors: the one place that knows what they mean."""

from aiormq.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelAccessRefused,
    ChannelClosed,
    ChannelInvalidStateError,
    ProbableAuthenticationError,
)
from pamqp.exceptions import PAMQPException

from intercom_sink.adapters.rabbitmq.errors import describe
from intercom_sink.adapters.rabbitmq.urls import BrokerUrl
from intercom_sink.domain.errors import BrokerUnavailable

AIO_PIKA_ERRORS = (AMQPError, ChannelInvalidStateError, OSError, PAMQPException)
"""What aio-pika raises when the broker or the network fails; the last one by aiormq 6, for an unexpected frame."""

_REFUSALS = (AuthenticationError, ProbableAuthenticationError, ChannelAccessRefused)

_OPENING = "Connection.OpenOk"
"""Is named where the broker replied otherwise to the opening of a virtual host: aiormq expects nothing but this."""


def translate(error: BaseException, broker: BrokerUrl) -> BrokerUnavailable:
    """What an error of aio-pika or of the network means."""
    if _OPENING in str(error):
        # A limit is temporary, but nothing tells it from the other two, which waiting can't help.
        reason = "it does not exist, refuses this user, or has reached a limit (aiormq keeps no reason)"
        return BrokerUnavailable(f"{broker}: the broker did not open the virtual host: {reason}", retryable=False)
    return BrokerUnavailable(f"{broker}: {describe(error)}", retryable=not isinstance(error, _REFUSALS))


def is_connection_lost(error: BaseException) -> bool:
    """Whether an open connection was lost, so that another one may do better.

    False if the broker closed the channel: that is a refusal, which another connection would meet too.
    """
    return not isinstance(error, ChannelClosed)
