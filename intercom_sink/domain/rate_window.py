"""Counts requests against Intercom's rate window, as far as responses report it.

Theory of operation
-------------------
Intercom counts an app's requests in windows of 10 seconds. Every response reports the window in which the request was
counted: its limit, how many requests remained right after this one (`Remaining`), when the window ends by the server's
clock (`Reset`), and the server's time (`Date`). The window is tracked from these reports alone:

- *Which window.* `Reset` identifies it. A later `Reset` starts a new window; reports about an earlier one are ignored.
- *When it ends.* `Reset - Date` is the time that remains, whatever the local clock says. Each report puts the end too
  late, by what `Date` drops (it has whole seconds only) and by the time the response took to arrive, but never too
  early: the earliest reported end is kept.
- *How many are available.* A report counts the requests that had arrived by then. Those in flight may not be among
  them, so all of them are subtracted, and so are *unreported* requests: those that ended without a report (no response,
  or no headers). Each is subtracted until a report arrives whose request was sent after it had ended.
- *Out of order.* Requests are counted in the order of their arrival, but responses may overtake each other. The lowest
  `Remaining` is the latest count, so it wins. A response that reports more was counted before the lowest one and is
  therefore part of it; it was also subtracted as in flight when the lowest report came, so one request is added back.
- *Between two windows.* When a window has ended, the next one is assumed to have the same limit until a response
  reports it. Requests in flight at that moment may be counted in either, so they are subtracted from the new one.
- *Others.* What is missing from `Remaining` beyond this sink's own requests was sent by others. That is reported to
  `shared_window`, which decides how fast the available requests are sent.
- *Bad reports.* No window blocks for longer than MAX_RATE_LIMIT_DELAY, and each takes one request at least, whatever is
  reported, unless requests that are still in flight may have taken it.

A worked timeline: requests A to F, limit 6, a window that ends at 100 on the server's clock, which agrees with the
local one here. "Available" is the count after the step.

      time  event                                        available  why
      93.4  A responds: Remaining 5, Date 93                     5  ends at 93.4 + (100 - 93) = 100.4, 0.4 s too late
      93.5  B, C and D are sent                                  2  three in flight
      93.7  C responds: Remaining 3                              1  3, less B and D, which may not be counted yet
      93.8  B responds: Remaining 4                              2  counted before C, so it is part of C's 3: one back
      93.9  D fails without a response                           2  it may have been counted: still subtracted
      94.0  E is sent                                            1
      94.2  E responds: Remaining 1, Date 94                     1  sent after D failed, so its count includes D;
                                                                    ends at 94.2 + (100 - 94) = 100.2
      94.3  F is sent                                            0  the next request waits until 100.2
     100.2  the window has ended, F is still in flight           5  the next one is assumed to take 6, less F

No clock: each call gets the time, in seconds of a monotonic clock.
"""

from collections import deque
from dataclasses import dataclass

from intercom_sink.domain.rate_limit import MAX_RATE_LIMIT_DELAY, WINDOW_SECONDS, RateLimit
from intercom_sink.domain.shared_window import SharedWindow


def seconds_until(moment: float, now: float) -> float:
    """Seconds until `moment`; under a microsecond counts as 0, since a sum of floats may never quite reach it."""
    return moment - now if moment - now > 1e-6 else 0.0


@dataclass(slots=True)
class _Window:
    """One window.

    Args:
        reset_at: when it ends, in Unix seconds by the server's clock: this identifies it.
        expires_at: the same on the local monotonic clock; perhaps late, never early.
        limit: requests that Intercom takes in a window.
        lowest_remaining: the lowest `Remaining` reported so far.
        available: requests that may still be sent.
        reported: this sink's requests that were reported to be counted in it.
        is_assumed: the reported window has ended, and this one is assumed in its place until a response reports it.
    """

    reset_at: float
    expires_at: float
    limit: int
    lowest_remaining: int
    available: int
    reported: int = 1
    is_assumed: bool = False


class RateWindow:
    """Tracks the latest reported window, and never exceeds it as far as reports tell, even if they come out of order.

    Args:
        reserve: share of each window, from 0 to 0.9, that is left to other apps.

    Attributes:
        shared: decides when this sink sends what is available.
    """

    def __init__(self, reserve: float) -> None:
        self._reserve = reserve
        self.shared = SharedWindow()
        self._window: _Window | None = None
        self._sent = 0
        self._in_flight: dict[int, None] = {}  # the requests' numbers, the oldest first
        self._unreported: deque[int] = deque()  # for each, the last number sent when it ended

    def seconds_to_wait(self, now: float) -> float:
        """Seconds until the window takes a request, as far as is known; 0: now. Rolls over a window that has ended."""
        if self._window is None:
            return 0.0
        if seconds_until(self._window.expires_at, now) == 0:
            self._roll_over(self._window, now)
        return seconds_until(self._window.expires_at, now) if self._window.available <= 0 else 0.0

    def seconds_to_end(self, now: float) -> float:
        """Seconds until the window ends, as far as is known."""
        return 0.0 if self._window is None else seconds_until(self._window.expires_at, now)

    def start(self, now: float) -> int:
        """Counts a request that is sent now; returns its number."""
        self.shared.start(now)
        self._sent += 1
        self._in_flight[self._sent] = None
        if self._window is not None:
            self._window.available -= 1
        return self._sent

    def finish(self, number: int, reported: RateLimit, now: float) -> bool:
        """Updates the window from a response.

        Args:
            number: the request's number, as returned by `start`.
            reported: the response's headers; UNREPORTED where there was no response.
            now: seconds, by the monotonic clock.

        Returns:
            Whether requests that wait for the window may now be sent earlier than `seconds_to_wait` last said.
        """
        del self._in_flight[number]
        if (
            reported.limit is None
            or reported.remaining is None
            or reported.reset_at is None
            or reported.server_time is None
        ):
            self._unreported.append(self._sent)
            self._forget_unreported(next(iter(self._in_flight), self._sent + 1))
            return False
        self._forget_unreported(number)
        seconds = reported.reset_at - reported.server_time
        expires_at = now + min(max(seconds, 0.0), MAX_RATE_LIMIT_DELAY)
        available = reported.remaining - self._reserved(reported.limit) - self._uncounted()
        window = self._window
        if window is None or (seconds > 0 and _is_new(reported.reset_at, window)):
            if window is None or not window.is_assumed:
                self.shared.begin(self._usable(reported.limit), expires_at, now)
            else:
                self.shared.resize(self._usable(reported.limit))
            self._window = _Window(reported.reset_at, expires_at, reported.limit, reported.remaining, available)
            self._report(self._window, now)
            return True
        if reported.reset_at != window.reset_at or window.is_assumed:
            return False
        was_exhausted = window.available <= 0
        window.expires_at = min(window.expires_at, expires_at)
        window.reported += 1
        if reported.remaining < window.lowest_remaining:
            window.lowest_remaining, window.available = reported.remaining, available
        else:  # part of the lowest count, though it was subtracted as in flight when that one was reported
            window.available += 1
        is_earlier = self._report(window, now)
        return (was_exhausted or is_earlier) and window.available > 0

    def _report(self, window: _Window, now: float) -> bool:
        """Reports what others have sent at least: all requests in flight and unreported may have been counted.

        Returns:
            Whether the next request may be sent earlier.
        """
        others = window.limit - window.lowest_remaining - window.reported - self._uncounted()
        return self.shared.report(max(window.available, 0), others, window.expires_at, now)

    def _roll_over(self, window: _Window, now: float) -> None:
        """Replaces a window that has ended by one that is assumed to have the same limit."""
        # Requests in flight may be counted in the new window. After a whole window without a report they are not
        # subtracted any more: requests that hang would block the window after that too.
        uncounted = 0 if window.is_assumed else len(self._in_flight)
        window.is_assumed = True
        window.expires_at = now + WINDOW_SECONDS
        window.available = self._usable(window.limit) - uncounted
        self.shared.begin(self._usable(window.limit), window.expires_at, now)

    def _uncounted(self) -> int:
        """Requests of which no report says that they are counted."""
        return len(self._in_flight) + len(self._unreported)

    def _forget_unreported(self, number: int) -> None:
        """Drops those that had ended before the request of this number was sent: its report includes them."""
        while self._unreported and self._unreported[0] < number:
            self._unreported.popleft()

    def _usable(self, limit: int) -> int:
        return max(limit - self._reserved(limit), 1)

    def _reserved(self, limit: int) -> int:
        return int(limit * self._reserve)


def _is_new(reset_at: float, window: _Window) -> bool:
    """Whether `reset_at` identifies a new window.

    That is a later reset or, once the window has ended, an earlier one: the server's clock was set back.
    """
    return reset_at > window.reset_at or (window.is_assumed and reset_at < window.reset_at)
