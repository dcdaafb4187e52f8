from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.adapters.rabbitmq.reconnect import (
    MAX_RECONNECT_DELAY,
    MIN_HEALTHY_SECONDS,
    ReconnectPolicy,
    retry_while_unavailable,
)
from intercom_sink.domain.backoff import NO_DELAY
from intercom_sink.domain.errors import BrokerUnavailable


def test_delays_grow_and_the_last_attempt_is_at_the_timeout() -> None:
    policy, now, attempts = ReconnectPolicy(60, broker_count=1), 1000.0, 0
    while (delay := policy.next_delay(now)) is not None:
        assert 0 <= delay.min <= delay.max <= MAX_RECONNECT_DELAY
        now += delay.max
        attempts += 1
    assert now == 1060
    assert 8 <= attempts <= 12


def test_a_timeout_of_0_stops_at_the_first_failure() -> None:
    assert ReconnectPolicy(0, broker_count=3).next_delay(1000) is None


def test_a_refusal_leads_to_the_next_broker_even_with_a_timeout_of_0() -> None:
    policy = ReconnectPolicy(0, broker_count=2)
    assert policy.next_delay(1000, retryable=False) == NO_DELAY
    assert policy.next_delay(1000, retryable=False) is None


def test_a_timeout_of_0_stops_at_the_first_failure_after_a_refusal() -> None:
    policy = ReconnectPolicy(0, broker_count=3)
    assert policy.next_delay(1000, retryable=False) == NO_DELAY
    assert policy.next_delay(1000, retryable=True) is None


def test_a_timeout_of_0_stops_at_a_refusal_that_ends_the_round() -> None:
    """A connection that was lost too soon is part of the round, and no broker is left to try."""
    policy = ReconnectPolicy(0, broker_count=2)
    assert policy.next_delay(1000, retryable=False) == NO_DELAY
    policy.connected(1000)
    policy.disconnected(1001)
    assert policy.next_delay(1001, retryable=False) is None


def test_every_broker_is_tried_before_there_is_a_delay() -> None:
    policy = ReconnectPolicy(60, broker_count=3)
    delays = [policy.next_delay(1000) for _ in range(6)]
    assert [delay is not None and delay.max > 0 for delay in delays] == [False, False, True, False, False, True]


def test_a_refusal_by_every_broker_in_a_row_is_the_end() -> None:
    policy = ReconnectPolicy(60, broker_count=2)
    assert policy.next_delay(1000, retryable=False) is not None
    assert policy.next_delay(1000, retryable=False) is None


def test_a_broker_that_may_come_back_is_waited_for_whatever_the_others_refuse() -> None:
    policy = ReconnectPolicy(60, broker_count=2)
    for _ in range(5):
        assert policy.next_delay(1000, retryable=False) is not None
        assert policy.next_delay(1000, retryable=True) is not None


def test_a_refusal_before_a_good_connection_does_not_count() -> None:
    policy = ReconnectPolicy(60, broker_count=2)
    assert policy.next_delay(1000, retryable=False) is not None
    policy.connected(1000)
    policy.disconnected(1100)
    assert policy.next_delay(1100, retryable=False) is not None


def test_a_connection_lost_too_soon_is_part_of_the_outage() -> None:
    policy = ReconnectPolicy(10, broker_count=1)
    assert policy.next_delay(1000) is not None
    policy.connected(1000)
    policy.disconnected(1000 + MIN_HEALTHY_SECONDS - 1)
    assert policy.next_delay(1009) is not None
    policy.connected(1009)
    policy.disconnected(1009 + MIN_HEALTHY_SECONDS - 1)
    assert policy.next_delay(1009 + MIN_HEALTHY_SECONDS - 1) is None


def test_an_outage_ends_once_a_connection_has_consumed_long_enough() -> None:
    policy = ReconnectPolicy(10, broker_count=1)
    for _ in range(3):
        assert policy.next_delay(1000) is not None
    policy.connected(1005)
    policy.disconnected(1005 + MIN_HEALTHY_SECONDS)
    delay = policy.next_delay(1005 + MIN_HEALTHY_SECONDS)
    assert delay is not None
    assert delay.max == 1, "the backoff starts over"


def test_the_first_failure_begins_the_outage_however_long_consuming_went_well() -> None:
    policy = ReconnectPolicy(10, broker_count=1)
    policy.connected(0)
    policy.disconnected(900)
    assert policy.next_delay(1000) is not None
    assert policy.next_delay(1009) is not None
    assert policy.next_delay(1010) is None


def test_the_time_that_closing_takes_does_not_count_as_consuming() -> None:
    policy = ReconnectPolicy(10, broker_count=1)
    assert policy.next_delay(1000) is not None
    policy.connected(1003)
    policy.disconnected(1004)
    assert policy.next_delay(1004 + MIN_HEALTHY_SECONDS) is not None
    assert policy.next_delay(1010) is None, "still the outage that began at 1000"


def test_an_attempt_that_never_consumed_does_not_end_the_outage() -> None:
    policy = ReconnectPolicy(10, broker_count=1)
    policy.connected(900)
    policy.disconnected(1000)
    assert policy.next_delay(1000) is not None
    policy.disconnected(1009)
    assert policy.next_delay(1010) is None


@given(st.floats(0, 1000), st.lists(st.floats(0, 100), min_size=1), st.integers(1, 5))
def test_an_outage_is_never_longer_than_the_timeout(timeout: float, steps: list[float], brokers: int) -> None:
    policy, now = ReconnectPolicy(timeout, brokers), 0.0
    for step in steps:
        delay = policy.next_delay(now)
        if delay is None:
            assert now >= timeout
            return
        assert now + delay.max <= timeout + 1e-9
        now += delay.max + step


class Attempts:
    """Scripted attempts: None succeeds, an error fails."""

    def __init__(self, *script: BrokerUnavailable | None) -> None:
        self.script = list(script)
        self.retries: list[tuple[str, float]] = []
        self.waits: list[float] = []

    def attempt(self) -> None:
        error = self.script.pop(0)
        if error is not None:
            raise error

    def on_retry(self, error: BrokerUnavailable, delay: float) -> None:
        assert len(self.retries) == len(self.waits), "before the wait"
        self.retries.append((str(error), delay))

    def run(self, timeout: float, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        def wait(seconds: float) -> bool:
            self.waits.append(seconds)
            return is_cancelled()

        policy = ReconnectPolicy(timeout, broker_count=1)
        retry_while_unavailable(self.attempt, policy, on_retry=self.on_retry, wait=wait)


def test_an_attempt_that_succeeds_is_the_only_one() -> None:
    attempts = Attempts(None)
    attempts.run(timeout=60)
    assert attempts.waits == []


def test_attempts_go_on_after_the_policy_s_delays_until_one_succeeds() -> None:
    attempts = Attempts(BrokerUnavailable("one"), BrokerUnavailable("two"), None)
    attempts.run(timeout=60)
    assert [reason for reason, _ in attempts.retries] == ["one", "two"]
    assert [delay for _, delay in attempts.retries] == attempts.waits
    first, second = attempts.waits
    assert 0.5 <= first <= 1
    assert 1 <= second <= 2


def test_the_last_error_is_raised_when_the_policy_gives_up() -> None:
    attempts = Attempts(BrokerUnavailable("the last"))
    with pytest.raises(BrokerUnavailable, match="the last"):
        attempts.run(timeout=0)
    assert attempts.retries == []


def test_an_error_that_is_not_retryable_is_raised_at_once() -> None:
    attempts = Attempts(BrokerUnavailable("one"), BrokerUnavailable("refused", retryable=False))
    with pytest.raises(BrokerUnavailable, match="refused"):
        attempts.run(timeout=60)
    assert [reason for reason, _ in attempts.retries] == ["one"]


def test_a_cancelled_wait_ends_the_attempts() -> None:
    attempts = Attempts(BrokerUnavailable("one"), None)
    attempts.run(timeout=60, is_cancelled=lambda: True)
    assert attempts.script == [None]


def test_any_other_exception_is_raised_as_it_is() -> None:
    def attempt() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retry_while_unavailable(
            attempt, ReconnectPolicy(60, broker_count=1), on_retry=lambda *_: None, wait=lambda _: False
        )
