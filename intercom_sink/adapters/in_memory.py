"""Every port, in memory: for unit tests, ours and those of services that use this package.

source = InMemorySource([encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))])
gateway = InMemoryGateway([Answer(500), Answer(200)])
Sink(source, gateway, VirtualClock(), decode).run()
assert source.acked == [...] and len(gateway.requests) == 2

Several threads may use source and gateway at once,
which a sink of a concurrency above 1 does; its clock must be a SystemClock.
"""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition

from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.outcome import Answer, Outcome
from intercom_sink.domain.ports import Delivery
from intercom_sink.domain.request import IntercomRequest


class InMemoryDelivery:
    """A delivery of an InMemorySource."""

    def __init__(self, source: "InMemorySource", body: bytes, ordering_key: str | None, redelivered: bool) -> None:
        self._source = source
        self.body = body
        self.ordering_key = ordering_key
        self.redelivered = redelivered
        self.lost = False

    def is_lost(self) -> bool:
        """Whether the connection was lost, or the source closed, since."""
        return self.lost

    def ack(self) -> None:
        """Moves the body to `source.acked`, unless the delivery is lost."""
        if self._source._settle(self):
            self._source.acked.append(self.body)

    def give_up(self, letter: DeadLetter) -> bool:
        """Moves the body to `source.dead_letters`, with `letter`, unless the delivery is lost."""
        settled = self._source._settle(self)
        if settled:
            self._source.dead_letters.append((self.body, letter))
        return settled


class InMemorySource:
    """A queue that holds what it was made with, and that is drained: it ends once all of it is acked.

    Args:
        bodies: the messages.
        ordering_key: tells the ordering key of a message by its body; as it is, none has one.
        longest_block: seconds that a `receive` waits for acks by other threads, before it is said to block for ever.

    Attributes:
        queue: the bodies not yet handed out.
        acked: the bodies acked, in the order of their acks.
        dead_letters: the bodies given up, and why.
        closed: whether it was closed.
    """

    def __init__(
        self,
        bodies: Iterable[bytes] = (),
        ordering_key: Callable[[bytes], str | None] = lambda body: None,
        longest_block: float = 10.0,
    ) -> None:
        self.queue = deque(bodies)
        self.acked: list[bytes] = []
        self.dead_letters: list[tuple[bytes, DeadLetter]] = []
        self.closed = False
        self._ordering_key = ordering_key
        self._longest_block = longest_block
        self._unacked: list[InMemoryDelivery] = []
        self._returned = 0
        self._stopped = False
        self._changed = Condition()

    def receive(self) -> Delivery | None:
        """The next delivery; None once stopped or drained."""
        with self._changed:
            if not self._changed.wait_for(self._can_go_on, self._longest_block):
                raise RuntimeError("receive would block for ever: all is handed out, and not all of it acked")
            if self._stopped or not self.queue:
                return None
            body = self.queue.popleft()
            redelivered = self._returned > 0
            self._returned -= redelivered
            delivery = InMemoryDelivery(self, body, self._ordering_key(body), redelivered)
            self._unacked.append(delivery)
            return delivery

    def stop(self) -> None:
        """Makes every further `receive` return None."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Puts what is not acked back, in its old place."""
        self.stop()
        self.lose_connection()
        self.closed = True

    def lose_connection(self) -> None:
        """What a broken connection does: every unacked delivery is lost, and its message is in the queue again."""
        with self._changed:
            self.queue.extendleft(delivery.body for delivery in reversed(self._unacked))
            for delivery in self._unacked:
                delivery.lost = True
            self._returned += len(self._unacked)
            self._unacked.clear()
            self._changed.notify_all()

    def _can_go_on(self) -> bool:
        return self._stopped or bool(self.queue) or not self._unacked

    def _settle(self, delivery: InMemoryDelivery) -> bool:
        """Takes a delivery off the queue, unless it is lost."""
        with self._changed:
            if delivery.lost:
                return False
            self._unacked.remove(delivery)
            self._changed.notify_all()
            return True


class InMemoryGateway:
    """Answers by a script, then 200 for ever.

    Attributes:
        requests: every request it was sent.
        closed: whether it was closed.
    """

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._outcomes = iter(list(outcomes))
        self.requests: list[IntercomRequest] = []
        self.closed = False

    def send(self, request: IntercomRequest) -> Outcome:
        """The next outcome of the script."""
        self.requests.append(request)
        return next(self._outcomes, Answer(200))

    def close(self) -> None:
        """Notes that it was called."""
        self.closed = True


class VirtualClock:
    """Time that passes only when it is waited for; for one thread.

    Attributes:
        now: seconds since the clock was made.
        waits: the seconds of each wait that was begun.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def at(self, moment: float, event: Callable[[], None]) -> None:
        """Calls `event` in the wait during which the time `moment` comes."""
        self._events.append((moment, event))
        self._events.sort(key=lambda planned: planned[0])

    def unix_time(self) -> float:
        """The same as `now`."""
        return self.now

    def monotonic(self) -> float:
        """The same as `now`."""
        return self.now

    def wait(self, seconds: float, unless: Callable[[], bool]) -> bool:
        """Moves `now` on at once, letting events happen on the way; ends early where `unless` has become true."""
        self.waits.append(seconds)
        end = self.now + seconds
        while not unless():
            if not self._events or self._events[0][0] > end:
                self.now = end
                return True
            moment, event = self._events.pop(0)
            self.now = max(self.now, moment)
            event()
        return False

    def wake(self) -> None:
        """Nobody waits."""
