"""A world of one queue, one sink and one Intercom, in which everything that can go wrong does, by a seed.

The sink is the real one, of a concurrency that the seed chooses; the ports are simulated. At each step of a port the
seed may have the process crash, the connection break or a stop come. After a crash or a stop a new sink starts on the
same queue, until the queue is empty. Each step is checked, as it happens, against what the documentation promises; the
checks know nothing of the policy.
"""

import math
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from random import Random

from greenlet import getcurrent, greenlet

from intercom_sink import Answer, BrokerLost, IntercomRequest, NoAnswer, Outcome, RateLimit, Sink, decode, encode
from intercom_sink.domain.dead_letter import DeadLetter, Reason
from tests.simulation.scheduler import Scheduler, Stuck, Workers

MOST_FAULTS = 8
"""In one world: so that it comes to an end."""

MOST_RESTARTS = 2 * MOST_FAULTS

PREFETCH = 3
"""Messages handed over for each request that may be in flight."""

WINDOW = 10
"""Seconds of Intercom's rate window."""

UNTOLD = -2
"""Stands for the latest window that the sink was told of, while there is none: it can know when that one ends, and so
when the next one begins, and no more."""

EDGE = 2.5
"""Seconds from the beginning of a window in which the sink may still believe in the one before: `Date` is in whole
seconds, and an answer takes up to 1.5 s. Of a request without an answer nobody can tell in which it was counted."""

Trace = list[str]


class Violation(AssertionError):
    """A promise is broken."""


class Message:
    """A message of the queue, and what has become of it."""

    def __init__(self, number: int, body: bytes, malformed: bool, key: str | None) -> None:
        self.number = number
        self.body = body
        self.malformed = malformed
        self.key = key
        self.handed_over = 0
        self.settled: str | None = None


class World:
    """One run by one seed.

    Attributes:
        trace: what happened, step by step.
        concurrency: that of the sink.
        messages: all that were ever in the queue, in its order.
        queue: those that are ready.
        open: the messages whose requests are on their way, each with the delivery that it is sent by.
        most_open: how many that were at once, at most.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.trace: Trace = []
        self.faults = 0
        self.sends = 0
        self.concurrency = self.random.choice([1, 1, 2, 3, 5])
        self.keys: list[str | None] = self.random.choice(
            [[None], ["a", "b", "c"], [None, "a", "b", "c", "d", "e", "f", "g"]]
        )
        count = self.random.randint(1, 8) if self.concurrency == 1 else self.random.randint(1, 24)
        self.messages = [self._message(number) for number in range(count)]
        self.queue = deque(self.messages)
        self.unacked: list[Delivery] = []
        self.open: dict[int, Delivery] = {}
        self.most_open = 0
        self.intercom = Intercom(self)
        self.scheduler = Scheduler(self.random)
        self.sink: Sink | None = None
        self.stopped_at = math.inf

    @property
    def now(self) -> float:
        return self.scheduler.now

    def _message(self, number: int) -> Message:
        key = self.random.choice(self.keys)
        if self.random.random() < 0.1:
            return Message(number, self.random.randbytes(5) + b"\xc1", malformed=True, key=key)
        request = IntercomRequest("POST", f"/contacts/{number}", {"number": number})
        return Message(number, encode(request), malformed=False, key=key)

    def run(self, make_sink: Callable[..., Sink] = Sink) -> None:
        """Runs sinks until the queue is empty; raises Violation where a promise is broken."""
        for _ in range(MOST_RESTARTS):
            if not self.queue:
                break
            self._run_process(make_sink)
        self.check(not self.queue, "the queue is never emptied, though the faults have ended")
        for message in self.messages:
            self.check(message.settled is not None, f"message {message.number} is neither settled nor queued")

    def _run_process(self, make_sink: Callable[..., Sink]) -> None:
        self.scheduler = Scheduler(self.random, self.now)
        self.note(f"start, concurrency {self.concurrency}")
        self.stopped_at = math.inf
        self.intercom.greet()
        self.sink = make_sink(
            Source(self),
            Gateway(self),
            Clock(self),
            decode,
            draw=self._draw,
            concurrency=self.concurrency,
            make_executor=partial(Workers, self.scheduler),
        )
        try:
            self.scheduler.run(self.sink.run)
        except BrokerLost as end:
            self.note(f"process ends: {end!r}")
        except Stuck as stuck:
            self.check(False, str(stuck))
        self.open.clear()
        self.lose_connection()

    def _draw(self, pause: object) -> float:
        least, most = pause.least, pause.most  # type: ignore[attr-defined]
        return self.random.uniform(least, most)

    def note(self, event: str) -> None:
        self.trace.append(f"{self.now:9.2f}  {event}")

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.note(f"VIOLATION: {promise}")
            raise Violation(promise)

    def let_others_run(self) -> None:
        """A moment at which another thread may be quicker."""
        if self.concurrency > 1 and self.random.random() < 0.2:
            self.scheduler.wait(0, unless=lambda: False)

    def step(self, where: str, may_crash: bool = True) -> None:
        """A moment at which something may go wrong."""
        if self.scheduler.dead or self.faults >= MOST_FAULTS or self.random.random() > 0.06:
            return
        self.faults += 1
        match self.random.choice(["crash", "lose", "stop"] if may_crash else ["lose", "stop"]):
            case "crash":
                self.note(f"crash {where}")
                self.scheduler.crash()
            case "lose":
                self.note(f"connection lost {where}")
                self.lose_connection()
            case "stop":
                self.note(f"stop {where}")
                self.stopped_at = min(self.stopped_at, self.now)
                assert self.sink is not None
                self.sink.stop()

    def lose_connection(self) -> None:
        """Every unacked message is back in its old place."""
        back = sorted((delivery.message for delivery in self.unacked), key=lambda message: message.number)
        self.queue.extendleft(reversed(back))
        for delivery in self.unacked:
            delivery.lost_at = self.now
        self.unacked.clear()


class Delivery:
    """One handing over of one message, and the outcomes of its attempts."""

    def __init__(self, world: World, message: Message) -> None:
        self.message = message
        self.ordering_key = message.key
        self.redelivered = message.handed_over > 0
        self.lost_at = math.inf
        self.outcomes: list[Outcome] = []
        self._world = world
        message.handed_over += 1

    @property
    def body(self) -> bytes:
        self._world.intercom.senders[getcurrent()] = self
        return self.message.body

    def is_lost(self) -> bool:
        return self.lost_at <= self._world.now

    def ack(self) -> None:
        world, last = self._world, self.outcomes[-1] if self.outcomes else None
        world.let_others_run()
        world.step(f"before the ack of {self.message.number}")
        taken = isinstance(last, Answer) and (200 <= last.status <= 299 or last.status == 404)
        world.check(taken, f"message {self.message.number} is acked after {last}, which settles nothing")
        self._settle("acked")

    def give_up(self, letter: DeadLetter) -> bool:
        world = self._world
        world.let_others_run()
        world.step(f"before message {self.message.number} is given up")
        world.check(letter.reason is self._reason(), f"message {self.message.number} is given up as {letter.reason}")
        if not self.is_lost():
            world.step(f"between the letter of {self.message.number} and its ack")
        self._settle(f"given up: {letter.reason}")
        return not self.is_lost()

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
        self._world.note(f"message {self.message.number} {how}{' (lost)' if self.is_lost() else ''}")
        if self.is_lost():
            return
        self._world.check(self.message.settled is None, f"message {self.message.number} is settled twice")
        self.message.settled = how
        self._world.unacked.remove(self)
        self._world.step(f"after message {self.message.number} was {how}")


class Source:
    """MessageSource, draining."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._prefetch = PREFETCH * world.concurrency
        self._stopped = False

    def receive(self) -> Delivery | None:
        world = self._world
        world.step("before a message is received")
        world.scheduler.wait(math.inf, unless=lambda: self._stopped or self._may_hand_over() or self._is_drained())
        if self._stopped or self._is_drained():
            return None
        delivery = Delivery(world, world.queue.popleft())
        world.unacked.append(delivery)
        world.note(f"message {delivery.message.number} delivered, key {delivery.ordering_key}")
        world.step(f"after message {delivery.message.number} was received")
        return delivery

    def stop(self) -> None:
        self._stopped = True

    def close(self) -> None:
        if not self._world.scheduler.dead:
            self._world.lose_connection()

    def _may_hand_over(self) -> bool:
        return bool(self._world.queue) and len(self._world.unacked) < self._prefetch

    def _is_drained(self) -> bool:
        return not (self._world.queue or self._world.unacked)


class Intercom:
    """What is at the other end: it answers at random, but keeps a rate window faithfully, where the seed wants one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._limit = world.random.choice([None, world.random.randint(1, 12)])
        self._taken: Counter[int] = Counter()
        self._held_since = math.inf
        self._held_until = -math.inf
        self.told = UNTOLD
        self._blurred: set[int] = set()
        self._in_doubt = True
        self._ahead: int | None = None
        self.senders: dict[greenlet, Delivery] = {}

    def greet(self) -> None:
        """A process begins, and knows nothing of the rate window yet."""
        self._held_since, self._held_until = math.inf, -math.inf
        self.told = UNTOLD
        self._in_doubt, self._ahead = True, None
        self.senders.clear()

    def check_may_be_sent(self, delivery: Delivery) -> None:
        """Checks all that is promised of when a message is sent."""
        world, message = self._world, delivery.message
        number = message.number
        # What happens at the very moment at which a request begins may be a moment too late for it.
        world.check(world.now <= world.stopped_at, f"message {number} is sent after a stop")
        world.check(world.now <= delivery.lost_at, f"message {number} is sent by a delivery that is lost")
        world.check(
            not self._held_since < world.now < self._held_until,
            f"message {number} is sent though all are held back until {self._held_until:.2f}",
        )
        world.check(self._ahead is None, f"message {number} does not wait for {self._ahead}, which goes ahead alone")
        if self._in_doubt and world.now >= self._held_until:
            self._ahead = number
        world.check(len(world.open) < world.concurrency, f"over {world.concurrency} requests are in flight")
        for other in world.messages[:number]:
            must_be_first = world.concurrency == 1 or other.key == message.key
            world.check(other.settled is not None or not must_be_first, f"{number} is sent before {other.number}")
        for other in (delivery.message for delivery in world.open.values()):
            world.check(other.key != message.key, f"{number} is sent beside {other.number}, which has the same key")
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

    def answer(self, told: int) -> Callable[[], Outcome]:
        """Counts a request that arrives now; returns what makes the answer, once it is time.

        Args:
            told: the latest window that the sink had been told of as it sent the request.
        """
        world = self._world
        if self._limit is None:
            outcome = self._outcome(RateLimit(retry_after=world.random.uniform(0, 90)))
            return lambda: outcome
        arrived, window = world.now, int(world.now // WINDOW)
        is_refused = self._taken[window] == self._limit
        may_know = told >= window - 1 and window not in self._blurred
        world.check(not (is_refused and may_know), "the rate window is exceeded, though it was told")
        self._taken[window] += not is_refused
        remaining = self._limit - self._taken[window]

        def make() -> Outcome:
            reset_at = float(window + 1) * WINDOW
            limits = RateLimit(math.floor(world.now), reset_at, None, self._limit, remaining)
            outcome = Answer(429, limits) if is_refused else self._outcome(limits)
            is_told = isinstance(outcome, Answer) and outcome.rate_limit.limit is not None
            if not is_told and arrived < window * WINDOW + EDGE:
                self._blurred.add(window)
            return outcome

        return make

    def has_come(self, number: int, outcome: Outcome) -> None:
        """Notes what the sink must know from now on: the window, and for how long all are held back, at least.

        Args:
            number: of the message that is answered.
            outcome: the answer, if any.
        """
        now = self._world.now
        if number == self._ahead:
            self._in_doubt, self._ahead = False, None
        match outcome:
            case Answer(rate_limit=RateLimit(reset_at=float(end), server_time=date, limit=int())) if end > (date or 0):
                self.told = max(self.told, int(end // WINDOW) - 1)
        match outcome:
            case NoAnswer():
                seconds = 0.5
            case Answer(status=429, rate_limit=RateLimit(reset_at=float(end), server_time=date)) if date is not None:
                seconds = min(max(end - date, 1), 60)
            case Answer(status=429, rate_limit=limits):
                seconds = min(max(limits.retry_after or 0, 1), 60)
            case _:
                return
        self._in_doubt, self._ahead = True, None
        if now + seconds > self._held_until:
            self._held_since = now if now > self._held_until else self._held_since
            self._held_until = now + seconds

    def _outcome(self, limits: RateLimit) -> Outcome:
        world = self._world
        if world.sends > 400:
            return Answer(200, limits)
        kind = world.random.choice(["2xx", "2xx", "404", "4xx", "429", "5xx", "5xx", "5xx", "none"])
        match kind:
            case "2xx":
                return Answer(world.random.choice([200, 201, 204]), limits)
            case "404":
                return Answer(404, limits)
            case "4xx":
                return Answer(world.random.choice([301, 400, 401, 409, 422]), limits)
            case "429":
                return Answer(429, RateLimit(retry_after=world.random.uniform(0, 90)))
            case "5xx":
                return Answer(world.random.choice([500, 502, 503]), limits)
        return NoAnswer("no answer")


class Gateway:
    """IntercomGateway, over a network that takes its time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, request: IntercomRequest) -> Outcome:
        world, intercom = self._world, self._world.intercom
        number = int(request.path.rpartition("/")[2])
        delivery = intercom.senders[getcurrent()]
        intercom.check_may_be_sent(delivery)
        world.open[number] = delivery
        world.most_open = max(world.most_open, len(world.open))
        world.sends += 1
        world.note(f"message {number} sent")
        told = intercom.told
        self._travel()
        world.step(f"while message {number} is on its way")
        make_answer = intercom.answer(told)
        self._travel()
        outcome = make_answer()
        self._travel()
        delivery.outcomes.append(outcome)
        intercom.has_come(number, outcome)
        world.note(f"message {number}: {outcome.status if isinstance(outcome, Answer) else outcome.reason}")
        world.step(f"as the answer to message {number} comes")
        del world.open[number]
        return outcome

    def close(self) -> None:
        """Nothing is open."""

    def _travel(self) -> None:
        self._world.scheduler.wait(self._world.random.uniform(0, 0.5), unless=lambda: False)


class Clock:
    """Clock, in virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def unix_time(self) -> float:
        return self._world.now

    def monotonic(self) -> float:
        self._world.let_others_run()
        return self._world.now

    def wait(self, seconds: float, unless: Callable[[], bool]) -> bool:
        world = self._world
        world.check(0 <= seconds <= 61 + 1e-6, f"a pause of {seconds} s")
        if world.scheduler.wait(world.random.uniform(0, seconds), unless):
            world.step("in a pause")
        return world.scheduler.wait(seconds, unless)

    def wake(self) -> None:
        """Whoever waits looks by itself."""
