"""When the next request may go: what Intercom has announced, and what every lane must wait for.

No clock and no I/O: the time goes in with each call, in seconds of a clock that only goes forward.
"""

from dataclasses import dataclass
from threading import Lock

from intercom_sink.domain.outcome import Answer, NoAnswer, Outcome
from intercom_sink.domain.rate_limit import LONGEST, WINDOW, RateLimit


@dataclass(slots=True)
class _Window:
    """A rate window of Intercom's.

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


def _until(moment: float, now: float) -> float:
    """Seconds that are left; a microsecond is none, since a sum of floats may fall short of the moment for ever."""
    return moment - now if moment - now > 1e-6 else 0.0


class Pacer:
    """Gives leave to send, to any number of threads. Three things hold a request back:

    - a pause that holds for all, after a 429 and while no valid answer comes;
    - the rate window: as many as Intercom says are left, less a reserve and less those on their way, have gone;
    - doubt whether Intercom takes requests at all, at first and after each such pause: then one goes ahead alone.

    No header can hold requests back for longer than LONGEST seconds.

    Args:
        reserve: share of each rate window, from 0 to 0.9, that is left to others.

    Attributes:
        unanswered: how often in a row no valid answer came. Attempts side by side that fail together count as one.
        changes: a number that changes when there may be less, or more, to wait for than `seconds_to_wait` last said.
    """

    def __init__(self, reserve: float = 0.0) -> None:
        self.unanswered = 0
        self.changes = 0
        self._reserve = reserve
        self._lock = Lock()
        self._leaves = 0
        self._in_flight = 0
        self._held_until = 0.0
        self._in_doubt = True
        self._ahead: int | None = None
        self._window: _Window | None = None

    def take(self, now: float) -> int | None:
        """Leave to send one request now, by its number; None: there is none yet. `answered` must follow."""
        with self._lock:
            if self._seconds_to_wait(now) > 0:
                return None
            self._leaves += 1
            self._in_flight += 1
            if self._in_doubt:
                self._ahead = self._leaves
            if self._window is not None:
                self._window.left -= 1
            return self._leaves

    def seconds_to_wait(self, now: float) -> float:
        """How long until there may be leave, as far as is known; 0: now."""
        with self._lock:
            return self._seconds_to_wait(now)

    def answered(self, leave: int, outcome: Outcome, now: float, hold: float) -> bool:
        """Takes in what came of a request.

        Args:
            leave: the number that `take` gave for it.
            outcome: what came of it.
            now: when.
            hold: seconds, from now on, for which no request may go; 0 where only this message is concerned.

        Returns:
            Whether those who wait must look again.
        """
        with self._lock:
            changes = self.changes
            self._in_flight -= 1
            self._count_failure(outcome, now)
            if hold > 0:
                self._held_until = max(self._held_until, now + hold)
                self._in_doubt, self._ahead = True, None
                self.changes += 1
            elif leave == self._ahead:
                self._in_doubt, self._ahead = False, None
                self.changes += 1
            if isinstance(outcome, Answer):
                self._observe(outcome.rate_limit, now)
            return self.changes != changes

    def _seconds_to_wait(self, now: float) -> float:
        if self._window is not None and _until(self._window.ends, now) == 0:
            self._assume_next(self._window, now)
        if self._ahead is not None:
            return LONGEST
        is_used_up = self._window is not None and self._window.left <= 0
        return max(_until(self._held_until, now), _until(self._window.ends, now) if is_used_up else 0.0)

    def _count_failure(self, outcome: Outcome, now: float) -> None:
        if not isinstance(outcome, NoAnswer):
            self.unanswered = 0
        elif _until(self._held_until, now) == 0:
            self.unanswered += 1

    def _observe(self, told: RateLimit, now: float) -> None:
        """Takes in the window that an answer announces, where it does."""
        if told.limit is None or told.remaining is None or told.reset_at is None or told.server_time is None:
            return
        known = self._window
        seconds = told.reset_at - told.server_time
        if seconds <= 0 and known is not None:
            return  # it is over
        # `Date` is in whole seconds, cut off, so this end comes up to a second late, and never too early.
        ends = now + min(max(seconds, 0.0), LONGEST)
        # Those on their way may not be counted yet: none is to be sent too many.
        left = told.remaining - self._reserved(told.limit) - self._in_flight
        if known is None or told.reset_at > known.reset_at or (known.is_over and told.reset_at < known.reset_at):
            self._window = _Window(told.reset_at, ends, told.limit, told.remaining, left)
            self.changes += 1
        elif told.reset_at == known.reset_at and not known.is_over:
            known.ends = min(known.ends, ends)
            if told.remaining < known.lowest:
                known.lowest, known.left = told.remaining, left
            else:  # it was counted before the lowest, though it was on its way then
                known.left += 1

    def _assume_next(self, window: _Window, now: float) -> None:
        """A window has ended: until Intercom announces the next one, it is taken to be as large."""
        # What is on its way may be counted in the new window. If nothing has been announced for a whole one, no matter.
        counted = 0 if window.is_over else self._in_flight
        window.is_over = True
        window.ends = now + WINDOW
        window.left = max(window.limit - self._reserved(window.limit), 1) - counted

    def _reserved(self, limit: int) -> int:
        return int(limit * self._reserve)
