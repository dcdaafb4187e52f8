"""Exponential backoff with jitter."""

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
    """The delay after `failures` failures in a row (at least 1): 0.5 to 1 s, doubled each time up to `max_delay` s."""
    upper = min(2.0 ** min(failures - 1, 16), max_delay)
    return Delay(upper / 2, upper)
