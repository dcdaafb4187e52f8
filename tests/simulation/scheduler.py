"""Threads without threads: tasks that look like blocking code, one at a time, in virtual time, in a seed's order.

Any task that may run can be next, and a process can crash. tests/support/virtual_threads runs the earliest one instead.
"""

import math
from collections.abc import Callable
from random import Random

from greenlet import GreenletExit, getcurrent, greenlet


class Stuck(AssertionError):
    """Every task waits, and no wait will ever end."""


class _Waiting:
    def __init__(self, task: greenlet, deadline: float, condition: Callable[[], bool]) -> None:
        self.task = task
        self.deadline = deadline
        self.condition = condition


class Scheduler:
    """The tasks of one process. A task runs until it calls `wait`; then the seed picks a task whose wait is over.

    Attributes:
        now: seconds; they pass only while every task waits.
        crashed: whether the process died.
        dead: whether it has ended. Its tasks still unwind, but have no more effect on the world.
    """

    def __init__(self, random: Random, now: float = 0.0) -> None:
        self.now = now
        self.crashed = False
        self.dead = False
        self._random = random
        self._waiting: list[_Waiting] = []
        self._hub = getcurrent()

    def run(self, main: Callable[[], object]) -> None:
        """Runs `main` as the first task, until it returns; raises what it raises. Then ends the other tasks."""
        self._hub = getcurrent()
        first = self.start(main)
        try:
            while not (first.dead or self.crashed):
                self._pick().switch()
        finally:
            self._end()

    def start(self, job: Callable[[], object]) -> greenlet:
        """Adds a task, which begins later."""
        task = greenlet(job, parent=self._hub)
        self._waiting.append(_Waiting(task, self.now, lambda: True))
        return task

    def wait(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Lets other tasks run until the seconds have passed (returns True), or `condition()` holds (returns False)."""
        if self.dead:
            raise GreenletExit
        mine = _Waiting(getcurrent(), self.now + seconds, condition)
        self._waiting.append(mine)
        self._hub.switch()
        return self.now >= mine.deadline and not condition()

    def crash(self) -> None:
        """Ends the process here and now; does not return."""
        self.crashed = self.dead = True
        self._waiting.append(_Waiting(getcurrent(), math.inf, lambda: False))
        self._hub.switch()

    def _pick(self) -> greenlet:
        while not (ready := [one for one in self._waiting if one.deadline <= self.now or one.condition()]):
            self.now = min((one.deadline for one in self._waiting), default=math.inf)
            if self.now == math.inf:
                raise Stuck("every task waits for ever")
        chosen = self._random.choice(ready)
        self._waiting.remove(chosen)
        return chosen.task

    def _end(self) -> None:
        self.dead = True
        for one in self._waiting:
            one.task.throw(GreenletExit)
        self._waiting.clear()
