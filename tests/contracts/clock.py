"""The promises of Clock, and of its conditions."""

from collections.abc import Callable
from typing import Protocol

import pytest

from intercom_sink import Clock, Condition


class Rig(Protocol):
    """A clock, and something that happens while a test waits."""

    clock: Clock

    def soon(self, event: Callable[[], None]) -> None:
        """Calls `event` during the next wait."""


def wait_until(clock: Clock, condition: Condition, moment: float, unless: Callable[[], bool] = lambda: False) -> bool:
    """Waits as a caller of a condition must: evaluates again after each return. Returns whether the time came."""
    with condition:
        while not unless():
            seconds = moment - clock.monotonic()
            if seconds <= 0:
                return True
            condition.wait(seconds)
    return False


class ClockContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_monotonic_never_goes_back(self, rig: Rig) -> None:
        moments = [rig.clock.monotonic() for _ in range(100)]
        assert moments == sorted(moments)

    def test_unix_time_passes_during_a_wait(self, rig: Rig) -> None:
        before = rig.clock.unix_time()
        wait_until(rig.clock, rig.clock.condition(), rig.clock.monotonic() + 0.05)
        assert rig.clock.unix_time() > before

    def test_wait_ends_at_its_timeout(self, rig: Rig) -> None:
        began, condition = rig.clock.monotonic(), rig.clock.condition()
        with condition:
            condition.wait(0.05)
        # The system may wake a thread a little early, by another clock than the one that is read here.
        assert rig.clock.monotonic() - began >= 0.049

    def test_wait_ends_when_it_is_notified(self, rig: Rig) -> None:
        """The one who notifies gets the lock meanwhile, so a wait releases it."""
        condition = rig.clock.condition()
        happened: list[bool] = []

        def happen() -> None:
            with condition:
                happened.append(True)
                condition.notify_all()

        began = rig.clock.monotonic()
        rig.soon(happen)
        assert not wait_until(rig.clock, condition, began + 60, unless=lambda: bool(happened))
        assert rig.clock.monotonic() - began < 30

    def test_wait_without_timeout_ends_when_it_is_notified(self, rig: Rig) -> None:
        condition = rig.clock.condition()
        happened: list[bool] = []

        def happen() -> None:
            with condition:
                happened.append(True)
                condition.notify_all()

        with condition:
            rig.soon(happen)
            while not happened:
                condition.wait()

    def test_wait_goes_on_after_a_notification_that_changes_nothing(self, rig: Rig) -> None:
        condition = rig.clock.condition()

        def notify() -> None:
            with condition:
                condition.notify_all()

        began = rig.clock.monotonic()
        rig.soon(notify)
        assert wait_until(rig.clock, condition, began + 0.05)
        assert rig.clock.monotonic() - began >= 0.05

    def test_condition_can_be_entered_again_after_a_wait(self, rig: Rig) -> None:
        """A wait returns with the lock held, and the block releases it."""
        condition = rig.clock.condition()
        for _ in range(2):
            with condition:
                condition.wait(0.001)
                condition.notify_all()
