"""Worker threads that share one queue of jobs."""

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from intercom_sink.domain.errors import TooFewThreads

Job: TypeAlias = Callable[[], bool]
"""Does one piece of work; returns whether there is more, for which it then goes to the end of the queue. Never raises,
or the worker ends."""


class Workers(Protocol):
    """Runs jobs, as many at the same time as there are workers, in the order of the queue."""

    def submit(self, job: Job) -> None:
        """Queues a job. Does not block. May be called from any thread."""

    def __enter__(self) -> Self:
        """Returns these workers."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> object:
        """Ends the workers once every job is done, and waits for that."""


class _Seat:
    """Where an idle worker waits: each has a lock of its own, so a job wakes exactly one."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.wakeup = threading.Lock()
        self.wakeup.acquire()


class WorkerThreads:
    """Workers that are threads. Starts all of them at once.

    A job goes to the worker that became idle last. So while there is little to do only few workers do it, and their
    connections to Intercom stay in use; the others sleep. A worker whose job has more to do continues with it, without
    waking anyone, if no other job is queued.

    Args:
        count: how many workers there are.
        make_thread: creates a thread.

    Raises:
        TooFewThreads: the system does not let that many threads start; those that did have ended.
    """

    def __init__(self, count: int, make_thread: Callable[..., threading.Thread] = threading.Thread) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._idle: list[_Seat] = []  # empty while jobs are queued
        self._ending = False
        self._threads: list[threading.Thread] = []
        for number in range(count):
            thread = make_thread(target=self._work, args=(_Seat(),), name=f"worker-{number + 1}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._end()
                raise TooFewThreads(number, count) from error
            self._threads.append(thread)

    def submit(self, job: Job) -> None:
        """Queues a job, or gives it to an idle worker. Does not block. May be called from any thread."""
        with self._lock:
            if not self._idle:
                self._jobs.append(job)
                return
            seat = self._idle.pop()
        seat.job = job
        seat.wakeup.release()

    def __enter__(self) -> Self:
        """Returns these workers."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Ends the workers once every job is done, and waits for that."""
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._ending = True
            idle, self._idle = self._idle, []
        for seat in idle:
            seat.job = None
            seat.wakeup.release()
        for thread in self._threads:
            thread.join()

    # On the threads of the workers.

    def _work(self, seat: _Seat) -> None:
        job = self._take(seat)
        while job is not None:
            job = self._exchange(job) if job() else self._take(seat)

    def _take(self, seat: _Seat) -> Job | None:
        """The first job of the queue; waits until there is one, or returns None at the end."""
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            if self._ending:
                return None
            self._idle.append(seat)
        seat.wakeup.acquire()
        return seat.job

    def _exchange(self, job: Job) -> Job:
        """Puts a job at the end of the queue, and takes the first one."""
        with self._lock:
            self._jobs.append(job)
            return self._jobs.popleft()
