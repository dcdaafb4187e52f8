"""Several sinks, or a sink and another app, that share one rate window of Intercom's, in virtual time.

The sinks are real ones, with more to send than the window takes; the other app pays no attention to the window. Every
request takes a random time, by a seed. What is measured: 429s, the use of the windows, and each sink's part of it.
"""

from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random
from types import TracebackType

from intercom_sink import AttemptResult, IntercomRequest, Sink
from intercom_sink.domain.backoff import Delay
from intercom_sink.domain.dead_letter import DeadLetter
from intercom_sink.domain.envelope import Envelope, TraceContext
from intercom_sink.domain.workers import Job
from intercom_sink.testing.intercom.rate_window import Admission, RateWindow
from tests.support.intercom import respond_to
from tests.support.virtual_threads import VirtualThreads
from tests.support.window_figures import Figures, measure

LATENCY = 0.05
"""Seconds that a request and its response take on average."""

LEARNING = 3
"""Windows that are not measured: the one in which all start, and those in which they learn of each other."""

BACKLOG = 2
"""Messages in a sink's hands, for each request that it may have in flight."""


class SharedWorld:
    """Sinks on one rate window.

    Args:
        seed: of the latencies, and of the moments at which the sinks start.
        limit: requests in each window.
        seconds: the length of a window; whole seconds.
        start_within: seconds within which the sinks start.
    """

    def __init__(self, seed: int, limit: int = 300, seconds: int = 10, start_within: float = 1.0) -> None:
        self.threads = VirtualThreads()
        self._random = Random(seed)
        self._window = RateWindow(limit, seconds)
        self._began_at = self._random.uniform(1000.0, 1000.0 + seconds)
        self._start_within = start_within
        self._refused: Counter[float] = Counter()
        self._sent: list[Counter[float]] = []
        self._sinks: list[Sink] = []

    def add_sink(self, make_sink: Callable[..., Sink] = Sink, concurrency: int = 16) -> None:
        """Adds a sink, which has messages of so many keys that they do not limit it."""
        sent: Counter[float] = Counter()
        sink = make_sink(
            _Source(self, BACKLOG * concurrency),
            _Gateway(self, sent),
            self.threads,
            lambda body: IntercomRequest("POST", "/events"),
            draw=self._draw,
            concurrency=concurrency,
            make_workers=partial(_Workers, self.threads),
        )
        self._sent.append(sent)
        self._sinks.append(sink)

        def run() -> None:
            self.threads.sleep(self._random.uniform(0.0, self._start_within))
            sink.run()

        self.threads.start(run)

    def add_app(self, bursts: int, size: int, *, at_random: bool = False) -> None:
        """Adds an app that sends so many bursts of requests in each window, evenly spaced or not, and ignores 429s."""
        between = self._window.seconds / bursts

        def burst(delay: float) -> None:
            self.threads.sleep(delay)
            for _ in range(size):
                self._admit()
                self.threads.sleep(0.002)

        def run() -> None:
            self.threads.sleep(self._window.seconds - self._began_at % self._window.seconds)
            while True:
                for number in range(bursts):
                    moment = self._random.random() * bursts if at_random else number + 0.5
                    self.threads.start(partial(burst, moment * between))
                self.threads.sleep(self._window.seconds)

        self.threads.start(run)

    def run(self, windows: int) -> Figures:
        """Lets all send for so many windows; those at the beginning, and the last one, are not measured."""
        seconds = windows * self._window.seconds
        self.threads.start(lambda: self._stop_after(seconds - 0.5))
        self.threads.run(seconds)
        return measure(self._window, self._refused, self._sent, LEARNING)

    def request(self, sent: Counter[float]) -> AttemptResult:
        """A request to Intercom, and the response to it."""
        self._travel()
        admission = self._admit()
        sent[admission.reset_at] += admission.admitted
        response = respond_to(admission, self._server_time())
        self._travel()
        return response

    def _admit(self) -> Admission:
        admission = self._window.admit(self._server_time())
        self._refused[admission.reset_at] += not admission.admitted
        return admission

    def _stop_after(self, seconds: float) -> None:
        self.threads.sleep(seconds)
        for sink in self._sinks:
            sink.stop()

    def _travel(self) -> None:
        self.threads.sleep(self._random.uniform(0.25, 0.75) * LATENCY)

    def _server_time(self) -> float:
        return self._began_at + self.threads.now

    def _draw(self, delay: Delay) -> float:
        return self._random.uniform(delay.min, delay.max)


class _Delivery:
    """A message of its own ordering key."""

    body = b""
    redelivered = False

    def __init__(self, source: "_Source", number: int) -> None:
        self.envelope = Envelope(str(number))
        self.delivered_at = 0.0
        self._source = source

    def is_lost(self) -> bool:
        return False

    def ack(self) -> None:
        self._source.settle()

    def give_up(self, dead_letter: DeadLetter) -> bool:
        raise AssertionError(f"no message is given up: {dead_letter}")


class _Source:
    """A queue that never ends."""

    def __init__(self, world: SharedWorld, prefetch: int) -> None:
        self._changed = world.threads.condition()
        self._numbers = count()
        self._free = prefetch
        self._stopped = False

    def on_lost(self, callback: Callable[[], None]) -> None:
        """No connection is lost."""

    def receive(self) -> _Delivery | None:
        with self._changed:
            while not (self._free or self._stopped):
                self._changed.wait()
            self._free -= 1
        return None if self._stopped else _Delivery(self, next(self._numbers))

    def settle(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def interrupt(self) -> None:
        raise AssertionError("there is no hold")

    def requeue(self) -> None:
        raise AssertionError("there is no hold")

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is open."""


class _Gateway:
    def __init__(self, world: SharedWorld, sent: Counter[float]) -> None:
        self._world = world
        self._sent = sent

    def send(self, request: IntercomRequest, trace: TraceContext | None = None) -> AttemptResult:
        return self._world.request(self._sent)

    def close(self) -> None:
        """Nothing is open."""


class _Workers:
    """Workers that are virtual threads."""

    def __init__(self, threads: VirtualThreads, workers: int) -> None:
        self._threads = threads
        self._idle = workers
        self._jobs: deque[Job] = deque()

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """They have ended: lanes are joined before."""

    def submit(self, job: Job) -> None:
        self._jobs.append(job)
        if self._idle:
            self._idle -= 1
            self._threads.start(self._work)

    def _work(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            if job():
                self._jobs.append(job)
        self._idle += 1
