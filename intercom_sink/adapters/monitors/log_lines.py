"""Monitor that logs: one table from each event to its log level, its text and its fields."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from intercom_sink.domain.events import (
    AttemptFinished,
    AttemptStarted,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    Event,
    Failed,
    HoldBegan,
    HoldContinues,
    HoldEnded,
    MessageDelivered,
    MessageDuplicate,
    MessageGivenUp,
    MessageMalformed,
    MessageNotFound,
    MessageNotSent,
    MessageReceived,
    MessageRequeued,
    OtherConsumers,
    Paused,
    ProbeSent,
    Reconnecting,
    Resumed,
    RetryScheduled,
    Stopped,
    Stopping,
)
from intercom_sink.domain.policy import Severity
from intercom_sink.domain.response import NoResponse, Response

logger = logging.getLogger(__name__)

MAX_PATH = 500
"""Characters of a path in a log line."""

MAX_BEGINNING = 40
"""Bytes of a malformed message in a log line, at DEBUG."""

Fields: TypeAlias = Mapping[str, Callable[[Any], object]]
"""The fields of a log line: their names, and how to read each from the event. A field that is None is left out."""


@dataclass(frozen=True, slots=True)
class Line:
    """The log line of one kind of event.

    Args:
        text: the event text; it never changes, so it can be searched for.
        level: the log level; None: the severity of the attempt's disposition, as the policy's table has it.
        fields: what else the line says.
        debug_fields: what it says besides, where the logger's level is DEBUG.
    """

    text: str
    level: Severity | None
    fields: Fields = field(default_factory=dict)
    debug_fields: Fields = field(default_factory=dict)


def _of_response(name: str) -> Callable[[Any], object]:
    return lambda event: getattr(event.attempt.result, name) if isinstance(event.attempt.result, Response) else None


def _shown_path(path: str) -> str:
    return path[:MAX_PATH]


def _beginning(body: bytes) -> str:
    more = len(body) - MAX_BEGINNING
    return repr(body[:MAX_BEGINNING]) + (f" and {more} bytes more" if more > 0 else "")


_ATTEMPT: Fields = {
    "method": lambda event: event.attempt.method,
    "path": lambda event: _shown_path(event.attempt.path),
    "disposition": lambda event: event.attempt.disposition.value,
    "attempt": lambda event: event.attempt.state.attempts,
    "duration": lambda event: round(event.attempt.duration, 3),
    "status": _of_response("status"),
    "request_id": _of_response("request_id"),
    "error_codes": lambda event: list(_of_response("error_codes")(event) or ()) or None,  # type: ignore[call-overload]
    "reason": lambda event: event.attempt.result.reason if isinstance(event.attempt.result, NoResponse) else None,
    "possible_duplicate": lambda event: event.attempt.state.possible_duplicate or None,
    "message_id": lambda event: event.attempt.envelope.message_id,
    "ordering_key": lambda event: event.attempt.envelope.ordering_key,
}

_HOLD: Fields = {"cause": lambda event: event.cause.value, "seconds": lambda event: round(event.seconds, 3)}

_ENVELOPE: Fields = {
    "message_id": lambda event: event.envelope.message_id,
    "ordering_key": lambda event: event.envelope.ordering_key,
}

LINES: Mapping[type[Event], Line] = {
    MessageReceived: Line("received", Severity.DEBUG, _ENVELOPE),
    AttemptStarted: Line(
        "attempt started",
        Severity.DEBUG,
        {
            "method": lambda event: event.method,
            "path": lambda event: _shown_path(event.path),
            "attempt": lambda event: event.attempt,
            **_ENVELOPE,
        },
    ),
    AttemptFinished: Line("attempt finished", Severity.DEBUG, _ATTEMPT),
    MessageDelivered: Line("delivered", None, _ATTEMPT),
    MessageNotFound: Line("not found", None, _ATTEMPT),
    MessageDuplicate: Line("duplicate", None, _ATTEMPT),
    RetryScheduled: Line("retry scheduled", None, {**_ATTEMPT, "delay": lambda event: round(event.delay, 3)}),
    MessageGivenUp: Line("given up", None, _ATTEMPT),
    MessageMalformed: Line(
        "malformed",
        Severity.ERROR,
        {
            "reason": lambda event: event.reason,
            "bytes": lambda event: len(event.body),
            "sha256": lambda event: hashlib.sha256(event.body).hexdigest(),
            **_ENVELOPE,
        },
        {"beginning": lambda event: _beginning(event.body)},
    ),
    MessageRequeued: Line(
        "requeued",
        Severity.WARNING,
        {
            "method": lambda event: event.method,
            "path": lambda event: _shown_path(event.path),
            "attempts": lambda event: event.attempts,
            **_ENVELOPE,
        },
    ),
    MessageNotSent: Line("not sent", Severity.DEBUG, _ENVELOPE),
    Paused: Line(
        "paused",
        Severity.INFO,
        {
            "cause": lambda event: event.cause.value,
            "seconds": lambda event: round(event.seconds, 3),
            "until": lambda event: datetime.fromtimestamp(event.until, UTC).isoformat(timespec="milliseconds"),
        },
    ),
    ProbeSent: Line("probe sent", Severity.DEBUG),
    Resumed: Line("resumed", Severity.INFO, {"cause": lambda event: event.cause.value}),
    HoldBegan: Line("hold began", Severity.ERROR, {"cause": lambda event: event.cause.value, **_ATTEMPT}),
    HoldContinues: Line("hold continues", Severity.WARNING, _HOLD),
    HoldEnded: Line("hold ended", Severity.INFO, _HOLD),
    Consuming: Line(
        "consuming",
        Severity.INFO,
        {"queue": lambda event: event.queue, "broker": lambda event: event.broker},
    ),
    OtherConsumers: Line(
        "other consumers",
        Severity.WARNING,
        {
            "queue": lambda event: event.queue,
            "consumers": lambda event: event.consumers,
            "effect": lambda _: "breaks the order of messages, unless the queue is single-active-consumer",
        },
    ),
    ConnectionFailed: Line(
        "RabbitMQ unavailable",
        Severity.ERROR,
        {"broker": lambda event: event.broker, "reason": lambda event: event.reason},
    ),
    Reconnecting: Line("reconnecting", Severity.INFO, {"delay": lambda event: round(event.delay, 3)}),
    DeadLettered: Line(
        "dead-lettered",
        Severity.INFO,
        {"queue": lambda event: event.queue, "reason": lambda event: event.reason},
    ),
    DeadLetterNotConfirmed: Line(
        "dead letter not confirmed",
        Severity.ERROR,
        {
            "queue": lambda event: event.queue,
            "reason": lambda event: event.reason,
            "delay": lambda event: round(event.delay, 3),
        },
    ),
    Stopping: Line("stopping", Severity.INFO),
    Stopped: Line("stopped", Severity.INFO, {"processed": lambda event: dict(event.processed)}),
    Failed: Line("failed", Severity.CRITICAL, {"reason": lambda event: event.reason}),
}


class LogMonitor:
    """Writes a log line for each event."""

    def record(self, event: Event) -> None:
        """Logs the event, if its level is enabled."""
        line = LINES[type(event)]
        level = line.level if line.level is not None else event.attempt.rule.severity  # type: ignore[attr-defined]
        if not logger.isEnabledFor(level):
            return
        fields = line.fields
        if line.debug_fields and logger.isEnabledFor(logging.DEBUG):
            fields = {**fields, **line.debug_fields}
        values = {name: read(event) for name, read in fields.items()}
        logger.log(level, line.text, extra={name: value for name, value in values.items() if value is not None})
