"""SystemClock keeps the promises of Clock."""

import threading
from collections.abc import Callable, Iterator

import pytest

from intercom_sink import SystemClock
from tests.contracts.clock import ClockContract


class SystemClockRig:
    def __init__(self) -> None:
        self.clock = SystemClock()
        self.timers: list[threading.Timer] = []

    def soon(self, event: Callable[[], None]) -> None:
        self.timers.append(threading.Timer(0.005, event))
        self.timers[-1].start()


class TestSystemClock(ClockContract):
    @pytest.fixture
    def rig(self) -> Iterator[SystemClockRig]:
        made = SystemClockRig()
        yield made
        for timer in made.timers:
            timer.join()
