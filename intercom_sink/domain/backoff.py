"""Pauses that grow, and spread out, so that what is down is not beaten while it is down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pause:
    """A time drawn evenly from `least` to `most` seconds: the spread keeps replicas from coming back all at once."""

    least: float
    most: float


def exponential(failures: int, longest: float) -> Pause:
    """The pause after so many failures in a row (at least 1): 0.5 to 1 s, then double each time, to `longest` s."""
    most = min(2.0 ** min(failures - 1, 16), longest)
    return Pause(most / 2, most)
