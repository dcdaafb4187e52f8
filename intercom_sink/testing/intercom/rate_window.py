"""Intercom's rate limit: a fixed number of requests in each window of 10 s.

It is reported in the headers of every response to an authorized request.

The one model of it: FakeIntercom, the benchmarks' server, the simulation and the unit tests all use it.

Source: https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
"""

import math
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache


@dataclass(frozen=True)
class Admission:
    """Whether a request is admitted, and what the response to it reports about the window in which it was counted.

    Args:
        admitted: whether it is; the response to one that is not has the status 429.
        limit: requests that one window takes.
        remaining: requests that the window still takes after this one.
        reset_at: when the window ends, in Unix seconds.
    """

    admitted: bool
    limit: int
    remaining: int
    reset_at: float

    @property
    def headers(self) -> dict[str, str]:
        """What the response reports. Intercom sends them with every response to an authorized request."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(self.reset_at)),
        }


class RateWindow:
    """Admits `limit` requests in each window; a request that is refused is not counted.

    A window begins at each multiple of its length in Unix time, as on a server, and not at the first request.

    Args:
        limit: requests in one window.
        seconds: the length of a window; whole seconds, since the headers can't represent fractions.

    Attributes:
        admitted: how many requests were admitted, by the Unix time at which their window began.
        refused: how many were refused, in all.
    """

    def __init__(self, limit: int, seconds: int = 10) -> None:
        self.limit = limit
        self.seconds = seconds
        self.admitted: Counter[int] = Counter()
        self.refused = 0

    def admit(self, unix_time: float) -> Admission:
        """Counts a request that arrives at this time, by the server's clock."""
        begin = math.floor(unix_time / self.seconds) * self.seconds
        admitted = self.admitted[begin] < self.limit
        if admitted:
            self.admitted[begin] += 1
        else:
            self.refused += 1
        return Admission(admitted, self.limit, self.limit - self.admitted[begin], float(begin + self.seconds))


@lru_cache(maxsize=1)
def http_date(second: int) -> str:
    """A Unix time, in whole seconds, as the `Date` header says it; made once a second, whatever the load."""
    return formatdate(second, usegmt=True)
