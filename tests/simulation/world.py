"""A world of one queue, one sink and one Intercom, in which much goes wrong, by a seed.

The sink is the real one, of a concurrency that the seed chooses; the ports are simulated. At each step of a port the
seed may have the process crash, the connection break, a stop come or, where the port says so, the broker be unavailable
for too long. After each of these but a lost connection a new sink starts on the same queue, until the queue is empty.
`promises` checks each step as it happens.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from intercom_sink import BrokerUnavailable, Delay, Sink, decode
from intercom_sink.adapters.rabbitmq.unacked_tags import UnackedTags
from intercom_sink.domain.policy import PolicyOptions
from tests.simulation.broker import Broker, Source
from tests.simulation.channel import Channel
from tests.simulation.clock import Clock
from tests.simulation.intercom import Gateway, Intercom
from tests.simulation.promises import Promises, Violation
from tests.simulation.scheduler import Scheduler, Stuck
from tests.simulation.workers import Workers

MAX_FAULTS = 8
"""Faults in one world, so that it ends."""

MAX_PROCESSES = MAX_FAULTS + 1
"""Each fault ends one at most."""


class World:
    """One run by one seed.

    Attributes:
        trace: what happened, step by step.
        concurrency: that of the sink.
    """

    def __init__(self, seed: int, make_tags: Callable[[], UnackedTags] = UnackedTags) -> None:
        self.random = Random(seed)
        self._make_tags = make_tags
        self.trace: list[str] = []
        self.concurrency = self.random.choice([1, 1, 2, 3, 5])
        self.scheduler = Scheduler(self.random)
        dead_letters = self.random.random() < 0.7
        self.options = PolicyOptions(
            hold=self.random.random() < 0.5,
            dead_letters=dead_letters,
            dead_letter_not_found=dead_letters and self.random.random() < 0.3,
        )
        self.broker = Broker(self, self.random, self.concurrency, self.options)
        self.intercom = Intercom(self, self.random)
        self.promises = Promises(self, self.concurrency, self.options)
        self._faults = 0
        self._source: Source | None = None
        self._sink: Sink | None = None

    def make_channel(self) -> Channel:
        return Channel(self, self._make_tags())

    @property
    def now(self) -> float:
        return self.scheduler.now

    def run(self, make_sink: Callable[..., Sink] = Sink) -> None:
        """Runs sinks until the queue is empty; raises Violation where a promise is broken."""
        for _ in range(MAX_PROCESSES):
            if not self.broker.ready:
                break
            self._run_process(make_sink)
        self.promises.check_end_of_world()

    def _run_process(self, make_sink: Callable[..., Sink]) -> None:
        self.scheduler = Scheduler(self.random, self.now)
        self.promises.begin_process()
        self.note(f"start, concurrency {self.concurrency}")
        self._source = Source(self, self.concurrency)
        self._sink = make_sink(
            self._source,
            Gateway(self, self.intercom, self.random),
            Clock(self),
            decode,
            monitor=self.promises,
            draw=self._draw,
            options=self.options,
            concurrency=self.concurrency,
            make_workers=partial(Workers, self),
        )
        try:
            self.scheduler.run(self._sink.run)
        except BrokerUnavailable as end:
            self.note(f"process ends: {end!r}")
        except Stuck as stuck:
            self.check(False, str(stuck))
        if not self.scheduler.crashed:
            self.promises.check_end_of_process()
        self.broker.lose_connection()

    def _draw(self, delay: Delay) -> float:
        return self.random.uniform(delay.min, delay.max)

    def note(self, event: str) -> None:
        self.trace.append(f"{self.now:9.2f}  {event}")

    def check(self, holds: bool, promise: str) -> None:
        if not holds:
            self.note(f"VIOLATION: {promise}")
            raise Violation(promise)

    def let_others_run(self) -> None:
        """A moment at which another thread may be faster."""
        if self.concurrency > 1 and not self.scheduler.dead and self.random.random() < 0.2:
            self.scheduler.wait(0, condition=lambda: False)

    def step(self, where: str, *, may_raise: bool = False) -> None:
        """A moment at which something may go wrong; with `may_raise`, BrokerUnavailable too."""
        if self.scheduler.dead or self._faults >= MAX_FAULTS or self.random.random() > 0.06:
            return
        assert self._source is not None
        assert self._sink is not None
        self._faults += 1
        match self.random.choice(["crash", "lose", "stop", *(["raise"] if may_raise else [])]):
            case "crash":
                self.note(f"crash {where}")
                self.scheduler.crash()
            case "lose":
                self.note(f"connection lost {where}")
                self._source.lose_connection()
            case "stop":
                self.note(f"stop {where}")
                self.promises.note_stop()
                self._sink.stop()
            case "raise":
                self.note(f"broker unavailable {where}")
                raise BrokerUnavailable(where)
