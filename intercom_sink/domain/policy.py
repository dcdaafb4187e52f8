"""The delivery policy: what follows from one attempt, as a table and pure functions.

No clock, no I/O, no logger: the result of an attempt, the retry state and the options go in, a disposition comes out.
`RULES`, the table, has the rule for each disposition.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType

from intercom_sink.domain.backoff import NO_DELAY, Delay, exponential
from intercom_sink.domain.dead_letter import Reason
from intercom_sink.domain.rate_limit import RATE_LIMIT_JITTER, RateLimit, retry_delay
from intercom_sink.domain.response import AttemptResult, NoResponse, Response
from intercom_sink.domain.retry_state import RetryState

MAX_BACKOFF = 60.0
"""Maximum delay between attempts without a response, in seconds."""

MAX_MESSAGE_FAILURES = 5
"""Attempts without a response, each with a `GET /me` that succeeded, after which a message is dead-lettered.

Without a dead-letter queue it is retried for ever."""


class Disposition(StrEnum):
    """What an attempt means for its message: the keys of the table, and the words of log lines and summaries."""

    DELIVERED = "delivered"
    NOT_FOUND = "not found"
    NOT_FOUND_DEAD_LETTERED = "not found, dead-lettered"
    DUPLICATE = "duplicate"
    RATE_LIMITED = "rate limited"
    RESOURCE_LIMITED = "resource rate limited"
    SERVER_ERROR = "server error"
    REPEATED_SERVER_ERROR = "repeated server error"
    ACCESS_DENIED = "access denied"
    REJECTED = "rejected"
    NO_RESPONSE = "no response"
    NO_RESPONSE_TO_MESSAGE = "no response to this message"
    NO_RESPONSE_TOO_OFTEN = "no response too often"
    MALFORMED = "malformed"


class Action(Enum):
    """What to do with the message."""

    ACK = "ack it: Intercom has it, or has nothing to do"
    RETRY = "wait, then send it again"
    GIVE_UP = "dead-letter it or only ack it: Intercom will not take it, and the queue must not back up"


class Severity(IntEnum):
    """How important a disposition is to an operator; the numbers are those of the standard library's log levels."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40
    CRITICAL = 50


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """What an operator may choose about the policy.

    Args:
        hold: after a 401, a 403, a second 5xx or no response, send `GET /me` to find out what is at fault, and hold
            while it is the token or Intercom. False: only an outage of MAX_OUTAGE begins a hold (see `hold`).
        dead_letters: messages that are given up are dead-lettered.
        dead_letter_not_found: a message with a 404 is dead-lettered too, unless the method is DELETE; needs
            `dead_letters`.
    """

    hold: bool = False
    dead_letters: bool = False
    dead_letter_not_found: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: everything that follows from a disposition.

    Args:
        action: what to do with the message.
        severity: how important it is to an operator.
        reason: why it was given up, for its dead letter; GIVE_UP only.
        delay: returns the range of the delay before the next attempt, given the result and the retry state; RETRY only.
        pauses_all: no message may be sent during the delay: the cause is Intercom, not this message.
        pauses_lane: only this message's lane waits; if a second lane has the same disposition meanwhile, its delay is
            for all.
        is_ambiguous: the message may not be at fault: with `PolicyOptions.hold`, find out what is (see `diagnosis`).
        counts_as_message_failure: counts towards MAX_MESSAGE_FAILURES.
        is_server_error: sets `RetryState.previous_was_server_error`, so that a second 5xx in a row is given up; every
            other retry clears it.
        may_have_arrived: Intercom may have taken the message, so the next attempt may be a duplicate.
    """

    action: Action
    severity: Severity
    reason: Reason | None = None
    delay: Callable[[AttemptResult, RetryState], Delay] = lambda result, state: NO_DELAY
    pauses_all: bool = False
    pauses_lane: bool = False
    is_ambiguous: bool = False
    counts_as_message_failure: bool = False
    is_server_error: bool = False
    may_have_arrived: bool = False


def _short_delay(result: AttemptResult, state: RetryState) -> Delay:
    return Delay(0.5, 1.0)


def _until_the_window_resets(result: AttemptResult, state: RetryState) -> Delay:
    assert isinstance(result, Response)
    seconds = retry_delay(result.rate_limit)
    return Delay(seconds, seconds + RATE_LIMIT_JITTER)


def _exponential_in_an_outage(result: AttemptResult, state: RetryState) -> Delay:
    return exponential(state.outage_failures + 1, MAX_BACKOFF)


def _exponential_for_this_message(result: AttemptResult, state: RetryState) -> Delay:
    return exponential(state.message_failures + 1, MAX_BACKOFF)


RULES: Mapping[Disposition, Rule] = MappingProxyType(
    {
        Disposition.DELIVERED: Rule(Action.ACK, Severity.DEBUG),
        # Deleting what is already gone is natural where a message may be sent twice.
        Disposition.NOT_FOUND: Rule(Action.ACK, Severity.WARNING),
        Disposition.NOT_FOUND_DEAD_LETTERED: Rule(Action.GIVE_UP, Severity.WARNING, Reason.NOT_FOUND),
        # Most likely Intercom has it from an earlier attempt.
        Disposition.DUPLICATE: Rule(Action.ACK, Severity.WARNING),
        Disposition.RATE_LIMITED: Rule(Action.RETRY, Severity.WARNING, delay=_until_the_window_resets, pauses_all=True),
        # The window still takes requests: the limit is one resource's.
        Disposition.RESOURCE_LIMITED: Rule(
            Action.RETRY, Severity.WARNING, delay=_until_the_window_resets, pauses_lane=True
        ),
        # Intercom: a 5xx "should be retried once".
        Disposition.SERVER_ERROR: Rule(
            Action.RETRY, Severity.WARNING, delay=_short_delay, is_server_error=True, may_have_arrived=True
        ),
        Disposition.REPEATED_SERVER_ERROR: Rule(Action.GIVE_UP, Severity.ERROR, Reason.SERVER_ERROR, is_ambiguous=True),
        Disposition.ACCESS_DENIED: Rule(Action.GIVE_UP, Severity.ERROR, Reason.REJECTED, is_ambiguous=True),
        Disposition.REJECTED: Rule(Action.GIVE_UP, Severity.ERROR, Reason.REJECTED),
        Disposition.NO_RESPONSE: Rule(
            Action.RETRY,
            Severity.ERROR,
            delay=_exponential_in_an_outage,
            pauses_all=True,
            is_ambiguous=True,
            may_have_arrived=True,
        ),
        # No response to this message, while Intercom responds to GET /me.
        Disposition.NO_RESPONSE_TO_MESSAGE: Rule(
            Action.RETRY,
            Severity.ERROR,
            delay=_exponential_for_this_message,
            counts_as_message_failure=True,
            may_have_arrived=True,
        ),
        Disposition.NO_RESPONSE_TOO_OFTEN: Rule(Action.GIVE_UP, Severity.ERROR, Reason.NO_RESPONSE),
        # Never sent: the message is not a valid request.
        Disposition.MALFORMED: Rule(Action.GIVE_UP, Severity.ERROR, Reason.MALFORMED),
    }
)


def decide(result: AttemptResult, state: RetryState, options: PolicyOptions) -> Disposition:
    """The disposition of an attempt with this result, given the retry state."""
    match result:
        case NoResponse():
            return Disposition.NO_RESPONSE
        case Response(status=status) if 200 <= status <= 299:
            return Disposition.DELIVERED
        case Response(status=404):
            gives_up = options.dead_letters and options.dead_letter_not_found and state.method != "DELETE"
            return Disposition.NOT_FOUND_DEAD_LETTERED if gives_up else Disposition.NOT_FOUND
        case Response(status=409) if state.possible_duplicate:
            return Disposition.DUPLICATE
        case Response(status=429, rate_limit=RateLimit(remaining=int(remaining))) if remaining > 0:
            return Disposition.RESOURCE_LIMITED
        case Response(status=429):
            return Disposition.RATE_LIMITED
        case Response(status=401 | 403):
            return Disposition.ACCESS_DENIED
        # A status over 599 is invalid and is read as a server error (RFC 9110, section 15).
        case Response(status=status) if status >= 500:
            return Disposition.REPEATED_SERVER_ERROR if state.previous_was_server_error else Disposition.SERVER_ERROR
        case _:
            return Disposition.REJECTED


def decide_for_message_fault(disposition: Disposition, state: RetryState, options: PolicyOptions) -> Disposition:
    """The disposition that replaces an ambiguous one once the message is known to be at fault."""
    if disposition is not Disposition.NO_RESPONSE:
        return disposition
    is_last = options.dead_letters and state.message_failures + 1 >= MAX_MESSAGE_FAILURES
    return Disposition.NO_RESPONSE_TOO_OFTEN if is_last else Disposition.NO_RESPONSE_TO_MESSAGE


def carry_over(state: RetryState, rule: Rule) -> RetryState:
    """The state to carry into the next attempt, once `rule` has said that there is one."""
    return replace(
        state,
        previous_was_server_error=rule.is_server_error,
        possible_duplicate=state.possible_duplicate or rule.may_have_arrived,
        message_failures=state.message_failures + rule.counts_as_message_failure,
    )
