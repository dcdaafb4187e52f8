"""Every port, in memory: for unit tests, ours and those of services that use this package.

source = InMemorySource([encode(IntercomRequest("POST", "/contacts", {"email": "ada@example.com"}))])
gateway = InMemoryGateway([Answer(500), Answer(200)])
Sink(source, gateway, VirtualClock(), decode).run()
assert source.acked == [...] and len(gateway.requests) == 2
"""

from collections import deque
from collections.abc import Callable, Iterable

from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.outcome import Answer, Outcome
from intercom_sink.domain.ports import Delivery
from intercom_sink.domain.request import IntercomRequest


class InMemoryDelivery:
    """A delivery of an InMemorySource."""

    def __init__(self, source: "InMemorySource", body: bytes, redelivered: bool) -> None:
        self._source = source
        self.body = body
        self.redelivered = redelivered
        self.lost = False

    def is_lost(self) -> bool:
        """Whether the connection was lost, or the source closed, since."""
        return self.lost

    def ack(self) -> None:
        """Moves the body to `source.acked`, unless the delivery is lost."""
        if not self.lost:
            self._source._unacked.remove(self)
            self._source.acked.append(self.body)

    def give_up(self, letter: DeadLetter) -> bool:
        """Moves the body to `source.dead_letters`, with `letter`, unless the delivery is lost."""
        if not self.lost:
            self._source._unacked.remove(self)
            self._source.dead_letters.append((self.body, letter))
        return not self.lost


class InMemorySource:
    """A queue that holds what it was made with, and that is drained: it ends once all of it is acked.

    Attributes:
        queue: the bodies not yet handed out.
        acked: the bodies acked, in the order of their acks.
        dead_letters: the bodies given up, and why.
        closed: whether it was closed.
    """

    def __init__(self, bodies: Iterable[bytes] = ()) -> None:
        self.queue = deque(bodies)
        self.acked: list[bytes] = []
        self.dead_letters: list[tuple[bytes, DeadLetter]] = []
        self.closed = False
        self._unacked: list[InMemoryDelivery] = []
        self._returned = 0
        self._stopped = False

    def receive(self) -> Delivery | None:
        """The next delivery; None once stopped or drained."""
        if self._stopped or not (self.queue or self._unacked):
            return None
        if not self.queue:
            raise RuntimeError("receive would block for ever: all is handed out, and not all of it acked")
        body = self.queue.popleft()
        redelivered = self._returned > 0
        self._returned -= redelivered
        delivery = InMemoryDelivery(self, body, redelivered)
        self._unacked.append(delivery)
        return delivery

    def stop(self) -> None:
        """Makes every further `receive` return None."""
        self._stopped = True

    def close(self) -> None:
        """Puts what is not acked back, in its old place."""
        self.stop()
        self.lose_connection()
        self.closed = True

    def lose_connection(self) -> None:
        """What a broken connection does: every unacked delivery is lost, and its message is in the queue again."""
        self.queue.extendleft(delivery.body for delivery in reversed(self._unacked))
        for delivery in self._unacked:
            delivery.lost = True
        self._returned += len(self._unacked)
        self._unacked.clear()


class InMemoryGateway:
    """Answers by a script, then 200 for ever.

    Attributes:
        requests: every request it was sent.
        closed: whether it was closed.
    """

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._outcomes = deque(outcomes)
        self.requests: list[IntercomRequest] = []
        self.closed = False

    def send(self, request: IntercomRequest) -> Outcome:
        """The next outcome of the script."""
        self.requests.append(request)
        return self._outcomes.popleft() if self._outcomes else Answer(200)

    def close(self) -> None:
        """Notes that it was called."""
        self.closed = True


class VirtualClock:
    """Time that passes only when it is waited for.

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
