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
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> object:
        """Ends the workers once every job is done, and waits for that."""


class WorkerThreads:
    """Workers that are threads. Starts all of them at once.

    No more of them are awake than there is work for. A job wakes one worker at most, and none while another is still
    waking up: a worker that is awake may take the job first. One that wakes up wakes the next if jobs remain. The
    worker that fell asleep last is woken first, so while there is little to do only few workers do it, and their
    connections to Intercom stay in use.

    Args:
        count: how many workers there are.
        make_thread: creates a thread.

    Raises:
        TooFewThreads: the system does not let that many threads start; those that did have ended.
    """

    def __init__(self, count: int, make_thread: Callable[..., threading.Thread] = threading.Thread) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._asleep: list[threading.Lock] = []  # each sleeping worker waits for a lock of its own
        self._is_waking = False
        self._ending = False
        self._threads: list[threading.Thread] = []
        for number in range(count):
            thread = make_thread(target=self._work, name=f"worker-{number + 1}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._end()
                raise TooFewThreads(number, count) from error
            self._threads.append(thread)

    def submit(self, job: Job) -> None:
        """Queues a job. Does not block. May be called from any thread."""
        with self._lock:
            self._jobs.append(job)
            self._wake_one()

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
            for wakeup in self._asleep:
                wakeup.release()
            self._asleep.clear()
        for thread in self._threads:
            thread.join()

    def _wake_one(self) -> None:
        """Wakes a worker if there is a job for it. The caller holds the lock."""
        if self._jobs and self._asleep and not self._is_waking:
            self._is_waking = True
            self._asleep.pop().release()

    # On the threads of the workers.

    def _work(self) -> None:
        wakeup = threading.Lock()
        wakeup.acquire()
        job = self._take(wakeup)
        while job is not None:
            job = self._exchange(job) if job() else self._take(wakeup)

    def _take(self, wakeup: threading.Lock) -> Job | None:
        """The first job of the queue; sleeps until there is one, or returns None at the end."""
        has_slept = False
        while True:
            with self._lock:
                if has_slept:
                    self._is_waking = False
                if self._jobs:
                    job = self._jobs.popleft()
                    self._wake_one()
                    return job
                if self._ending:
                    return None
                self._asleep.append(wakeup)
            wakeup.acquire()
            has_slept = True

    def _exchange(self, job: Job) -> Job:
        """Puts a job at the end of the queue, and takes the first one."""
        with self._lock:
            self._jobs.append(job)
            return self._jobs.popleft()
