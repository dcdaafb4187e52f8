"""A world of one queue, one sink and one Intercom, in which everything that can go wrong does, by a seed.

The sink is the real one; the ports are simulated. At each step of a port the seed may have the process crash, the
connection break or a stop come. After a crash or a stop a new sink starts on the same queue, until the queue is empty.
Each step is checked, as it happens, against what the documentation promises; the checks know nothing of the policy.
"""

from collections import deque
from collections.abc import Callable
from random import Random

from intercom_sink import Answer, BrokerLost, IntercomRequest, NoAnswer, Outcome, RateLimit, Sink, decode, encode
from intercom_sink.domain.dead_letter import DeadLetter, Reason

MOST_FAULTS = 8
"""In one world: so that it comes to an end."""

MOST_RESTARTS = 2 * MOST_FAULTS


class Crash(BaseException):
    """The process dies here; nothing in it may catch this."""


class Violation(AssertionError):
    """A promise is broken."""


class Message:
    """A message of the queue, and what has become of it."""

    def __init__(self, number: int, body: bytes, malformed: bool) -> None:
        self.number = number
        self.body = body
        self.malformed = malformed
        self.handed_over = 0
        self.first_sent: int | None = None
        self.settled: str | None = None


class World:
    """One run by one seed.

    Attributes:
        trace: what happened, step by step.
        messages: all that were ever in the queue, in its order.
        queue: those that are ready.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.trace: list[str] = []
        self.faults = 0
        self.sends = 0
        self.in_flight = 0
        self.now = 0.0
        self.sink: Sink | None = None
        self.stopped = False
        self.messages = [self._message(number) for number in range(self.random.randint(1, 8))]
        self.queue = deque(self.messages)
        self.unacked: list[Delivery] = []

    def _message(self, number: int) -> Message:
        if self.random.random() < 0.1:
            return Message(number, self.random.randbytes(5) + b"\xc1", malformed=True)
        request = IntercomRequest("POST", f"/contacts/{number}", {"number": number})
        return Message(number, encode(request), malformed=False)

    def run(self, make_sink: Callable[..., Sink] = Sink) -> None:
        """Runs sinks until the queue is empty; raises Violation where a promise is broken."""
        for _ in range(MOST_RESTARTS):
            if not self.queue:
                break
            self.note("start")
            self.stopped = False
            self.sink = make_sink(Source(self), Gateway(self), Clock(self), decode, draw=self._draw)
            try:
                self.sink.run()
            except (Crash, BrokerLost) as end:
                self.note(f"process ends: {end!r}")
            self.in_flight = 0
            self.lose_connection()
        self.check(not self.queue, "the queue is never emptied, though the faults have ended")
        self._check_the_end()

    def _check_the_end(self) -> None:
        for message in self.messages:
            self.check(message.settled is not None, f"message {message.number} is neither settled nor queued")
        firsts = [message.first_sent for message in self.messages if message.first_sent is not None]
        self.check(firsts == sorted(firsts), "first deliveries left the queue's order")

    def _draw(self, pause: object) -> float:
        least, most = pause.least, pause.most  # type: ignore[attr-defined]
        return self.random.uniform(least, most)

    def note(self, event: str) -> None:
        self.trace.append(f"{self.now:9.2f}  {event}")

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.note(f"VIOLATION: {promise}")
            raise Violation(promise)

    def step(self, where: str, may_crash: bool = True) -> None:
        """A moment at which something may go wrong."""
        if self.faults >= MOST_FAULTS or self.random.random() > 0.06:
            return
        self.faults += 1
        match self.random.choice(["crash", "lose", "stop"] if may_crash else ["lose", "stop"]):
            case "crash":
                self.note(f"crash {where}")
                raise Crash(where)
            case "lose":
                self.note(f"connection lost {where}")
                self.lose_connection()
            case "stop":
                self.note(f"stop {where}")
                self.stopped = True
                assert self.sink is not None
                self.sink.stop()

    def lose_connection(self) -> None:
        """Every unacked message is back in its old place."""
        back = sorted((delivery.message for delivery in self.unacked), key=lambda message: message.number)
        self.queue.extendleft(reversed(back))
        for delivery in self.unacked:
            delivery.lost = True
        self.unacked.clear()


class Delivery:
    """One handing over of one message, and the outcomes of its attempts."""

    def __init__(self, world: World, message: Message) -> None:
        self.message = message
        self.body = message.body
        self.redelivered = message.handed_over > 0
        self.lost = False
        self.outcomes: list[Outcome] = []
        self._world = world
        message.handed_over += 1

    def is_lost(self) -> bool:
        return self.lost

    def ack(self) -> None:
        world, last = self._world, self.outcomes[-1] if self.outcomes else None
        world.step(f"before the ack of {self.message.number}")
        taken = isinstance(last, Answer) and (200 <= last.status <= 299 or last.status == 404)
        world.check(taken, f"message {self.message.number} is acked after {last}, which settles nothing")
        self._settle("acked")

    def give_up(self, letter: DeadLetter) -> bool:
        world = self._world
        world.step(f"before message {self.message.number} is given up")
        world.check(letter.reason is self._reason(), f"message {self.message.number} is given up as {letter.reason}")
        if not self.lost:
            world.step(f"between the letter of {self.message.number} and its ack")
        self._settle(f"given up: {letter.reason}")
        return not self.lost

    def _reason(self) -> Reason | None:
        """Why the message may be given up now, if it may."""
        if self.message.malformed:
            return Reason.MALFORMED
        match self.outcomes:
            case [*_, Answer(status=before), Answer(status=last)] if before >= 500 and last >= 500:
                return Reason.SERVER_ERROR
            case [*_, Answer(status=last)] if last < 500 and last not in (404, 429) and not 200 <= last <= 299:
                return Reason.REJECTED
        return None

    def _settle(self, how: str) -> None:
        self._world.note(f"message {self.message.number} {how}{' (lost)' if self.lost else ''}")
        if self.lost:
            return
        self._world.check(self.message.settled is None, f"message {self.message.number} is settled twice")
        self.message.settled = how
        self._world.unacked.remove(self)
        self._world.step(f"after message {self.message.number} was {how}")


class Source:
    """MessageSource, draining. It prefetches nothing: what the domain has not asked for can't matter to it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = False

    def receive(self) -> Delivery | None:
        world = self._world
        world.step("before a message is received")
        if self._stopped or not world.queue:
            return None
        delivery = Delivery(world, world.queue.popleft())
        world.unacked.append(delivery)
        world.note(f"message {delivery.message.number} delivered")
        world.step(f"after message {delivery.message.number} was received")
        return delivery

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        self._world.lose_connection()


class Gateway:
    """IntercomGateway, of an Intercom that answers at random, and a network that fails at random."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, request: IntercomRequest) -> Outcome:
        world = self._world
        number = int(request.path.rpartition("/")[2])
        delivery = next((one for one in world.unacked if one.message.number == number), None)
        world.check(delivery is not None, f"message {number} is sent by a delivery that is lost, or settled")
        assert delivery is not None
        self._check_may_be_sent(delivery)
        world.in_flight += 1
        world.check(world.in_flight == 1, "two requests are in flight")
        world.sends += 1
        if delivery.message.first_sent is None:
            delivery.message.first_sent = world.sends
        world.step(f"while message {number} is on its way")
        outcome = self._outcome(number)
        delivery.outcomes.append(outcome)
        world.note(f"message {number} sent: {outcome.status if isinstance(outcome, Answer) else outcome.reason}")
        world.step(f"as the answer to message {number} comes")
        world.in_flight -= 1
        return outcome

    def close(self) -> None:
        """Nothing is open."""

    def _check_may_be_sent(self, delivery: Delivery) -> None:
        number = delivery.message.number
        world = self._world
        world.check(not world.stopped, f"message {number} is sent after a stop")
        match delivery.outcomes:
            case [] | [*_, NoAnswer()] | [*_, Answer(status=429)]:
                return
            case [Answer(status=last)] if last >= 500:
                return
            case [*_, before, Answer(status=last)] if last >= 500:
                repeated = isinstance(before, Answer) and before.status >= 500
                world.check(not repeated, f"message {number} is sent again after a second 50X")
            case _:
                world.check(False, f"message {number} is sent again after {delivery.outcomes[-1]}")

    def _outcome(self, number: int) -> Outcome:
        world = self._world
        if world.sends > 200:
            return Answer(200)
        kind = world.random.choice(["2xx", "2xx", "404", "4xx", "429", "5xx", "5xx", "5xx", "none"])
        match kind:
            case "2xx":
                return Answer(world.random.choice([200, 201, 204]))
            case "404":
                return Answer(404)
            case "4xx":
                return Answer(world.random.choice([301, 400, 401, 409, 422]))
            case "429":
                return Answer(429, RateLimit(retry_after=world.random.uniform(0, 90)))
            case "5xx":
                return Answer(world.random.choice([500, 502, 503]))
        return NoAnswer("no answer")


class Clock:
    """Clock, in virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def unix_time(self) -> float:
        return self._world.now

    def wait(self, seconds: float, unless: Callable[[], bool]) -> bool:
        world = self._world
        world.check(0 < seconds <= 61, f"a pause of {seconds} s")
        world.now += world.random.uniform(0, seconds)
        world.step("in a pause")
        if unless():
            return False
        world.now += seconds
        return True

    def wake(self) -> None:
        """Nobody waits."""
