"""Clock, on the system's clocks."""

import threading
import time


class SystemClock:
    """Real time."""

    def unix_time(self) -> float:
        """Wall-clock time in Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()

    def condition(self) -> threading.Condition:
        """A condition for threads."""
        return threading.Condition(threading.Lock())
