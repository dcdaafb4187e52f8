"""What happened in each of the last minutes."""

import pytest

from intercom_sink.adapters.monitors.state.minutes import MAX_MINUTES, Minutes


def test_each_minute_has_its_own_counts() -> None:
    minutes = Minutes(1000)
    minutes.settled(1001)
    minutes.settled(1059, given_up=True)
    minutes.retry(1060)
    first, second = minutes.recent(1061)
    assert (first.settled, first.given_up, first.retries) == (2, 1, 0)
    assert (second.settled, second.given_up, second.retries) == (0, 0, 1)


def test_minutes_in_which_nothing_happened_are_listed_too() -> None:
    minutes = Minutes(0)
    minutes.settled(0)
    assert [minute.settled for minute in minutes.recent(180)] == [1, 0, 0, 0]


def test_only_the_last_minutes_are_kept() -> None:
    minutes = Minutes(0)
    for number in range(100):
        minutes.settled(60 * number)
    recent = minutes.recent(60 * 99)
    assert [minute.number for minute in recent] == list(range(100 - MAX_MINUTES, 100))
    assert {minute.settled for minute in recent} == {1}
    assert {minute.settled for minute in minutes.recent(60 * 1000)} == {0}


def test_minute_has_the_quantiles_of_its_own_response_times() -> None:
    minutes = Minutes(0)
    minutes.response(0, 300, None)
    for number in range(1, 101):
        minutes.response(60, number / 100, None)
    first, second = minutes.recent(60)
    assert [first.p50, first.p95] == pytest.approx([300, 300], rel=0.026)
    assert [second.p50, second.p95] == pytest.approx([0.5, 0.95], rel=0.026)


def test_without_a_response_there_is_no_quantile() -> None:
    (minute,) = Minutes(0).recent(0)
    assert (minute.p50, minute.p95, minute.remaining) == (None, None, None)


def test_the_fewest_requests_left_are_kept() -> None:
    minutes = Minutes(0)
    for remaining in (90, 12, None, 60):
        minutes.response(0, 0.1, remaining)
    assert minutes.recent(0)[0].remaining == 12
