"""The ports: what the domain needs from outside, and what each port promises."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Protocol

from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.domain.events import Event
from intercom_sink.domain.message import Message
from intercom_sink.domain.request import IntercomRequest
from intercom_sink.domain.response import AttemptResult


class Delivery(Protocol):
    """One message that the broker has delivered and that is not acked yet."""

    @property
    def body(self) -> bytes:
        """The message as it was published."""
        ...

    @property
    def redelivered(self) -> bool:
        """Whether the broker has delivered the message before: it may have reached Intercom."""
        ...

    @property
    def envelope(self) -> Envelope:
        """What is known of the message besides its body: the same object each time, and no other delivery's."""
        ...

    @property
    def delivered_at(self) -> float:
        """When the broker delivered it, in seconds of a monotonic clock: from then on it counts as unacked."""
        ...

    def is_lost(self) -> bool:
        """Whether its connection is gone: the broker redelivers the message, and this delivery can't ack it."""
        ...

    def ack(self) -> None:
        """Removes the message from the queue. Called at most once; does nothing once the delivery is lost.

        Does not block. The ack has reached the broker once the source is closed.
        """

    def give_up(self, dead_letter: DeadLetter) -> bool:
        """Dead-letters the message, where there is a dead-letter queue, and removes it from its own queue.

        Called at most once, in place of `ack`. With a dead-letter queue, blocks until the broker has confirmed the dead
        letter, and only then acks the message.

        Returns:
            Whether the message was handed over for acking. False: the source was stopped or the delivery lost first,
            and it stays.

        Raises:
            BrokerUnavailable: the dead letter could not be confirmed in time; the message stays.
        """
        ...


class MessageSource(Protocol):
    """A queue. Messages that are not acked when the source closes, or dies, are redelivered in their old place.

    One thread receives; any thread may ack or give up deliveries, in any order.
    """

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Registers what is called, from any thread, each time a connection is lost, and its deliveries with it.

        The sink calls `on_lost` itself once, before the first `receive`.
        """

    def receive(self) -> Delivery | None:
        """The next message, in the queue's order; blocks until there is one.

        Never returns a delivery that is known to be lost. Returns None once after an `interrupt`; and always, once
        there will be no more: the source was stopped, or it drains the queue, which is empty, with every delivery
        acked.

        Raises:
            BrokerUnavailable: the broker can't be reached in time, or refuses this client.
        """
        ...

    def interrupt(self) -> None:
        """Makes `receive` return None once, a blocked one too. May be called from any thread, and more than once."""

    def requeue(self) -> None:
        """Sends the acks that are still pending, then returns every unacked message to the queue.

        Called by the receiving thread, after an `interrupt`; the next `receive` consumes the queue again.
        """

    def stop(self) -> None:
        """Ends `receive`, a blocked one too. May be called from any thread, and more than once."""

    def close(self) -> None:
        """Sends the acks that are still pending, then closes the connection, which requeues every unacked message."""


class IntercomGateway(Protocol):
    """Sends requests to Intercom. Any number of threads may send at once."""

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        """Makes one attempt; blocks until it has a result.

        Failures are results too, not exceptions. An attempt may send its request again at once: where the token is
        refused and was replaced meanwhile, and where a kept-alive connection was closed before a response (see
        `Response.resent`). `trace` is the trace that the attempt belongs to, if there is one.
        """
        ...

    def close(self) -> None:
        """Closes its connections."""


class Condition(Protocol):
    """A lock, and waiting for a change of what it guards: the part of `threading.Condition` that is needed here."""

    def __enter__(self) -> object:
        """Acquires the lock; not reentrant."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> object:
        """Releases the lock."""

    def wait(self, timeout: float | None = None) -> object:
        """Releases the lock, waits for `notify_all` or for `timeout` seconds, and acquires the lock again."""

    def notify_all(self) -> None:
        """Ends every `wait`. The caller holds the lock."""


class Clock(Protocol):
    """Time, and waiting."""

    def unix_time(self) -> float:
        """Wall-clock time in Unix seconds, for display only."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back, for measuring."""
        ...

    def condition(self) -> Condition:
        """A new condition, whose timeouts follow this clock."""
        ...


class Monitor(Protocol):
    """Receives the events, from any thread."""

    def record(self, event: Event) -> None:
        """Handles one event. Returns soon, raises nothing, and calls nothing of the sink."""


class Decoder(Protocol):
    """Reads a message."""

    def __call__(self, body: bytes) -> IntercomRequest:
        """The request that a message asks for; raises MalformedMessage, and nothing else, where there is none."""
        ...


class MessagePublisher(Protocol):
    """Publishes messages to one queue. Any number of threads may publish at once.

    A call returns once the broker has confirmed its messages: they are in the queue, and survive a restart of the
    broker. A message whose confirm was lost with the connection may be sent once more, with the same message id: it may
    be in the queue twice then, as with every delivery that is at least once.
    """

    def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        """Publishes one message, and returns its message id. A key or an id that is given replaces the message's own.

        Raises:
            MalformedMessage: the message is invalid, or InvalidRequest: Intercom would refuse it. It was not sent.
            Unroutable: the queue does not exist. The message is in no queue.
            BrokerUnavailable: it was not confirmed, but may be in the queue nevertheless.
        """
        ...

    def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        """Publishes messages in order, and returns their message ids.

        Raises:
            MalformedMessage, Unroutable, BrokerUnavailable: as `publish` does; `results` of the error says which
                messages were sent, and which of these are confirmed.
        """
        ...

    def close(self) -> None:
        """Closes the connection, if there is one. A later call opens another one."""


class AsyncMessagePublisher(Protocol):
    """MessagePublisher for asyncio: the same promises, for any number of tasks of one event loop."""

    async def publish(
        self, request: IntercomRequest | Message, *, ordering_key: str | None = None, message_id: str | None = None
    ) -> str:
        """As `MessagePublisher.publish`. If the call is cancelled, the message may be in the queue."""
        ...

    async def publish_batch(self, messages: Iterable[IntercomRequest | Message]) -> list[str]:
        """As `MessagePublisher.publish_batch`. If the call is cancelled, any of the messages may be in the queue."""
        ...

    async def close(self) -> None:
        """Closes the connection, if there is one. A later call opens another one."""
