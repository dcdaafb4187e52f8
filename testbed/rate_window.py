"""Intercom's rate limit: so many requests in each window of 10 s, told in the headers of every answer.

https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
"""

import math
from collections import Counter
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache


@dataclass(frozen=True)
class Admission:
    """What became of a request, and what its answer says about the window."""

    admitted: bool
    headers: dict[str, str]


class RateWindow:
    """Admits `limit` requests in each window; one that is refused counts for nothing.

    Windows begin at the multiples of their length in Unix time, as a server's do: not at anybody's first request.

    Args:
        limit: requests in one window.
        seconds: the length of a window; whole seconds, since that is all that the headers can say.

    Attributes:
        admitted: how many requests were admitted, by the Unix time at which their window began.
        refused: how many were not, in all.
    """

    def __init__(self, limit: int, seconds: int = 10) -> None:
        self.limit = limit
        self.seconds = seconds
        self.admitted: Counter[int] = Counter()
        self.refused = 0

    def admit(self, unix_time: float) -> Admission:
        """Counts a request that arrives at this time; the answer to it is 429 unless it is admitted."""
        begin = math.floor(unix_time / self.seconds) * self.seconds
        admitted = self.admitted[begin] < self.limit
        if admitted:
            self.admitted[begin] += 1
        else:
            self.refused += 1
        headers = {
            "Date": http_date(math.floor(unix_time)),
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - self.admitted[begin]),
            "X-RateLimit-Reset": str(begin + self.seconds),
        }
        return Admission(admitted, headers)


@lru_cache(maxsize=1)
def http_date(second: int) -> str:
    """A Unix time as the `Date` header says it; made once a second, however many requests there are."""
    return formatdate(second, usegmt=True)
