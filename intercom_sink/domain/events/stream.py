"""What happens to all messages at once, to the connection with RabbitMQ, to dead letters, and to the sink."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events.event import Event
from intercom_sink.domain.policy import Disposition

# What happens to all messages.


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """For about `seconds`, until `until`, nothing is sent, or only requests that are spread over the rest of a window.

    The rate window, or this sink's share of it, is used up; or a 429, or no response, pauses the stream.
    """

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


# What happens to dead letters.


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
