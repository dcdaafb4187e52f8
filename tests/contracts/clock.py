"""The promises of Clock."""

from collections.abc import Callable
from typing import Protocol

import pytest

from intercom_sink import Clock


class Rig(Protocol):
    clock: Clock

    def now(self) -> float:
        """Seconds, by the clock that the waits go by."""

    def soon(self, event: Callable[[], None]) -> None:
        """Calls `event` while a wait goes on."""


class ClockContract:
    @pytest.fixture
    def rig(self) -> Rig:
        raise NotImplementedError

    def test_a_wait_ends_when_its_time_is_over(self, rig: Rig) -> None:
        began = rig.now()
        assert rig.clock.wait(0.05, unless=lambda: False)
        assert rig.now() - began >= 0.05

    def test_a_wait_whose_condition_holds_ends_at_once(self, rig: Rig) -> None:
        assert not rig.clock.wait(3600, unless=lambda: True)

    def test_a_wait_ends_when_it_is_woken_and_its_condition_has_come_true(self, rig: Rig) -> None:
        true: list[bool] = []

        def come_true() -> None:
            true.append(True)
            rig.clock.wake()

        rig.soon(come_true)
        began = rig.now()
        assert not rig.clock.wait(60, unless=lambda: bool(true))
        assert rig.now() - began < 30

    def test_a_wait_that_is_woken_for_nothing_goes_on(self, rig: Rig) -> None:
        rig.soon(rig.clock.wake)
        began = rig.now()
        assert rig.clock.wait(0.05, unless=lambda: False)
        assert rig.now() - began >= 0.05
