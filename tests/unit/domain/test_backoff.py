"""Exponential backoff with jitter."""

from hypothesis import given
from hypothesis import strategies as st

from intercom_sink.domain.backoff import Delay, draw_uniform, exponential


def test_delay_doubles_up_to_its_maximum() -> None:
    delays = [exponential(failures, 60.0) for failures in range(1, 10)]
    assert [delay.max for delay in delays] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_jitter_is_half_of_the_delay() -> None:
    for failures in range(1, 10):
        delay = exponential(failures, 60.0)
        assert delay.min == delay.max / 2


@given(st.integers(1, 10**9))
def test_delay_stays_within_its_bounds(failures: int) -> None:
    delay = exponential(failures, 60.0)
    assert 0.5 <= delay.min <= delay.max <= 60.0


def test_delays_are_drawn_uniformly_from_their_range() -> None:
    drawn = [draw_uniform(Delay(2, 3)) for _ in range(1000)]
    assert 2 <= min(drawn) < 2.1
    assert 2.9 < max(drawn) <= 3
