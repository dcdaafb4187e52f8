"""Ordered lanes."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import Delivery, SystemClock
from intercom_sink.domain.lanes import Lanes
from intercom_sink.testing import InMemorySource, VirtualClock

MAX_WAIT = 10.0
"""Seconds in which a thread must have done its part; nothing here waits for so long otherwise."""


class ManualExecutor(Executor):
    """Keeps the jobs that are submitted until the test runs the first of them."""

    def __init__(self) -> None:
        self.jobs: deque[Callable[[], object]] = deque()

    def submit(self, job: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        self.jobs.append(lambda: job(*arguments, **options))
        return Future()

    def run_first(self) -> None:
        self.jobs.popleft()()

    def run_all(self) -> None:
        while self.jobs:
            self.run_first()


class FailingExecutor(ManualExecutor):
    """As ThreadPoolExecutor when the system has no more threads: some jobs are queued, yet `submit` raises."""

    def __init__(self, fails_at: int) -> None:
        super().__init__()
        self._submits = 0
        self._fails_at = fails_at

    def submit(self, job: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        future = super().submit(job, *arguments, **options)
        self._submits += 1
        if self._submits == self._fails_at:
            raise RuntimeError("can't start new thread")
        return future


class Scene:
    """Lanes whose jobs the test runs, and what was handled."""

    def __init__(self, executor: ManualExecutor | None = None) -> None:
        self.executor = executor or ManualExecutor()
        self.handled: list[bytes] = []
        self.failures = 0
        self.lanes = Lanes(self.executor, VirtualClock(), self.handle, on_failure=self.fail)

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
    assert len(scene.executor.jobs) == 2
    scene.executor.run_all()
    assert scene.handled == [b"a1", b"b1", b"a2", b"a3"]


def test_busy_key_goes_to_the_end_of_the_queue_after_each_delivery() -> None:
    """So that it does not keep the workers from the other keys."""
    scene = Scene()
    scene.dispatch("a1", "a2", "a3", "a4", "a5", "b", "c", "d")
    scene.executor.run_all()
    assert scene.handled == [b"a1", b"b", b"c", b"d", b"a2", b"a3", b"a4", b"a5"]


def test_deliveries_without_a_key_share_one_lane() -> None:
    scene = Scene()
    scene.dispatch("-1", "-2", "-3")
    assert len(scene.executor.jobs) == 1
    scene.executor.run_all()
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
        elif scene.executor.jobs:
            scene.executor.run_first()
        unhandled_keys = {body[:1] for body in set(dispatched) - set(scene.handled)}
        assert len(scene.executor.jobs) == len(unhandled_keys)
    scene.executor.run_all()
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

    scene.lanes = Lanes(scene.executor, VirtualClock(), fail, on_failure=scene.fail)
    scene.dispatch("a1", "a2")
    scene.executor.run_all()
    assert scene.handled == [b"a1", b"a2"]
    assert scene.lanes.failure is errors[0]
    assert scene.failures == 2


def test_join_returns_at_once_if_nothing_was_dispatched() -> None:
    Scene().lanes.join()


def test_join_returns_at_once_if_everything_is_handled() -> None:
    scene = Scene()
    scene.dispatch("a1", "b1")
    scene.executor.run_all()
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

    with ThreadPoolExecutor(2) as executor:
        lanes = Lanes(executor, SystemClock(), handle, on_failure=lambda: None)
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


def test_lane_ends_if_the_executor_can_not_start_a_thread() -> None:
    """Its job may be queued nevertheless, and be taken by a thread that there is; then there is nothing to do."""
    scene = Scene(FailingExecutor(fails_at=2))
    scene.dispatch("a1", "b1")
    assert isinstance(scene.lanes.failure, RuntimeError)
    assert scene.failures == 1
    scene.executor.run_all()
    assert scene.handled == [b"a1"]
    scene.lanes.join()


def test_join_does_not_wait_for_a_lane_whose_job_was_not_taken() -> None:
    scene = Scene(FailingExecutor(fails_at=1))
    scene.dispatch("a1")
    scene.lanes.join()
    assert scene.handled == []
    assert scene.failures == 1


def test_lane_whose_next_job_is_not_taken_ends_after_the_delivery_that_was_handled() -> None:
    scene = Scene(FailingExecutor(fails_at=2))
    scene.dispatch("a1", "a2", "a3")
    scene.executor.run_all()
    assert scene.handled == [b"a1"]
    assert isinstance(scene.lanes.failure, RuntimeError)
    assert scene.failures == 1
    scene.lanes.join()


def test_join_waits_for_the_other_lanes_after_the_executor_failed() -> None:
    scene = Scene(FailingExecutor(fails_at=2))
    scene.dispatch("a1", "b1")
    with pytest.raises(RuntimeError, match="never end"):
        scene.lanes.join()
    scene.executor.run_all()
    scene.lanes.join()


class EagerExecutor(ManualExecutor):
    """A thread takes the job at once, before `submit` raises because it can't start one more."""

    def __init__(self) -> None:
        super().__init__()
        self.futures: list[Future[Any]] = []
        self.threads = ThreadPoolExecutor(1)

    def submit(self, job: Callable[..., Any], /, *arguments: Any, **options: Any) -> "Future[Any]":
        begun = threading.Event()

        def run() -> object:
            begun.set()
            return job(*arguments, **options)

        self.futures.append(self.threads.submit(run))
        assert begun.wait(MAX_WAIT)
        raise RuntimeError("can't start new thread")


def test_delivery_that_is_being_handled_as_the_executor_fails_is_handled_to_its_end() -> None:
    handling, may_end = threading.Event(), threading.Event()
    handled: list[bytes] = []

    def handle(delivery: Delivery) -> None:
        handling.set()
        assert may_end.wait(MAX_WAIT)
        handled.append(delivery.body)

    def wait_until_it_is_handled() -> None:
        assert handling.wait(MAX_WAIT)

    executor = EagerExecutor()
    lanes = Lanes(executor, SystemClock(), handle, on_failure=wait_until_it_is_handled)
    (delivery,) = deliveries("a1")
    lanes.dispatch(delivery)
    may_end.set()
    executor.threads.shutdown()
    lanes.join()
    assert handled == [b"a1"]
    assert str(lanes.failure) == "can't start new thread"
    assert executor.futures[0].exception() is None
