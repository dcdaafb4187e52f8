"""Everything that can happen, as values: the one list of events, which log lines, metrics and traces are made from.

No event carries the data of a request, the token or a password. `MessageMalformed` alone holds a body, since there is
nothing else to diagnose it by; a monitor must not pass it on as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from intercom_sink.domain.policy import TABLE, Disposition, RetryState, Rule
from intercom_sink.domain.response import AttemptResult


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a message. Part of other events.

    Args:
        method: the request's method.
        path: the request's path.
        result: the response, or the reason why there was none.
        disposition: what it means for the message.
        state: what is remembered of the attempts at this message, this one included.
        duration: seconds from sending to the result.
    """

    method: str
    path: str
    result: AttemptResult
    disposition: Disposition
    state: RetryState
    duration: float

    @property
    def rule(self) -> Rule:
        """The policy's row for its disposition."""
        return TABLE[self.disposition]


# What happens to one message.


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """An attempt has ended. One of the events below follows."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class MessageDelivered:
    """Intercom has the message, and it was acked."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class MessageNotFound:
    """Intercom does not know the resource, and the message was acked: there is nothing to delete or change."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """The message will be sent again.

    Args:
        attempt: the attempt that failed.
        delay: seconds until the next one, at the earliest.
    """

    attempt: Attempt
    delay: float


@dataclass(frozen=True, slots=True)
class MessageGivenUp:
    """Intercom will not take the message: it was dead-lettered where a dead-letter queue is named, and acked."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class MessageMalformed:
    """A message is not a valid request, and was given up without being sent.

    Args:
        reason: what is wrong with it, in one line that is safe to log.
        body: the message.
    """

    reason: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageRequeued:
    """A message was sent but not acked, because of a stop or a lost connection: the broker will redeliver it."""

    method: str
    path: str
    attempts: int


# What happens to all messages.


class PauseCause(StrEnum):
    """Why nothing is sent."""

    RATE_LIMITED = "rate limited"
    WINDOW_EXHAUSTED = "rate window exhausted"
    NO_RESPONSE = "no response"


@dataclass(frozen=True, slots=True)
class Paused:
    """No message is sent for a while.

    Args:
        cause: why.
        seconds: how long, as far as is known.
        until: when it ends, in Unix seconds.
    """

    cause: PauseCause
    seconds: float
    until: float


@dataclass(frozen=True, slots=True)
class ProbeSent:
    """One request is sent to test whether Intercom takes requests; the others wait for its response."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Messages are sent again after a pause; `cause` says why there was one."""

    cause: PauseCause


# What happens to the connection with RabbitMQ.


@dataclass(frozen=True, slots=True)
class Consuming:
    """The sink consumes the queue.

    Args:
        broker: RabbitMQ's URL, without its password.
        queue: the queue's name.
    """

    broker: str
    queue: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """RabbitMQ is unavailable, at the first connection or at a later one.

    Args:
        broker: its URL, without its password.
        reason: why.
    """

    broker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The next connection to RabbitMQ is tried after `delay` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """The broker has confirmed a dead letter.

    Args:
        queue: the dead-letter queue.
        reason: why the message was given up.
    """

    queue: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetterNotConfirmed:
    """A dead letter could not be published; its message stays in the queue, and publishing is tried again.

    Args:
        queue: the dead-letter queue.
        reason: what went wrong.
        delay: seconds until the next try.
    """

    queue: str
    reason: str
    delay: float


# What happens to the sink.


@dataclass(frozen=True, slots=True)
class Stopping:
    """The sink was asked to stop: it takes no further message, and finishes those in flight."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The sink has ended in good order; `processed` counts the messages it took off the queue, by disposition."""

    processed: Mapping[Disposition, int]


@dataclass(frozen=True, slots=True)
class Failed:
    """The sink has ended because RabbitMQ is unavailable; `reason` says why."""

    reason: str


Event: TypeAlias = (
    AttemptFinished
    | MessageDelivered
    | MessageNotFound
    | RetryScheduled
    | MessageGivenUp
    | MessageMalformed
    | MessageRequeued
    | Paused
    | ProbeSent
    | Resumed
    | Consuming
    | ConnectionLost
    | Reconnecting
    | DeadLettered
    | DeadLetterNotConfirmed
    | Stopping
    | Stopped
    | Failed
)
