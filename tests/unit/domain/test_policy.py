"""The delivery policy: its table, as examples to read, and properties that hold for every sequence of responses."""

import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink import AttemptResult, Disposition, NoResponse, RateLimit, Reason, Response
from intercom_sink.domain.backoff import NO_DELAY, Delay
from intercom_sink.domain.policy import (
    MAX_MESSAGE_FAILURES,
    RULES,
    Action,
    PolicyOptions,
    Severity,
    carry_over,
    decide,
    decide_for_message_fault,
)
from intercom_sink.domain.retry_state import RetryState
from tests.support.strategies import options, results, retry_states

FRESH = RetryState("POST")
FLAG = RetryState("POST", previous_was_server_error=True)
NO_RESPONSE = NoResponse("reset")
ACK, GIVE_UP, RETRY = Action.ACK, Action.GIVE_UP, Action.RETRY
DEFAULTS = PolicyOptions()

EXAMPLES = [
    # result                     flag    action    severity   flag afterwards
    (Response(200),              FRESH,  ACK,      "DEBUG",   False),
    (Response(204),              FLAG,   ACK,      "DEBUG",   False),
    (Response(299),              FRESH,  ACK,      "DEBUG",   False),
    # What is already gone may be deleted again.
    (Response(404),              FRESH,  ACK,      "WARNING", False),
    (Response(404),              FLAG,   ACK,      "WARNING", False),
    (Response(429),              FRESH,  RETRY,    "WARNING", False),
    # A 429 or a network failure between two 5xx makes the second one a first one.
    (Response(429),              FLAG,   RETRY,    "WARNING", False),
    (NoResponse("reset"),        FRESH,  RETRY,    "ERROR",   False),
    (NoResponse("reset"),        FLAG,   RETRY,    "ERROR",   False),
    # A 5xx is retried once.
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
    (Response(409),              FRESH,  GIVE_UP,  "ERROR",   False),
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
    rule = RULES[decide(result, state, DEFAULTS)]
    assert rule.action is action
    assert logging.getLevelName(rule.severity) == severity
    assert rule.is_server_error is flag


def test_every_disposition_has_its_rule() -> None:
    assert set(RULES) == set(Disposition)


def test_severities_are_the_log_levels_of_the_standard_library() -> None:
    assert {severity.name: severity.value for severity in Severity} == {
        name: getattr(logging, name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    }


def test_malformed_message_is_given_up_as_an_error() -> None:
    rule = RULES[Disposition.MALFORMED]
    assert (rule.action, rule.reason, rule.severity) == (GIVE_UP, Reason.MALFORMED, Severity.ERROR)


def test_rules_that_give_up_name_the_reason_and_no_others_do() -> None:
    assert {disposition: rule.reason for disposition, rule in RULES.items() if rule.action is GIVE_UP} == {
        Disposition.NOT_FOUND_DEAD_LETTERED: Reason.NOT_FOUND,
        Disposition.REPEATED_SERVER_ERROR: Reason.SERVER_ERROR,
        Disposition.ACCESS_DENIED: Reason.REJECTED,
        Disposition.REJECTED: Reason.REJECTED,
        Disposition.NO_RESPONSE_TOO_OFTEN: Reason.NO_RESPONSE,
        Disposition.MALFORMED: Reason.MALFORMED,
    }
    assert all(rule.reason is None for rule in RULES.values() if rule.action is not GIVE_UP)


def test_each_disposition_is_logged_at_the_level_of_its_importance() -> None:
    """Those that mean that a message did not have its effect are errors, but for a 404 that the operator keeps."""
    of_severity = {severity: {one for one, rule in RULES.items() if rule.severity is severity} for severity in Severity}
    assert of_severity == {
        Severity.DEBUG: {Disposition.DELIVERED},
        Severity.INFO: set(),
        Severity.WARNING: {
            Disposition.NOT_FOUND,
            Disposition.NOT_FOUND_DEAD_LETTERED,
            Disposition.DUPLICATE,
            Disposition.RATE_LIMITED,
            Disposition.RESOURCE_LIMITED,
            Disposition.SERVER_ERROR,
        },
        Severity.ERROR: {
            Disposition.REPEATED_SERVER_ERROR,
            Disposition.ACCESS_DENIED,
            Disposition.REJECTED,
            Disposition.NO_RESPONSE,
            Disposition.NO_RESPONSE_TO_MESSAGE,
            Disposition.NO_RESPONSE_TOO_OFTEN,
            Disposition.MALFORMED,
        },
        Severity.CRITICAL: set(),
    }


# The rows that depend on more than the status.


@pytest.mark.parametrize(("status", "reason"), [(401, Reason.REJECTED), (403, Reason.REJECTED)])
def test_refused_token_is_told_from_other_rejections(status: int, reason: Reason) -> None:
    assert decide(Response(status), FRESH, DEFAULTS) is Disposition.ACCESS_DENIED
    rule = RULES[Disposition.ACCESS_DENIED]
    assert (rule.action, rule.reason) == (GIVE_UP, reason)
    assert decide(Response(402), FRESH, DEFAULTS) is Disposition.REJECTED


DEAD_LETTERED = PolicyOptions(dead_letters=True, dead_letter_not_found=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "chosen",
    [DEFAULTS, PolicyOptions(dead_letters=True), PolicyOptions(dead_letter_not_found=True), DEAD_LETTERED],
    ids=str,
)
def test_404_is_dead_lettered_only_if_asked_with_a_queue_and_never_after_a_delete(
    method: str, chosen: PolicyOptions
) -> None:
    gives_up = chosen == DEAD_LETTERED and method != "DELETE"
    disposition = decide(Response(404), RetryState(method), chosen)
    assert disposition is (Disposition.NOT_FOUND_DEAD_LETTERED if gives_up else Disposition.NOT_FOUND)
    assert RULES[disposition].action is (GIVE_UP if gives_up else ACK)


def test_409_is_acked_only_if_intercom_may_have_had_the_message() -> None:
    duplicate = RetryState("POST", possible_duplicate=True)
    assert decide(Response(409), duplicate, DEFAULTS) is Disposition.DUPLICATE
    assert RULES[Disposition.DUPLICATE].action is ACK
    assert decide(Response(409), FRESH, DEFAULTS) is Disposition.REJECTED
    assert decide(Response(410), duplicate, DEFAULTS) is Disposition.REJECTED


@pytest.mark.parametrize(
    ("earlier", "disposition"),
    [
        ([NO_RESPONSE], Disposition.DUPLICATE),
        ([Response(500)], Disposition.DUPLICATE),
        ([NO_RESPONSE, Response(429)], Disposition.DUPLICATE),
        ([Response(429)], Disposition.REJECTED),
        ([], Disposition.REJECTED),
    ],
    ids=str,
)
def test_409_is_a_duplicate_only_after_an_attempt_that_may_have_arrived(
    earlier: list[AttemptResult], disposition: Disposition
) -> None:
    assert decisions([*earlier, Response(409)])[-1] is disposition


@pytest.mark.parametrize(
    ("remaining", "disposition"),
    [
        (1, Disposition.RESOURCE_LIMITED),
        (1000, Disposition.RESOURCE_LIMITED),
        (0, Disposition.RATE_LIMITED),
        (None, Disposition.RATE_LIMITED),
    ],
)
def test_429_with_requests_left_in_the_window_is_about_one_resource(
    remaining: int | None, disposition: Disposition
) -> None:
    limited = Response(429, RateLimit(server_time=1000.0, reset_at=1007.0, remaining=remaining))
    assert decide(limited, FRESH, DEFAULTS) is disposition
    rule = RULES[disposition]
    assert rule.delay(limited, FRESH) == Delay(7.0, 8.0)
    assert rule.action is RETRY
    assert rule.pauses_all is (disposition is Disposition.RATE_LIMITED)
    assert rule.pauses_lane is (disposition is Disposition.RESOURCE_LIMITED)


def test_hold_asks_only_where_it_may_not_be_the_messages_fault() -> None:
    assert {one for one, rule in RULES.items() if rule.is_ambiguous} == {
        Disposition.ACCESS_DENIED,
        Disposition.REPEATED_SERVER_ERROR,
        Disposition.NO_RESPONSE,
    }


@given(results, retry_states, st.booleans(), st.booleans())
def test_hold_does_not_change_the_row_that_a_result_falls_under(
    result: AttemptResult, state: RetryState, dead_letters: bool, dead_letter_not_found: bool
) -> None:
    """It only has `GET /me` asked before an ambiguous row takes effect."""
    on, off = (PolicyOptions(hold, dead_letters, dead_letter_not_found) for hold in (True, False))
    assert decide(result, state, on) == decide(result, state, off)


@pytest.mark.parametrize("disposition", [Disposition.ACCESS_DENIED, Disposition.REPEATED_SERVER_ERROR])
@given(state=retry_states, chosen=options)
def test_message_at_fault_is_given_up_as_its_response_says(
    disposition: Disposition, state: RetryState, chosen: PolicyOptions
) -> None:
    assert decide_for_message_fault(disposition, state, chosen) is disposition
    assert RULES[disposition].delay(Response(503), state) == NO_DELAY


def attempts_without_a_response(count: int, chosen: PolicyOptions) -> list[tuple[Disposition, RetryState]]:
    """What is decided, and in which state, after each attempt at a message that breaks every connection."""
    made, state = [], FRESH
    for _ in range(count):
        state = state.begin_attempt(0.0, outage_failures=0)
        disposition = decide_for_message_fault(Disposition.NO_RESPONSE, state, chosen)
        made.append((disposition, state))
        state = carry_over(state, RULES[disposition])
    return made


def test_message_that_breaks_every_connection_is_given_up_at_the_fifth_attempt() -> None:
    made = attempts_without_a_response(5, PolicyOptions(hold=True, dead_letters=True))
    assert [disposition for disposition, _ in made] == [
        *[Disposition.NO_RESPONSE_TO_MESSAGE] * 4,
        Disposition.NO_RESPONSE_TOO_OFTEN,
    ]
    assert RULES[Disposition.NO_RESPONSE_TOO_OFTEN].reason is Reason.NO_RESPONSE
    assert MAX_MESSAGE_FAILURES == 5


def test_message_that_breaks_every_connection_is_retried_for_ever_without_dead_letters() -> None:
    made = attempts_without_a_response(50, PolicyOptions(hold=True))
    assert {disposition for disposition, _ in made} == {Disposition.NO_RESPONSE_TO_MESSAGE}


def test_delay_of_a_message_without_a_response_doubles_with_its_own_attempts() -> None:
    """The failures of other messages do not count."""
    made = attempts_without_a_response(9, PolicyOptions(hold=True))
    delays = [RULES[disposition].delay(NO_RESPONSE, state) for disposition, state in made]
    assert [delay.max for delay in delays] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    unlucky = RetryState("POST", outage_failures=100)
    rule = RULES[decide_for_message_fault(Disposition.NO_RESPONSE, unlucky, DEFAULTS)]
    assert rule.delay(NO_RESPONSE, unlucky) == Delay(0.5, 1.0)
    assert not rule.pauses_all


# Delays, pauses and the retry state.


def delay_after(result: AttemptResult, state: RetryState) -> Delay:
    """The delay of the row that the result falls under."""
    return RULES[decide(result, state, DEFAULTS)].delay(result, state)


def test_429_waits_until_the_window_resets_and_a_little_longer() -> None:
    limited = Response(429, RateLimit(server_time=1000.0, reset_at=1007.0))
    assert delay_after(limited, FRESH) == Delay(7.0, 8.0)


def test_first_5xx_is_retried_after_a_short_delay() -> None:
    assert delay_after(Response(500), FRESH) == Delay(0.5, 1.0)


def test_delay_without_a_response_doubles_up_to_a_minute() -> None:
    delays = [delay_after(NoResponse("refused"), RetryState("POST", outage_failures=failures)) for failures in range(9)]
    assert [(delay.min, delay.max) for delay in delays] == [
        (0.5, 1),
        (1, 2),
        (2, 4),
        (4, 8),
        (8, 16),
        (16, 32),
        (30, 60),
        (30, 60),
        (30, 60),
    ]


def test_causes_at_intercom_pause_all_and_others_one_message() -> None:
    assert {one for one, rule in RULES.items() if rule.pauses_all} == {
        Disposition.RATE_LIMITED,
        Disposition.NO_RESPONSE,
    }
    assert {one for one, rule in RULES.items() if rule.pauses_lane} == {Disposition.RESOURCE_LIMITED}
    assert {one for one, rule in RULES.items() if rule.action is RETRY and not rule.pauses_all} == {
        Disposition.RESOURCE_LIMITED,
        Disposition.SERVER_ERROR,
        Disposition.NO_RESPONSE_TO_MESSAGE,
    }


def test_retry_may_be_a_duplicate_unless_intercom_refused_to_take_it() -> None:
    """A 429 is a refusal; after a 5xx, or without a response, Intercom may have taken the message."""
    assert {one for one, rule in RULES.items() if rule.may_have_arrived} == {
        Disposition.SERVER_ERROR,
        Disposition.NO_RESPONSE,
        Disposition.NO_RESPONSE_TO_MESSAGE,
    }


def test_only_failures_that_the_message_is_to_blame_for_count() -> None:
    """An outage of Intercom uses up no message's attempts."""
    assert {one for one, rule in RULES.items() if rule.counts_as_message_failure} == {
        Disposition.NO_RESPONSE_TO_MESSAGE
    }


def test_state_that_is_carried_over_follows_from_the_rule() -> None:
    state = RetryState("POST", attempts=1)
    assert carry_over(state, RULES[Disposition.SERVER_ERROR]) == RetryState(
        "POST", attempts=1, previous_was_server_error=True, possible_duplicate=True
    )
    assert carry_over(state, RULES[Disposition.NO_RESPONSE_TO_MESSAGE]) == RetryState(
        "POST", attempts=1, possible_duplicate=True, message_failures=1
    )
    assert carry_over(state, RULES[Disposition.RATE_LIMITED]) == state
    assert carry_over(state, RULES[Disposition.RESOURCE_LIMITED]) == state


@given(retry_states, st.sampled_from(sorted(one for one, rule in RULES.items() if rule.action is RETRY)))
def test_possible_duplicate_stays_one_and_message_failures_stay_counted(
    state: RetryState, disposition: Disposition
) -> None:
    carried = carry_over(state, RULES[disposition])
    assert carried.possible_duplicate >= state.possible_duplicate
    assert carried.message_failures - state.message_failures == (disposition is Disposition.NO_RESPONSE_TO_MESSAGE)
    assert carried.previous_was_server_error == (disposition is Disposition.SERVER_ERROR)
    assert (carried.method, carried.attempts) == (state.method, state.attempts)


def decisions(sequence: list[AttemptResult], chosen: PolicyOptions = DEFAULTS) -> list[Disposition]:
    """What is decided for one message, given these results in turn, until no retry follows or they end."""
    made: list[Disposition] = []
    state = FRESH
    for result in sequence:
        state = state.begin_attempt(0.0, 0)
        made.append(decide(result, state, chosen))
        rule = RULES[made[-1]]
        if rule.action is not RETRY:
            break
        state = carry_over(state, rule)
    return made


@given(results, retry_states, options)
def test_every_result_ends_without_a_retry_or_with_a_delay(
    result: AttemptResult, state: RetryState, chosen: PolicyOptions
) -> None:
    rule = RULES[decide(result, state, chosen)]
    delay = rule.delay(result, state)
    if rule.action is RETRY:
        assert 0 < delay.min <= delay.max <= 61
    else:
        assert delay == NO_DELAY


@given(st.lists(results, min_size=1), options)
def test_5xx_is_never_retried_twice_in_a_row(sequence: list[AttemptResult], chosen: PolicyOptions) -> None:
    made = decisions(sequence, chosen)
    assert (Disposition.SERVER_ERROR, Disposition.SERVER_ERROR) not in list(itertools.pairwise(made))


@given(results, retry_states, options)
def test_only_a_first_5xx_sets_the_flag(result: AttemptResult, state: RetryState, chosen: PolicyOptions) -> None:
    disposition = decide(result, state, chosen)
    rule = RULES[disposition]
    assert rule.is_server_error == (disposition is Disposition.SERVER_ERROR)
    assert carry_over(state, rule).previous_was_server_error == rule.is_server_error


@given(results, retry_states, options)
def test_only_processed_messages_are_acked_and_rejected_ones_given_up(
    result: AttemptResult, state: RetryState, chosen: PolicyOptions
) -> None:
    status = result.status if isinstance(result, Response) else None
    match RULES[decide(result, state, chosen)].action:
        case Action.ACK:
            assert status is not None
            assert 200 <= status <= 299 or status == 404 or (status == 409 and state.possible_duplicate)
        case Action.GIVE_UP:
            assert status is not None
            assert status != 429
            assert not 200 <= status <= 299
            assert status != 404 or (chosen.dead_letters and chosen.dead_letter_not_found)
            assert status != 409 or not state.possible_duplicate
            assert status < 500 or state.previous_was_server_error
        case Action.RETRY:
            assert status is None or status == 429 or status >= 500
