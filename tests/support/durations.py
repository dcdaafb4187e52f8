"""Upper bounds of durations, on machines whose cores are busy: time may be added to any step, but never taken away."""

import time
from collections.abc import Callable

SLACK = 5.0
"""Seconds that a test allows beyond what is promised. What it guards against must take longer."""


def takes_less_than(seconds: float, action: Callable[[], object], attempts: int = 5) -> bool:
    """Whether an action takes less than so many seconds at least once, for bounds that are narrower than SLACK."""

    def measure() -> float:
        began = time.monotonic()
        action()
        return time.monotonic() - began

    return any(measure() < seconds for _ in range(attempts))
