"""The delivery policy: what follows from one attempt, as a table and one pure function.

No clock, no I/O, no logger: the result of an attempt and the retry state go in, a decision comes out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType

from intercom_sink.domain.backoff import NO_DELAY, Delay, exponential
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.rate_limit import retry_delay
from intercom_sink.domain.response import AttemptResult, NoResponse, Response

MAX_BACKOFF = 60.0
"""Seconds between two attempts at most, while there is no valid response."""


class Disposition(StrEnum):
    """What an attempt means for its message: the rows of the table, and the words of log lines and summaries."""

    DELIVERED = "delivered"
    NOT_FOUND = "not found"
    RATE_LIMITED = "rate limited"
    SERVER_ERROR = "server error"
    REPEATED_SERVER_ERROR = "repeated server error"
    REJECTED = "rejected"
    NO_RESPONSE = "no response"
    MALFORMED = "malformed"


class Action(Enum):
    """What to do with the message."""

    ACK = "ack it: Intercom has it, or has nothing to do"
    RETRY = "wait, then send it again"
    GIVE_UP = "dead-letter it or only ack it: Intercom will not take it, and the queue must not back up"


class Severity(IntEnum):
    """How important it is to an operator; the numbers are those of the standard library's log levels."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@dataclass(frozen=True, slots=True)
class RetryState:
    """What is remembered of the attempts at one message, the one that just ended included.

    Args:
        attempts: how many there were.
        first_attempt_at: when the first one began, in Unix seconds.
        last_attempt_at: when the last one began, in Unix seconds.
        last_was_server_error: the attempt before ended with a 50X, which is retried once.
        possible_duplicate: Intercom may have had the message before the last attempt.
        failures: how many attempts in a row, at any message, had no valid response when the last one began.
    """

    attempts: int = 0
    first_attempt_at: float | None = None
    last_attempt_at: float | None = None
    last_was_server_error: bool = False
    possible_duplicate: bool = False
    failures: int = 0

    def begin_attempt(self, unix_time: float, failures: int) -> "RetryState":
        """The state of an attempt that begins now."""
        first = unix_time if self.first_attempt_at is None else self.first_attempt_at
        return RetryState(
            self.attempts + 1, first, unix_time, self.last_was_server_error, self.possible_duplicate, failures
        )

    def after_retryable(self, rule: "Rule") -> "RetryState":
        """The state to carry into the next attempt, once `rule` has said that there is one."""
        return RetryState(
            self.attempts,
            self.first_attempt_at,
            self.last_attempt_at,
            rule.is_server_error,
            self.possible_duplicate or rule.may_have_arrived,
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: everything that follows from a disposition.

    Args:
        action: what to do with the message.
        severity: how important it is to an operator.
        reason: why it was given up, for its dead letter; GIVE_UP only.
        delay: seconds before the next attempt; RETRY only.
        pauses_all: no message may be sent during the delay: the cause is Intercom, not this message.
        is_server_error: sets the flag that makes a second 50X final; every other retry clears it.
        may_have_arrived: Intercom may have taken the message, so the next attempt may be a duplicate.
    """

    action: Action
    severity: Severity
    reason: Reason | None = None
    delay: Callable[[AttemptResult, RetryState], Delay] = lambda result, state: NO_DELAY
    pauses_all: bool = False
    is_server_error: bool = False
    may_have_arrived: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from one attempt.

    Args:
        disposition: the row of the table.
        rule: what the row says.
        delay: seconds before the next attempt, where there is one.
    """

    disposition: Disposition
    rule: Rule
    delay: Delay


def _short_delay(result: AttemptResult, state: RetryState) -> Delay:
    return Delay(0.5, 1.0)


def _until_the_window_resets(result: AttemptResult, state: RetryState) -> Delay:
    assert isinstance(result, Response)
    seconds = retry_delay(result.rate_limit)
    return Delay(seconds, seconds + 1.0)


def _exponential(result: AttemptResult, state: RetryState) -> Delay:
    return exponential(state.failures + 1, MAX_BACKOFF)


TABLE: Mapping[Disposition, Rule] = MappingProxyType(
    {
        Disposition.DELIVERED: Rule(Action.ACK, Severity.DEBUG),
        # Deleting what is already gone is natural where a message may be sent twice.
        Disposition.NOT_FOUND: Rule(Action.ACK, Severity.WARNING),
        Disposition.RATE_LIMITED: Rule(Action.RETRY, Severity.WARNING, delay=_until_the_window_resets, pauses_all=True),
        # Intercom: a 50X "should be retried once".
        Disposition.SERVER_ERROR: Rule(
            Action.RETRY, Severity.WARNING, delay=_short_delay, is_server_error=True, may_have_arrived=True
        ),
        Disposition.REPEATED_SERVER_ERROR: Rule(Action.GIVE_UP, Severity.ERROR, Reason.SERVER_ERROR),
        Disposition.REJECTED: Rule(Action.GIVE_UP, Severity.ERROR, Reason.REJECTED),
        Disposition.NO_RESPONSE: Rule(
            Action.RETRY, Severity.ERROR, delay=_exponential, pauses_all=True, may_have_arrived=True
        ),
        # Never sent: the message is not a valid request.
        Disposition.MALFORMED: Rule(Action.GIVE_UP, Severity.ERROR, Reason.MALFORMED),
    }
)


def classify(result: AttemptResult, state: RetryState) -> Disposition:
    """The row of the table that an attempt falls under."""
    match result:
        case NoResponse():
            return Disposition.NO_RESPONSE
        case Response(status=status) if 200 <= status <= 299:
            return Disposition.DELIVERED
        case Response(status=404):
            return Disposition.NOT_FOUND
        case Response(status=429):
            return Disposition.RATE_LIMITED
        # A status over 599 is invalid and is read as a server error (RFC 9110, section 15).
        case Response(status=status) if status >= 500:
            return Disposition.REPEATED_SERVER_ERROR if state.last_was_server_error else Disposition.SERVER_ERROR
        case _:
            return Disposition.REJECTED


def decide(result: AttemptResult, state: RetryState) -> Decision:
    """What follows from an attempt with this result, given the retry state."""
    disposition = classify(result, state)
    rule = TABLE[disposition]
    return Decision(disposition, rule, rule.delay(result, state))
