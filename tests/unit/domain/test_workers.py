"""Worker threads that share one queue of jobs."""

import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.domain.errors import TooFewThreads
from intercom_sink.domain.workers import Job, WorkerThreads
from testbed.waiting import wait_until

MAX_WAIT = 10.0
"""Seconds in which a thread must have done its part; nothing here waits for so long otherwise."""


def once(*steps: Callable[[], object]) -> Job:
    """A job that takes these steps, and has no more."""

    def job() -> bool:
        for step in steps:
            step()
        return False

    return job


def wait_for(event: threading.Event) -> None:
    assert event.wait(MAX_WAIT)


def run_one(workers: WorkerThreads) -> str:
    """Has the workers run a job; returns the name of the thread that did, once it sleeps again."""
    names: list[str] = []
    done = threading.Event()
    asleep = len(workers._asleep)
    workers.submit(once(lambda: names.append(threading.current_thread().name), done.set))
    wait_for(done)
    wait_until_asleep(workers, asleep)
    return names[0]


def wait_until_asleep(workers: WorkerThreads, number: int) -> None:
    wait_until(lambda: len(workers._asleep) >= number, f"{number} sleeping workers", MAX_WAIT)


@given(st.lists(st.integers(1, 4), max_size=20), st.integers(1, 4))
def test_every_job_is_run_as_often_as_it_has_more_to_do(turns: list[int], workers: int) -> None:
    left = list(turns)

    def make_job(number: int) -> Job:
        def job() -> bool:
            left[number] -= 1
            return left[number] > 0

        return job

    with WorkerThreads(workers) as threads:
        for number in range(len(turns)):
            threads.submit(make_job(number))
    assert left == [0] * len(turns), "at the end of the block, at the latest"


def test_job_with_more_to_do_goes_to_the_end_of_the_queue() -> None:
    ran: list[str] = []
    may_begin = threading.Event()
    turns = count(1)

    def busy() -> bool:
        ran.append("busy")
        return next(turns) < 3

    with WorkerThreads(1) as workers:
        workers.submit(once(lambda: wait_for(may_begin)))
        workers.submit(busy)
        for name in ("a", "b"):
            workers.submit(once(partial(ran.append, name)))
        may_begin.set()
    assert ran == ["busy", "a", "b", "busy", "busy"]


def test_as_many_jobs_run_at_once_as_there_are_workers() -> None:
    all_run = threading.Barrier(4)
    with WorkerThreads(4) as workers:
        for _ in range(8):
            workers.submit(once(lambda: all_run.wait(MAX_WAIT)))
    assert not all_run.broken


def test_worker_that_fell_asleep_last_takes_the_next_job() -> None:
    """So one connection to Intercom stays in use, where any worker in turn would leave all of them idle for long."""
    with WorkerThreads(4) as workers:
        wait_until_asleep(workers, 4)
        assert len({run_one(workers) for _ in range(20)}) == 1


def test_job_wakes_one_worker_only() -> None:
    with WorkerThreads(4) as workers:
        wait_until_asleep(workers, 4)
        running, may_end = threading.Event(), threading.Event()
        workers.submit(once(running.set, lambda: wait_for(may_end)))
        wait_for(running)
        assert len(workers._asleep) == 3
        may_end.set()


def test_jobs_that_are_queued_at_once_wake_as_many_workers_as_they_need() -> None:
    """Each worker that wakes up wakes the next one."""
    all_run = threading.Barrier(5)
    with WorkerThreads(8) as workers:
        wait_until_asleep(workers, 8)
        for _ in range(4):
            workers.submit(once(lambda: all_run.wait(MAX_WAIT)))
        all_run.wait(MAX_WAIT)


def test_no_second_worker_is_woken_while_one_is_waking_up() -> None:
    """The first one takes the jobs that were queued meanwhile, or wakes the next."""
    with WorkerThreads(4) as workers:
        wait_until_asleep(workers, 4)
        with workers._lock:
            workers._jobs.extend(once() for _ in range(3))
            for _ in range(3):
                workers._wake_one()
            assert len(workers._asleep) == 3


def test_worker_that_finds_its_job_taken_sleeps_again() -> None:
    with WorkerThreads(2) as workers:
        wait_until_asleep(workers, 2)
        with workers._lock:
            workers._jobs.append(once())
            workers._wake_one()
            workers._jobs.clear()
        wait_until_asleep(workers, 2)
        assert len({run_one(workers) for _ in range(3)}) == 1


def test_jobs_are_done_before_the_workers_end() -> None:
    done: list[int] = []
    may_begin = threading.Event()
    workers = WorkerThreads(2)
    with workers:
        for number in range(10):
            workers.submit(once(partial(wait_for, may_begin), partial(done.append, number)))
        may_begin.set()
    assert sorted(done) == list(range(10))
    assert not any(thread.is_alive() for thread in workers._threads)


class Scarce:
    """Creates threads, of which the system starts only so many.

    Args:
        available: how many.
    """

    def __init__(self, available: int) -> None:
        self.available = available
        self.threads: list[threading.Thread] = []

    def __call__(self, **options: Any) -> threading.Thread:
        thread = threading.Thread(**options)
        self.threads.append(thread)
        if len(self.threads) > self.available:
            thread.start = self._fail  # type: ignore[method-assign]
        return thread

    def _fail(self) -> None:
        raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("available", [0, 1, 5])
def test_limit_on_threads_is_an_error_at_the_start(available: int) -> None:
    scarce = Scarce(available)
    with pytest.raises(TooFewThreads, match=f"only {available} of 6 threads could be started") as caught:
        WorkerThreads(6, scarce)
    assert (caught.value.started, caught.value.needed) == (available, 6)
    assert not any(thread.is_alive() for thread in scarce.threads), "those that were started have ended"
