"""MessageSource, in memory."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition

from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.ports import Delivery


class InMemoryDelivery:
    """A delivery of an InMemorySource."""

    def __init__(
        self,
        source: "InMemorySource",
        body: bytes,
        envelope: Envelope,
        redelivered: bool,
        delivered_at: float,
        remove: Callable[["InMemoryDelivery"], bool],
    ) -> None:
        self._source = source
        self._remove = remove
        self.body = body
        self.envelope = envelope
        self.redelivered = redelivered
        self.delivered_at = delivered_at
        self.lost: bool = False

    def is_lost(self) -> bool:
        """Whether the connection was lost, or the source closed, since the message was delivered."""
        return self.lost

    def ack(self) -> None:
        """Moves the body to `source.acked`, unless the delivery is lost."""
        if self._remove(self):
            self._source.acked.append(self.body)

    def give_up(self, dead_letter: DeadLetter) -> bool:
        """Moves the body to `source.dead_letters`, with `dead_letter`, unless the delivery is lost."""
        removed = self._remove(self)
        if removed:
            self._source.dead_letters.append((self.body, dead_letter))
        return removed


class InMemorySource:
    """A queue that holds what it was made with, and that is drained: it ends once every delivery is acked.

    Args:
        bodies: the messages.
        ordering_key: returns the ordering key of a message, given its body; by default none has one.
        max_block: seconds for which a `receive` waits for acks by other threads before it fails.
        monotonic: the clock of `delivered_at`; with a VirtualClock pass its `monotonic`.

    Attributes:
        queue: the bodies that are not delivered yet.
        acked: the bodies that were acked, in the order of their acks.
        dead_letters: the bodies that were given up, and why.
        closed: whether it was closed.
    """

    def __init__(
        self,
        bodies: Iterable[bytes] = (),
        ordering_key: Callable[[bytes], str | None] = lambda body: None,
        max_block: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue: deque[bytes] = deque(bodies)
        self.acked: list[bytes] = []
        self.dead_letters: list[tuple[bytes, DeadLetter]] = []
        self.closed: bool = False
        self._ordering_key = ordering_key
        self._max_block = max_block
        self._monotonic = monotonic
        self._on_lost: Callable[[], None] = lambda: None
        self._unacked: list[InMemoryDelivery] = []
        self._requeued = 0
        self._stopped = False
        self._interrupted = False
        self._changed = Condition()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Has `callback` called after each `lose_connection`, `requeue` and `close`."""
        self._on_lost = callback

    def receive(self) -> Delivery | None:
        """The next delivery; None once stopped or drained, and after an interrupt."""
        with self._changed:
            if not self._changed.wait_for(self._can_return, self._max_block):
                raise RuntimeError(
                    f"receive has waited {self._max_block:g} s (max_block): every message is delivered, and not all "
                    "are acked"
                )
            if self._stopped or self._interrupted or not self.queue:
                self._interrupted = False
                return None
            body = self.queue.popleft()
            redelivered = self._requeued > 0
            self._requeued -= redelivered
            delivery = InMemoryDelivery(
                self, body, Envelope(self._ordering_key(body)), redelivered, self._monotonic(), self._remove
            )
            self._unacked.append(delivery)
            return delivery

    def interrupt(self) -> None:
        """Makes one `receive` return None."""
        with self._changed:
            self._interrupted = True
            self._changed.notify_all()

    def requeue(self) -> None:
        """Puts every unacked message back in its old place."""
        self._interrupted = False
        self.lose_connection()

    def stop(self) -> None:
        """Makes every further `receive` return None."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Requeues every unacked message in its old place."""
        self.stop()
        self.lose_connection()
        self.closed = True

    def lose_connection(self) -> None:
        """What a broken connection does: every unacked delivery is lost, and its message is in the queue again."""
        with self._changed:
            self.queue.extendleft(delivery.body for delivery in reversed(self._unacked))
            for delivery in self._unacked:
                delivery.lost = True
            self._requeued += len(self._unacked)
            self._unacked.clear()
            self._changed.notify_all()
        self._on_lost()

    def _can_return(self) -> bool:
        return self._stopped or self._interrupted or bool(self.queue) or not self._unacked

    def _remove(self, delivery: InMemoryDelivery) -> bool:
        """Removes a delivered message for good, unless its delivery is lost."""
        with self._changed:
            if delivery.lost:
                return False
            self._unacked.remove(delivery)
            self._changed.notify_all()
            return True
