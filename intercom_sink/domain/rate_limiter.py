"""Decides when the next request may be sent: one rate limiter for all messages, at any concurrency.

Theory of operation
-------------------
A request needs a permit. There are three reasons why none is granted now:

- *The rate window* is exhausted, as far as responses have reported it (see `rate_window`).
- *A pause for all*: after a 429, and while there is no valid response, nothing is sent until `paused_until`.
- *Half-open*: after such a pause, and at startup, it is unknown whether Intercom takes requests. One probe request is
  sent; the others wait for its response. A response that asks for no pause closes the half-open state, and the rest
  resume; any other begins the next pause. Requests that were already in flight when the pause began prove nothing.

Backoff belongs to Intercom, not to a message: a permit carries the number of failures in a row so far. Requests that
were in flight together have the same number, so failing together counts once.

A worked timeline, with three lanes and an Intercom that goes down; delays as without jitter:

      time  event                                  state after it
       0.0  A acquires a permit                    half-open: A is the probe, B and C wait
       0.2  A responds: 200                        closed: B and C acquire permits
       0.3  A, B and C are in flight               closed
       0.4  B fails: connection reset              paused until 0.9, failures 1
       0.4  C fails: connection reset              paused until 0.9, failures still 1
       0.5  A responds: 200                        paused until 0.9, failures 0: sent before the pause, so no probe
       0.9  the pause is over; B is the first      half-open: B is the probe, A and C wait
       1.0  B fails                                paused until 1.5, failures 1
       1.5  C is the first                         half-open: C is the probe
       1.6  C fails                                paused until 2.6, failures 2
       2.6  A is the first                         half-open: A is the probe
       2.8  A responds: 503                        closed: a response, so the pause was not needed; A retries alone

Everyone who waits for a permit waits in `acquire`, on one condition. `release` notifies it when a waiting request may
be sent earlier than expected; `wake` does when a waiting request may have been cancelled.
"""

from collections.abc import Callable
from dataclasses import dataclass

from intercom_sink.domain.events import PauseCause, Paused, ProbeSent, Resumed
from intercom_sink.domain.ports import Clock, Monitor
from intercom_sink.domain.rate_limit import MAX_DELAY, MIN_DELAY, UNREPORTED
from intercom_sink.domain.rate_window import RateWindow, remaining_seconds
from intercom_sink.domain.response import AttemptResult, NoResponse, Response


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to send one request.

    Args:
        number: the request's number in the rate window.
        failures: attempts in a row, at any message, that had no valid response when the permit was granted.
    """

    number: int
    failures: int


class RateLimiter:
    """Grants permits, to any number of threads.

    Args:
        clock: supplies the time, and the condition to wait on.
        monitor: receives the events of pauses and probes.
        reserve: share of each rate window, from 0 to 0.9, that is left to other apps.
    """

    def __init__(self, clock: Clock, monitor: Monitor, reserve: float = 0.0) -> None:
        self._clock = clock
        self._monitor = monitor
        self._condition = clock.condition()
        self._window = RateWindow(reserve)
        self._failures = 0
        self._paused_until = 0.0
        self._half_open = True
        self._probe: int | None = None
        self._reported_pause: PauseCause | None = None

    def acquire(self, cancelled: Callable[[], bool], not_before: float = 0.0) -> Permit | None:
        """Waits for a permit. `release` must follow.

        Args:
            cancelled: whether to give up waiting; evaluated again at every `wake`.
            not_before: the earliest time for this request, on the clock's `monotonic`.

        Returns:
            The permit, or None once `cancelled()` is true.
        """
        with self._condition:
            while not cancelled():
                now = self._clock.monotonic()
                seconds = max(self._seconds_to_wait(now), remaining_seconds(not_before, now))
                if seconds == 0:
                    return self._grant()
                self._condition.wait(seconds)
        return None

    def release(self, permit: Permit, result: AttemptResult, pause: float = 0.0) -> None:
        """Takes in the result of a request, and lets those who wait proceed where it allows more.

        Args:
            permit: the request's permit.
            result: the response, or none.
            pause: seconds from now for which nothing may be sent; 0 where the result concerns this message alone.
        """
        with self._condition:
            now = self._clock.monotonic()
            reported = result.rate_limit if isinstance(result, Response) else UNREPORTED
            may_proceed = self._window.finish(permit.number, reported, now)
            if isinstance(result, Response):
                self._failures = 0
            elif remaining_seconds(self._paused_until, now) == 0:
                self._failures += 1
            if pause > 0:
                self._pause(result, pause, now)
                may_proceed = True  # they wait for the end of the pause now, not for the probe
            elif permit.number == self._probe:
                self._half_open, self._probe = False, None
                self._report_resumed()
                may_proceed = True
            if may_proceed:
                self._condition.notify_all()

    def wake(self) -> None:
        """Has everyone who waits evaluate `cancelled` again. May be called from any thread."""
        with self._condition:
            self._condition.notify_all()

    def _seconds_to_wait(self, now: float) -> float:
        """Seconds until there may be a permit, as far as is known; 0: now."""
        if self._probe is not None:
            return MAX_DELAY
        paused = remaining_seconds(self._paused_until, now)
        exhausted = self._window.seconds_to_wait(now)
        if exhausted > paused and self._reported_pause is None:
            self._report_paused(PauseCause.WINDOW_EXHAUSTED, exhausted)
        return max(paused, exhausted)

    def _grant(self) -> Permit:
        number = self._window.start()
        if self._half_open:
            self._probe = number
            self._monitor.record(ProbeSent())
        elif self._reported_pause is not None:
            self._report_resumed()
        return Permit(number, self._failures)

    def _pause(self, result: AttemptResult, seconds: float, now: float) -> None:
        is_paused = remaining_seconds(self._paused_until, now) > 0
        if not is_paused or now + seconds > self._paused_until + MIN_DELAY:  # else only the jitter differs
            cause = PauseCause.NO_RESPONSE if isinstance(result, NoResponse) else PauseCause.RATE_LIMITED
            self._report_paused(cause, seconds)
        self._paused_until = max(self._paused_until, now + seconds)
        self._half_open, self._probe = True, None

    def _report_paused(self, cause: PauseCause, seconds: float) -> None:
        self._reported_pause = cause
        self._monitor.record(Paused(cause, seconds, self._clock.unix_time() + seconds))

    def _report_resumed(self) -> None:
        if self._reported_pause is not None:
            self._monitor.record(Resumed(self._reported_pause))
            self._reported_pause = None
