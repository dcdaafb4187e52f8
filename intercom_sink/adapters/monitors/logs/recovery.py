"""Monitor that writes a log line when something that failed works again, with how long it had failed."""

import logging
import threading
from collections.abc import Mapping

from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.causes import HoldCause
from intercom_sink.domain.events import (
    AttemptFinished,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    Event,
    HoldBegan,
)
from intercom_sink.domain.policy import Disposition
from intercom_sink.domain.ports import Clock
from intercom_sink.domain.response import Response

logger = logging.getLogger("intercom_sink.recovery")

_INTERCOM_FAILS = {Disposition.NO_RESPONSE, Disposition.REPEATED_SERVER_ERROR}
"""What begins an outage of Intercom. One 5xx does not, nor does `NO_RESPONSE_TO_MESSAGE`: `GET /me` got a response."""

_INTERCOM_FAILS_WITH_HOLD = {Disposition.NO_RESPONSE}
"""The same where `GET /me` tells what is at fault.

A repeated 5xx may be the message's fault, so it does not count; if it is Intercom's, `HoldBegan` follows, and counts.
"""


class _Outage:
    """Consecutive failures of one thing. Not thread-safe. Times are of a monotonic clock."""

    def __init__(self) -> None:
        self._count = 0
        self._first = self._last = 0.0

    @property
    def is_active(self) -> bool:
        """Whether it has failed, and not worked since."""
        return self._count > 0

    def add(self, began: float, ended: float) -> None:
        """Counts a failure; they may come out of order."""
        self._first = min(self._first, began) if self._count else began
        self._last = max(self._last, ended)
        self._count += 1

    def end(self, began: float, ended: float) -> dict[str, object] | None:
        """Ends the outage by a success.

        Returns:
            The fields `seconds` and `failures`; None if nothing had failed, or if something failed
            after the success began.
        """
        if not self._count or began < self._last:
            return None
        count, self._count = self._count, 0
        return {"seconds": round(ended - self._first, 3), "failures": count}


class RecoveryLog:
    """Writes `RabbitMQ available again`, `responding again` and `dead letters confirmed again`.

    Args:
        clock: tells the time.
        hold: whether `GET /me` tells what is at fault for a failure (`PolicyOptions.hold`).
    """

    def __init__(self, clock: Clock, *, hold: bool = False) -> None:
        self._lock = threading.Lock()
        self._failures = _INTERCOM_FAILS_WITH_HOLD if hold else _INTERCOM_FAILS
        self._clock = clock
        self._rabbitmq, self._intercom, self._dead_letters = (_Outage() for _ in range(3))

    def record(self, event: Event) -> None:
        """Follows one event."""
        match event:
            case AttemptFinished(attempt):
                self._attempted(attempt)
            case HoldBegan(cause=HoldCause.INTERCOM, attempt=attempt):
                with self._lock:
                    if not self._intercom.is_active:  # a repeated 5xx
                        self._intercom.add(attempt.began_at, attempt.ended_at)
            case ConnectionFailed():
                self._fails(self._rabbitmq)
            case Consuming(broker=broker):
                self._works("RabbitMQ available again", self._rabbitmq, {"broker": broker})
            case DeadLetterNotConfirmed():
                self._fails(self._dead_letters)
            case DeadLettered(queue=queue):
                self._works("dead letters confirmed again", self._dead_letters, {"queue": queue})
            case _:
                pass

    def _attempted(self, attempt: Attempt) -> None:
        result = attempt.result
        if isinstance(result, Response) and result.status < 500:
            self._works("responding again", self._intercom, {"status": result.status}, attempt)
            return
        with self._lock:
            if self._intercom.is_active or attempt.disposition in self._failures:
                self._intercom.add(attempt.began_at, attempt.ended_at)

    def _fails(self, outage: _Outage) -> None:
        with self._lock:
            now = self._clock.monotonic()
            outage.add(now, now)

    def _works(self, text: str, outage: _Outage, fields: Mapping[str, object], attempt: Attempt | None = None) -> None:
        with self._lock:
            if attempt is None:
                began = ended = self._clock.monotonic()
            else:
                began, ended = attempt.began_at, attempt.ended_at
            recovered = outage.end(began, ended)
        if recovered is not None:
            logger.info(text, extra={**fields, **recovered})
