"""Monitor that writes a log line about each minute in which anything happened."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from intercom_sink.adapters.monitors.response_times import ResponseTimes
from intercom_sink.adapters.monitors.state.snapshot import Snapshot, waiting_for
from intercom_sink.domain.events import (
    AttemptFinished,
    Event,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageRequeued,
    RetryScheduled,
)
from intercom_sink.domain.ports import Clock
from intercom_sink.domain.response import Response

logger = logging.getLogger("intercom_sink.progress")

_COUNTED: Mapping[type[Event], str] = {
    MessageDelivered: "delivered",
    MessageNotFound: "not_found",
    MessageDuplicate: "duplicate",
    MessageGivenUp: "given_up",
    MessageMalformed: "malformed",
    RetryScheduled: "retried",
    MessageRequeued: "requeued",
}
"""The field that counts each kind of event."""

_SETTLED = ("delivered", "not_found", "duplicate", "given_up", "malformed")
"""The fields that count settled messages; `rate` is their sum per second."""

_ALWAYS = ("delivered", "given_up", "malformed", "retried")
"""The fields that are shown when they are 0, too."""


class ProgressLog:
    """Counts what happens; `tick`, called each minute, writes the line `progress`.

    Args:
        clock: tells the time.
        snapshot: what the sink does now.
    """

    def __init__(self, clock: Clock, snapshot: Callable[[], Snapshot]) -> None:
        self._clock = clock
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._began = self._minute_began = clock.monotonic()
        self._anything = False
        self._counts: Counter[str] = Counter()
        self._times = ResponseTimes()
        self._all_settled = 0
        self._all_times = ResponseTimes()

    def record(self, event: Event) -> None:
        """Counts one event."""
        kind = type(event)
        with self._lock:
            self._anything = True
            if kind in _COUNTED:
                self._counts[_COUNTED[kind]] += 1
            elif isinstance(event, AttemptFinished) and isinstance(event.attempt.result, Response):
                self._times.add(event.attempt.duration)

    def tick(self) -> None:
        """Writes a line about the time since the last call, unless nothing happened."""
        snapshot = self._snapshot()
        with self._lock:
            fields = self._fields(snapshot) if self._anything else None
            self._begin_minute()
        if fields is not None:
            logger.info("progress", extra=fields)

    def summary(self) -> dict[str, object]:
        """The fields of the whole time since the start: seconds, rate and response times. Changes nothing."""
        with self._lock:
            seconds = self._clock.monotonic() - self._began
            settled = self._all_settled + self._settled()
            times = ResponseTimes()
            times.merge(self._all_times)
            times.merge(self._times)
        return {"seconds": round(seconds, 3), "rate": _rate(settled, seconds), **times.fields()}

    def _fields(self, snapshot: Snapshot) -> dict[str, object]:
        seconds = self._clock.monotonic() - self._minute_began
        counts = {name: self._counts[name] for name in _COUNTED.values() if self._counts[name] or name in _ALWAYS}
        reported = {"window_remaining": snapshot.window.remaining, "window_limit": snapshot.window.limit}
        window = {name: number for name, number in reported.items() if number is not None}
        return {
            **counts,
            "rate": _rate(self._settled(), seconds),
            "seconds": round(seconds, 3),
            "in_flight": snapshot.unsettled.in_flight,
            "waiting_for": waiting_for(snapshot),
            **self._times.fields(),
            **window,
        }

    def _settled(self) -> int:
        return sum(self._counts[name] for name in _SETTLED)

    def _begin_minute(self) -> None:
        """Adds the minute to the whole, and begins the next."""
        self._all_settled += self._settled()
        self._all_times.merge(self._times)
        self._counts, self._times, self._anything = Counter(), ResponseTimes(), False
        self._minute_began = self._clock.monotonic()


def _rate(messages: int, seconds: float) -> float:
    """Messages per second."""
    return round(messages / seconds, 2) if seconds > 0 else 0.0
