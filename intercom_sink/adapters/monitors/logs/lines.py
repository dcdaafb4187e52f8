"""Monitor that logs: one table from each event to its log level, its text and its fields."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from intercom_sink.adapters.times import iso_time
from intercom_sink.domain import events
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import Event
from intercom_sink.domain.policy import Severity
from intercom_sink.domain.response import NoResponse, Response

logger = logging.getLogger("intercom_sink.events")

MAX_PATH = 500
"""Characters of a path in a log line."""

MAX_BEGINNING = 40
"""Bytes of a malformed message in a log line, at DEBUG."""

Fields: TypeAlias = dict[str, Callable[[Any], object]]
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


def _attribute(name: str, event: Any) -> object:
    value = getattr(event, name)
    return round(value, 3) if isinstance(value, float) else value


def _severity(event: Any) -> Severity:
    severity: Severity = event.attempt.rule.severity
    return severity


def _own(*names: str) -> Fields:
    """Attributes of the event, by their names; seconds are rounded to milliseconds."""
    return {name: partial(_attribute, name) for name in names}


def _of_response(name: str) -> Callable[[Any], object]:
    return lambda event: getattr(event.attempt.result, name) if isinstance(event.attempt.result, Response) else None


def _of_envelope(envelope: Callable[[Any], Envelope]) -> Fields:
    """The fields that name a message and its trace."""
    return {
        "message_id": lambda event: envelope(event).message_id,
        "ordering_key": lambda event: envelope(event).ordering_key,
        "trace_id": lambda event: trace.trace_id if (trace := envelope(event).trace) else None,
        "span_id": lambda event: trace.span_id if (trace := envelope(event).trace) else None,
    }


def _beginning(body: bytes) -> str:
    more = len(body) - MAX_BEGINNING
    return repr(body[:MAX_BEGINNING]) + (f" and {more} bytes more" if more > 0 else "")


_ATTEMPT: Fields = {
    "method": lambda event: event.attempt.method,
    "path": lambda event: event.attempt.path[:MAX_PATH],
    "disposition": lambda event: event.attempt.disposition.value,
    "attempt": lambda event: event.attempt.state.attempts,
    "duration": lambda event: round(event.attempt.duration, 3),
    "status": _of_response("status"),
    "request_id": _of_response("request_id"),
    "error_codes": lambda event: list(_of_response("error_codes")(event) or ()) or None,  # type: ignore[call-overload]
    "reason": lambda event: event.attempt.result.reason if isinstance(event.attempt.result, NoResponse) else None,
    "possible_duplicate": lambda event: event.attempt.state.possible_duplicate or None,
    **_of_envelope(lambda event: event.attempt.envelope),
}

_CAUSE: Fields = {"cause": lambda event: event.cause.value}

_ENVELOPE: Fields = _of_envelope(lambda event: event.envelope)

_PATH: Fields = {"path": lambda event: event.path[:MAX_PATH]}

_ATTEMPT_NUMBER: Fields = {"attempt": lambda event: event.number}

_UNTIL: Fields = {"until": lambda event: iso_time(event.until)}

_EFFECT: Fields = {
    "effect": lambda _: "breaks the order of messages, unless the queue is single-active-consumer",
}

LINES: Mapping[type[Event], Line] = {
    events.MessageReceived: Line("received", Severity.DEBUG, _ENVELOPE),
    events.AttemptStarted: Line(
        "attempt started",
        Severity.DEBUG,
        _own("method") | _PATH | _ATTEMPT_NUMBER | _ENVELOPE,
    ),
    events.AttemptFinished: Line("attempt finished", Severity.DEBUG, _ATTEMPT),
    events.MessageDelivered: Line("delivered", None, _ATTEMPT),
    events.MessageNotFound: Line("not found", None, _ATTEMPT),
    events.MessageDuplicate: Line("duplicate", None, _ATTEMPT),
    events.RetryScheduled: Line("retry scheduled", None, _ATTEMPT | _own("delay")),
    events.MessageGivenUp: Line("given up", None, _ATTEMPT),
    events.MessageMalformed: Line(
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
    events.MessageRequeued: Line(
        "requeued",
        Severity.WARNING,
        _own("method") | _PATH | _own("attempts") | _ENVELOPE,
    ),
    events.MessageNotSent: Line("not sent", Severity.DEBUG, _ENVELOPE),
    events.Paused: Line(
        "paused",
        Severity.INFO,
        _CAUSE | _own("seconds") | _UNTIL,
    ),
    events.ProbeSent: Line("probe sent", Severity.DEBUG),
    events.Resumed: Line("resumed", Severity.INFO, _CAUSE),
    events.HoldBegan: Line("hold began", Severity.ERROR, _CAUSE | _ATTEMPT),
    events.HoldContinues: Line("hold continues", Severity.WARNING, _CAUSE | _own("seconds")),
    events.HoldEnded: Line("hold ended", Severity.INFO, _CAUSE | _own("seconds")),
    events.Consuming: Line("consuming", Severity.INFO, _own("queue", "broker")),
    events.OtherConsumers: Line(
        "other consumers",
        Severity.WARNING,
        _own("queue", "consumers") | _EFFECT,
    ),
    events.ConnectionFailed: Line("RabbitMQ unavailable", Severity.ERROR, _own("broker", "reason")),
    events.Reconnecting: Line("reconnecting", Severity.INFO, _own("delay")),
    events.DeadLettered: Line("dead-lettered", Severity.INFO, _own("queue", "reason") | _ENVELOPE),
    events.DeadLetterNotConfirmed: Line(
        "dead letter not confirmed", Severity.ERROR, _own("queue", "reason", "delay") | _ENVELOPE
    ),
    events.Stopping: Line("stopping", Severity.INFO),
    events.Stopped: Line("stopped", Severity.INFO, {"processed": lambda event: dict(event.processed)}),
    events.Failed: Line("failed", Severity.CRITICAL, _own("reason")),
}


class LogMonitor:
    """Writes a log line for each event.

    Args:
        at_end: called before the last line, `stopped` or `failed`; returns fields that are added to it.
    """

    def __init__(self, at_end: Callable[[], Mapping[str, object]] = dict[str, object]) -> None:
        self._at_end = at_end

    def record(self, event: Event) -> None:
        """Logs the event, if its level is enabled."""
        line = LINES[type(event)]
        level = _severity(event) if line.level is None else line.level
        if not logger.isEnabledFor(level):
            return
        fields = line.fields
        if line.debug_fields and logger.isEnabledFor(logging.DEBUG):
            fields = {**fields, **line.debug_fields}
        values = {name: read(event) for name, read in fields.items()}
        if isinstance(event, events.Stopped | events.Failed):
            values |= self._at_end()
        logger.log(level, line.text, extra={name: value for name, value in values.items() if value is not None})
