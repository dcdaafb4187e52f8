"""What follows from one attempt: the delivery policy, as a table and one pure function.

No clock, no I/O, no logger: what an attempt came to and what is remembered of earlier ones go in, a decision comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from logging import DEBUG, ERROR, WARNING
from types import MappingProxyType

from intercom_sink.domain.backoff import Pause, exponential
from intercom_sink.domain.outcome import Answer, NoAnswer, Outcome
from intercom_sink.domain.rate_limit import seconds_to_wait

LONGEST_BACKOFF = 60.0
"""Seconds between two attempts at most, while no valid answer comes."""


@dataclass(frozen=True, slots=True)
class History:
    """What is remembered of earlier attempts.

    Args:
        last_was_server_error: the last attempt at this message was answered with a 50X, which may be tried again once.
        unanswered: how many attempts in a row, at whatever message, came to no valid answer.
    """

    last_was_server_error: bool = False
    unanswered: int = 0


class Kind(StrEnum):
    """The rows of the table; the values are the words of log lines and summaries."""

    DELIVERED = "delivered"
    NOT_FOUND = "not found"
    RATE_LIMITED = "rate limited"
    SERVER_ERROR = "server error"
    SERVER_ERROR_AGAIN = "server error again"
    REJECTED = "rejected"
    NO_ANSWER = "no answer"


class Action(Enum):
    """What to do with the message."""

    SETTLE = "ack it: Intercom has it"
    GIVE_UP = "ack it: Intercom will not take it, and the queue must not back up"
    SEND_AGAIN = "wait, then send it again"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: what to do, how loudly to say so, and for SEND_AGAIN how long to wait first, and who must wait."""

    action: Action
    log_level: int
    pause: Callable[[Outcome, History], Pause] = lambda outcome, history: Pause(0, 0)
    holds_all: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from one attempt.

    Args:
        kind: the row of the table.
        action: what to do with the message.
        log_level: how loudly to say so.
        pause: before the next attempt, where there is one.
        holds_all: no other message may be sent in the pause either: it is about Intercom, not about this message.
        is_server_error: the flag that the next attempt's history needs.
    """

    kind: Kind
    action: Action
    log_level: int
    pause: Pause
    holds_all: bool
    is_server_error: bool


def _shortly(outcome: Outcome, history: History) -> Pause:
    return Pause(0.5, 1.0)


def _until_the_window_resets(outcome: Outcome, history: History) -> Pause:
    assert isinstance(outcome, Answer)
    seconds = seconds_to_wait(outcome.rate_limit)
    return Pause(seconds, seconds + 1.0)


def _longer_each_time(outcome: Outcome, history: History) -> Pause:
    return exponential(history.unanswered + 1, LONGEST_BACKOFF)


TABLE: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.DELIVERED: Rule(Action.SETTLE, DEBUG),
        # Deleting what is already gone is natural where a message may be sent twice.
        Kind.NOT_FOUND: Rule(Action.SETTLE, WARNING),
        Kind.RATE_LIMITED: Rule(Action.SEND_AGAIN, WARNING, _until_the_window_resets, holds_all=True),
        # Intercom: a 50X "should be retried once".
        Kind.SERVER_ERROR: Rule(Action.SEND_AGAIN, WARNING, _shortly),
        Kind.SERVER_ERROR_AGAIN: Rule(Action.GIVE_UP, ERROR),
        Kind.REJECTED: Rule(Action.GIVE_UP, ERROR),
        Kind.NO_ANSWER: Rule(Action.SEND_AGAIN, ERROR, _longer_each_time, holds_all=True),
    }
)


def classify(outcome: Outcome, history: History) -> Kind:
    """Which row of the table an attempt falls under."""
    match outcome:
        case NoAnswer():
            return Kind.NO_ANSWER
        case Answer(status=status) if 200 <= status <= 299:
            return Kind.DELIVERED
        case Answer(status=404):
            return Kind.NOT_FOUND
        case Answer(status=429):
            return Kind.RATE_LIMITED
        # A status over 599 is not a valid one and is read as a server error (RFC 9110, section 15).
        case Answer(status=status) if status >= 500:
            return Kind.SERVER_ERROR_AGAIN if history.last_was_server_error else Kind.SERVER_ERROR
        case _:
            return Kind.REJECTED


def decide(outcome: Outcome, history: History) -> Decision:
    """What follows from `outcome`, given the `history` so far."""
    kind = classify(outcome, history)
    rule = TABLE[kind]
    pause = rule.pause(outcome, history)
    return Decision(kind, rule.action, rule.log_level, pause, rule.holds_all, is_server_error=kind is Kind.SERVER_ERROR)
