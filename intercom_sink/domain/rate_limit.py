"""What a response reports about Intercom's rate limit, and how long to wait after a 429.

Source: https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
"""

from dataclasses import dataclass

WINDOW_SECONDS = 10.0
"""Length of Intercom's rate window in seconds: the delay after a 429 that does not say how long to wait."""

MIN_RATE_LIMIT_DELAY = 1.0
"""Shortest delay after a 429, in seconds, whatever the response reports."""

MAX_RATE_LIMIT_DELAY = 60.0
"""Longest delay, and longest wait for a window, in seconds, whatever the response reports."""

RATE_LIMIT_JITTER = 1.0
"""Maximum jitter added to the delay after a 429, in seconds, so that replicas do not resume at the same moment."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What one response reports about the rate limit; None for each header that is missing or unreadable.

    Args:
        server_time: when the server responded, in Unix seconds by its own clock (`Date`).
        reset_at: when the window ends, in Unix seconds by the server's clock (`X-RateLimit-Reset`).
        retry_after: seconds to wait, counted from the response (`Retry-After`).
        limit: requests that one window takes (`X-RateLimit-Limit`).
        remaining: requests that the window still takes (`X-RateLimit-Remaining`).
    """

    server_time: float | None = None
    reset_at: float | None = None
    retry_after: float | None = None
    limit: int | None = None
    remaining: int | None = None


UNREPORTED = RateLimit()
"""A response without any of these headers, or no response."""


def retry_delay(rate_limit: RateLimit) -> float:
    """The delay in seconds that a 429 asks for, from MIN_RATE_LIMIT_DELAY to MAX_RATE_LIMIT_DELAY.

    The reset is compared with the server's own clock, so a skewed local clock does no harm.
    """
    if rate_limit.reset_at is not None and rate_limit.server_time is not None:
        seconds = rate_limit.reset_at - rate_limit.server_time
    elif rate_limit.retry_after is not None:
        seconds = rate_limit.retry_after
    else:
        seconds = WINDOW_SECONDS
    return min(max(seconds, MIN_RATE_LIMIT_DELAY), MAX_RATE_LIMIT_DELAY)
