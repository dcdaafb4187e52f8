"""Thread that does something at fixed intervals, whether or not anything happens."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from intercom_sink.domain.ports import Clock

MINUTE = 60.0
"""Seconds between two ticks."""

_JOIN_TIMEOUT = 1.0
"""Seconds to wait for the thread to end: it may be blocked in a write to standard error, which nobody reads."""


class Ticker:
    """Calls a function every `interval` seconds, on a daemon thread of its own.

    Args:
        tick: the function.
        clock: supplies the time, and the condition to wait on.
        interval: seconds between two calls.
    """

    def __init__(self, tick: Callable[[], object], clock: Clock, interval: float = MINUTE) -> None:
        self._tick = tick
        self._clock = clock
        self._interval = interval
        self._condition = clock.condition()
        self._closed = False

    @contextmanager
    def running(self) -> Generator[None]:
        """Runs within the block."""
        thread = threading.Thread(target=self.run, name="ticker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.close()
            thread.join(_JOIN_TIMEOUT)

    def run(self) -> None:
        """Ticks until `close`. A process that stood still for some intervals ticks once for all of them."""
        while self._wait_until(self._clock.monotonic() + self._interval):
            self._tick()

    def close(self) -> None:
        """Ends `run`. From any thread."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _wait_until(self, moment: float) -> bool:
        """Waits; returns False once closed."""
        with self._condition:
            while not self._closed and (seconds := moment - self._clock.monotonic()) > 0:
                self._condition.wait(seconds)
            return not self._closed
