"""The delivery policy: its table, as examples to read, and properties that hold for every sequence of responses."""

import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import AttemptResult, Disposition, NoResponse, RateLimit, Reason, Response
from intercom_sink.domain.backoff import NO_DELAY, Delay
from intercom_sink.domain.policy import TABLE, Action, Decision, RetryState, Severity, classify, decide
from tests.support.strategies import results, retry_states

FRESH = RetryState()
FLAG = RetryState(last_was_server_error=True)  # the last response was a 50X
ACK, GIVE_UP, RETRY = Action.ACK, Action.GIVE_UP, Action.RETRY

EXAMPLES = [
    # result                     flag    action    severity   flag afterwards
    (Response(200),              FRESH,  ACK,      "DEBUG",   False),
    (Response(204),              FLAG,   ACK,      "DEBUG",   False),
    (Response(299),              FRESH,  ACK,      "DEBUG",   False),
    # What is already gone may be deleted again.
    (Response(404),              FRESH,  ACK,      "WARNING", False),
    (Response(404),              FLAG,   ACK,      "WARNING", False),
    (Response(429),              FRESH,  RETRY,    "WARNING", False),
    # A 429 or a network failure between two 50X makes the second one a first one.
    (Response(429),              FLAG,   RETRY,    "WARNING", False),
    (NoResponse("reset"),        FRESH,  RETRY,    "ERROR",   False),
    (NoResponse("reset"),        FLAG,   RETRY,    "ERROR",   False),
    # A 50X is retried once.
    (Response(500),              FRESH,  RETRY,    "WARNING", True),
    (Response(503),              FRESH,  RETRY,    "WARNING", True),
    (Response(599),              FRESH,  RETRY,    "WARNING", True),
    (Response(500),              FLAG,   GIVE_UP,  "ERROR",   False),
    (Response(504),              FLAG,   GIVE_UP,  "ERROR",   False),
    # No valid status: read as a server error (RFC 9110, section 15).
    (Response(600),              FRESH,  RETRY,    "WARNING", True),
    (Response(999),              FLAG,   GIVE_UP,  "ERROR",   False),
    # Everything else is given up: a retry would be rejected too.
    (Response(400),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(401),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(403),              FLAG,   GIVE_UP,  "ERROR",   False),
    (Response(405),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(428),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(430),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(499),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(300),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(301),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(399),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(101),              FRESH,  GIVE_UP,  "ERROR",   False),
    (Response(199),              FRESH,  GIVE_UP,  "ERROR",   False),
]  # fmt: skip


@pytest.mark.parametrize(("result", "state", "action", "severity", "flag"), EXAMPLES)
def test_table_holds_for_each_example(
    result: AttemptResult, state: RetryState, action: Action, severity: str, flag: bool
) -> None:
    rule = decide(result, state).rule
    assert rule.action is action
    assert logging.getLevelName(rule.severity) == severity
    assert rule.is_server_error is flag


def test_every_disposition_has_its_rule() -> None:
    assert set(TABLE) == set(Disposition)


def test_severities_are_the_log_levels_of_the_standard_library() -> None:
    assert {severity.name: severity.value for severity in Severity} == {
        name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    }


def test_malformed_message_is_given_up_as_an_error() -> None:
    rule = TABLE[Disposition.MALFORMED]
    assert (rule.action, rule.reason, rule.severity) == (GIVE_UP, Reason.MALFORMED, Severity.ERROR)


def test_rules_that_give_up_name_the_reason_and_no_others_do() -> None:
    assert {disposition: rule.reason for disposition, rule in TABLE.items() if rule.action is GIVE_UP} == {
        Disposition.REPEATED_SERVER_ERROR: Reason.SERVER_ERROR,
        Disposition.REJECTED: Reason.REJECTED,
        Disposition.MALFORMED: Reason.MALFORMED,
    }
    assert all(rule.reason is None for rule in TABLE.values() if rule.action is not GIVE_UP)


def test_429_waits_until_the_window_resets_and_a_little_longer() -> None:
    decision = decide(Response(429, RateLimit(server_time=1000.0, reset_at=1007.0)), FRESH)
    assert decision.delay == Delay(7.0, 8.0)


def test_first_50x_is_retried_after_a_short_delay() -> None:
    assert decide(Response(500), FRESH).delay == Delay(0.5, 1.0)


def test_delay_without_a_response_doubles_up_to_a_minute() -> None:
    decided = [decide(NoResponse("refused"), RetryState(failures=failures)).delay for failures in range(9)]
    delays = [(delay.min, delay.max) for delay in decided]
    assert delays == [(0.5, 1), (1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (30, 60), (30, 60), (30, 60)]


def test_causes_at_intercom_pause_all_and_others_one_message() -> None:
    assert {one for one, rule in TABLE.items() if rule.pauses_all} == {
        Disposition.RATE_LIMITED,
        Disposition.NO_RESPONSE,
    }
    assert {one for one, rule in TABLE.items() if rule.action is RETRY and not rule.pauses_all} == {
        Disposition.SERVER_ERROR
    }


def test_retry_may_be_a_duplicate_unless_intercom_refused_to_take_it() -> None:
    """A 429 is a refusal; after a 50X, or without a response, Intercom may have taken the message."""
    assert {one for one, rule in TABLE.items() if rule.may_have_arrived} == {
        Disposition.SERVER_ERROR,
        Disposition.NO_RESPONSE,
    }


def test_retry_state_remembers_the_attempts() -> None:
    first = FRESH.begin_attempt(unix_time=100.0, failures=0)
    assert first == RetryState(1, 100.0, 100.0)
    second = first.after_retryable(TABLE[Disposition.SERVER_ERROR]).begin_attempt(unix_time=105.0, failures=3)
    assert second == RetryState(2, 100.0, 105.0, last_was_server_error=True, possible_duplicate=True, failures=3)
    third = second.after_retryable(TABLE[Disposition.RATE_LIMITED]).begin_attempt(unix_time=120.0, failures=0)
    assert third == RetryState(3, 100.0, 120.0, last_was_server_error=False, possible_duplicate=True)


def decisions(sequence: list[AttemptResult]) -> list[Decision]:
    """What is decided for one message, given these results in turn, until no retry follows or they end."""
    made: list[Decision] = []
    state = FRESH
    for result in sequence:
        state = state.begin_attempt(0.0, 0)
        made.append(decide(result, state))
        if made[-1].rule.action is not RETRY:
            break
        state = state.after_retryable(made[-1].rule)
    return made


@given(st.lists(results, min_size=1))
def test_every_sequence_ends_without_a_retry_or_with_a_delay(sequence: list[AttemptResult]) -> None:
    last = decisions(sequence)[-1]
    if last.rule.action is RETRY:
        assert 0 < last.delay.min <= last.delay.max <= 61
    else:
        assert last.delay == NO_DELAY


@given(st.lists(results, min_size=1))
def test_50x_is_never_retried_twice_in_a_row(sequence: list[AttemptResult]) -> None:
    made = [decision.disposition for decision in decisions(sequence)]
    assert (Disposition.SERVER_ERROR, Disposition.SERVER_ERROR) not in list(itertools.pairwise(made))


@given(results, retry_states)
def test_only_a_first_50x_sets_the_flag(result: AttemptResult, state: RetryState) -> None:
    decision = decide(result, state)
    assert decision.rule.is_server_error == (decision.disposition is Disposition.SERVER_ERROR)
    assert decision.disposition is classify(result, state)
    assert decision.rule is TABLE[decision.disposition]
    assert state.after_retryable(decision.rule).last_was_server_error == decision.rule.is_server_error


@given(results, retry_states)
def test_only_processed_messages_are_acked_and_rejected_ones_given_up(result: AttemptResult, state: RetryState) -> None:
    status = result.status if isinstance(result, Response) else None
    match decide(result, state).rule.action:
        case Action.ACK:
            assert status is not None
            assert 200 <= status <= 299 or status == 404
        case Action.GIVE_UP:
            assert status is not None
            assert status != 429
            assert status < 500 or state.last_was_server_error
        case Action.RETRY:
            assert status is None or status == 429 or status >= 500
