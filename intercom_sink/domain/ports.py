"""What the domain needs of the world outside, and what each port promises to it."""

from collections.abc import Callable
from typing import Protocol

from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.outcome import Outcome
from intercom_sink.domain.request import IntercomRequest


class Delivery(Protocol):
    """One message, handed over by the broker and not yet acked."""

    @property
    def body(self) -> bytes:
        """The message as it was published."""

    @property
    def redelivered(self) -> bool:
        """Whether the broker has handed the message over before: it may have reached Intercom."""

    @property
    def ordering_key(self) -> str | None:
        """Messages of one key must reach Intercom in order; those without one (None) have that in common too."""

    def is_lost(self) -> bool:
        """Whether its connection is gone: the broker will deliver the message anew, this delivery can't settle it."""

    def ack(self) -> None:
        """Takes the message off the queue, for good. Called once at most; does nothing once the delivery is lost.

        Does not block. The ack has reached the broker when the source has been closed.
        """

    def give_up(self, letter: DeadLetter) -> bool:
        """Takes the message off the queue though Intercom does not have it, keeping it where dead letters are kept.

        Called once at most, instead of `ack`. Where there is such a place it blocks until the message is safe there,
        and only then takes it off the queue.

        Returns:
            Whether it did; not, if the source was stopped or the delivery lost first: the message stays.

        Raises:
            BrokerLost: the message could not be made safe for longer than allowed; it stays.
        """


class MessageSource(Protocol):
    """A queue of messages. What is not acked when the source closes, or dies, is delivered again, in its old place.

    One thread receives; any may settle deliveries, in any order.
    """

    def receive(self) -> Delivery | None:
        """The next message, in the queue's order; blocks until there is one.

        Never hands out a delivery that it knows to be lost. None, from then on: no more will come, since the source was
        stopped, or since it was asked to drain the queue and the queue is empty and every delivery acked.

        Raises:
            BrokerLost: the broker is gone for longer than allowed, or refuses us.
        """

    def stop(self) -> None:
        """Hand out no further message; ends a `receive` that blocks. May be called from any thread, and again."""

    def close(self) -> None:
        """Sends the acks that are still on their way, then gives the connection, and every unacked message, back."""


class IntercomGateway(Protocol):
    """The way to Intercom. Any number of threads may send at once."""

    def send(self, request: IntercomRequest) -> Outcome:
        """Makes one attempt; blocks until there is an outcome. Failures are outcomes too, not exceptions."""

    def close(self) -> None:
        """Gives its connections back."""


class Clock(Protocol):
    """Time, and waiting."""

    def unix_time(self) -> float:
        """The time of day, in Unix seconds: for people to read, not to reckon with."""

    def monotonic(self) -> float:
        """Seconds by a clock that only goes forward: to reckon with."""

    def wait(self, seconds: float, unless: Callable[[], bool]) -> bool:
        """Waits until so many seconds are over (True), or `unless()` is true (False).

        `unless` is looked at first, and then at every `wake`.
        """

    def wake(self) -> None:
        """Something changed that an `unless` may look at. May be called from any thread."""


class Decode(Protocol):
    """How a message is read."""

    def __call__(self, body: bytes) -> IntercomRequest:
        """The request that a body asks for; raises MalformedMessage, and nothing else, if it asks for none."""
