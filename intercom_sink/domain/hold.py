"""A hold: while the token or Intercom fails, nothing is sent or given up, and every message waits in the queue.

A *pause* lasts seconds and keeps messages unacked; a *hold* returns them to the queue and stops consuming.
"""

from collections.abc import Callable

from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.backoff import Delay, exponential
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.diagnosis import Diagnoser, Fault, fault_of
from intercom_sink.domain.events import HoldBegan, HoldContinues, HoldEnded
from intercom_sink.domain.ports import Clock, Monitor
from intercom_sink.domain.response import AttemptResult, Response

MAX_HOLD_DELAY = 60.0
"""Maximum delay between two requests of a hold, in seconds."""

WARNING_INTERVAL = 300.0
"""Seconds between two warnings that a hold continues."""

MAX_OUTAGE = 600.0
"""Seconds without any valid response after which a hold begins, whatever the options; HoldCause.OUTAGE names them."""

CAUSES = {Fault.TOKEN: HoldCause.TOKEN, Fault.INTERCOM: HoldCause.INTERCOM}
"""The cause of a hold for each fault that is not the message's."""


class Hold:
    """Tells whether a hold is active. Any thread may begin one; the receiving thread ends it, in `wait`.

    Args:
        diagnoser: sends `GET /me`.
        clock: tells the time.
        monitor: receives the events.
        draw: draws a number of seconds from a delay's range.
        on_begin: called when a hold begins: wakes the waiting threads and interrupts `receive`.
    """

    def __init__(
        self,
        diagnoser: Diagnoser,
        clock: Clock,
        monitor: Monitor,
        draw: Callable[[Delay], float],
        on_begin: Callable[[], None],
    ) -> None:
        self._diagnoser = diagnoser
        self._clock = clock
        self._monitor = monitor
        self._draw = draw
        self._on_begin = on_begin
        self._lock = clock.condition()
        self._cause: HoldCause | None = None
        self._began_at = 0.0

    def is_active(self) -> bool:
        """Whether every message must stay in the queue."""
        return self._cause is not None

    def begin(self, cause: HoldCause, attempt: Attempt) -> None:
        """Begins a hold, unless there is one."""
        with self._lock:
            if self._cause is not None:
                return
            self._cause, self._began_at = cause, self._clock.monotonic()
        self._monitor.record(HoldBegan(cause, attempt))
        self._on_begin()

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Sends `GET /me` with backoff until the hold is over, or until `cancelled()` is true and none is in flight."""
        assert self._cause is not None
        cause, began = self._cause, self._began_at
        requests, last_warning = 0, began
        while True:
            requests += 1
            # The failed attempt was the first: 1 to 2 s, then doubled.
            delay = self._draw(exponential(requests + 1, MAX_HOLD_DELAY))
            result = self._diagnoser.send_get_me(cancelled, not_before=self._clock.monotonic() + delay)
            if result is None:
                return
            now = self._clock.monotonic()
            if _is_over(cause, result):
                self._cause = None
                self._monitor.record(HoldEnded(cause, now - began))
                return
            if now - last_warning >= WARNING_INTERVAL:
                last_warning = now
                self._monitor.record(HoldContinues(cause, now - began))


def _is_over(cause: HoldCause, result: AttemptResult) -> bool:
    if cause is HoldCause.OUTAGE:
        return isinstance(result, Response)
    return fault_of(result) is Fault.MESSAGE
