"""What happened in each of the last minutes."""

import pytest

from intercom_sink.adapters.monitors.minutes import MAX_MINUTES, Minutes


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


def test_percentiles_are_at_most_a_tenth_too_long() -> None:
    minutes = Minutes(0)
    for number in range(1, 101):
        minutes.attempt(0, number / 100, None)
    (minute,) = minutes.recent(0)
    assert minute.p50 == pytest.approx(0.5, rel=0.1)
    assert minute.p95 == pytest.approx(0.95, rel=0.1)


def test_without_an_attempt_there_is_no_percentile() -> None:
    (minute,) = Minutes(0).recent(0)
    assert (minute.p50, minute.p95, minute.remaining) == (None, None, None)


def test_durations_beyond_the_last_class_count_as_its_bound() -> None:
    minutes = Minutes(0)
    minutes.attempt(0, 86_400, None)
    (minute,) = minutes.recent(0)
    assert minute.p50 == pytest.approx(93, rel=0.1)


def test_the_fewest_requests_left_are_kept() -> None:
    minutes = Minutes(0)
    for remaining in (90, 12, None, 60):
        minutes.attempt(0, 0.1, remaining)
    assert minutes.recent(0)[0].remaining == 12
