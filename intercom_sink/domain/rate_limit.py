"""What Intercom says of its rate limit, and how long a 429 asks us to wait.

Source: https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting
"""

from dataclasses import dataclass

WINDOW = 10.0
"""Seconds of Intercom's rate window: the pause where an answer does not say how long."""

SHORTEST = 1.0
LONGEST = 60.0
"""Bounds of the pause in seconds, whatever an answer says."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What one answer says about the rate limit; None where it says nothing that can be read.

    Args:
        server_time: when the server answered, in Unix seconds by its own clock (`Date`).
        reset_at: when the window ends, in Unix seconds by the server's clock (`X-RateLimit-Reset`).
        retry_after: seconds to wait from the answer on (`Retry-After`).
        limit: requests that one window takes (`X-RateLimit-Limit`).
        remaining: how many of them are left (`X-RateLimit-Remaining`).
    """

    server_time: float | None = None
    reset_at: float | None = None
    retry_after: float | None = None
    limit: int | None = None
    remaining: int | None = None


def seconds_to_wait(rate_limit: RateLimit) -> float:
    """The pause that a 429 asks for, in seconds from SHORTEST to LONGEST.

    The reset is read on the server's own clock, so that a wrong clock on this side does no harm.
    """
    if rate_limit.reset_at is not None and rate_limit.server_time is not None:
        seconds = rate_limit.reset_at - rate_limit.server_time
    elif rate_limit.retry_after is not None:
        seconds = rate_limit.retry_after
    else:
        seconds = WINDOW
    return min(max(seconds, SHORTEST), LONGEST)
