"""When the next request may go: one view of Intercom, shared by all that is sent to it.

No clock: the time goes in with each call, in seconds of a clock that only goes forward.
"""

from threading import Lock

from intercom_sink.domain.outcome import Answer, NoAnswer, Outcome
from intercom_sink.domain.rate_limit import LONGEST, RateLimit
from intercom_sink.domain.rate_window import RateWindow, until


class Pacer:
    """Gives leave to send, to any number of threads. Three things hold a request back:

    - a pause that holds for all, after a 429 and while no valid answer comes;
    - the rate window: as many as may go have gone;
    - doubt whether Intercom takes requests at all, at first and after each such pause: then one goes ahead alone.

    Args:
        reserve: share of each rate window, from 0 to 0.9, that is left to others.

    Attributes:
        unanswered: how often in a row no valid answer came. Attempts side by side that fail together count as one.
        changes: a number that changes when there may be less, or more, to wait for than `seconds_to_wait` last said.
    """

    def __init__(self, reserve: float = 0.0) -> None:
        self.unanswered = 0
        self.changes = 0
        self._lock = Lock()
        self._window = RateWindow(reserve)
        self._held_until = 0.0
        self._in_doubt = True
        self._ahead: int | None = None

    def take(self, now: float) -> int | None:
        """Leave to send one request now, by its number; None: there is none yet. `answered` must follow."""
        with self._lock:
            if self._seconds_to_wait(now) > 0:
                return None
            leave = self._window.send()
            if self._in_doubt:
                self._ahead = leave
            return leave

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
            told = outcome.rate_limit if isinstance(outcome, Answer) else RateLimit()
            changed = self._window.answered(leave, told, now)
            if not isinstance(outcome, NoAnswer):
                self.unanswered = 0
            elif until(self._held_until, now) == 0:
                self.unanswered += 1
            if hold > 0:
                self._held_until = max(self._held_until, now + hold)
                self._in_doubt, self._ahead = True, None
                changed = True
            elif leave == self._ahead:
                self._in_doubt, self._ahead = False, None
                changed = True
            self.changes += changed
            return changed

    def _seconds_to_wait(self, now: float) -> float:
        seconds = max(until(self._held_until, now), self._window.seconds_to_wait(now))
        return seconds if self._ahead is None else LONGEST
