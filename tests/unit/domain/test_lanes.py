"""Ordered lanes."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import Delivery, SystemClock
from intercom_sink.domain.lanes import Lanes
from intercom_sink.domain.workers import Job, WorkerThreads
from intercom_sink.testing import InMemorySource, VirtualClock

MAX_WAIT = 10.0
"""Seconds in which a thread must have done its part; nothing here waits for so long otherwise."""


class ManualWorkers:
    """Keeps the jobs that are submitted until the test runs the first of them."""

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run_first(self) -> None:
        job = self.jobs.popleft()
        if job():
            self.jobs.append(job)

    def run_all(self) -> None:
        while self.jobs:
            self.run_first()


class Scene:
    """Lanes whose jobs the test runs, and what was handled."""

    def __init__(self) -> None:
        self.workers = ManualWorkers()
        self.handled: list[bytes] = []
        self.failures = 0
        self.lanes = Lanes(self.workers, VirtualClock(), self.handle, on_failure=self.fail)

    def handle(self, delivery: Delivery) -> None:
        self.handled.append(delivery.body)

    def fail(self) -> None:
        self.failures += 1

    def dispatch(self, *names: str) -> None:
        for delivery in deliveries(*names):
            self.lanes.dispatch(delivery)


def deliveries(*names: str) -> Iterable[Delivery]:
    """Deliveries whose key is the first letter of their name; "-" stands for none."""
    source = InMemorySource(
        [name.encode() for name in names], lambda body: None if body.startswith(b"-") else body[:1].decode()
    )
    for _ in names:
        delivery = source.receive()
        assert delivery is not None
        yield delivery


def test_one_delivery_of_each_key_is_submitted_at_a_time() -> None:
    scene = Scene()
    scene.dispatch("a1", "a2", "b1", "a3")
    assert len(scene.workers.jobs) == 2
    scene.workers.run_all()
    assert scene.handled == [b"a1", b"b1", b"a2", b"a3"]


def test_busy_key_goes_to_the_end_of_the_queue_after_each_delivery() -> None:
    """So that it does not keep the workers from the other keys."""
    scene = Scene()
    scene.dispatch("a1", "a2", "a3", "a4", "a5", "b", "c", "d")
    scene.workers.run_all()
    assert scene.handled == [b"a1", b"b", b"c", b"d", b"a2", b"a3", b"a4", b"a5"]


def test_deliveries_without_a_key_share_one_lane() -> None:
    scene = Scene()
    scene.dispatch("-1", "-2", "-3")
    assert len(scene.workers.jobs) == 1
    scene.workers.run_all()
    assert scene.handled == [b"-1", b"-2", b"-3"]


@given(st.lists(st.sampled_from(["a", "b", "c", "run"]), max_size=60))
def test_each_key_keeps_its_order(steps: list[str]) -> None:
    """Whatever the order in which deliveries are dispatched and workers take them."""
    scene = Scene()
    dispatched: list[bytes] = []
    for number, step in enumerate(steps):
        if step != "run":
            scene.dispatch(f"{step}{number}")
            dispatched.append(f"{step}{number}".encode())
        elif scene.workers.jobs:
            scene.workers.run_first()
        unhandled_keys = {body[:1] for body in set(dispatched) - set(scene.handled)}
        assert len(scene.workers.jobs) == len(unhandled_keys)
    scene.workers.run_all()
    for key in (b"a", b"b", b"c"):
        of_key = [body for body in dispatched if body.startswith(key)]
        assert [body for body in scene.handled if body.startswith(key)] == of_key


def test_lane_goes_on_after_a_failure_and_the_first_one_is_kept() -> None:
    """The sink raises it; what is dispatched already is handled, which after a stop means that it is requeued."""
    scene = Scene()
    errors = [ZeroDivisionError("first"), ValueError("second")]

    def fail(delivery: Delivery) -> None:
        scene.handled.append(delivery.body)
        raise errors[len(scene.handled) - 1]

    scene.lanes = Lanes(scene.workers, VirtualClock(), fail, on_failure=scene.fail)
    scene.dispatch("a1", "a2")
    scene.workers.run_all()
    assert scene.handled == [b"a1", b"a2"]
    assert scene.lanes.failure is errors[0]
    assert scene.failures == 2


def test_join_returns_at_once_if_nothing_was_dispatched() -> None:
    Scene().lanes.join()


def test_join_returns_at_once_if_everything_is_handled() -> None:
    scene = Scene()
    scene.dispatch("a1", "b1")
    scene.workers.run_all()
    scene.lanes.join()


def test_join_waits_for_deliveries_that_nobody_handles_yet() -> None:
    scene = Scene()
    scene.dispatch("a1")
    with pytest.raises(RuntimeError, match="never end"):
        scene.lanes.join()


def test_join_returns_once_the_last_delivery_is_handled() -> None:
    may_end = threading.Event()
    handled: list[bytes] = []

    def handle(delivery: Delivery) -> None:
        assert may_end.wait(MAX_WAIT)
        handled.append(delivery.body)

    with WorkerThreads(2) as workers:
        lanes = Lanes(workers, SystemClock(), handle, on_failure=lambda: None)
        for delivery in deliveries("a1", "a2"):
            lanes.dispatch(delivery)
        joining = threading.Thread(target=lanes.join, daemon=True)
        joining.start()
        joining.join(0.01)
        assert joining.is_alive(), "both deliveries are being handled, or wait for it"
        may_end.set()
        joining.join(MAX_WAIT)
        assert not joining.is_alive()
        assert handled == [b"a1", b"a2"]
        assert lanes.failure is None
