"""Everything that can happen, as values: the one list of events, which log lines, metrics and traces are made from.

No event carries the data of a request, the token or a password. `MessageMalformed` alone holds a body, since there is
nothing else to diagnose it by; a monitor must not pass it on as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.policy import Disposition


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; each kind of event is a class of its own."""


# What happens to one message. `MessageReceived` comes first; the last is `MessageDelivered`, `MessageNotFound`,
# `MessageDuplicate`, `MessageGivenUp`, `MessageMalformed`, `MessageRequeued` or `MessageNotSent`. All carry the same
# `Envelope` object, some within an `Attempt`.


@dataclass(frozen=True, slots=True)
class MessageReceived(Event):
    """A message is handled from now on, until it is acked, given up or left in its queue.

    Args:
        envelope: the message.
        delivered_at: when the broker delivered it, in seconds of a monotonic clock.
        is_malformed: whether it will be given up without an attempt, since it is not a valid request.
    """

    envelope: Envelope
    delivered_at: float
    is_malformed: bool = False


@dataclass(frozen=True, slots=True)
class AttemptStarted(Event):
    """A request is sent to Intercom.

    Args:
        envelope: the message.
        method: the request's method.
        path: its path.
        number: the number of the attempt at this message, from 1.
    """

    envelope: Envelope
    method: str
    path: str
    number: int


@dataclass(frozen=True, slots=True)
class AttemptFinished(Event):
    """An attempt has ended; a later event of its message says what follows: delivered, retried, given up, ..."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class MessageDelivered(Event):
    """Intercom has the message, and its ack is on its way; if the connection breaks first, it is redelivered."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class MessageNotFound(Event):
    """Intercom does not know the resource, and the message was acked: there is nothing to delete or change."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class MessageDuplicate(Event):
    """Intercom has the message from an earlier attempt (409), and it was acked."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RetryScheduled(Event):
    """The message will be sent again, after `delay` seconds at the earliest."""

    attempt: Attempt
    delay: float


@dataclass(frozen=True, slots=True)
class MessageGivenUp(Event):
    """Intercom will not take the message: it was dead-lettered where a dead-letter queue is named, and acked."""

    attempt: Attempt


Settled: TypeAlias = MessageDelivered | MessageNotFound | MessageDuplicate | MessageGivenUp
"""A message was acked or given up after an attempt."""


@dataclass(frozen=True, slots=True)
class MessageMalformed(Event):
    """A message is not a valid request, and was given up without being sent.

    Args:
        envelope: empty, if the message's properties can't be read.
        reason: what is wrong with it, in one line that is safe to log.
    """

    envelope: Envelope
    reason: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageRequeued(Event):
    """A message was sent but not acked, because of a stop, a hold, a lost connection or an unconfirmed dead letter."""

    envelope: Envelope
    method: str
    path: str
    attempts: int


@dataclass(frozen=True, slots=True)
class MessageNotSent(Event):
    """A message returns to its queue unsent: a stop, a hold, a lost connection, or a dead letter not confirmed."""

    envelope: Envelope


# What happens to all messages.


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """Nothing is sent for `seconds`, as far as is known; `until` is the end of the pause."""

    cause: PauseCause
    seconds: float
    until: float  # Unix seconds


@dataclass(frozen=True, slots=True)
class ProbeSent(Event):
    """One request is sent to test whether Intercom takes requests; the others wait for its response."""


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """Messages are sent again after a pause; `cause` says why there was one."""

    cause: PauseCause


@dataclass(frozen=True, slots=True)
class HoldBegan(Event):
    """No message is sent; all wait in the queue until `GET /me` succeeds or, after an outage, gets any response.

    Args:
        cause: why they wait.
        attempt: the one whose failure began it.
    """

    cause: HoldCause
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class HoldContinues(Event):
    """The hold has lasted `seconds` so far."""

    cause: HoldCause
    seconds: float


@dataclass(frozen=True, slots=True)
class HoldEnded(Event):
    """The hold ended after `seconds`; the queue is consumed again."""

    cause: HoldCause
    seconds: float


# What happens to the connection with RabbitMQ.


@dataclass(frozen=True, slots=True)
class Consuming(Event):
    """The sink consumes a queue of a broker, whose URL is shown without its password."""

    broker: str
    queue: str


@dataclass(frozen=True, slots=True)
class OtherConsumers(Event):
    """The queue has other consumers (`consumers`): they break its order, unless it is single-active-consumer."""

    queue: str
    consumers: int


@dataclass(frozen=True, slots=True)
class ConnectionFailed(Event):
    """A connection to RabbitMQ could not be opened, or was lost; the broker's URL is shown without its password."""

    broker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reconnecting(Event):
    """The next connection to RabbitMQ is tried after `delay` seconds."""

    delay: float


@dataclass(frozen=True, slots=True)
class DeadLettered(Event):
    """The broker has confirmed a dead letter; `reason` and `error_codes` say why the message was given up."""

    queue: str
    reason: Reason
    error_codes: tuple[str, ...] = ()
    envelope: Envelope = field(default_factory=Envelope)


@dataclass(frozen=True, slots=True)
class DeadLetterNotConfirmed(Event):
    """A dead letter is not confirmed, but may be stored; its message stays queued. The next attempt is in `delay` s.

    `reason` says why the broker did not confirm it.
    """

    queue: str
    reason: str
    delay: float
    envelope: Envelope = field(default_factory=Envelope)


# What happens to the sink.


@dataclass(frozen=True, slots=True)
class Stopping(Event):
    """The sink was asked to stop: attempts in flight finish, and everything else returns to the queue."""


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The sink ended gracefully; `processed` counts messages by disposition.

    It counts none whose AMQP properties can't be read.
    """

    processed: Mapping[Disposition, int]


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The sink has ended because of an error, such as an unavailable RabbitMQ; `reason` says which."""

    reason: str
