"""VirtualClock keeps the promises of Clock."""

from collections.abc import Callable

import pytest

from intercom_sink.testing import VirtualClock
from tests.contracts.clock import ClockContract, wait_until


class VirtualClockRig:
    def __init__(self) -> None:
        self.clock = VirtualClock()

    def soon(self, event: Callable[[], None]) -> None:
        self.clock.at(self.clock.now + 0.005, event)


class TestVirtualClock(ClockContract):
    @pytest.fixture
    def rig(self) -> VirtualClockRig:
        return VirtualClockRig()

    def test_time_passes_only_in_waits_and_events_happen_in_order(self, rig: VirtualClockRig) -> None:
        clock, condition = rig.clock, rig.clock.condition()
        seen: list[tuple[str, float]] = []
        clock.at(5, lambda: seen.append(("late", clock.now)))
        clock.at(2, lambda: seen.append(("early", clock.now)))
        assert clock.now == clock.monotonic() == clock.unix_time() == 0
        assert wait_until(clock, condition, 3)
        assert seen == [("early", 2)]
        assert wait_until(clock, condition, 6)
        assert seen == [("early", 2), ("late", 5)]
        assert clock.now == 6
        assert clock.waits == [3, 1, 3, 1], "each event ends the wait in which it happens"

    def test_event_at_the_end_of_a_wait_happens_in_it(self, rig: VirtualClockRig) -> None:
        happened: list[float] = []
        rig.clock.at(3, lambda: happened.append(rig.clock.now))
        rig.clock.condition().wait(3)
        assert happened == [3]

    def test_event_of_the_past_happens_in_the_next_wait(self, rig: VirtualClockRig) -> None:
        happened: list[float] = []
        rig.clock.now = 7.0
        rig.clock.at(3, lambda: happened.append(rig.clock.now))
        rig.clock.condition().wait(1)
        assert happened == [7]

    def test_wait_that_would_never_end_is_an_error(self, rig: VirtualClockRig) -> None:
        with pytest.raises(RuntimeError, match="would never end"):
            rig.clock.condition().wait()
