"""What happens to one message.

`MessageReceived` comes first; the last is `MessageDelivered`, `MessageNotFound`, `MessageDuplicate`, `MessageGivenUp`,
`MessageMalformed`, `MessageRequeued` or `MessageNotSent`. All carry the same `Envelope` object, some within an
`Attempt`.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events.event import Event


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
    """A 409 to a message that may have reached Intercom before: most likely Intercom has it. It was acked."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class RetryScheduled(Event):
    """The message will be sent again, `delay` seconds after the end of the attempt at the earliest."""

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
