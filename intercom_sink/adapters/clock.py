"""Clock, by the monotonic clock of the system."""

import threading
import time
from collections.abc import Callable


class SystemClock:
    """Waits in real time. Any number of threads may wait at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def unix_time(self) -> float:
        """The time of day."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def wait(self, seconds: float, unless: Callable[[], bool]) -> bool:
        """Waits until so many seconds are over (True), or `unless()` is true (False)."""
        with self._changed:
            return not self._changed.wait_for(unless, timeout=seconds)

    def wake(self) -> None:
        """Makes every wait look at its `unless` again."""
        with self._changed:
            self._changed.notify_all()
