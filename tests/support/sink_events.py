"""Events of one message after the other, in virtual time, for monitors."""

import dataclasses

from intercom_sink import AttemptResult, Disposition, Monitor, Response
from intercom_sink.domain.attempt import Attempt
from intercom_sink.domain.envelope import Envelope
from intercom_sink.domain.events import (
    AttemptFinished,
    AttemptStarted,
    MessageDelivered,
    MessageGivenUp,
    MessageReceived,
    RetryScheduled,
)
from intercom_sink.domain.policy import RULES, Action
from tests.support.events import DELIVERED


def attempt_with(
    envelope: Envelope,
    result: AttemptResult | None = None,
    disposition: Disposition = Disposition.DELIVERED,
    *,
    path: str = "/contacts",
    duration: float = 0.125,
) -> Attempt:
    """An attempt at this message."""
    return dataclasses.replace(
        DELIVERED,
        envelope=envelope,
        result=result or Response(200),
        disposition=disposition,
        path=path,
        duration=duration,
    )


def receive(monitor: Monitor, delivered_at: float = 0.0) -> Envelope:
    """Has a message received."""
    envelope = Envelope()
    monitor.record(MessageReceived(envelope, delivered_at))
    return envelope


def send(monitor: Monitor) -> Envelope:
    """Has a message received, and an attempt at it started."""
    envelope = receive(monitor)
    monitor.record(AttemptStarted(envelope, "POST", "/contacts", 1))
    return envelope


def finish(monitor: Monitor, attempt: Attempt) -> None:
    """Has an attempt finished, and what follows from it happen."""
    monitor.record(AttemptFinished(attempt))
    match RULES[attempt.disposition].action:
        case Action.RETRY:
            monitor.record(RetryScheduled(attempt, 5.0))
        case Action.GIVE_UP:
            monitor.record(MessageGivenUp(attempt))
        case _:
            monitor.record(MessageDelivered(attempt))


def deliver(monitor: Monitor) -> None:
    """Has a message delivered."""
    finish(monitor, attempt_with(send(monitor)))
