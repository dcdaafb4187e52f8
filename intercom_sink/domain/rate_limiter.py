"""Decides when the next request may be sent: one rate limiter for all messages, at any concurrency.

Theory of operation
-------------------
A request needs a permit. Where the gateway sends it a second time at once, with a reloaded token or because a
kept-alive connection was closed, it needs no other one. There are four reasons why no permit is granted now:

- *The rate window* is exhausted, as far as responses have reported it (see `rate_window`); or this sink has sent what
  it may send at once, and the rest is spread, because others may use the window too (see `shared_window`).
- *A pause for all*: after a 429, and while there is no valid response, nothing is sent until `paused_until`.
- *The request's own delay*: `acquire` gets the earliest time, `not_before`. It is the delay of a retry or of `GET /me`,
  or the pause of the message's lane: after a 429 about one resource only that lane waits. The limiter keeps lane pauses
  (`pause_lane`) for a message that is redelivered meanwhile (`lane_paused_until`), and to see when a second lane gets
  such a 429; then the second pause is for all.
- *Half-open*: after a pause for all, and at startup, it is unknown whether Intercom takes requests. As in a circuit
  breaker, one probe request is sent, and the others wait for its result. A response without a pause closes the
  half-open state, and the rest resume. A result with a pause begins the next pause. A probe without a response, if
  released without a pause, leaves the limiter half-open: the next request is another probe.

Requests that were in flight when a pause began are *stale*. If one of them fails too, that is the same failure: it
counts once, and neither prolongs the pause nor ends the probe. If it succeeds, it does not replace the probe, but it
resets the backoff. A 429 with a pause may prolong it, since it says until when.

The caller of `release` says how long the pause is. An ambiguous result (`Rule.is_ambiguous`, with `PolicyOptions.hold`)
and that of `GET /me` are released without one: what follows is a hold, or concerns one message.

The backoff belongs to Intercom, not to a message: a permit carries the number of consecutive failures so far.

A worked timeline, without `PolicyOptions.hold`, with three workers A, B and C and an Intercom that goes down; each
delay is the shortest possible:

      time  event                                   state after it
       0.0  A acquires a permit                     half-open: A is the probe, B and C wait
       0.2  A gets 200                              closed
       0.3  A, B and C acquire permits              closed: all three are in flight
       0.4  B gets no response                      paused until 0.9, one failure
       0.4  C gets no response                      paused until 0.9, still one failure: C is stale
       0.5  A gets 200                              paused until 0.9, no failure: A is stale, so it closes nothing
       0.9  B is the first to acquire a permit      half-open: B is the probe, A and C wait
       1.0  B gets no response                      paused until 1.5, one failure
       1.5  C acquires a permit                     half-open: C is the probe
       1.6  C gets no response                      paused until 2.6, two failures
       2.6  A acquires a permit                     half-open: A is the probe
       2.8  A gets 503                              closed: Intercom responds, and A's message is retried alone

All who wait for a permit wait in `acquire`, on one condition. `release` notifies it when a waiting request may be sent
earlier than expected; `wake` does when a waiting request may have been cancelled.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from intercom_sink.domain.causes import PauseCause
from intercom_sink.domain.events import Paused, ProbeSent, Resumed
from intercom_sink.domain.ports import Clock, Monitor
from intercom_sink.domain.rate_limit import RATE_LIMIT_JITTER, UNREPORTED
from intercom_sink.domain.rate_window import RateWindow, seconds_until
from intercom_sink.domain.response import AttemptResult, NoResponse, Response


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission to send one request.

    Args:
        number: the request's serial number since the start.
        outage_failures: consecutive failures to get a valid response, at any message, when the permit was granted;
            attempts in flight together count once, except with `PolicyOptions.hold`.
    """

    number: int
    outage_failures: int


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
        self._no_response_since: float | None = None
        self._paused_until = 0.0
        self._lane_pauses: dict[str | None, float] = {}
        self._last_granted = 0
        self._last_before_pause = 0
        self._half_open = True
        self._probe: int | None = None
        self._recorded_pause: PauseCause | None = None
        self._window_ends_at = 0.0  # the end of the window whose exhaustion was last recorded as a pause

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
                seconds = max(self._seconds_to_wait(now), seconds_until(not_before, now))
                if seconds == 0:
                    return self._grant(now)
                self._condition.wait(None if seconds == math.inf else seconds)
        return None

    def release(self, permit: Permit, result: AttemptResult, pause: float = 0.0) -> None:
        """Handles the result of a request, and lets those who wait proceed where it allows more.

        Args:
            permit: the request's permit.
            result: the response, or none.
            pause: seconds from now for which nothing may be sent; 0 where the result concerns this message alone.
        """
        with self._condition:
            now = self._clock.monotonic()
            reported = result.rate_limit if isinstance(result, Response) else UNREPORTED
            may_proceed = self._window.finish(permit.number, reported, now)
            is_probe = permit.number == self._probe
            is_stale = permit.number <= self._last_before_pause and not is_probe
            if is_probe:
                self._probe = None
                may_proceed = True
            self._count_failure(result, is_stale, now)
            if pause > 0 and not (is_stale and isinstance(result, NoResponse)):
                self._pause(result, pause, now)
                may_proceed = True  # what they wait for has changed
            elif is_probe and isinstance(result, Response):
                self._half_open = seconds_until(self._paused_until, now) > 0  # a stale 429 has begun another pause
                if not self._half_open:
                    self._record_resumed()
            if may_proceed:
                self._condition.notify_all()

    def pause_lane(self, ordering_key: str | None, seconds: float) -> bool:
        """Records the pause of a lane after a 429 about one resource, for `lane_paused_until`.

        Returns:
            Whether another lane is paused too.
        """
        with self._condition:
            now = self._clock.monotonic()
            self._lane_pauses = {
                other: until for other, until in self._lane_pauses.items() if seconds_until(until, now) > 0
            }
            self._lane_pauses[ordering_key] = now + seconds
            return len(self._lane_pauses) > 1

    def lane_paused_until(self, ordering_key: str | None) -> float:
        """When the pause of a lane ends, on the clock's `monotonic`; in the past if there is none."""
        with self._condition:
            return self._lane_pauses.get(ordering_key, 0.0)

    def outage_seconds(self) -> float:
        """Seconds since the first attempt without a response, if no response has arrived since; otherwise 0."""
        with self._condition:
            since = self._no_response_since
            return 0.0 if since is None else self._clock.monotonic() - since

    def wake(self) -> None:
        """Makes every waiting `acquire` evaluate `cancelled` again. May be called from any thread."""
        with self._condition:
            self._condition.notify_all()

    def _count_failure(self, result: AttemptResult, is_stale: bool, now: float) -> None:
        if isinstance(result, Response):
            self._failures, self._no_response_since = 0, None
            return
        if not is_stale:
            self._failures += 1
        if self._no_response_since is None:
            self._no_response_since = now

    def _seconds_to_wait(self, now: float) -> float:
        """Seconds until there may be a permit, as far as is known; 0: now. Records a pause by the rate window."""
        if self._probe is not None:
            return math.inf  # its result notifies
        paused = seconds_until(self._paused_until, now)
        limited = max(self._window.seconds_to_wait(now), self._window.shared.seconds_to_wait(now))
        if limited > paused and self._recorded_pause is None:
            seconds = self._window.seconds_to_end(now)
            self._window_ends_at = now + seconds
            self._record_paused(PauseCause.WINDOW_EXHAUSTED, seconds)
        return max(paused, limited)

    def _grant(self, now: float) -> Permit:
        number = self._last_granted = self._window.start(now)
        if self._half_open:
            self._probe = number
            self._monitor.record(ProbeSent())
        elif seconds_until(self._window_ends_at, now) == 0 or self._recorded_pause is not PauseCause.WINDOW_EXHAUSTED:
            self._record_resumed()  # not by a request that is spread over the rest of the window
        return Permit(number, self._failures)

    def _pause(self, result: AttemptResult, seconds: float, now: float) -> None:
        is_paused = seconds_until(self._paused_until, now) > 0
        # 429s of the same window differ by their jitter: that is no new pause.
        if not is_paused or now + seconds > self._paused_until + RATE_LIMIT_JITTER:
            cause = PauseCause.NO_RESPONSE if isinstance(result, NoResponse) else PauseCause.RATE_LIMITED
            self._record_paused(cause, seconds)
        self._paused_until = max(self._paused_until, now + seconds)
        self._half_open = True
        self._last_before_pause = self._last_granted

    def _record_paused(self, cause: PauseCause, seconds: float) -> None:
        self._recorded_pause = cause
        self._monitor.record(Paused(cause, seconds, self._clock.unix_time() + seconds))

    def _record_resumed(self) -> None:
        if self._recorded_pause is not None:
            self._monitor.record(Resumed(self._recorded_pause))
            self._recorded_pause = None
