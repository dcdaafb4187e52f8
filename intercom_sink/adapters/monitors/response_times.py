"""Quantiles and maximum of any number of response times, in bounded memory."""

from bisect import bisect_left
from itertools import accumulate
from math import ceil

_BOUNDS = tuple(0.0001 * 1.05**exponent for exponent in range(424))
"""The upper bounds of the buckets, in seconds, from 0.1 ms to a day; each is 5 % above the one before."""


class ResponseTimes:
    """A histogram with fixed buckets. Not thread-safe.

    Attributes:
        slowest: the maximum, in seconds; None while there is none.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self.slowest: float | None = None

    def add(self, seconds: float) -> None:
        """Adds a response time."""
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        if self.slowest is None or seconds > self.slowest:
            self.slowest = seconds

    def quantile(self, share: float) -> float | None:
        """The seconds that this share of the response times does not exceed, exact to 2.5 %; None while there is none.

        Args:
            share: over 0, and 1 at most; 0.5 is the median.
        """
        if self.slowest is None:
            return None
        totals = list(accumulate(self._counts))
        bucket = bisect_left(totals, ceil(share * totals[-1]))
        return min(_BOUNDS[min(bucket, len(_BOUNDS) - 1)] / 1.025, self.slowest)

    def merge(self, other: "ResponseTimes") -> None:
        """Adds all response times of another histogram."""
        self._counts = [own + others for own, others in zip(self._counts, other._counts, strict=True)]
        if other.slowest is not None:
            self.slowest = max(other.slowest, self.slowest or 0.0)

    def fields(self) -> dict[str, float]:
        """The fields of a log line; none while there is no response time."""
        median = self.quantile(0.5)
        if median is None or self.slowest is None:
            return {}
        return {"median_ms": round(median * 1000, 1), "slowest_ms": round(self.slowest * 1000, 1)}
