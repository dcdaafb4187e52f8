"""Threads in virtual time: many tasks that look like blocking code, on one Clock, each run as it was the last time.

The task whose time comes first runs next, which is fast enough for minutes of several sinks. tests/simulation/scheduler
chooses among all that may run instead, to find what only an unlucky order shows.
"""

import heapq
from collections.abc import Callable
from types import TracebackType

from greenlet import getcurrent, greenlet


class _Sleeper:
    """One wait of one task; it is resumed once, by its timeout or by a notification."""

    def __init__(self) -> None:
        self.task = getcurrent()
        self.resumed = False


class VirtualThreads:
    """Tasks, and the Clock that they share. A task runs until it waits; then the task whose time comes first runs.

    Attributes:
        now: seconds; they pass only while every task waits.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._hub = getcurrent()
        self._count = 0
        self._sleepers: list[tuple[float, int, _Sleeper]] = []

    def start(self, job: Callable[[], object]) -> None:
        """Adds a task, which begins in `run`."""
        sleeper = _Sleeper()
        sleeper.task = greenlet(job, parent=self._hub)
        self._resume_at(self.now, sleeper)

    def run(self, seconds: float) -> None:
        """Runs the tasks for so long, then ends those that still wait."""
        end = self.now + seconds
        while self._sleepers and self._sleepers[0][0] < end:
            self.now, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.resumed:
                sleeper.resumed = True
                sleeper.task.switch()
        for _, _, sleeper in self._sleepers:
            sleeper.task.throw()

    def sleep(self, seconds: float) -> None:
        """Lets the other tasks run for so long."""
        self._resume_at(self.now + seconds, _Sleeper())
        self._hub.switch()

    def unix_time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def condition(self) -> "_Condition":
        return _Condition(self)

    def _resume_at(self, moment: float, sleeper: _Sleeper) -> None:
        self._count += 1
        heapq.heappush(self._sleepers, (moment, self._count, sleeper))


class _Condition:
    """A condition for such tasks. Since a task runs until it waits, there is nothing to lock."""

    def __init__(self, threads: VirtualThreads) -> None:
        self._threads = threads
        self._waiting: list[_Sleeper] = []

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        pass

    def wait(self, timeout: float | None = None) -> None:
        sleeper = _Sleeper()
        self._waiting.append(sleeper)
        if timeout is not None:
            self._threads._resume_at(self._threads.now + timeout, sleeper)
        self._threads._hub.switch()
        if sleeper in self._waiting:
            self._waiting.remove(sleeper)

    def notify_all(self) -> None:
        for sleeper in self._waiting:
            self._threads._resume_at(self._threads.now, sleeper)
        self._waiting.clear()
