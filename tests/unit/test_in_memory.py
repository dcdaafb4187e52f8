"""The fakes keep the promises of their ports."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from intercom_sink import Answer, IntercomGateway, IntercomRequest, NoAnswer
from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.in_memory import InMemoryGateway, InMemorySource, VirtualClock
from tests.contracts.clock import ClockContract
from tests.contracts.intercom_gateway import FAILURE, IntercomGatewayContract
from tests.contracts.message_source import BODIES, MessageSourceContract


class InMemorySourceRig:
    def __init__(self) -> None:
        self.source = InMemorySource(BODIES, longest_block=0.01)

    def lose_connection(self) -> None:
        self.source.lose_connection()

    def left(self) -> list[bytes]:
        assert self.source.closed
        return list(self.source.queue)

    def dead_letters(self) -> list[bytes]:
        return [body for body, _ in self.source.dead_letters]


class TestInMemorySource(MessageSourceContract):
    @pytest.fixture
    def rig(self) -> InMemorySourceRig:
        return InMemorySourceRig()

    def test_says_so_where_a_real_source_would_block_for_ever(self, rig: InMemorySourceRig) -> None:
        for _ in BODIES:
            rig.source.receive()
        with pytest.raises(RuntimeError, match="would block for ever"):
            rig.source.receive()


class InMemoryGatewayRig:
    def gateway(self, script: Sequence[int | str]) -> IntercomGateway:
        self.made = InMemoryGateway(NoAnswer("as told") if step == FAILURE else Answer(int(step)) for step in script)
        return self.made

    def sent(self) -> list[IntercomRequest]:
        assert self.made.closed
        return self.made.requests


class TestInMemoryGateway(IntercomGatewayContract):
    @pytest.fixture
    def rig(self) -> InMemoryGatewayRig:
        return InMemoryGatewayRig()


class VirtualClockRig:
    def __init__(self) -> None:
        self.clock = VirtualClock()

    def now(self) -> float:
        return self.clock.now

    def soon(self, event: Callable[[], None]) -> None:
        self.clock.at(0.005, event)


class TestVirtualClock(ClockContract):
    @pytest.fixture
    def rig(self) -> VirtualClockRig:
        return VirtualClockRig()

    def test_time_passes_only_in_waits_and_events_happen_in_their_order(self, rig: VirtualClockRig) -> None:
        seen: list[tuple[str, float]] = []
        rig.clock.at(5, lambda: seen.append(("late", rig.clock.now)))
        rig.clock.at(2, lambda: seen.append(("early", rig.clock.now)))
        assert rig.clock.now == 0
        assert rig.clock.wait(3, unless=lambda: False)
        assert rig.clock.wait(3, unless=lambda: False)
        assert seen == [("early", 2), ("late", 5)]
        assert rig.clock.now == 6
        assert rig.clock.waits == [3, 3]


class SystemClockRig:
    def __init__(self) -> None:
        self.clock = SystemClock()

        self.timers: list[threading.Timer] = []

    def now(self) -> float:
        return time.monotonic()

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
