"""How many requests may still go in Intercom's rate window, by what its answers announce.

No clock: the time goes in with each call, in seconds of a clock that only goes forward.
"""

from dataclasses import dataclass

from intercom_sink.domain.rate_limit import LONGEST, WINDOW, RateLimit


def until(moment: float, now: float) -> float:
    """Seconds that are left; a microsecond is none, since a sum of floats may fall short of the moment for ever."""
    return moment - now if moment - now > 1e-6 else 0.0


@dataclass(slots=True)
class _Window:
    """One window.

    Args:
        reset_at: when it ends, in Unix seconds by the server's clock: this tells one window from another.
        ends: the same by our clock; never too early, and the better known the more answers there are.
        limit: requests that Intercom takes in a window.
        lowest: how many were left of it by the answer that said the least.
        left: how many of these may still go.
        is_over: it has ended, and what stands here is assumed of the next one, until Intercom announces it.
    """

    reset_at: float
    ends: float
    limit: int
    lowest: int
    left: int
    is_over: bool = False


class RateWindow:
    """Counts the requests that go against the window that the latest answers announced.

    None is sent too many, whatever the order in which requests arrive and answers come back. But no window holds
    requests back for longer than LONGEST seconds, and each lets one go at least, whatever is announced.

    Args:
        reserve: share of each window, from 0 to 0.9, that is left to others.
    """

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self._window: _Window | None = None
        self._sent = 0
        self._in_flight = 0
        self._untold = 0
        self._last_untold = 0

    def seconds_to_wait(self, now: float) -> float:
        """How long until a request may go, as far as is known; 0: now."""
        if self._window is None:
            return 0.0
        if until(self._window.ends, now) == 0:
            self._assume_next(self._window, now)
        return until(self._window.ends, now) if self._window.left <= 0 else 0.0

    def send(self) -> int:
        """Counts a request that goes now; returns its number."""
        self._sent += 1
        self._in_flight += 1
        if self._window is not None:
            self._window.left -= 1
        return self._sent

    def answered(self, number: int, told: RateLimit, now: float) -> bool:
        """Takes in what the answer to a request says; returns whether those who wait must look again."""
        self._in_flight -= 1
        if told.limit is None or told.remaining is None or told.reset_at is None or told.server_time is None:
            self._untold += 1
            self._last_untold = self._sent
            return False
        if number > self._last_untold:
            self._untold = 0  # this one was sent when they were over, so it tells of them too
        seconds = told.reset_at - told.server_time
        # `Date` is in whole seconds, cut off, so this end comes up to a second late, and never too early.
        ends = now + min(max(seconds, 0.0), LONGEST)
        # What is on its way, or told nothing, may not be counted yet, and is to find its place.
        left = told.remaining - self._reserved(told.limit) - self._in_flight - self._untold
        known = self._window
        if known is None or (seconds > 0 and _is_another(told.reset_at, known)):
            self._window = _Window(told.reset_at, ends, told.limit, told.remaining, left)
            return True
        if told.reset_at != known.reset_at or known.is_over:
            return False
        was_used_up = known.left <= 0
        known.ends = min(known.ends, ends)
        if told.remaining < known.lowest:
            known.lowest, known.left = told.remaining, left
        else:  # it was counted before the lowest, though it was still on its way to us then
            known.left += 1
        return was_used_up and known.left > 0

    def _assume_next(self, window: _Window, now: float) -> None:
        """A window has ended: until Intercom announces the next one, it is taken to be as large."""
        # What is on its way may be counted in it. If nothing has been announced for a whole one, that is no matter.
        uncounted = 0 if window.is_over else self._in_flight
        window.is_over = True
        window.ends = now + WINDOW
        window.left = max(window.limit - self._reserved(window.limit), 1) - uncounted

    def _reserved(self, limit: int) -> int:
        return int(limit * self._reserve)


def _is_another(reset_at: float, known: _Window) -> bool:
    """Whether this is no window that we know, nor an earlier one: unless the server's clock was set back."""
    return reset_at > known.reset_at or (known.is_over and reset_at < known.reset_at)
