"""Exponential backoff with jitter."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delay:
    """A range of seconds from which the caller draws: the jitter keeps replicas from retrying at the same moment.

    Args:
        min: the shortest delay, in seconds.
        max: the longest delay, in seconds.
    """

    min: float
    max: float


NO_DELAY = Delay(0.0, 0.0)


def exponential(failures: int, max_delay: float) -> Delay:
    """The delay after some consecutive failures (at least 1): 0.5 to 1 s, doubled each time, up to `max_delay` s.

    "Equal jitter": the lower half of the delay is fixed, the upper half random.
    """
    upper = min(2.0 ** min(failures - 1, 16), max_delay)  # 16: no float overflows
    return Delay(upper / 2, upper)


def draw_uniform(delay: Delay) -> float:
    """Draws uniformly from the range of a delay; seconds."""
    return random.uniform(delay.min, delay.max)
