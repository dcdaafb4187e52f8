"""Median and maximum in bounded memory."""

import random
import statistics

import pytest

from intercom_sink.adapters.monitors.response_times import ResponseTimes


def times_of(*seconds: float) -> ResponseTimes:
    times = ResponseTimes()
    for one in seconds:
        times.add(one)
    return times


def test_without_a_response_there_is_nothing_to_show() -> None:
    assert (times_of().quantile(0.5), times_of().slowest, times_of().fields()) == (None, None, {})


@pytest.mark.parametrize("scale", [0.001, 0.02, 0.2, 3.0, 60.0])
def test_median_is_exact_to_a_bucket_and_the_maximum_exact(scale: float) -> None:
    draw = random.Random(1)
    seconds = [draw.expovariate(1 / scale) for _ in range(1001)]
    times = times_of(*seconds)
    assert times.quantile(0.5) == pytest.approx(statistics.median(seconds), rel=0.026)
    assert times.slowest == max(seconds)


def test_median_is_never_over_the_slowest() -> None:
    assert times_of(0.2).fields() == {"median_ms": pytest.approx(200, rel=0.026), "slowest_ms": 200.0}
    assert (times_of(0.2).quantile(0.5) or 1) <= 0.2


@pytest.mark.parametrize("extreme", [0.0, 1e9])
def test_times_out_of_bounds_are_counted_too(extreme: float) -> None:
    times = times_of(extreme)
    assert times.slowest == extreme
    assert times.quantile(0.5) is not None


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.95, 1.0])
def test_share_of_the_response_times_does_not_exceed_the_quantile(share: float) -> None:
    times = times_of(*(number / 100 for number in range(1, 101)))
    assert times.quantile(share) == pytest.approx(max(share, 0.01), rel=0.026)


def test_merging_adds_all_times() -> None:
    times = times_of(0.1)
    times.merge(times_of())
    times.merge(times_of(0.2, 0.2))
    assert times.slowest == 0.2
    assert times.quantile(0.5) == pytest.approx(0.2, rel=0.026)
    empty = times_of()
    empty.merge(times_of())
    assert empty.slowest is None


def test_memory_is_bounded() -> None:
    times = times_of(*(number / 1000 for number in range(5000)))
    assert len(times._counts) < 500
