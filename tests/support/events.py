"""An example of every event."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from intercom_sink import Disposition, Event, NoResponse, Reason, Response
from intercom_sink.domain import events
from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.causes import HoldCause, PauseCause
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import (
    AttemptStarted,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    Failed,
    HoldBegan,
    HoldContinues,
    HoldEnded,
    MessageMalformed,
    MessageReceived,
    MessageRequeued,
    OtherConsumers,
    Paused,
    Reconnecting,
    Resumed,
    RetryScheduled,
    Stopped,
    message,
    stream,
)
from intercom_sink.domain.retry_state import RetryState

KINDS = [
    kind
    for module in (message, stream)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Event) and kind.__module__ == module.__name__
]
"""Every kind of event."""

LAST_OF_MESSAGE = (
    events.MessageDelivered,
    events.MessageNotFound,
    events.MessageDuplicate,
    events.MessageGivenUp,
    events.MessageMalformed,
    events.MessageRequeued,
    events.MessageNotSent,
)
"""The kinds of the last event of a message."""

ENVELOPE = Envelope(ordering_key="a key", message_id="a-message-id", published_at=990.0)

DELIVERED = Attempt(
    ENVELOPE,
    "/contacts",
    Response(200),
    Disposition.DELIVERED,
    RetryState("POST", attempts=1, first_attempt_at=1000.0, last_attempt_at=1000.0),
    duration=0.125,
    ended_at=1000.125,
)
REJECTED = dataclasses.replace(
    DELIVERED,
    result=Response(422, request_id="b2f1", error_codes=("parameter_invalid",)),
    disposition=Disposition.REJECTED,
)
NO_RESPONSE = dataclasses.replace(DELIVERED, result=NoResponse("connection reset"), disposition=Disposition.NO_RESPONSE)

_ARGUMENTS: Mapping[type[Event], tuple[Any, ...]] = {
    MessageReceived: (ENVELOPE, 0.0),
    RetryScheduled: (NO_RESPONSE, 0.75),
    AttemptStarted: (ENVELOPE, "POST", "/contacts", 1),
    MessageMalformed: (ENVELOPE, "not a map but list", b"\x93\x01\x02\x03"),
    MessageRequeued: (ENVELOPE, "POST", "/contacts", 2),
    Paused: (PauseCause.RATE_LIMITED, 7.0, 1007.0),
    Resumed: (PauseCause.RATE_LIMITED,),
    HoldBegan: (HoldCause.INTERCOM, NO_RESPONSE),
    HoldContinues: (HoldCause.INTERCOM, 300.0),
    HoldEnded: (HoldCause.INTERCOM, 1234.5),
    Consuming: ("amqp://user@rabbit:5672/", "intercom"),
    OtherConsumers: ("intercom", 1),
    ConnectionFailed: ("amqp://user@rabbit:5672/", "connection refused"),
    Reconnecting: (0.5,),
    DeadLettered: ("intercom-dead", Reason.REJECTED),
    DeadLetterNotConfirmed: ("intercom-dead", "the queue is full", 1.0),
    Stopped: ({Disposition.DELIVERED: 3, Disposition.MALFORMED: 1},),
    Failed: ("connection refused",),
}


def example_of(kind: type[Event]) -> Event:
    """An event of this class."""
    if kind in _ARGUMENTS:
        return kind(*_ARGUMENTS[kind])
    usual = {"attempt": DELIVERED, "envelope": ENVELOPE}
    return kind(*(usual[field.name] for field in dataclasses.fields(kind)))


def examples() -> list[Event]:
    """An event of every class."""
    return [example_of(kind) for kind in KINDS]
