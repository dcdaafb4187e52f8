"""Clock, in virtual time; and conditions that lock and notify as those of threads do."""

import math
from types import TracebackType
from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from tests.simulation.world import World

MAX_WAIT = 61.0
"""Seconds of the longest wait: a pause of 60 s, and its jitter."""


class Clock:
    """The clock of one process."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def unix_time(self) -> float:
        return self._world.now

    def monotonic(self) -> float:
        self._world.let_others_run()
        return self._world.now

    def condition(self) -> "Condition":
        return Condition(self._world)


class Condition:
    """A condition of one process."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._scheduler = world.scheduler
        self._owner: greenlet | None = None
        self._waiting: list[_Waiter] = []

    def __enter__(self) -> None:
        assert self._owner is not getcurrent(), "the lock is not reentrant"
        self._world.let_others_run()
        if self._owner is not None:
            self._scheduler.wait(math.inf, condition=lambda: self._owner is None)
        self._owner = getcurrent()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._owner = None

    def wait(self, timeout: float | None = None) -> None:
        world, seconds = self._world, math.inf if timeout is None else timeout
        world.check(seconds == math.inf or 0 <= seconds <= MAX_WAIT + 1e-6, f"a wait of {seconds} s")
        waiter = _Waiter()
        self._waiting.append(waiter)
        self._owner = None
        if seconds < math.inf:
            first_part = world.random.uniform(0, seconds)
            seconds -= first_part
            if self._scheduler.wait(first_part, waiter.is_notified):
                world.step("during a wait")
        self._scheduler.wait(seconds, waiter.is_notified)
        self._waiting.remove(waiter)
        self.__enter__()

    def notify_all(self) -> None:
        assert self._owner is getcurrent(), "who notifies holds the lock"
        for waiter in self._waiting:
            waiter.notified = True


class _Waiter:
    def __init__(self) -> None:
        self.notified = False

    def is_notified(self) -> bool:
        return self.notified
