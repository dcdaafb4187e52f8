"""Workers that are tasks."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World


class Workers:
    """The workers of one process."""

    def __init__(self, world: "World", count: int) -> None:
        self._world = world
        self._scheduler = world.scheduler
        self._idle = count
        self._jobs: deque[Callable[[], bool]] = deque()

    def submit(self, job: Callable[[], bool]) -> None:
        if self._scheduler.dead:
            return
        self._jobs.append(job)
        if self._idle:
            self._idle -= 1
            self._scheduler.start(self._work)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _work(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            self._world.let_others_run()
            if job():
                self._jobs.append(job)
        self._idle += 1
