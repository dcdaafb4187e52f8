"""Ordered lanes: what has the same key goes one after the other, what has not goes side by side."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from threading import Lock
from typing import TypeAlias

from intercom_sink.domain.ports import Clock

Job: TypeAlias = Callable[[], None]

LOOK_AGAIN = 60.0
"""Seconds between two looks whether all is done, should nobody wake the clock."""


class Lanes:
    """Runs jobs, one at a time for each key, in the order of their `put`.

    After each job its lane goes to the end of the executor's queue, so that a key with many jobs does not keep the
    workers from the other keys.

    Args:
        executor: runs one job for each of its workers at the same time.
        clock: where to wait for the last one.
    """

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock
        self._lanes: dict[str | None, deque[Job]] = {}
        self._lock = Lock()

    def put(self, key: str | None, job: Job) -> None:
        """Runs `job`, which must not raise, after those that have the same key. All without a key are one lane."""
        with self._lock:
            lane = self._lanes.setdefault(key, deque())
            lane.append(job)
            is_idle = len(lane) == 1
        if is_idle:
            self._executor.submit(self._run_first, key, lane)

    def join(self) -> None:
        """Returns once every job is done."""
        while self._lanes:
            self._clock.wait(LOOK_AGAIN, unless=lambda: not self._lanes)

    def _run_first(self, key: str | None, lane: deque[Job]) -> None:
        lane[0]()
        with self._lock:
            lane.popleft()
            has_more = bool(lane)
            if not has_more:
                del self._lanes[key]
        if has_more:
            self._executor.submit(self._run_first, key, lane)
        elif not self._lanes:
            self._clock.wake()
