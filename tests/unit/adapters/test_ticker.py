"""Ticks at fixed intervals, in virtual time; one test runs the thread."""

import threading

from intercom_sink.adapters.clock import SystemClock
from intercom_sink.adapters.ticker import Ticker
from intercom_sink.testing import VirtualClock


def test_ticks_at_each_interval_until_closed() -> None:
    clock = VirtualClock()
    ticks: list[float] = []
    ticker = Ticker(lambda: ticks.append(clock.now), clock, 60)
    clock.at(150, ticker.close)
    ticker.run()
    assert ticks == [60, 120]
    assert clock.now == 150, "a close ends the wait"


def test_stalled_process_ticks_once_for_all_missed_intervals() -> None:
    clock = VirtualClock()
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(clock.now)
        if len(ticks) == 1:
            clock.now += 600

    ticker = Ticker(tick, clock, 60)
    clock.at(800, ticker.close)
    ticker.run()
    assert ticks == [60, 720, 780]


def test_closed_ticker_never_ticks() -> None:
    ticker = Ticker(lambda: 1 / 0, VirtualClock())
    ticker.close()
    ticker.run()


def test_thread_is_a_daemon_and_ends_with_the_block() -> None:
    ticked = threading.Event()
    with Ticker(ticked.set, SystemClock(), 0.001).running():
        (thread,) = (thread for thread in threading.enumerate() if thread.name == "ticker")
        assert thread.daemon
        assert ticked.wait(10)
    assert not thread.is_alive()
