"""What is remembered between the attempts at one message."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.domain.policy import RULES, Disposition, carry_over
from intercom_sink.domain.retry_state import RetryState
from tests.support.strategies import retry_states

FRESH = RetryState("POST")


def test_retry_state_remembers_the_attempts() -> None:
    first = FRESH.begin_attempt(unix_time=100.0, outage_failures=0)
    assert first == RetryState("POST", 1, 100.0, 100.0)
    second = carry_over(first, RULES[Disposition.SERVER_ERROR]).begin_attempt(unix_time=105.0, outage_failures=3)
    assert second == RetryState(
        "POST", 2, 100.0, 105.0, previous_was_server_error=True, possible_duplicate=True, outage_failures=3
    )
    third = carry_over(second, RULES[Disposition.RATE_LIMITED]).begin_attempt(unix_time=120.0, outage_failures=0)
    assert third == RetryState("POST", 3, 100.0, 120.0, previous_was_server_error=False, possible_duplicate=True)


def test_message_that_was_never_sent_has_no_attempts() -> None:
    assert (FRESH.attempts, FRESH.first_attempt_at, FRESH.last_attempt_at) == (0, None, None)
    assert not FRESH.previous_was_server_error
    assert not FRESH.possible_duplicate
    assert FRESH.message_failures == 0


@given(retry_states, st.floats(0, 1e9), st.integers(0, 100))
def test_beginning_an_attempt_forgets_nothing_of_the_earlier_ones(
    state: RetryState, unix_time: float, outage_failures: int
) -> None:
    begun = state.begin_attempt(unix_time, outage_failures)
    assert begun.attempts == state.attempts + 1
    assert (begun.last_attempt_at, begun.outage_failures) == (unix_time, outage_failures)
    assert begun.previous_was_server_error == state.previous_was_server_error
    assert begun.possible_duplicate == state.possible_duplicate
    assert (begun.method, begun.message_failures) == (state.method, state.message_failures)


@given(retry_states)
def test_marking_a_possible_duplicate_changes_nothing_else(state: RetryState) -> None:
    assert state.mark_possible_duplicate() == replace(state, possible_duplicate=True)
