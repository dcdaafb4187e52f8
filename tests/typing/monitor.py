"""A monitor that names every event, and each type of what events hold; checked as api.py is."""

from collections import Counter
from collections.abc import Mapping
from typing import assert_type

from intercom_sink import AttemptResult, Response
from intercom_sink.events import (
    Action,
    Attempt,
    AttemptFinished,
    AttemptStarted,
    ConnectionFailed,
    Consuming,
    DeadLettered,
    DeadLetterNotConfirmed,
    Disposition,
    Envelope,
    Event,
    Failed,
    HoldBegan,
    HoldCause,
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
    PauseCause,
    Paused,
    ProbeSent,
    Reason,
    Reconnecting,
    Resumed,
    RetryScheduled,
    RetryState,
    Rule,
    Settled,
    Severity,
    Stopped,
    Stopping,
    TraceContext,
)


class CountingMonitor:
    """Counts what happens."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def record(self, event: Event) -> None:
        self.counts[describe(event)] += 1


def describe(event: Event) -> str:
    match event:
        case MessageReceived(envelope, delivered_at, is_malformed):
            assert_type(envelope, Envelope)
            assert_type(delivered_at, float)
            assert_type(is_malformed, bool)
            return describe_envelope(envelope)
        case AttemptStarted():
            assert_type(event.number, int)
            return f"{event.method} {event.path}"
        case AttemptFinished(attempt):
            return describe_attempt(attempt)
        case RetryScheduled(attempt, delay):
            assert_type(delay, float)
            return describe_attempt(attempt)
        case MessageDelivered() | MessageNotFound() | MessageDuplicate() | MessageGivenUp():
            return describe_settled(event)
        case MessageMalformed():
            assert_type(event.body, bytes)
            return event.reason
        case MessageRequeued():
            assert_type(event.attempts, int)
            return event.method
        case MessageNotSent(envelope):
            return describe_envelope(envelope)
        case Paused(cause, seconds, until):
            assert_type(cause, PauseCause)
            assert_type(seconds, float)
            assert_type(until, float)
            return cause
        case Resumed(cause):
            assert_type(cause, PauseCause)
            return cause
        case HoldBegan(cause, attempt):
            assert_type(cause, HoldCause)
            assert_type(attempt, Attempt)
            return cause
        case HoldContinues(cause, seconds) | HoldEnded(cause, seconds):
            assert_type(cause, HoldCause)
            assert_type(seconds, float)
            return cause
        case Consuming(broker, queue):
            return f"{broker} {queue}"
        case OtherConsumers(queue, consumers):
            assert_type(consumers, int)
            return queue
        case ConnectionFailed(broker, reason):
            return f"{broker} {reason}"
        case Reconnecting(delay):
            assert_type(delay, float)
            return "reconnecting"
        case DeadLettered():
            assert_type(event.reason, Reason)
            assert_type(event.error_codes, tuple[str, ...])
            return event.queue
        case DeadLetterNotConfirmed():
            assert_type(event.delay, float)
            return event.queue
        case Stopped(processed):
            assert_type(processed, Mapping[Disposition, int])
            return "stopped"
        case Failed(reason):
            return reason
        case ProbeSent() | Stopping():
            return type(event).__name__
        case _:
            return "an event of a later version"


def describe_attempt(attempt: Attempt) -> str:
    assert_type(attempt.disposition, Disposition)
    assert_type(attempt.result, AttemptResult)
    assert_type(attempt.state, RetryState)
    assert_type(attempt.state.attempts, int)
    assert_type(attempt.rule, Rule)
    assert_type(attempt.rule.severity, Severity)
    status = attempt.result.status if isinstance(attempt.result, Response) else None
    return f"{status} {attempt.disposition}" if attempt.rule.action is Action.GIVE_UP else attempt.method


def describe_settled(event: Settled) -> str:
    return describe_attempt(event.attempt)


def describe_envelope(envelope: Envelope) -> str:
    assert_type(envelope.trace, TraceContext | None)
    assert_type(envelope.published_at, float | None)
    return envelope.message_id or "-"
